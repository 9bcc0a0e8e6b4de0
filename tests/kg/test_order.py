"""Stable order: that of numpy's stable argsort, whatever the numbers are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg.order import packed_rows, stable_order

few = st.lists(st.integers(-3, 3), max_size=30)
wide = st.lists(st.sampled_from([-(2**62), -(2**53), -1, 0, 1, 7, 2**31, 2**53, 2**53 + 1, 2**62]), max_size=12)
fractions = st.lists(st.sampled_from([-0.5, -0.0, 0.0, 0.25, 3.0, 1e17, 1e17 + 16, -1e300]), max_size=12)


@given(st.one_of(few, wide).map(lambda keys: np.array(keys, dtype=np.int64)))
def test_whole_numbers_are_ordered_as_numpy_does(keys: Any) -> None:
    before = keys.copy()
    np.testing.assert_array_equal(stable_order(keys), np.argsort(keys, kind="stable"))
    np.testing.assert_array_equal(keys, before)  # the argument is left alone


@given(st.one_of(few, fractions).map(lambda keys: np.array(keys, dtype=np.float64)))
def test_floats_are_ordered_as_numpy_does(keys: Any) -> None:
    np.testing.assert_array_equal(stable_order(keys), np.argsort(keys, kind="stable"))


def test_no_number_sorts_last() -> None:
    assert stable_order(np.array([2.0, np.nan, 1.0])).tolist() == [2, 0, 1]


@pytest.mark.parametrize("narrow", [np.int8, np.int32, np.uint16])
def test_narrow_numbers_do_not_overflow(narrow: Any) -> None:
    keys = np.array([np.iinfo(narrow).max, np.iinfo(narrow).min] * 100, dtype=narrow)
    np.testing.assert_array_equal(stable_order(keys), np.argsort(keys, kind="stable"))


def test_keys_too_large_to_pack_are_refused() -> None:
    # 5 rows take 3 bits: 2^60 - 1 is the largest key that leaves them free under the sign.
    assert packed_rows(np.array([0, 0, 0, 0, 2**60])) is None
    packed = packed_rows(np.array([3, 0, 3, 1, 2**60 - 1]))
    assert packed is not None
    keys, bits = packed
    assert (keys & 7).tolist() == [1, 3, 0, 2, 4]
    assert ((keys >> bits).tolist(), bits) == ([0, 1, 3, 3, 2**60 - 1], 3)
