"""Item k-nearest-neighbours: items liked by the same users, and linked to the same entities, are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from .material import Material
from .recipe import Setting
from .signal import Arrays, Audience, Scores
from .sparse_rows import Floats, Numbers, Similarity, arrays_of, matrix_of, stacked, top_products, weighted_sum

__all__ = ["ItemKnn", "ItemKnnConfig"]

Comparison = Literal["cosine", "dice", "jaccard"]
Weighting = Literal["none", "tfidf", "bm25"]
K1, B = 1.2, 0.75
"""BM25's constants, as Ferrari Dacrema et al. take them."""


class ItemKnnConfig(BaseModel):
    """Configuration of item-kNN; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    similarity: tuple[Comparison, ...] = Field(default=("cosine",), min_length=1)
    """How two items are compared by the users they share."""

    alpha: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(default=(0.4,), min_length=1)
    """For cosine and dice: how much of the discount for being liked by many falls on the item of the history; the rest
    falls on the item it speaks for. 0.5 is the usual cosine and Dice; others are the asymmetric cosine and Tversky's."""

    weighting: tuple[Weighting, ...] = Field(default=("none", "tfidf"), min_length=1)
    """What a shared user counts: all the same; by tfidf less the more items they like; by bm25 also less for items liked
    by many."""

    shrink: tuple[NonNegativeFloat, ...] = Field(default=(10, 100), min_length=1)
    """Added to the denominator: how little a similarity of items that few users share is believed."""

    neighbours: tuple[PositiveInt, ...] = Field(default=(500,), min_length=1)
    """How many similar items are kept for each."""

    entity_weight: tuple[NonNegativeFloat, ...] = Field(default=(0.1, 1), min_length=1)
    """What a shared entity counts, against a shared user that counts 1; 0 leaves the graph out."""

    def choices(self) -> Sequence[Setting]:
        """All that can be taken; jaccard has no alpha."""
        kinds = [(s, a) for s in self.similarity for a in (self.alpha if s != "jaccard" else (0.5,))]
        grid = product(kinds, self.weighting, self.shrink, self.neighbours, self.entity_weight)
        names = ("similarity", "alpha", "weighting", "shrink", "neighbours", "entity_weight")
        return [dict(zip(names, (*kind, *rest), strict=True)) for kind, *rest in grid]

    def fit(self, material: Material, setting: Setting) -> ItemKnn:
        """The neighbours by one setting."""
        return ItemKnn.fit(material.history, material.entities, **setting)


@dataclass(frozen=True, eq=False)
class ItemKnn:
    r"""Scores an item by the sum of its similarities to the items of the history.

    With :math:`c_{ij} = s_i s_j \sum_r w_r x_{ri} x_{rj}` over users and entities r, and :math:`d_i = c_{ii}`:

    .. math::
        \text{cosine} = \frac{c_{ij}}{d_i^{\alpha} d_j^{1 - \alpha} + h}, \quad
        \text{dice} = \frac{c_{ij}}{\alpha d_i + (1 - \alpha) d_j + h}, \quad
        \text{jaccard} = \frac{c_{ij}}{d_i + d_j - c_{ij} + h}

    Ferrari Dacrema, Cremonesi and Jannach, Are We Really Making Much Progress?, RecSys 2019. Memory: k entries of 8 bytes
    per item, and about 200 MiB while fitting.
    """

    kind: ClassVar[str] = "item_knn"

    neighbours: sp.csr_array
    """Row i: for which items item i speaks, and how much; shape (items, items)."""

    @classmethod
    def fit(
        cls,
        history: sp.csr_array,
        entities: sp.csr_array,
        *,
        similarity: Comparison = "cosine",
        alpha: float = 0.5,
        weighting: Weighting = "tfidf",
        shrink: float = 0,
        neighbours: int = 200,
        entity_weight: float = 0,
    ) -> ItemKnn:
        """Compare all items; see `ItemKnnConfig` for the arguments.

        Args:
            history: binary, shape (users, items).
            entities: binary, shape (items, entities).
        """
        rows, counts = stacked(history, entities, entity_weight)
        weight, scale = _weights(rows, weighting)
        weighted = sp.csr_array(rows.T * (counts * weight)[None, :])
        own = np.asarray(scale**2 * (rows.T @ (counts * weight)), dtype=np.float32)
        compare = _comparison(similarity, own, alpha, shrink)

        def scaled(common: Floats, row: Numbers, column: Numbers) -> Floats:
            return compare(common * scale[row] * scale[column], row, column)

        return cls(top_products(weighted, rows, scaled, neighbours))

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        return weighted_sum(audience.history, self.neighbours)

    def arrays(self) -> Arrays:
        """The neighbours."""
        return arrays_of(self.neighbours)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> ItemKnn:
        """The signal of these neighbours."""
        return cls(matrix_of(arrays))


def _weights(rows: sp.csr_array, weighting: Weighting) -> tuple[Floats, Floats]:
    """What each row counts (the square of its idf), and the factor of each item."""
    n_rows, n_items = rows.shape
    ones = np.ones(n_items, dtype=np.float32)
    if weighting == "none":
        return np.ones(n_rows, dtype=np.float32), ones
    # A row that holds all items tells none from another; the logarithm would go below 0 there.
    idf = np.log(n_items / (1 + np.diff(rows.indptr))).clip(0)
    weight = np.asarray(idf**2, dtype=np.float32)
    if weighting == "tfidf":
        return weight, ones
    length = np.bincount(rows.indices, minlength=n_items)
    norm = 1 - B + B * length / max(length.mean(), 1)
    return weight, np.asarray((K1 + 1) / (K1 * norm + 1), dtype=np.float32)


def _comparison(similarity: Comparison, own: Floats, alpha: float, shrink: float) -> Similarity:
    def denominator(common: Floats, row: Numbers, column: Numbers) -> Floats:
        if similarity == "cosine":
            return np.asarray(own[row] ** alpha * own[column] ** (1 - alpha), dtype=np.float32)
        if similarity == "dice":
            return np.asarray(alpha * own[row] + (1 - alpha) * own[column], dtype=np.float32)
        return own[row] + own[column] - common

    def compare(common: Floats, row: Numbers, column: Numbers) -> Floats:
        below = denominator(common, row, column) + np.float32(shrink)
        # What shares only rows of weight 0 shares nothing.
        return np.asarray(np.divide(common, below, out=np.zeros_like(common), where=common > 0), dtype=np.float32)

    return compare
