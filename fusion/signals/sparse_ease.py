"""Sparse EASE: each item regressed on the few items it goes with most, for catalogues too large for a dense matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from ...kg import ConfigError
from .gram import weighed_rows
from .material import Material
from .recipe import Setting
from .ridge_grid import Dropout, RidgeGrid
from .signal import Arrays, Audience, Scores
from .sparse_rows import arrays_of, matrix_of, weighted_sum

__all__ = ["SparseEase", "SparseEaseConfig"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

BATCH = 2**22
"""How many numbers of small Gram matrices are gathered at a time."""


class SparseEaseConfig(RidgeGrid):
    """Configuration of sparse EASE; of the listed values the best on validation is taken."""

    l2: tuple[PositiveFloat, ...] = Field(default=(10, 30, 100), min_length=1)
    """Values of the ridge penalty to choose from; each > 0."""

    entity_weight: tuple[NonNegativeFloat, ...] = Field(default=(1.0,), min_length=1)
    """Values to choose from of what a shared entity counts, against a shared user that counts 1; 0 does without."""

    dropout: tuple[Dropout, ...] = Field(default=(0.5,), min_length=1)
    """Values to choose from of the share of a history that is hidden while the rest must tell it."""

    neighbours: PositiveInt = 100
    """On how many others an item is regressed at most. Time grows with its square and more, memory with it."""

    max_entity_items: PositiveInt = 1000
    """Entities linked to more items are left out: they say little of each, and join every two of them."""

    max_pairs: PositiveInt = 200_000_000
    """How many pairs of items that go together are held at most, 8 bytes each, and as much again while they are made."""

    def fit(self, material: Material, setting: Setting) -> SparseEase:
        """Sparse EASE by one of the settings.

        Raises:
            ConfigError: if more pairs of items go together than `max_pairs`.
        """
        entities = material.entities
        linked = np.asarray(entities.sum(axis=0)).ravel()
        entities = entities[:, np.flatnonzero(linked <= self.max_entity_items)]
        try:
            return SparseEase.fit(
                material.history, entities, neighbours=self.neighbours, max_pairs=self.max_pairs, **setting
            )
        except ValueError as error:
            raise ConfigError(f"sparse_ease: {error}") from error


@dataclass(frozen=True, eq=False)
class SparseEase:
    r"""Scores by `history @ weights`, with a sparse matrix of weights.

    Of the items that go with item j, the n of the largest cosine :math:`G_{ij} / \sqrt{(G_{ii}+\lambda)(G_{jj}+\lambda)}`
    are its neighbours N, and

    .. math::
        B_{Nj} = \big(G_{NN} + \lambda I + \tfrac{p}{1-p} \, \mathrm{diag}(G_{NN})\big)^{-1} G_{Nj}

    with G and p as in `Ease`. With all other items as neighbours this is EASE itself. Regression on neighbours is
    that of fsSLIM (Ning and Karypis, SLIM, ICDM 2011); the aim, EASE for large catalogues, that of Spisak et al.,
    Scalable Approximate NonSymmetric Autoencoder, RecSys 2023.

    Attributes:
        weights: B, shape (items, items).
    """

    kind: ClassVar[str] = "sparse_ease"

    weights: sp.csr_array

    @classmethod
    def fit(
        cls,
        history: sp.csr_array,
        entities: sp.csr_array | None = None,
        *,
        l2: float,
        entity_weight: float = 1.0,
        dropout: float = 0.0,
        neighbours: int = 100,
        max_pairs: int = 2**31,
    ) -> SparseEase:
        """Solve for the weights, item by item.

        Args:
            history: user-item matrix, shape (users, items).
            entities: binary item-entity matrix, shape (items, entities), or None.
            l2: the ridge penalty, > 0.
            entity_weight: what a shared entity counts, >= 0.
            dropout: the share that is hidden, at least 0 and below 1.
            neighbours: most weights that lead to an item.
            max_pairs: most pairs of items that may go together.

        Raises:
            ValueError: if there are more pairs.
        """
        gram = _sparse_gram(weighed_rows(history, entities, entity_weight), max_pairs)
        diagonal = np.asarray(gram.diagonal(), dtype=np.float32)
        ridge = (diagonal * (dropout / (1 - dropout)) + l2).astype(np.float32)
        found, start = _nearest(gram, 1 / np.sqrt(diagonal + np.float32(l2)), neighbours)
        weights = np.empty(len(found), dtype=np.float32)
        n = gram.shape[0]
        step = max(1, BATCH // max(1, neighbours) ** 2)
        for first in range(0, n, step):
            items = np.arange(first, min(n, first + step))
            part = slice(start[items[0]], start[items[-1] + 1])
            weights[part] = _regressions(gram, ridge, items, found[part], np.diff(start[first : items[-1] + 2]))
        by_target = sp.csr_array((weights, found, start), shape=(n, n))
        matrix = sp.csr_array(by_target.T)
        matrix.sort_indices()
        return cls(matrix)

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        return weighted_sum(audience.history, self.weights)

    def arrays(self) -> Arrays:
        """The weights in compressed rows."""
        return arrays_of(self.weights)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> SparseEase:
        """The signal of these weights."""
        return cls(matrix_of(arrays))


def _sparse_gram(rows: sp.csr_array, max_pairs: int) -> sp.csr_array:
    """Product of the transposed matrix with the matrix, columns in order; made in blocks, to stop before it is too large."""
    columns = sp.csr_array(rows.T)
    lengths = np.diff(rows.indptr).astype(np.int64)
    # What a row adds at most; a block has at most a fourth of what is allowed in all.
    work = np.cumsum(columns.astype(bool).astype(np.int64) @ lengths)
    cuts = np.searchsorted(
        work, np.arange(1, 1 + (work[-1] if len(work) else 0) // max(1, max_pairs // 4)) * (max_pairs // 4)
    )
    blocks, pairs = [], 0
    for part in np.split(np.arange(columns.shape[0]), cuts):
        blocks.append(sp.csr_array(columns[part] @ rows))
        pairs += blocks[-1].nnz
        if pairs > max_pairs:
            raise ValueError(
                f"more than {max_pairs:,} pairs of items go together; raise max_pairs if there is memory for 16 bytes "
                "each, lower max_entity_items, or leave out users with very long histories (data.filters)"
            )
    gram = sp.csr_array(sp.vstack(blocks))
    gram.sort_indices()
    return gram


def _nearest(gram: sp.csr_array, norm: Floats, most: int) -> tuple[npt.NDArray[np.int32], Rows]:
    """The items of the largest cosine with each item, itself not among them, and where each item's begin."""
    found: list[npt.NDArray[np.int32]] = []
    counts: list[Rows] = []
    for block, first in _blocks(gram):
        row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        cosine = block.data * norm[block.indices]  # the row's own norm is the same for all it is compared with
        other = np.flatnonzero((block.indices != row + first) & (cosine > 0))
        row, column, cosine = row[other], block.indices[other], cosine[other]
        order = np.lexsort((column, -cosine, row))
        row = row[order]
        count = np.bincount(row, minlength=block.shape[0])
        rank = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        found.append(column[order][rank < most].astype(np.int32))
        counts.append(np.minimum(count, most))
    start = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, dtype=np.int64), *counts]))])
    return np.concatenate([np.zeros(0, dtype=np.int32), *found]), start


def _blocks(gram: sp.csr_array) -> Iterator[tuple[sp.csr_array, int]]:
    """Rows of the matrix, a few million numbers at a time, and the number of the first of them."""
    cuts = np.searchsorted(gram.indptr, np.arange(0, gram.nnz, BATCH)[1:])
    edges = np.unique(np.concatenate([[0], cuts, [gram.shape[0]]]))
    for start, stop in pairwise(edges.tolist()):
        yield gram[start:stop], start


def _regressions(
    gram: sp.csr_array, ridge: Floats, items: Rows, neighbours: npt.NDArray[np.int32], counts: Rows
) -> Floats:
    """Weights of the neighbours of some items, one item's after another."""
    width = int(counts.max(initial=0))
    if not width:
        return np.zeros(0, dtype=np.float32)
    real = np.arange(width) < counts[:, None]
    table = np.broadcast_to(items[:, None], real.shape).copy()  # an item stands in where it has fewer neighbours
    table[real] = neighbours
    among = _values(gram, np.repeat(table, width, axis=1), np.tile(table, width)).reshape(-1, width, width)
    # Who only fills a place is joined to nobody, so that its weight is 0.
    among *= real[:, :, None] & real[:, None, :]
    np.einsum("bii->bi", among)[:] += np.where(real, ridge[table], 1)
    target = np.where(real, _values(gram, table, np.broadcast_to(items[:, None], real.shape)), 0)
    return np.asarray(np.linalg.solve(among, target[:, :, None])[..., 0][real], dtype=np.float32)


def _values(gram: sp.csr_array, row: npt.NDArray[np.integer], column: npt.NDArray[np.integer]) -> Floats:
    """Entries of the matrix, shape as that of the rows and columns asked for."""
    found: Any = gram[row.ravel(), column.ravel()]
    # Releases of SciPy differ in whether this is sparse.
    dense = found.toarray() if hasattr(found, "toarray") else found
    return np.asarray(dense, dtype=np.float32).reshape(row.shape)
