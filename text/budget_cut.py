"""The longest beginning of a text that an encoder reads, ended where a sentence or a word ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["BYTES_PER_TOKEN", "LONGEST_TOKEN", "CountTokens", "estimated_tokens", "shortened"]

CountTokens = Callable[[list[str]], Sequence[int]]
"""Tokens of each of some texts, special ones not counted."""

BYTES_PER_TOKEN = 4

_WORD_END = re.compile(r"\S(?=\s|$)")
_SENTENCES = re.compile(r".*(?:[.!?…]['\")\]”’]?(?=\s|$)|[。！？])", re.DOTALL)
_MOSTLY = 0.7
"""Part of what fits that must be left for a text to end with a sentence instead of a word."""
LONGEST_TOKEN = 16
"""Characters of a token at most, for the first guess; if tokens are longer, a little more is cut than need be."""
_LONGEST_WORD = 40
"""Where words are longer on average, blanks do not part them, as in Chinese: any character ends one."""

Numbers = npt.NDArray[np.int64]


def estimated_tokens(texts: pa.Array) -> Numbers:
    """About how many tokens each text has: one for 4 bytes of UTF-8, rounded up, shape (n,)."""
    return -(-np.asarray(pc.binary_length(texts), dtype=np.int64) // BYTES_PER_TOKEN)


def shortened(texts: Sequence[str], limits: Numbers, count: CountTokens | None) -> list[str]:
    """The beginnings of texts that have no more tokens than their limits.

    Each ends at the last sentence that fits, if that leaves most of what fits, and else at the last word.

    Args:
        texts: the texts.
        limits: most tokens of each, shape (n,).
        count: counts tokens; None estimates them.
    """
    if count is None:
        return [_ended(_beginning(text, int(limit)), text) for text, limit in zip(texts, limits.tolist(), strict=True)]
    starts = [text[: max(int(limit), 0) * LONGEST_TOKEN] for text, limit in zip(texts, limits.tolist(), strict=True)]
    ends = [_word_ends(start) for start in starts]
    # No word has less than a token.
    most = [
        len(end) if len(end) == len(start) else min(len(end), max(int(limit), 0))
        for end, start, limit in zip(ends, starts, limits.tolist(), strict=True)
    ]
    low, high = np.zeros(len(texts), dtype=np.int64), np.array(most, dtype=np.int64)
    # All texts are halved at once, so that the tokenizer is asked a few times, not once a text.
    while len(rows := np.flatnonzero(low < high)):
        middle = (low[rows] + high[rows] + 1) // 2
        tried = [starts[r][: ends[r][m - 1]] for r, m in zip(rows.tolist(), middle.tolist(), strict=True)]
        fits = np.asarray(count(tried), dtype=np.int64) <= limits[rows]
        low[rows[fits]] = middle[fits]
        high[rows[~fits]] = middle[~fits] - 1
    return [
        _ended(start[: end[n - 1]] if n else "", start)
        for start, end, n in zip(starts, ends, low.tolist(), strict=True)
    ]


def _beginning(text: str, limit: int) -> str:
    """As many words as fit by the estimate."""
    raw = text.encode("utf-8", "replace")
    room = max(limit, 0) * BYTES_PER_TOKEN
    if len(raw) <= room:
        return text
    cut = raw[:room].decode("utf-8", "ignore")
    if text[len(cut)].isspace():
        return cut
    blank = cut.rfind(" ")
    return cut[:blank] if blank > 0 and len(cut) - blank <= _LONGEST_WORD else cut


def _word_ends(text: str) -> list[int]:
    ends = [found.end() for found in _WORD_END.finditer(text)]
    return ends if ends and len(text) <= _LONGEST_WORD * len(ends) else list(range(1, len(text) + 1))


def _ended(cut: str, whole: str) -> str:
    """A text that was cut, back to the end of its last sentence if that leaves most of it."""
    if cut == whole:
        return cut
    sentences = _SENTENCES.match(cut)
    last = 0 if sentences is None else sentences.end()
    return cut[:last] if last > _MOSTLY * len(cut) else cut.rstrip(" ,;:-–(")
