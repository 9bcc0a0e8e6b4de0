"""What reviews speak of ("battery life"): phrases found in columns, grouped by meaning, with an opinion for each item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from .aspect_groups import grouped
from .aspect_phrases import Phrases, phrases_of
from .encoder import TextEncoder
from .sentiment import Opinions

__all__ = ["Aspects", "AspectsConfig", "aspects_of"]

Numbers = npt.NDArray[np.int64]


class AspectsConfig(BaseModel):
    """Which phrases are aspects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_reviews: int = Field(default=5, ge=1)
    """Reviews that speak of it at least, 1 or more."""

    min_items: int = Field(default=3, ge=1)
    """Items whose reviews speak of it at least, 1 or more."""

    most: int = Field(default=200, ge=1)
    """Phrases for each type of item, 1 or more, those that most tell its items apart (by tf-idf, an item a document)."""


@dataclass(frozen=True, eq=False)
class Aspects:
    """What is said of items, one row for each pair of an item and an aspect.

    Attributes:
        names: the aspects, each called as it is said most often, large_string.
        item: item number of each row, shape (n,).
        aspect: index into names of each row, shape (n,).
        polarity: mean polarity in [-1, 1] of the clauses of the item's reviews that say it, shape (n,).
        count: reviews of the item that say it, shape (n,).
        phrases: which phrases each aspect stands for, in the order of names.
    """

    names: pa.Array
    item: Numbers
    aspect: Numbers
    polarity: npt.NDArray[np.float32]
    count: Numbers
    phrases: tuple[tuple[str, ...], ...]

    @property
    def weight(self) -> npt.NDArray[np.float32]:
        """`polarity * log(1 + count)` of each row: what many agree on weighs more, shape (n,)."""
        return np.asarray(self.polarity * np.log1p(self.count), dtype=np.float32)

    def __len__(self) -> int:
        return len(self.item)

    def __repr__(self) -> str:
        return f"Aspects({len(self.names):,} aspects, {len(self):,} pairs of item and aspect)"


def aspects_of(
    opinions: Opinions,
    item: npt.NDArray[np.integer],
    encoder: TextEncoder,
    config: AspectsConfig | None = None,
    item_type: npt.NDArray[np.integer] | None = None,
) -> Aspects:
    """Find what reviews speak of, and what they think of it.

    Args:
        opinions: of the reviews, which stand in English.
        item: item number of each review, shape (reviews,).
        encoder: tells which phrases mean the same.
        config: which phrases are aspects.
        item_type: a type number of each item, shape (items,): what is usual for one type is not asked of another.
    """
    config = config or AspectsConfig()
    clauses = opinions.clauses
    phrases = phrases_of(clauses.distinct)
    mention = _mentions(phrases, clauses.clause)
    review = clauses.text[mention.row]
    kind = (
        np.zeros(len(review), dtype=np.int64)
        if item_type is None
        else np.asarray(item_type, dtype=np.int64)[item[review]]
    )
    kept = _kept(mention.phrase, review, np.asarray(item, dtype=np.int64)[review], kind, len(phrases.names), config)
    group, leader = grouped(phrases.names, kept, np.bincount(mention.phrase, minlength=len(phrases.names)), encoder)
    inside = group[mention.phrase] >= 0
    aspect, review, row = group[mention.phrase[inside]], review[inside], mention.row[inside]
    # A clause that says "battery" and "battery life" says one thing.
    aspect, row = _distinct(aspect, row)
    review = clauses.text[row]
    polarity = opinions.of_clause[clauses.clause[row]]
    known = ~np.isnan(polarity)
    return _by_item(np.asarray(item, dtype=np.int64)[review], aspect, review, polarity, known, phrases, group, leader)


@dataclass(frozen=True, eq=False)
class _Mentions:
    phrase: Numbers
    row: Numbers


def _mentions(phrases: Phrases, clause: Numbers) -> _Mentions:
    """Each phrase of each mention of a clause: which phrase, and which mention."""
    start = np.searchsorted(phrases.clause, np.arange(phrases.n_clauses + 1))
    counts = (start[1:] - start[:-1])[clause]
    row = np.repeat(np.arange(len(clause)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _Mentions(phrases.phrase[start[clause][row] + within], row)


def _kept(phrase: Numbers, review: Numbers, item: Numbers, kind: Numbers, n: int, config: AspectsConfig) -> Numbers:
    """The phrases that are said often enough within a type of item, and are among its most telling ones."""
    chosen = np.zeros(n, dtype=bool)
    for one in np.unique(kind):
        rows = kind == one
        said, _ = _distinct(phrase[rows], review[rows])
        reviews = np.bincount(said, minlength=n)
        of, _ = _distinct(phrase[rows], item[rows])
        items = np.bincount(of, minlength=n)
        n_items = len(np.unique(item[rows]))
        worth = reviews * np.log1p(n_items / np.maximum(items, 1))
        enough = np.flatnonzero((reviews >= config.min_reviews) & (items >= config.min_items))
        chosen[enough[np.argsort(-worth[enough], kind="stable")[: config.most]]] = True
    return np.flatnonzero(chosen)


def _distinct(first: Numbers, second: Numbers) -> tuple[Numbers, Numbers]:
    """Distinct pairs, by the second and then the first."""
    if len(first) == 0:
        return first, second
    width = int(first.max()) + 1
    high, low = np.divmod(np.unique(second * width + first), width)
    return low, high


def _by_item(
    item: Numbers,
    aspect: Numbers,
    review: Numbers,
    polarity: npt.NDArray[np.float32],
    known: npt.NDArray[np.bool_],
    phrases: Phrases,
    group: Numbers,
    leader: Numbers,
) -> Aspects:
    n = len(leader)
    pairs, at = np.unique(item[known] * max(n, 1) + aspect[known], return_inverse=True)
    said = np.bincount(at, minlength=len(pairs))
    mean = np.bincount(at, polarity[known], minlength=len(pairs)) / np.maximum(said, 1)
    once, _ = _distinct(at.astype(np.int64), review[known])
    members = [tuple(phrases.names.take(pa.array(np.flatnonzero(group == g))).to_pylist()) for g in range(n)]
    return Aspects(
        phrases.names.take(pa.array(leader)),
        pairs // max(n, 1),
        pairs % max(n, 1),
        mean.astype(np.float32),
        np.bincount(once, minlength=len(pairs)),
        tuple(members),
    )
