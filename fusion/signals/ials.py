"""iALS: implicit-feedback matrix factorisation by alternating least squares; users are folded in by one solve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from .material import Material
from .recipe import Setting
from .signal import Arrays, Audience, Scores
from .sparse_rows import stacked

__all__ = ["Ials", "IalsConfig"]

Factors = npt.NDArray[np.float32]
BLOCK = 1 << 22
"""Most numbers of a batch of gathered factors: 16 MiB."""


class IalsConfig(BaseModel):
    """Configuration of iALS; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: tuple[PositiveInt, ...] = Field(default=(64,), min_length=1)
    """Numbers per item."""

    unobserved: tuple[PositiveFloat, ...] = Field(default=(0.01, 0.03), min_length=1)
    """What a pair without an interaction counts, against one with that counts 1."""

    l2: tuple[PositiveFloat, ...] = Field(default=(0.003, 0.01, 0.03), min_length=1)
    """The penalty, per (weighted) pair of a user or an item."""

    entity_weight: tuple[NonNegativeFloat, ...] = Field(default=(0.3,), min_length=1)
    """What a shared entity counts, against a shared user that counts 1; 0 leaves the graph out."""

    epochs: int = Field(default=12, ge=1)
    """How often users and items are solved for in turn."""

    def choices(self) -> Sequence[Setting]:
        """All that can be taken."""
        names = ("dimension", "unobserved", "l2", "entity_weight")
        grid = product(self.dimension, self.unobserved, self.l2, self.entity_weight)
        return [{**dict(zip(names, values, strict=True)), "epochs": self.epochs} for values in grid]

    def fit(self, material: Material, setting: Setting) -> Ials:
        """The factors by one setting."""
        return Ials.fit(material.history, material.entities, seed=material.seed, **setting)


@dataclass(frozen=True, eq=False)
class Ials:
    r"""Scores by the product of a user's and an item's factors, :math:`x_u \cdot y_i`.

    The factors minimise

    .. math::
        \sum_{(u, i)} c_{ui} (1 - x_u \cdot y_i)^2 + \alpha_0 \sum_u \sum_i (x_u \cdot y_i)^2
        + \sum_u \lambda_u |x_u|^2 + \sum_i \lambda_i |y_i|^2

    with :math:`\lambda_u = \lambda (\sum_i c_{ui} + \alpha_0 n)`, n the number of items, and likewise for items; an entity
    is a user all of whose loss counts `entity_weight`. Hu, Koren and Volinsky, ICDM 2008; the scaled penalty from Rendle
    et al., Revisiting the Performance of iALS, RecSys 2022. Users are not stored: each is the minimum for the history at
    hand, its weights being c. Memory: 4 bytes x dimension for each item and, while fitting, each user and entity.
    """

    kind: ClassVar[str] = "ials"

    items: Factors
    """Factors of items, shape (items, dimension)."""

    unobserved: float
    """:math:`\\alpha_0`."""

    l2: float
    """:math:`\\lambda`."""

    @classmethod
    def fit(
        cls,
        history: sp.csr_array,
        entities: sp.csr_array,
        *,
        dimension: int = 128,
        unobserved: float = 0.1,
        l2: float = 0.01,
        entity_weight: float = 0,
        epochs: int = 12,
        seed: int = 0,
    ) -> Ials:
        """Solve in turn for users, given items, and for items, given users.

        Args:
            history: binary, shape (users, items).
            entities: binary, shape (items, entities).
            dimension: numbers per item.
            unobserved: weight of pairs without an interaction.
            l2: the penalty.
            entity_weight: weight of a link to an entity, which is a further user.
            epochs: turns.
            seed: of the factors that items start with.
        """
        rows, counts = stacked(history, entities, entity_weight)
        weighted = sp.csr_array((rows * counts[:, None]).T)
        every = np.ones(history.shape[1], dtype=np.float32)
        start = np.random.default_rng(seed).normal(0, 0.1 / dimension**0.5, (history.shape[1], dimension))
        items = start.astype(np.float32)
        for _ in range(epochs):
            users = _other_side(rows, items, every, unobserved, l2)
            items = _other_side(weighted, users, counts, unobserved, l2)
        return cls(items, unobserved, l2)

    def users(self, weights: sp.csr_array) -> Factors:
        """The factors of users of such histories, shape (batch, dimension); 0 for an empty one.

        Args:
            weights: c, none negative, shape (batch, items).
        """
        return _folded_in(weights, self._rotated, self.unobserved, self.l2)

    @cached_property
    def _rotated(self) -> Rotated:
        return Rotated.of(self.items, np.ones(len(self.items), dtype=np.float32))

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        return np.asarray(self.users(audience.history) @ self.items.T, dtype=np.float32)

    def arrays(self) -> Arrays:
        """The items' factors, and the two numbers of the loss."""
        return {"items": self.items, "loss": np.array([self.unobserved, self.l2], dtype=np.float64)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Ials:
        """The signal of these factors."""
        unobserved, l2 = arrays["loss"].tolist()
        return cls(arrays["items"], unobserved, l2)


@dataclass(frozen=True, eq=False)
class Rotated:
    """Factors of one side in the basis in which their Gram matrix is diagonal; scores are the same in any basis.

    Attributes:
        factors: shape (n, dimension).
        squares: the diagonal, shape (dimension,).
        basis: back to the basis the factors came in, shape (dimension, dimension).
        total: what all n count together.
    """

    factors: Factors
    squares: Factors
    basis: Factors
    total: float

    @classmethod
    def of(cls, factors: Factors, counts: Factors) -> Rotated:
        """Rotate; `counts` is what each of the n counts in the Gram matrix."""
        wide = factors.astype(np.float64)
        squares, basis = np.linalg.eigh(wide.T @ (wide * counts[:, None]))
        # A vector of an eigenvalue that is 0 but for rounding could come out below it.
        squares, narrow = squares.clip(0).astype(np.float32), basis.astype(np.float32)
        return cls(factors @ narrow, squares, np.ascontiguousarray(narrow.T), float(counts.sum()))


def _other_side(weights: sp.csr_array, factors: Factors, counts: Factors, unobserved: float, l2: float) -> Factors:
    return _folded_in(weights, Rotated.of(factors, counts), unobserved, l2)


def _folded_in(weights: sp.csr_array, side: Rotated, unobserved: float, l2: float) -> Factors:
    """The minimum for each row of weights, given the factors of the other side, shape (rows, dimension)."""
    found = np.zeros((weights.shape[0], len(side.squares)), dtype=np.float32)
    penalty = l2 * (weights.sum(axis=1) + unobserved * side.total)
    for rows in _batches(np.diff(weights.indptr), len(side.squares)):
        diagonal = unobserved * side.squares + penalty[rows, None]
        found[rows] = _solved(sp.csr_array(weights[rows]), side.factors, diagonal.astype(np.float32))
    return found @ side.basis


def _batches(lengths: npt.NDArray[np.integer[Any]], dimension: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of about the same length together, as many as fit; rows of length 0 are in none."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    first = 0
    while first < len(order):
        # All in a batch are padded to the longest: at most to twice their own length.
        longest = max(8, 2 * int(lengths[order[first]]))
        fit = first + max(1, BLOCK // (longest * max(dimension, longest)))
        alike = first + int(np.searchsorted(lengths[order[first:]], longest, side="right"))
        yield order[first : min(fit, alike)]
        first = min(fit, alike)


def _solved(weights: sp.csr_array, factors: Factors, diagonal: Factors) -> Factors:
    r"""Rows :math:`(D + V^T V)^{-1} V^T \sqrt{c}`, shape (batch, dimension).

    D is diagonal, with its own `diagonal` per row, shape (batch, dimension); V holds the factors of what the row has,
    times :math:`\sqrt{c}`.
    """
    lengths = np.diff(weights.indptr)
    filled = np.arange(int(lengths.max())) < lengths[:, None]
    root = np.zeros(filled.shape, dtype=np.float32)
    root[filled] = np.sqrt(weights.data)
    chosen = np.zeros((*filled.shape, factors.shape[1]), dtype=np.float32)
    chosen[filled] = factors[weights.indices] * root[filled][:, None]
    if chosen.shape[1] < chosen.shape[2]:
        # Fewer items than dimensions: D^-1 V^T (1 + V D^-1 V^T)^-1 is the same, and smaller to solve.
        scaled = chosen / diagonal[:, None, :]
        inner = scaled @ chosen.transpose(0, 2, 1) + np.eye(chosen.shape[1], dtype=np.float32)
        solved = np.linalg.solve(inner, root[:, :, None])
        return np.asarray((scaled.transpose(0, 2, 1) @ solved)[:, :, 0])
    inner = chosen.transpose(0, 2, 1) @ chosen
    at = np.arange(chosen.shape[2])
    inner[:, at, at] += diagonal
    right = chosen.transpose(0, 2, 1) @ root[:, :, None]
    return np.asarray(np.linalg.solve(inner, right)[:, :, 0])
