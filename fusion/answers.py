"""What a recommender answers with: items for a user, items like another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from .explain import Explanation

__all__ = ["Recommendation", "SimilarItem", "Warmth"]

Warmth = Literal["hot", "warm", "cold"]
"""hot: known to the training; warm: folded in from a history; cold: no history, so the answer is what is popular."""


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        user_id: whom for.
        item_id: what.
        rank: from 1.
        score: blended score; comparable within one user's list alone.
        title: the item's display name.
        signals: what each signal adds to the score.
        warmth: how well the user is known.
        paths: why, if asked for.
    """

    user_id: str
    item_id: str
    rank: int
    score: float
    title: str
    signals: Mapping[str, float]
    warmth: Warmth
    paths: tuple[Explanation, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return {**asdict(replace(self, paths=())), "paths": [path.as_record() for path in self.paths]}


@dataclass(frozen=True)
class SimilarItem:
    """An item like another.

    Attributes:
        item_id: the like one.
        rank: from 1.
        score: cosine of the two items' embeddings.
        title: its display name.
        shared: labels of entities both are linked to, rarest first, as (relation, label).
    """

    item_id: str
    rank: int
    score: float
    title: str
    shared: tuple[tuple[str, str], ...]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)
