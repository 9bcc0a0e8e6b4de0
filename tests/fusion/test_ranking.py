"""Ranked lists: order, ties, exclusions and short lists."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.fusion.ranking import top_k

Rows = list[list[float]]
NAN, INF = float("nan"), float("inf")


def scores(rows: Rows) -> npt.NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


def seen(rows: list[list[int]]) -> sp.csr_array:
    return sp.csr_array(np.array(rows, dtype=np.float32))


def slow_top_k(
    matrix: npt.NDArray[np.float32], k: int, exclude: npt.NDArray[np.bool_]
) -> tuple[list[list[int]], list[list[float]]]:
    """The obvious way: sort each whole row by score, then number, and cut."""
    items, values = [], []
    for row, out in zip(matrix, exclude, strict=True):
        order = [int(i) for i in np.lexsort((np.arange(len(row)), -row)) if not out[i] and row[i] > -np.inf][:k]
        missing = k - len(order)
        items.append(order + [-1] * missing)
        values.append([float(row[i]) for i in order] + [NAN] * missing)
    return items, values


def test_items_come_by_score_from_high_to_low() -> None:
    ranked = top_k(scores([[0.1, 0.9, -0.5, 0.4], [3, 2, 1, 0]]), 3)
    assert ranked.items.tolist() == [[1, 3, 0], [0, 1, 2]]
    np.testing.assert_array_equal(ranked.scores, scores([[0.9, 0.4, 0.1], [3, 2, 1]]))
    assert ranked.items.dtype == np.int64
    assert ranked.scores.dtype == np.float32


def test_excluded_items_never_fill_a_short_list() -> None:
    ranked = top_k(scores([[5, 4, 3, 2], [1, 2, 3, 4]]), 3, exclude=seen([[1, 0, 1, 0], [0, 0, 0, 1]]))
    assert ranked.items.tolist() == [[1, 3, -1], [2, 1, 0]]
    np.testing.assert_array_equal(ranked.scores, scores([[4, 2, NAN], [3, 2, 1]]))


def test_a_row_with_all_excluded_is_empty() -> None:
    ranked = top_k(scores([[5, 4, 3], [5, 4, 3]]), 2, exclude=seen([[1, 1, 1], [0, 0, 0]]))
    assert ranked.items.tolist() == [[-1, -1], [0, 1]]
    assert np.isnan(ranked.scores[0]).all()


def test_a_stored_zero_excludes_too() -> None:
    stored = sp.csr_array((np.zeros(1, dtype=np.float32), ([0], [1])), shape=(1, 3))
    assert top_k(scores([[1, 9, 2]]), 1, exclude=stored).items.tolist() == [[2]]


def test_minus_infinity_means_never() -> None:
    assert top_k(scores([[-INF, 1, -INF]]), 2).items.tolist() == [[1, -1]]


def test_plus_infinity_is_first_and_survives() -> None:
    ranked = top_k(scores([[0, INF, 1]]), 2)
    assert ranked.items.tolist() == [[1, 2]]
    assert ranked.scores.tolist() == [[INF, 1]]


def test_ties_go_to_the_lower_number_in_order_and_at_the_cut() -> None:
    # 7 beats all; of the five at 1 only two have a place, though torch.topk may name any.
    ranked = top_k(scores([[1, 0, 1, 1, 7, 1, 1], [0, 0, 0, 0, 0, 0, 0]]), 3)
    assert ranked.items.tolist() == [[4, 0, 2], [0, 1, 2]]


def test_ties_among_what_is_left_after_exclusion() -> None:
    ranked = top_k(scores([[2, 2, 2, 2, 1]]), 2, exclude=seen([[1, 0, 1, 0, 0]]))
    assert ranked.items.tolist() == [[1, 3]]


def test_zero_and_minus_zero_tie() -> None:
    assert top_k(scores([[-0.0, 0.0, -0.0]]), 2).items.tolist() == [[0, 1]]


def test_many_ties_in_a_large_catalogue_do_not_depend_on_threads() -> None:
    matrix = np.random.default_rng(3).integers(0, 5, (7, 4001)).astype(np.float32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = top_k(matrix, 20).items
        torch.set_num_threads(2)
        two = top_k(matrix, 20).items
    finally:
        torch.set_num_threads(before)
    expected, _ = slow_top_k(matrix, 20, np.zeros(matrix.shape, dtype=bool))
    assert one.tolist() == two.tolist() == expected


def test_k_beyond_the_catalogue_pads() -> None:
    ranked = top_k(scores([[1, 2]]), 4)
    assert ranked.items.tolist() == [[1, 0, -1, -1]]
    np.testing.assert_array_equal(ranked.scores, scores([[2, 1, NAN, NAN]]))


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (0, 0)])
def test_nothing_to_rank_has_the_asked_shape(shape: tuple[int, int]) -> None:
    ranked = top_k(np.empty(shape, dtype=np.float32), 2)
    assert ranked.items.shape == ranked.scores.shape == (shape[0], 2)
    assert (ranked.items == -1).all()


def test_the_scores_given_are_left_as_they_are() -> None:
    given = scores([[1, 2, 3]])
    top_k(given, 2, exclude=seen([[0, 0, 1]]))
    assert given.tolist() == [[1, 2, 3]]


def test_read_only_reversed_and_transposed_scores_are_taken() -> None:
    matrix = scores([[1, 2, 3], [6, 5, 4]])
    matrix.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert top_k(matrix, 1).items.tolist() == [[2], [0]]
        assert top_k(matrix[:, ::-1], 1).items.tolist() == [[0], [2]]
        assert top_k(matrix.T, 1).items.tolist() == [[1], [1], [1]]
        assert top_k(matrix.T, 1, exclude=seen([[0, 1], [0, 0], [0, 1]])).items.tolist() == [[0], [1], [0]]


def test_nan_is_refused_with_its_place_even_where_excluded() -> None:
    broken = scores([[1, 2, 3], [1, NAN, NAN]])
    with pytest.raises(ValueError, match="NaN in 1 of 2 rows, first at row 1, item 1"):
        top_k(broken, 2)
    with pytest.raises(ValueError, match="NaN"):
        top_k(broken, 2, exclude=seen([[0, 0, 0], [0, 1, 1]]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeError, match="float64, expected float32"):
        top_k(np.zeros((1, 2)), 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        top_k(np.zeros(2, dtype=np.float32), 1)
    with pytest.raises(ValueError, match="k is 0"):
        top_k(scores([[1, 2]]), 0)
    with pytest.raises(ValueError, match=r"exclude has shape \(1, 3\)"):
        top_k(scores([[1, 2]]), 1, exclude=seen([[0, 0, 1]]))


@settings(deadline=None)
@given(st.data())
def test_equals_sorting_whole_rows(data: st.DataObject) -> None:
    batch, n_items = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 9))
    cells = batch * n_items
    # Few distinct values, so that most rows hold ties.
    value = st.sampled_from([-INF, -1.5, -0.0, 0.0, 0.25, 2.0, INF])
    matrix = scores(data.draw(st.lists(value, min_size=cells, max_size=cells))).reshape(batch, n_items)  # type: ignore[arg-type]
    out = np.array(data.draw(st.lists(st.booleans(), min_size=cells, max_size=cells)), dtype=bool)
    k = data.draw(st.integers(1, 11))
    ranked = top_k(matrix, k, exclude=sp.csr_array(out.reshape(batch, n_items)))
    items, values = slow_top_k(matrix, k, out.reshape(batch, n_items))
    assert ranked.items.tolist() == items
    np.testing.assert_array_equal(ranked.scores, np.array(values, dtype=np.float32).reshape(batch, k))
