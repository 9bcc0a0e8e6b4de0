"""Texts as token ids, with the counts of what was cut off and what the tokenizer does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..kg import ConfigError
from .encoding_stats import EncodingStats, unread_texts

__all__ = ["TokenReader", "TokenTexts", "clean"]

_TEXTS_AT_ONCE = 8192
"""Texts in one call of the tokenizer, whose own result takes some 4 kB a text: the ids kept of it take 200 bytes."""

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class TokenTexts:
    """Token ids of texts.

    Attributes:
        ids: of each text, prompt and special ones included; none for a text without a token of its own.
        prompt: tokens at the start of each text that are the prompt's or stand before it; 0 without a prompt.
        stats: counts of texts, tokens, and what could not be read.
    """

    ids: list[Ids]
    prompt: int
    stats: EncodingStats


class TokenReader:
    """A tokenizer of transformers with a limit.

    Args:
        tokenizer: a tokenizer as `AutoTokenizer` gives it.
        limit: longest text in tokens, special ones included.
        lowercase: whether texts are put into lower case first.
    """

    def __init__(self, tokenizer: Any, limit: int, *, lowercase: bool = False) -> None:
        self._tokenizer = tokenizer
        self._limit = limit
        self._lowercase = lowercase

    @property
    def padding(self) -> int:
        """The id that fills up a batch; it is masked, so any will do."""
        return self._tokenizer.pad_token_id or 0

    def read(self, texts: Sequence[str], prompt: str = "") -> TokenTexts:
        """Token ids of each text behind the prompt.

        Raises:
            ConfigError: if the prompt leaves no room for a text.
        """
        before = self._prompt_tokens(prompt)
        ids: list[Ids] = []
        stats = EncodingStats()
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = [clean(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
            read, cut = self._ids([self._cased(prompt + text) if text else "" for text in part])
            own = [row[: len(row) * there] for row, there in zip(read, self._present(part, read, before), strict=True)]
            stats += self._stats(part, own, cut, before)
            ids.extend(own)
        return TokenTexts(ids, before - self._special + self._leading if prompt else 0, stats)

    def _present(self, texts: list[str], ids: list[Ids], before: int) -> list[bool]:
        """Whether each text has a token of its own."""
        present = [bool(text) and len(row) > before for text, row in zip(texts, ids, strict=True)]
        if before > self._special:
            # The blank behind a prompt is a token of some tokenizers where no word follows: few tokens prove nothing.
            short = [row for row, there in enumerate(present) if there and len(ids[row]) <= before + 2]
            for row, alone in zip(short, self._ids([self._cased(texts[row]) for row in short])[0], strict=True):
                present[row] = len(alone) > self._special
        return present

    def _cased(self, text: str) -> str:
        return text.lower() if self._lowercase else text

    @cached_property
    def _special(self) -> int:
        return int(self._tokenizer.num_special_tokens_to_add())

    @cached_property
    def _leading(self) -> int:
        """Special tokens before the text: those after it come from the end of what an empty text gives."""
        bare, some = self._ids(["", "a"])[0]
        same = [one == other for one, other in zip(bare, some, strict=False)]
        return same.index(False) if False in same else len(bare)

    def _prompt_tokens(self, prompt: str) -> int:
        """Tokens of a text that is nothing but the prompt."""
        if not prompt.strip():
            return self._special
        tokens = len(self._ids([self._cased(prompt.rstrip())])[0][0])
        if tokens >= self._limit:
            raise ConfigError(
                f"the prompt {prompt!r} takes all {self._limit} tokens, so no text is read: raise text.max_tokens or shorten "
                "text.prompts"
            )
        return tokens

    def _ids(self, texts: list[str]) -> tuple[list[Ids], int]:
        """Token ids of each text, and how many of them were cut."""
        if not texts:
            return [], 0
        encoded = self._tokenizer(
            texts,
            truncation=True,
            max_length=self._limit,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        ids = [np.array(row, dtype=np.int32) for row in encoded["input_ids"]]
        full = [row for row, own in enumerate(ids) if len(own) >= self._limit]
        # A tokenizer written in Python does not keep what it cut off; there a full text counts as a cut one.
        parts = encoded.encodings
        return ids, len(full) if parts is None else sum(bool(parts[row].overflowing) for row in full)

    def _stats(self, texts: list[str], ids: list[Ids], cut: int, before: int) -> EncodingStats:
        lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
        flat = np.concatenate([*ids, np.empty(0, np.int32)])
        unknown = _sums(flat == self._unknown, lengths)
        own = np.where(lengths > 0, lengths - before, 0)
        unread, scripts, examples = unread_texts(texts, own, unknown, _sums(self._letters[flat], lengths))
        return EncodingStats(
            texts=len(texts),
            missing=int(np.count_nonzero(lengths == 0)),
            tokens=int(lengths.sum()),
            cut=cut,
            unknown=int(unknown.sum()),
            unread=unread,
            scripts=scripts,
            examples=examples,
        )

    @cached_property
    def _unknown(self) -> int:
        number = self._tokenizer.unk_token_id
        # Some language models declare their end-of-text token to be the unknown one, which their bytes never need.
        return (
            -1 if number is None or number in (self._tokenizer.eos_token_id, self._tokenizer.pad_token_id) else number
        )

    @cached_property
    def _letters(self) -> npt.NDArray[np.bool_]:
        """Of each id whether it is a single character."""
        vocabulary = self._tokenizer.get_vocab()
        single = np.zeros(max(vocabulary.values(), default=-1) + 1, dtype=np.bool_)
        for token, number in vocabulary.items():
            single[number] = len(token.removeprefix("##").lstrip("\u2581\u0120")) == 1
        return single


def clean(text: str) -> str:
    """The text without blanks around it, and with "?" for each half of a surrogate pair.

    Half a pair, as broken JSON yields it, is no Unicode text, and tokenizers refuse it.
    """
    return text.encode("utf-8", errors="replace").decode("utf-8").strip()


def _sums(values: npt.NDArray[np.bool_], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many of the values are true in each run of the given length."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    end = np.cumsum(lengths)
    counts: npt.NDArray[np.int64] = total[end] - total[end - lengths]
    return counts
