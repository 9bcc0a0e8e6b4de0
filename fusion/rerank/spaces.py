"""How like two items are: the cosine of their vectors, or of the entities they are linked to."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...gnn.embeddings import unit
from .pool import Entries, Pool

__all__ = ["Dense", "Kinship", "Space", "SpaceName", "Sparse"]

SpaceName = Literal["embeddings", "text", "entities"]
"""Which vectors tell how like two items are: the graph net's, those of the texts, or the graph's entities themselves."""

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Kinship(Protocol):
    """Cosines among the candidates of each list."""

    def to(self, rows: Places, places: Places) -> Matrix:
        """Cosines of one candidate of each list and all candidates of that list, shape (len(rows), M).

        Args:
            rows: the lists, distinct, shape (r,).
            places: the place of the one candidate in each, shape (r,).
        """


class Space(Protocol):
    """Tells how like items are.

    Attributes:
        width: numbers kept for one candidate, to know how many lists fit into memory at once.
        vectors: of the items, of length 1, or 0 where nothing is known, shape (items, d).
    """

    width: int

    @property
    def vectors(self) -> npt.NDArray[np.float32] | sp.csr_array: ...  # noqa: D102

    def kinship(self, pool: Pool) -> Kinship:
        """The cosines among a pool's candidates."""


class Dense:
    """Cosines of vectors; an item of which nothing is known has a row of 0, and is unlike all others.

    Args:
        vectors: of any length, shape (items, d).
    """

    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self.vectors: npt.NDArray[np.float32] = np.where(lengths > 0, unit(vectors), np.float32(0))
        self.width = vectors.shape[1]

    def kinship(self, pool: Pool) -> Kinship:
        """The cosines among a pool's candidates."""
        return _DenseKinship(np.where(pool.there[..., None], self.vectors[pool.items], np.float32(0)))


class _DenseKinship:
    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        self._vectors = vectors

    def to(self, rows: Places, places: Places) -> Matrix:
        own = self._vectors[rows, places]
        # Most often all lists are asked for, and a copy of all vectors would cost more than the product.
        whole = len(rows) == len(self._vectors)
        mine = self._vectors if whole else self._vectors[rows]
        cosines: Matrix = np.matmul(mine, own[:, :, None])[:, :, 0].astype(np.float64)
        cosines[np.arange(len(rows)), places] = 1
        return cosines


class Sparse:
    """Cosines of sparse rows, such as the entities of items; an item without any entry is unlike all others.

    Args:
        matrix: shape (items, values).
    """

    def __init__(self, matrix: sp.csr_array) -> None:
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float64)).ravel()
        scale = np.repeat(1 / np.maximum(lengths, np.finfo(np.float64).tiny), np.diff(matrix.indptr))
        data = (matrix.data * scale).astype(np.float32)
        self.vectors: sp.csr_array = sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
        self.width = 3 * (1 + matrix.nnz // max(matrix.shape[0], 1))

    @classmethod
    def rare_first(cls, links: sp.csr_array) -> Sparse:
        r"""Cosines of items by what they are linked to, where a rare entity counts more than a common one.

        An entity of f out of n items has weight :math:`\log((1 + n) / f)`.

        Args:
            links: which entities each item is linked to, shape (items, values).
        """
        n, n_values = links.shape
        frequency = np.bincount(links.indices, minlength=n_values).clip(1)
        weights = np.log((1 + n) / frequency).astype(np.float32)
        return cls(sp.csr_array((weights[links.indices], links.indices, links.indptr), shape=links.shape))

    def kinship(self, pool: Pool) -> Kinship:
        """The cosines among a pool's candidates."""
        return _SparseKinship(Entries.of(self.vectors, pool), pool.items.shape)


class _SparseKinship:
    def __init__(self, entries: Entries, shape: tuple[int, int]) -> None:
        self._entries, self._shape = entries, shape

    def to(self, rows: Places, places: Places) -> Matrix:
        batch, width = self._shape
        entries = self._entries
        own = entries.at(rows * width + places)
        # A pair belongs to one list alone, so one vector holds the chosen candidates of all lists.
        chosen = np.zeros(entries.n_pairs)
        chosen[entries.pair[own]] = entries.data[own]
        slots = entries.row * width + entries.place
        products = (entries.data * chosen[entries.pair]).astype(np.float64)
        dots = np.bincount(slots, weights=products, minlength=batch * width)
        cosines: Matrix = dots.reshape(batch, width)[rows].astype(np.float64)
        cosines[np.arange(len(rows)), places] = 1
        return cosines
