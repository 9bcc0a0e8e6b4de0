"""What lists are like: figures by hand, against slow second implementations, and by law."""

from __future__ import annotations

from itertools import combinations
from math import log, log2

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from plait.fusion.evaluation.beyond import (
    calibration,
    diversity,
    exposure,
    gini_of_exposure,
    listed,
    novelty,
    popularity_lift,
)
from plait.fusion.evaluation.groups import Groups


def lists(*rows: list[int], n_items: int = 6) -> sp.csr_array:
    width = max(map(len, rows))
    ranked = np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64)
    return listed(ranked, n_items, width)


def test_places_become_a_matrix_up_to_the_cut_off() -> None:
    ranked = np.array([[4, 0, 2], [1, -1, -1], [-1, -1, -1]])
    assert listed(ranked, 5, 2).toarray().tolist() == [[1, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0] * 5]
    assert exposure(listed(ranked, 5, 3)).tolist() == [1, 1, 1, 0, 1]


def test_gini_is_0_for_all_alike_and_near_1_for_one_item() -> None:
    assert gini_of_exposure(lists([0, 1], [2, 3], [4, 5])) == pytest.approx(0)
    assert gini_of_exposure(lists([3], [3], [3])) == pytest.approx(1 - 1 / 6)


def test_novelty_by_hand() -> None:
    liked = np.array([7, 3, 0, 1, 0, 0])
    # Of 7 users all like item 0: no news. Item 2 nobody: log2(8 / 1) = 3 bits.
    found = novelty(lists([0], [0, 2], [1, 3], []), liked, n_users=7)
    assert found[:3].tolist() == pytest.approx([0, (0 + 3) / 2, (log2(8 / 4) + log2(8 / 2)) / 2])
    assert np.isnan(found[3])


def test_diversity_by_hand() -> None:
    vectors = np.array([[2, 0], [0, 5], [3, 4], [0, 0], [1, 0], [-1, 0]], dtype=np.float32)
    found = diversity(lists([0, 1], [0, 4], [0, 5], [0, 1, 2], [0, 3], [0, 3, 1]), vectors)
    # 0 and 1 are at right angles, 0 and 4 the same, 0 and 5 opposite; 3 says nothing and is left out.
    assert found[[0, 1, 2]].tolist() == pytest.approx([1, 0, 2])
    assert found[3] == pytest.approx(1 - (0 + 3 / 5 + 4 / 5) / 3)
    assert np.isnan(found[4])
    assert found[5] == pytest.approx(1)


@given(st.integers(0, 2**32), st.booleans())
def test_diversity_is_the_mean_over_all_pairs(seed: int, sparse: bool) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((9, 4)).astype(np.float32) * (rng.random((9, 4)) < 0.6)
    ranked = np.stack([rng.permutation(9)[:5] for _ in range(3)])
    found = diversity(listed(ranked, 9, 5), sp.csr_array(vectors) if sparse else vectors)
    assert found == pytest.approx([_slow_diversity(vectors[row]) for row in ranked], abs=1e-5, nan_ok=True)


def _slow_diversity(rows: npt.NDArray[np.float32]) -> float:
    known = [row / np.linalg.norm(row) for row in rows if row.any()]
    pairs = [1 - float(a @ b) for a, b in combinations(known, 2)]
    return sum(pairs) / len(pairs) if pairs else float("nan")


@pytest.fixture
def kinds() -> Groups:
    """Items 0 and 1 are A, 2 and 3 B, 4 both, 5 neither."""
    member = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1], [0, 0]], dtype=np.float32)
    return Groups(("A", "B"), sp.csr_array(member))


def test_calibration_by_hand(kinds: Groups) -> None:
    history = lists([0, 1, 2], [0], [0], [4], [5], [0])
    history.data[:] = [3, 2, 1, 1, 1, 1, 1, 1]  # Steps ago, which say nothing here.
    found = calibration(lists([3, 1, 0], [1], [2], [0, 3], [0], [5]), history, kinds)
    assert found[0] == pytest.approx(0, abs=1e-12)  # Two thirds A on both sides.
    assert found[1] == pytest.approx(0, abs=1e-12)
    assert found[2] == pytest.approx(log(1 / 0.01))  # All A before, none now.
    assert found[3] == pytest.approx(0, abs=1e-12)  # Half and half, by one item or by two.
    assert np.isnan(found[4:]).all()  # Nothing is known of the history; of the list.
    half = calibration(lists([0, 3]), lists([0, 1, 2]), kinds)
    p = 2 / 3, 1 / 3
    assert half[0] == pytest.approx(sum(x * log(x / (0.99 / 2 + 0.01 * x)) for x in p))


@given(st.integers(0, 2**32))
def test_calibration_is_never_negative_and_0_for_the_history_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = Groups(("a", "b", "c"), sp.csr_array((rng.random((9, 3)) < 0.4).astype(np.float32)))
    first, second = (np.stack([rng.permutation(9)[:4] for _ in range(5)]) for _ in range(2))
    history, given = listed(first, 9, 4), listed(second, 9, 4)
    assert (np.nan_to_num(calibration(given, history, kinds)) >= -1e-12).all()
    same = calibration(history, history, kinds)
    assert same[~np.isnan(same)] == pytest.approx(0, abs=1e-12)


def test_popularity_lift_by_hand() -> None:
    liked = np.array([10, 4, 2, 1, 0, 0])
    # Histories: 2 and (4 + 1) / 2, so 2.25 on average; lists: 10 and 4. The third user has no history.
    found = popularity_lift(lists([0], [1], [0]), lists([2], [1, 3], []), liked)
    assert found == pytest.approx((10 + 4) / 2 / ((2 + 2.5) / 2) - 1)
    assert np.isnan(popularity_lift(lists([0]), lists([4]), liked))
