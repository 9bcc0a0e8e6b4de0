"""What encoding cost and what it could not read: counts of texts and tokens, and the warnings that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .scripts import script_of

__all__ = ["EncodingStats", "unread_texts"]

_UNREAD = 0.3
"""A text is unread if more than this share of its own tokens is unknown."""

_SPELLED = 0.75
"""A text is unread too if so many of its tokens are single letters: the tokenizer knows these, but no word of it."""

_WHOLE = {"", "Latin", "Chinese", "Japanese", "Korean", "Thai"}
"""Scripts in which single characters mean nothing: one is a word there, or there are no letters at all."""

_TOKENS_WORTH_A_WARNING = 0.05
_TEXTS_WORTH_A_WARNING = 0.001
_EXAMPLES = 3
_EXAMPLE_LENGTH = 60


@dataclass(frozen=True)
class EncodingStats:
    """Counts of an encoder's work; those of several calls add up.

    Attributes:
        texts: texts asked for.
        missing: texts without a token of their own, which have no vector.
        tokens: tokens the model ran on, special ones and prompts included, padding not.
        padding: padding tokens the model ran on besides.
        cut: texts longer than the limit, of which only the start was read.
        unknown: tokens that stand for "something the tokenizer does not know".
        unread: texts of which the model sees next to nothing: over 30 % of their tokens are unknown, or a script without
            words in the vocabulary was taken apart into single letters.
        seconds: time taken, tokenising included.
        scripts: texts unread, by the script they are written in.
        examples: the first few unread texts, shortened.
    """

    texts: int = 0
    missing: int = 0
    tokens: int = 0
    padding: int = 0
    cut: int = 0
    unknown: int = 0
    unread: int = 0
    seconds: float = 0.0
    scripts: dict[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def __add__(self, other: EncodingStats) -> EncodingStats:
        """The counts of both."""
        return EncodingStats(
            texts=self.texts + other.texts,
            missing=self.missing + other.missing,
            tokens=self.tokens + other.tokens,
            padding=self.padding + other.padding,
            cut=self.cut + other.cut,
            unknown=self.unknown + other.unknown,
            unread=self.unread + other.unread,
            seconds=self.seconds + other.seconds,
            scripts=dict(Counter(self.scripts) + Counter(other.scripts)),
            examples=(*self.examples, *other.examples)[:_EXAMPLES],
        )

    @property
    def texts_per_second(self) -> float:
        """Texts a second; NaN before the first."""
        return self.texts / self.seconds if self.seconds else float("nan")

    @property
    def padding_share(self) -> float:
        """Share of the tokens run that were padding, from 0 to 1; NaN before the first."""
        run = self.tokens + self.padding
        return self.padding / run if run else float("nan")

    @property
    def unknown_share(self) -> float:
        """Share of the tokens that are unknown, from 0 to 1; NaN before the first."""
        return self.unknown / self.tokens if self.tokens else float("nan")

    def describe(self) -> str:
        """All counts in one line."""
        if not self.texts:
            return "no texts encoded"
        return (
            f"{self.texts:,} texts, {self.texts_per_second:,.0f}/s, {self.tokens:,} tokens, {self.padding_share:.1%} padding, "
            f"{self.missing:,} without text, {self.cut:,} cut, {self.unknown_share:.1%} of tokens unknown"
        ).replace("nan%", "0.0%")

    def warnings(self) -> list[str]:
        """What a user should know: nothing, or that the model cannot read some of the texts, with examples and remedy.

        Said where over 5 % of all tokens are unknown, or over one text in a thousand is unread.
        """
        told = self.texts - self.missing
        much = self.unread > _TEXTS_WORTH_A_WARNING * told or self.unknown > _TOKENS_WORTH_A_WARNING * self.tokens
        if not self.tokens or not much:
            return []
        shown = ", such as " + ", ".join(f'"{text}"' for text in self.examples) if self.examples else ""
        written = ", ".join(f"{name}: {count:,}" for name, count in sorted(self.scripts.items(), key=lambda s: -s[1]))
        message = (
            f"the text encoder cannot read {self.unread:,} of {told:,} texts"
            f"{f' ({written})' if written else ''}{shown}; {self.unknown_share:.1%} of all tokens are unknown to it, so its "
            "vectors say little about them: take encoder: multilingual, or the folder of a model for these languages"
        )
        return [message]


def unread_texts(
    texts: Sequence[str],
    own: npt.NDArray[np.int64],
    unknown: npt.NDArray[np.int64],
    letters: npt.NDArray[np.int64],
) -> tuple[int, dict[str, int], tuple[str, ...]]:
    """How many texts a tokenizer makes little of, how many for each script, and the first few.

    Args:
        texts: the texts, without prompts.
        own: tokens of each, shape (texts,), special ones and prompts not counted.
        unknown: how many of them are unknown, shape (texts,).
        letters: how many of them are a single character, shape (texts,).
    """
    # Scripts are told letter by letter, which is slow, so only texts that may be unread are looked at.
    blind = unknown > _UNREAD * own
    spelled = ~blind & (own >= 4) & (letters >= _SPELLED * own)
    counts: Counter[str] = Counter()
    examples: list[str] = []
    for row in np.flatnonzero(blind | spelled).tolist():
        script = script_of(texts[row])
        if spelled[row] and script in _WHOLE:
            continue
        counts[script or "no letters"] += 1
        if len(examples) < _EXAMPLES:
            examples.append(texts[row][:_EXAMPLE_LENGTH])
    return counts.total(), dict(counts), tuple(examples)
