"""Item-item matrices of few entries per row: products in bounded memory, the k largest per row, as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .signal import Arrays, Scores

__all__ = ["Similarity", "arrays_of", "matrix_of", "stacked", "top_per_row", "top_products", "weighted_sum"]

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.integer[Any]]

Similarity = Callable[[Floats, Numbers, Numbers], Floats]
"""From entries of a product, with their rows and columns, to what they shall be."""

BLOCK = 1 << 24
"""Most multiplications of a block of rows; at 12 bytes for each result about 200 MiB."""


def stacked(history: sp.csr_array, entities: sp.csr_array, entity_weight: float) -> tuple[sp.csr_array, Floats]:
    """Users, and entities as further users that like all items linked to them.

    Args:
        history: binary user-item matrix, shape (users, items).
        entities: binary item-entity matrix, shape (items, entities).
        entity_weight: what an entity counts against a user that counts 1; of weight 0 they are left out.

    Returns:
        The binary matrix, shape (rows, items), and what each row counts, shape (rows,).
    """
    ones = np.ones(history.shape[0], dtype=np.float32)
    if entity_weight == 0 or entities.nnz == 0:
        return history, ones
    rows = sp.csr_array(sp.vstack([history, entities.T], format="csr", dtype=np.float32))
    return rows, np.concatenate([ones, np.full(entities.shape[1], entity_weight, dtype=np.float32)])


def top_products(left: sp.csr_array, right: sp.csr_array, similarity: Similarity, k: int) -> sp.csr_array:
    """The k largest entries of each row of `similarity(left @ right)`, without the diagonal.

    Rows are multiplied in blocks, so that the whole product is never in memory: what it takes is k entries per row and
    about 200 MiB, or one row of the product where that is more.

    Args:
        left: shape (n, m).
        right: shape (m, n).
        similarity: what becomes of the entries that are not 0.
        k: most entries of a row, at least 1.

    Returns:
        Shape (n, n), float32, columns of a row ascending.
    """
    # An empty one, for a matrix without rows.
    blocks: list[sp.csr_array] = [sp.csr_array(np.zeros((0, right.shape[1]), dtype=np.float32))]
    for first, last in _blocks(left, right):
        product = sp.csr_array(left[first:last] @ right)
        product.sort_indices()
        row = np.repeat(np.arange(first, last), np.diff(product.indptr))
        product.data = np.asarray(similarity(product.data, row, product.indices), dtype=np.float32)
        product.data[row == product.indices] = 0
        blocks.append(top_per_row(product, k))
    return sp.csr_array(sp.vstack(blocks, format="csr"))


def _blocks(left: sp.csr_array, right: sp.csr_array) -> Iterator[tuple[int, int]]:
    """Bounds of blocks of rows whose product takes a bounded number of multiplications, at least a row each."""
    width = np.diff(right.indptr).astype(np.int64)
    done = np.concatenate([[0], np.cumsum(width[left.indices])])[left.indptr]
    first, n = 0, left.shape[0]
    while first < n:
        last = max(first + 1, int(np.searchsorted(done, done[first] + BLOCK, side="right")) - 1)
        yield first, last
        first = last


def top_per_row(matrix: sp.csr_array, k: int) -> sp.csr_array:
    """The k largest entries above 0 of each row; of equal ones those of lower columns.

    Args:
        matrix: columns ascending within each row.
        k: at least 1.
    """
    data, start = matrix.data, matrix.indptr
    floor = np.zeros(matrix.shape[0], dtype=data.dtype)
    for row in np.flatnonzero(np.diff(start) > k):
        entries = data[start[row] : start[row + 1]]
        floor[row] = np.partition(entries, len(entries) - k)[len(entries) - k]
    rows = np.repeat(np.arange(len(floor)), np.diff(start))
    above = data > np.maximum(floor, 0)[rows]
    tied = (data == floor[rows]) & (data > 0)
    room = k - np.bincount(rows[above], minlength=len(floor))
    order = np.concatenate([[0], np.cumsum(tied)])
    kept = above | (tied & (order[1:] - order[start[rows]] <= room[rows]))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=len(floor)))])
    return sp.csr_array((data[kept], matrix.indices[kept], offsets), shape=matrix.shape)


def weighted_sum(history: sp.csr_array, neighbours: sp.csr_array) -> Scores:
    """Sum of the rows of the items in each history, by their weights, shape (batch, items); 0 for an empty history."""
    return np.asarray((history @ neighbours).toarray(), dtype=np.float32)


def arrays_of(matrix: sp.csr_array) -> dict[str, npt.NDArray[Any]]:
    """A square matrix as plain arrays."""
    return {
        "data": matrix.data.astype(np.float32, copy=False),
        "indices": matrix.indices.astype(np.int32, copy=False),
        "indptr": matrix.indptr.astype(np.int64, copy=False),
    }


def matrix_of(arrays: Arrays) -> sp.csr_array:
    """The square matrix that gave these arrays."""
    n = len(arrays["indptr"]) - 1
    return sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n))
