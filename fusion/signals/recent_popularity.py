"""Recent popularity: what people have taken to of late, the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from ...kg import Interactions
from .material import Material
from .recipe import Setting
from .signal import Arrays, Audience, Scores

__all__ = ["RecentPopularity", "RecentPopularityConfig"]

DAY = 24 * 3600.0


class RecentPopularityConfig(BaseModel):
    """Configuration of recent popularity; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life_days: tuple[PositiveFloat, ...] = Field(default=(1, 7, 30, 180), min_length=1)
    """After how many days an interaction counts half, where the log tells times."""

    half_life_steps: tuple[PositiveFloat, ...] = Field(default=(1, 3, 10), min_length=1)
    """Where it tells none: after how many further items of the same user."""

    def choices(self) -> Sequence[Setting]:
        """All that can be taken: `fit` takes the half-life that the log has a use for.

        The two lists go side by side, since one log needs only one of them; the shorter one's last value repeats.
        """
        days, steps = self.half_life_days, self.half_life_steps
        count = max(len(days), len(steps))
        pairs = ((days[min(n, len(days) - 1)], steps[min(n, len(steps) - 1)]) for n in range(count))
        return [{"half_life_days": d, "half_life_steps": s} for d, s in pairs]

    def fit(self, material: Material, setting: Setting) -> RecentPopularity:
        """The counts by one setting."""
        return RecentPopularity.fit(material.positives, **setting)


@dataclass(frozen=True, eq=False)
class RecentPopularity:
    r"""Scores an item by :math:`\log(1 + \sum_u 2^{-a / h})` over its users, a the age of the interaction, h the half-life.

    The age is counted back from the last time of the log; where the log has no times, from each user's last item. In such
    a log the rows of different users say nothing of who came first. A repeated pair counts by its last time.
    """

    kind: ClassVar[str] = "recent_popularity"

    counts: npt.NDArray[np.float32]
    """Discounted users per item, shape (items,)."""

    @classmethod
    def fit(
        cls, interactions: Interactions, *, half_life_days: float = 30.0, half_life_steps: float = 3.0
    ) -> RecentPopularity:
        """Count the users of each item, by how long ago.

        Args:
            interactions: what to count; rows of one user in order.
            half_life_days: taken where there are times.
            half_life_steps: taken where there are none.
        """
        item, ages = _ages(interactions)
        half_life = half_life_steps if interactions.time is None else half_life_days
        counts = np.bincount(item, weights=np.exp2(-ages / half_life), minlength=len(interactions.items))
        return cls(counts.astype(np.float32))

    def score(self, audience: Audience) -> Scores:
        """The same row for every user, shape (batch, items)."""
        return np.broadcast_to(np.log1p(self.counts), (len(audience), len(self.counts)))

    def arrays(self) -> Arrays:
        """The counts."""
        return {"counts": self.counts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> RecentPopularity:
        """The signal of these counts."""
        return cls(arrays["counts"])


def _ages(interactions: Interactions) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Item and age of each pair: in days where times are known, else in steps."""
    if interactions.time is None:
        steps = interactions.steps()
        return steps.indices.astype(np.int64), steps.data.astype(np.float64) - 1
    pair = interactions.user.astype(np.int64) * len(interactions.items) + interactions.item
    # The first from the end is the last in time.
    cells, from_end = np.unique(pair[::-1], return_index=True)
    age = (interactions.time.max(initial=-np.inf) - interactions.time[::-1][from_end]) / DAY
    return cells % max(len(interactions.items), 1), age
