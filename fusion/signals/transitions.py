"""Transitions: what people took to after what; scores follow the last items of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from .item_knn import ItemKnn
from .material import Material
from .recipe import Setting
from .signal import Arrays, Audience, Scores
from .sparse_rows import arrays_of, matrix_of, top_per_row, weighted_sum

__all__ = ["Transitions", "TransitionsConfig"]


class TransitionsConfig(BaseModel):
    """Configuration of transitions; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_life: tuple[PositiveFloat, ...] = Field(default=(4,), min_length=1)
    """After how many steps between two items the second follows the first half as much."""

    backward: tuple[NonNegativeFloat, ...] = Field(default=(0.3,), min_length=1)
    """What a step from a later item to an earlier one counts, against a step forward that counts 1."""

    shrink: tuple[NonNegativeFloat, ...] = Field(default=(30, 100), min_length=1)
    """How little an item that few steps lead on from is believed, in steps."""

    discount: tuple[NonNegativeFloat, ...] = Field(default=(0.1,), min_length=1)
    """Exponent by which items that many steps lead to are discounted; 0 does not."""

    graph: tuple[NonNegativeFloat, ...] = Field(default=(0, 0.03), min_length=1)
    """What items of the same entities count, against the share of steps that lead to an item; 0 leaves the graph out.
    They matter for items with few steps."""

    recent: tuple[PositiveFloat, ...] = Field(default=(4, 20), min_length=1)
    """After how many items back an item of the history speaks half as much."""

    window: PositiveInt = 20
    """Most steps between two items of which one follows the other."""

    neighbours: PositiveInt = 300
    """How many followers are kept for each item."""

    def choices(self) -> Sequence[Setting]:
        """All that can be taken."""
        names = ("half_life", "backward", "shrink", "discount", "graph", "recent")
        grid = product(*(getattr(self, name) for name in names))
        fixed = {"window": self.window, "neighbours": self.neighbours}
        return [{**dict(zip(names, values, strict=True)), **fixed} for values in grid]

    def fit(self, material: Material, setting: Setting) -> Transitions:
        """The transitions by one setting."""
        return Transitions.fit(material.steps, material.entities, **setting)


@dataclass(frozen=True, eq=False)
class Transitions:
    r"""Scores an item by the steps that led to it from the last items of the history.

    With :math:`t_{ij}` the steps from i to j in all histories, d items apart, :math:`2^{-(d - 1) / h}` each,
    backward ones times b, and :math:`s_{ij}` the cosine of the entities of i and j, its rows summing to 1:

    .. math::
        W_{ij} = \frac{t_{ij}}{(\sum_k t_{ik} + \text{shrink}) \, \max(1, \sum_k t_{kj})^{\text{discount}}}
        + \text{graph} \, s_{ij}, \qquad
        \text{score}_j = \sum_i w_i \, 2^{-(\text{steps}_i - 1) / \text{recent}} \, W_{ij}

    w are the weights of the history. Memory: `neighbours` entries of 8 bytes per item; while fitting, one of 12 bytes for
    each pair of items that occur within `window` steps of each other.
    """

    kind: ClassVar[str] = "transitions"

    followers: sp.csr_array
    """W, shape (items, items)."""

    recent: float
    """After how many items back one of the history speaks half as much."""

    @classmethod
    def fit(
        cls,
        steps: sp.csr_array,
        entities: sp.csr_array,
        *,
        half_life: float = 4,
        backward: float = 0.3,
        shrink: float = 100,
        discount: float = 0.1,
        graph: float = 0.03,
        recent: float = 4,
        window: int = 20,
        neighbours: int = 300,
    ) -> Transitions:
        """Count the steps of all histories; see `TransitionsConfig` for the other arguments.

        Args:
            steps: how many steps ago each user interacted with each item, shape (users, items).
            entities: binary, shape (items, entities).
        """
        forward = _counted(steps, half_life, window)
        counts = sp.csr_array(forward + backward * forward.T) if backward else forward
        followers = _shares(counts, shrink, discount)
        if graph and entities.nnz:
            alike = ItemKnn.fit(sp.csr_array((0, steps.shape[1])), entities, entity_weight=1, neighbours=neighbours)
            followers = sp.csr_array(followers + graph * _shares(alike.neighbours, 0, 0))
        followers.sort_indices()
        return cls(top_per_row(followers, neighbours), recent)

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        history = audience.history.copy()
        history.data = history.data * np.exp2(-(audience.steps.data - 1) / self.recent).astype(np.float32)
        return weighted_sum(history, self.followers)

    def arrays(self) -> Arrays:
        """The transitions, and the half-life of a history as an array of one."""
        return {**arrays_of(self.followers), "recent": np.array([self.recent], dtype=np.float64)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Transitions:
        """The signal of these transitions."""
        return cls(matrix_of(arrays), float(arrays["recent"][0]))


def _counted(steps: sp.csr_array, half_life: float, window: int) -> sp.csr_array:
    """Weighted steps forward from item to item, shape (items, items), columns ascending."""
    user = np.repeat(np.arange(steps.shape[0]), np.diff(steps.indptr))
    order = np.lexsort((-steps.data, user))
    user, item = user[order], steps.indices[order].astype(np.int64)
    size = steps.shape[1]
    total = sp.csr_array((size, size), dtype=np.float32)
    for apart in range(1, min(window, len(item) - 1) + 1):
        same = user[apart:] == user[:-apart]
        if not same.any():
            break
        weight = np.full(int(same.sum()), 2 ** (-(apart - 1) / half_life), dtype=np.float32)
        total = total + _matrix(weight, item[:-apart][same], item[apart:][same], size)
    return sp.csr_array(total)


def _matrix(
    weight: npt.NDArray[np.float32], head: npt.NDArray[np.int64], tail: npt.NDArray[np.int64], size: int
) -> sp.csr_array:
    return sp.csr_array(sp.coo_array((weight, (head, tail)), shape=(size, size)))


def _shares(counts: sp.csr_array, shrink: float, discount: float) -> sp.csr_array:
    """Each entry as a share of its row, the row's sum counting `shrink` more, discounted by its column's sum."""
    leaving, arriving = counts.sum(axis=1), counts.sum(axis=0)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    share = counts.data / (leaving[row] + shrink) * np.maximum(1, arriving[counts.indices]) ** -discount
    return sp.csr_array((share.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)
