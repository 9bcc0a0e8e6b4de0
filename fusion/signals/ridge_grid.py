"""The grid that linear item-item models are chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat

from .recipe import Setting

__all__ = ["Dropout", "RidgeGrid"]

Dropout = Annotated[float, Field(ge=0, lt=1)]
"""The share of a history that is hidden at random."""


class RidgeGrid(BaseModel):
    """Penalties, entity weights and dropouts; what each is, and its default, says the model that has the grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    l2: tuple[PositiveFloat, ...]
    entity_weight: tuple[NonNegativeFloat, ...]
    dropout: tuple[Dropout, ...]

    def without_graph(self) -> Self:
        """The same, without entities."""
        return self.model_copy(update={"entity_weight": (0.0,)})

    def choices(self) -> Sequence[Setting]:
        """All combinations, the weakest entities first."""
        values = product(sorted(set(self.entity_weight)), self.dropout, self.l2)
        return [{"l2": l2, "entity_weight": weight, "dropout": dropout} for weight, dropout, l2 in values]
