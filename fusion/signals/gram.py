"""Gram matrices: how often two items go together, made and inverted in the memory of one dense matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import lapack

from .sparse_rows import stacked

__all__ = ["dense_gram", "invert", "weighed_rows"]

Dense = npt.NDArray[np.float32]

BLOCK = 2**22
"""How many numbers are made at a time: 16 MiB of them, and at most 48 MiB of a sparse product on the way there."""

TILE = 1024
"""Rows and columns that are mirrored at a time, so that both stay in a processor's cache."""


def weighed_rows(history: sp.csr_array, entities: sp.csr_array | None, entity_weight: float) -> sp.csr_array:
    r"""Users, and below them each entity as a user who likes all its items, shape (users + entities, items).

    Its Gram matrix is :math:`X^T X + a F F^T`.

    Args:
        history: user-item matrix X, shape (users, items).
        entities: item-entity matrix F, shape (items, entities), or None.
        entity_weight: a; with 0, the users alone.
    """
    if entities is None:
        return history.astype(np.float32)
    rows, counts = stacked(history, entities, entity_weight)
    return sp.csr_array(sp.diags_array(np.sqrt(counts)) @ rows, dtype=np.float32)


def dense_gram(rows: sp.csr_array) -> Dense:
    """Product of the transposed matrix with the matrix, float32 in column order, shape (items, items).

    Beside the result it needs memory for one block of it alone.
    """
    n = rows.shape[1]
    gram = np.empty((n, n), dtype=np.float32, order="F")
    columns = sp.csr_array(rows.T)
    step = max(1, BLOCK // max(1, n))
    for start in range(0, n, step):
        # Symmetric: what is a row here is a column there, and columns are what lies together.
        block = gram.T[start : start + step]
        sp.csr_array(columns[start : start + step] @ rows).toarray(out=block)
    return gram


def invert(gram: Dense) -> Dense:
    """Inverse of a symmetric positive definite float32 matrix in column order, in its own memory and in row order.

    n^3 operations, of which LAPACK makes a Cholesky factor and from it the inverse. LAPACK counts rows in 32 bits but
    finds its place in 64, so that a matrix may have more than 2^31 numbers.

    Raises:
        ValueError: if it is not positive definite in float32.
    """
    factor, failed = lapack.spotrf(gram, overwrite_a=True, clean=False)
    if failed:
        raise ValueError(f"the Gram matrix is not positive definite at row {failed}; choose a larger ease.l2")
    upper, _ = lapack.spotri(factor, overwrite_c=True)
    inverse: Dense = np.asarray(upper).T
    _mirror_lower(inverse)
    return inverse


def _mirror_lower(matrix: Dense) -> None:
    """Write what stands below the diagonal above it, tile by tile."""
    n = len(matrix)
    for start in range(0, n, TILE):
        stop = min(n, start + TILE)
        corner = np.tril(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = corner + np.tril(corner, -1).T
        for below in range(stop, n, TILE):
            matrix[start:stop, below : below + TILE] = matrix[below : below + TILE, start:stop].T
