"""Gram matrices made and inverted in one matrix's memory, against dense products in double precision."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.signals import gram
from plait.fusion.signals.gram import dense_gram, invert, weighed_rows


def at_random(shape: tuple[int, int], seed: int) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random(shape) < 0.3).astype(np.float32))


@pytest.mark.parametrize("block", [1, 17, 40, 10**6])  # one row at a time, blocks with a rest, all at once
def test_gram_matrix_of_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram, "BLOCK", block)
    rows = at_random((23, 13), 0)
    product = dense_gram(rows)
    assert (product == rows.toarray().T @ rows.toarray()).all()
    assert product.dtype == np.float32 and product.flags.f_contiguous


def test_stacked_by_hand() -> None:
    history = sp.csr_array(np.array([[1, 1, 0], [0, 1, 1]], dtype=np.float32))
    entities = sp.csr_array(np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float64))  # another type is no obstacle
    product = dense_gram(weighed_rows(history, entities, 4))
    # Items 0 and 2 share an entity (4) and no user; 1 and 2 an entity and a user (4 + 1).
    assert product == pytest.approx(np.array([[1 + 4, 1, 4], [1, 2 + 4, 1 + 4], [4, 1 + 4, 1 + 8]]))
    assert (weighed_rows(history, entities, 0) != history).nnz == 0


@pytest.mark.parametrize("tile", [1, 4, 13, 1024])
def test_inverse_in_tiles(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram, "TILE", tile)
    matrix = dense_gram(at_random((23, 13), 1)) + np.float32(2) * np.eye(13, dtype=np.float32, order="F")
    expected = np.linalg.inv(matrix.astype(float))
    inverse = invert(np.asfortranarray(matrix))
    assert inverse == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert (inverse == inverse.T).all() and inverse.flags.c_contiguous


def test_the_inverse_takes_the_memory_of_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram, "TILE", 64)
    matrix = dense_gram(at_random((300, 700), 2))
    matrix[np.diag_indices(700)] += 5
    tracemalloc.start()
    inverse = invert(matrix)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.shares_memory(inverse, matrix)
    assert peak < 0.2 * matrix.nbytes


def test_an_indefinite_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="not positive definite at row 2"):
        invert(np.asfortranarray(np.array([[1, 2], [2, 1]], dtype=np.float32)))
