"""RP3beta: where a random walk of three steps ends, with a discount for items that are reached by everyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from .material import Material
from .recipe import Setting
from .signal import Arrays, Audience, Scores
from .sparse_rows import Floats, Numbers, arrays_of, matrix_of, stacked, top_products, weighted_sum

__all__ = ["Rp3Beta", "Rp3BetaConfig"]


class Rp3BetaConfig(BaseModel):
    """Configuration of RP3beta; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: tuple[NonNegativeFloat, ...] = Field(default=(0.45,), min_length=1)
    """Exponents of the probabilities of a step; below 1 the steps from items and users of many links count for more."""

    beta: tuple[NonNegativeFloat, ...] = Field(default=(0.2, 0.6), min_length=1)
    """How much items liked by many are discounted; 0 does not."""

    neighbours: tuple[PositiveInt, ...] = Field(default=(200,), min_length=1)
    """How many reachable items are kept for each."""

    entity_weight: tuple[NonNegativeFloat, ...] = Field(default=(0, 0.3, 1), min_length=1)
    """What a link to an entity counts, against an interaction that counts 1; 0 leaves the graph out."""

    def choices(self) -> Sequence[Setting]:
        """All that can be taken."""
        names = ("alpha", "beta", "neighbours", "entity_weight")
        grid = product(self.alpha, self.beta, self.neighbours, self.entity_weight)
        return [dict(zip(names, values, strict=True)) for values in grid]

    def fit(self, material: Material, setting: Setting) -> Rp3Beta:
        """The walks by one setting."""
        return Rp3Beta.fit(material.history, material.entities, **setting)


@dataclass(frozen=True, eq=False)
class Rp3Beta:
    r"""Scores an item by the walks history item - user or entity - item that end there.

    .. math::
        W_{ij} = \frac{1}{d_j^{\beta}} \sum_r w_r \Bigl(\frac{x_{ri}}{d_i}\Bigr)^{\alpha} \Bigl(\frac{x_{rj}}{n_r}\Bigr)^{\alpha}

    over users and entities r of weight :math:`w_r` with :math:`n_r` items each, :math:`d_i = \sum_r w_r x_{ri}`. Christoffel
    et al., Blockbusters and Wallflowers, RecSys 2015; Paudel et al., ACM TiiS 2017. Memory: k entries of 8 bytes per item,
    and about 200 MiB while fitting.
    """

    kind: ClassVar[str] = "rp3beta"

    walks: sp.csr_array
    """Row i: where walks from item i end, shape (items, items)."""

    @classmethod
    def fit(
        cls,
        history: sp.csr_array,
        entities: sp.csr_array,
        *,
        alpha: float = 1.0,
        beta: float = 0.5,
        neighbours: int = 200,
        entity_weight: float = 0,
    ) -> Rp3Beta:
        """Walk from every item.

        Args:
            history: binary, shape (users, items).
            entities: binary, shape (items, entities).
            alpha: exponent of the probabilities.
            beta: exponent of the discount.
            neighbours: entries kept per item.
            entity_weight: what a link to an entity counts.
        """
        rows, counts = stacked(history, entities, entity_weight)
        from_row = counts * np.maximum(np.diff(rows.indptr), 1).astype(np.float32) ** -alpha
        degree = np.asarray(rows.T @ counts, dtype=np.float32)
        degree[degree == 0] = 1
        steps = sp.csr_array(rows.T * from_row[None, :])

        def discounted(mass: Floats, row: Numbers, column: Numbers) -> Floats:
            return np.asarray(mass * degree[row] ** -alpha * degree[column] ** -beta, dtype=np.float32)

        return cls(top_products(steps, rows, discounted, neighbours))

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        return weighted_sum(audience.history, self.walks)

    def arrays(self) -> Arrays:
        """The walks."""
        return arrays_of(self.walks)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Rp3Beta:
        """The signal of these walks."""
        return cls(matrix_of(arrays))
