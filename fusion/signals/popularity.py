"""Popularity: what most people like, the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...kg import Interactions
from .signal import Arrays, Audience, Scores

__all__ = ["Popularity"]


@dataclass(frozen=True, eq=False)
class Popularity:
    """Scores an item by log(1 + number of users that interacted with it).

    The logarithm changes no ranking by popularity alone; in a blend it keeps a few hits from drowning the rest.
    """

    kind: ClassVar[str] = "popularity"

    counts: npt.NDArray[np.float32]
    """Users per item, shape (items,)."""

    @classmethod
    def fit(cls, interactions: Interactions) -> Popularity:
        """Count the users of each item."""
        return cls(np.asarray(interactions.matrix().sum(axis=0), dtype=np.float32))

    def score(self, audience: Audience) -> Scores:
        """The same row for every user, shape (batch, items)."""
        return np.broadcast_to(np.log1p(self.counts), (len(audience), len(self.counts)))

    def arrays(self) -> Arrays:
        """The counts."""
        return {"counts": self.counts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Popularity:
        """The signal of these counts."""
        return cls(arrays["counts"])
