"""Recency: what a user liked last says more of what comes next than what was liked long ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat

__all__ = ["Recency", "RecencyConfig"]


class RecencyConfig(BaseModel):
    """How strongly recent items may count; of the listed values the best on validation is taken for each signal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    boost: tuple[NonNegativeFloat, ...] = Field(default=(0, 1, 3, 8), min_length=1)
    """What the last item weighs above 1. [0] lets all items of a history weigh the same."""

    half_life: tuple[PositiveFloat, ...] = Field(default=(1, 3, 10, 30), min_length=1)
    """After how many further items of the history the boost has halved."""

    def choices(self) -> list[Recency]:
        """All that can be taken, no boost first."""
        boosted = [Recency(b, h) for b in self.boost if b > 0 for h in self.half_life]
        return [Recency()] * (0 in self.boost or not boosted) + boosted


@dataclass(frozen=True)
class Recency:
    r"""Weighs the items of a history by :math:`1 + b \, 2^{-(s - 1) / h}`, s counted from 1 at the last item.

    Attributes:
        boost: b, 0 for none.
        half_life: h, in items.
    """

    boost: float = 0.0
    half_life: float = 1.0

    def weights(self, steps: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
        """Weight of each item, by how many steps ago it was liked (1 for the last), same shape."""
        return np.asarray(1 + self.boost * np.exp2(-(steps - 1) / self.half_life), dtype=np.float32)
