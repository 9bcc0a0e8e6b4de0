"""Batches: each text once, within the limit, with little padding."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.text.batching import PADDING_SHARE, padded, token_batches


@given(lengths=st.lists(st.integers(0, 40), max_size=30), limit=st.integers(1, 100))
def test_each_text_once_within_the_limit_and_a_twentieth_of_padding(lengths: list[int], limit: int) -> None:
    sizes = np.array(lengths, dtype=np.int64)
    batches = list(token_batches(sizes, limit))
    assert sorted(row for rows in batches for row in rows) == [row for row, size in enumerate(lengths) if size]
    for rows in batches:
        run = len(rows) * sizes[rows].max()
        assert len(rows) == 1 or run <= limit
        assert run - sizes[rows].sum() <= PADDING_SHARE * run + 1e-9
    longest = [sizes[rows].max() for rows in batches]
    assert longest == sorted(longest, reverse=True)


def test_a_batch_is_as_large_as_limit_and_padding_allow() -> None:
    # 20 + 19 + 18 in 3 * 20: 3 of 60 are padding, a twentieth; the 17 would make it 6 of 80.
    assert [rows.tolist() for rows in token_batches(np.array([17, 19, 20, 18]), 1000)] == [[2, 1, 3], [0]]
    assert [rows.tolist() for rows in token_batches(np.array([5, 5, 5, 5, 5]), 10)] == [[0, 1], [2, 3], [4]]


def test_filled_up_on_the_right() -> None:
    ids, mask = padded([np.array([7, 8, 9], dtype=np.int32), np.array([5], dtype=np.int32)], 1)
    assert ids.tolist() == [[7, 8, 9], [5, 1, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
