"""Interaction columns: order, joins, matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import IdMap, Interactions

USERS, ITEMS = IdMap(["u0", "u1", "u2"]), IdMap(["i0", "i1", "i2", "i3", "i4"])
Row = tuple[int, int, float, float]
rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 4), st.sampled_from([0.5, 1.0, 4.0]), st.integers(0, 6).map(float)),
    max_size=20,
)


def log(data: list[Row], *, timed: bool = True) -> Interactions:
    user, item, weight, time = np.array(data, dtype=np.float64).reshape(-1, 4).T
    whole = user.astype(np.int64), item.astype(np.int64), weight.astype(np.float32)
    return Interactions.sorted(USERS, ITEMS, *whole, time if timed else None)


def listed(part: Interactions) -> list[Row]:
    time = np.zeros(len(part)) if part.time is None else part.time
    columns = (part.user, part.item, part.weight, time)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(rows)
def test_sorting_is_by_time_and_else_leaves_the_order(data: list[Row]) -> None:
    assert listed(log(data)) == sorted(data, key=lambda row: row[3])
    assert listed(log(data, timed=False)) == [(u, i, w, 0.0) for u, i, w, _ in data]


@given(rows, st.sampled_from([None, 0.0, 0.5, 0.75, 4.0, 9.0]))
def test_positives_are_the_rows_of_at_least_that_weight(data: list[Row], least: float | None) -> None:
    part = log(data)
    assert listed(part.at_least(least)) == [r for r in listed(part) if least is None or r[2] >= least]


@given(rows, rows, st.booleans())
def test_joined_rows_are_the_rows_of_both(first: list[Row], second: list[Row], timed: bool) -> None:
    both = log(first, timed=timed).joined(log(second, timed=timed))
    assert listed(both) == listed(log(first + second, timed=timed))
    assert len(both) == len(first) + len(second)


def test_times_known_for_one_part_only_are_not_made_up_for_the_other() -> None:
    joined = log([(0, 1, 1, 9), (1, 2, 1, 3)]).joined(log([(2, 3, 1, 0)], timed=False))
    assert joined.time is None
    assert joined.user.tolist() == [1, 0, 2]


@given(rows)
def test_the_matrix_has_a_one_for_each_pair_met(data: list[Row]) -> None:
    part = log(data)
    wanted = np.zeros((len(USERS), len(ITEMS)), dtype=np.float32)
    for user, item, *_ in data:
        wanted[user, item] = 1
    matrix = part.matrix()
    np.testing.assert_array_equal(matrix.toarray(), wanted)
    assert matrix.dtype == np.float32
    assert matrix.nnz == len({row[:2] for row in data})
    assert part.density == matrix.nnz / 15


@given(rows)
def test_steps_count_back_from_each_users_last_item(data: list[Row]) -> None:
    part = log(data)
    wanted = np.zeros((len(USERS), len(ITEMS)), dtype=np.float32)
    for user in range(len(USERS)):
        mine = [int(item) for u, item in zip(part.user, part.item, strict=True) if u == user]
        for step, item in enumerate(dict.fromkeys(reversed(mine)), start=1):
            wanted[user, item] = step
    steps = part.steps()
    np.testing.assert_array_equal(steps.toarray(), wanted)
    assert steps.nnz == part.matrix().nnz
    assert steps.has_sorted_indices


def test_a_larger_catalogue_moves_the_numbers_and_keeps_the_items() -> None:
    data: list[Row] = [(0, 1, 1, 1), (2, 4, 4, 2), (1, 0, 0.5, 3)]
    larger = IdMap(["new", "i4", "i3", "i2", "i1", "i0", "newer"])
    moved = log(data).with_items(larger)
    assert moved.items.ids(moved.item) == ["i1", "i4", "i0"]
    assert moved.matrix().shape == (3, 7)
    with pytest.raises(KeyError, match="unknown id 'i0'"):
        log(data).with_items(IdMap(["i1", "i2", "i3", "i4"]))


def test_columns_that_do_not_belong_together_are_refused() -> None:
    part = log([(0, 1, 1, 1), (1, 2, 1, 2)])
    with pytest.raises(ValueError, match=r"different lengths: \[1, 2\]"):
        Interactions(USERS, ITEMS, part.user, part.item[:1], part.weight, part.time)
    with pytest.raises(ValueError, match=r"different lengths: \[1, 2\]"):
        Interactions(USERS, ITEMS, part.user, part.item, part.weight, np.zeros(1))
    with pytest.raises(ValueError, match="sorted by time"):
        Interactions(USERS, ITEMS, part.user, part.item, part.weight, np.array([2.0, 1.0]))
    other = Interactions.sorted(IdMap(["x"]), ITEMS, np.zeros(1, np.int64), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="different id maps"):
        part.joined(other)


def test_nobody_met_anything() -> None:
    none = log([])
    assert (len(none), none.matrix().nnz, none.density) == (0, 0, 0.0)
    assert listed(none.joined(none)) == listed(none.at_least(1.0)) == []
    empty = np.empty(0, dtype=np.int64)
    nowhere = Interactions.sorted(IdMap([]), IdMap([]), empty, empty)
    assert nowhere.matrix().shape == (0, 0)
    assert np.isnan(nowhere.density)


def test_sessions_go_along_with_their_rows() -> None:
    user, item = np.array([2, 0, 1, 0]), np.array([4, 3, 2, 1])
    time, session = np.array([30.0, 10.0, 20.0, 40.0]), np.array([7, 5, 6, 8])
    whole = Interactions.sorted(USERS, ITEMS, user, item, None, time, session)
    assert whole.session is not None
    assert (whole.session.tolist(), whole.session.dtype) == ([5, 6, 7, 8], np.int32)

    def sessions(part: Interactions) -> list[int] | None:
        return None if part.session is None else part.session.tolist()

    assert sessions(whole.select(np.array([False, True, False, True]))) == [6, 8]
    assert sessions(whole.at_least(2.0)) == []
    assert sessions(whole.with_items(IdMap(["new", *ITEMS]))) == [5, 6, 7, 8]
    late, early = whole.select(np.array([1, 3])), whole.select(np.array([0, 2]))
    assert sessions(late.joined(early)) == [5, 6, 7, 8]  # by time
    unknown = Interactions.sorted(USERS, ITEMS, user, item, None, time)
    assert sessions(late.joined(unknown)) is sessions(unknown.joined(late)) is None
    with pytest.raises(ValueError, match=r"different lengths: \[3, 4\]"):
        Interactions(USERS, ITEMS, whole.user, whole.item, whole.weight, whole.time, session[:3].astype(np.int32))
