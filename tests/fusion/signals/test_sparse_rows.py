"""The k largest entries per row, and products in blocks, against dense ones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from plait.fusion.signals import sparse_rows
from plait.fusion.signals.sparse_rows import arrays_of, matrix_of, stacked, top_per_row, top_products


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 7), st.integers(1, 11))
def test_the_largest_above_0_and_of_equals_the_first(seed: int, k: int, n: int, m: int) -> None:
    # Few different values: most rows are cut within ties.
    dense = np.random.default_rng(seed).integers(-1, 4, (n, m)).astype(np.float32)
    kept = top_per_row(sp.csr_array(dense), k).toarray()
    for row, result in zip(dense, kept, strict=True):
        expected = np.zeros_like(row)
        for column in sorted(range(m), key=lambda c: (-row[c], c))[:k]:
            expected[column] = max(row[column], 0)
        assert result.tolist() == expected.tolist()


@pytest.mark.parametrize("block", [1, 10, 1 << 24])
def test_products_are_the_same_in_any_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_rows, "BLOCK", block)
    rng = np.random.default_rng(3)
    left = sp.csr_array(rng.integers(0, 2, (8, 5)) * rng.random((8, 5)).astype(np.float32))
    right = sp.csr_array(rng.integers(0, 2, (5, 8)) * rng.random((5, 8)).astype(np.float32))
    got = top_products(left, right, lambda value, row, column: value * (1 + row) / (2 + column), 100).toarray()
    expected = left.toarray() @ right.toarray() * (1 + np.arange(8))[:, None] / (2 + np.arange(8))
    np.fill_diagonal(expected, 0)
    assert got == pytest.approx(expected)


def test_nothing_at_all() -> None:
    none = sp.csr_array((0, 0), dtype=np.float32)
    assert top_products(none, none, lambda value, row, column: value, 3).shape == (0, 0)
    empty = sp.csr_array((4, 4), dtype=np.float32)
    assert top_products(empty, empty, lambda value, row, column: value, 3).nnz == 0


def test_entities_are_rows_below_the_users() -> None:
    history, entities = sp.csr_array(np.eye(2, 3, dtype=np.float32)), sp.csr_array(np.ones((3, 4), dtype=np.float32))
    rows, counts = stacked(history, entities, 0.5)
    assert rows.toarray().tolist() == [[1, 0, 0], [0, 1, 0], *[[1, 1, 1]] * 4]
    assert counts.tolist() == [1, 1, 0.5, 0.5, 0.5, 0.5]
    assert stacked(history, entities, 0)[0].shape == (2, 3)


def test_arrays_keep_rows_without_entries_at_the_end() -> None:
    matrix = sp.csr_array(np.array([[0, 0.5, 0], [0, 0, 0], [0, 0, 0]], dtype=np.float32))
    again = matrix_of(arrays_of(matrix))
    assert again.shape == (3, 3) and (again != matrix).nnz == 0
    assert {name: array.dtype.name for name, array in arrays_of(matrix).items()} == {
        "data": "float32",
        "indices": "int32",
        "indptr": "int64",
    }
