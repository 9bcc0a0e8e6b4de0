"""Histories: in order, cut, padded and batched without an item lost or moved."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from plait.gnn.sequence_histories import Histories

SEQUENCES = st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=9)


def made(sequences: list[list[int]]) -> Histories:
    """Histories of these sequences."""
    lengths = [len(sequence) for sequence in sequences]
    return Histories(
        np.array([item for sequence in sequences for item in sequence], dtype=np.int64),
        np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
    )


def listed(histories: Histories) -> list[list[int]]:
    """Histories as lists."""
    return [part.tolist() for part in np.split(histories.item, histories.start[1:-1])] if len(histories) else []


def test_oldest_first() -> None:
    # Item 1 was last (1 step ago), before it item 4, before it item 0; the second user has met nothing.
    steps = sp.csr_array(np.array([[3.0, 1, 0, 0, 2], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]]))
    assert listed(Histories.of(steps)) == [[0, 4, 1], [], [2]]


def test_order_does_not_hang_on_how_the_matrix_is_stored() -> None:
    steps = sp.csr_array((np.array([1.0, 3, 2]), np.array([4, 0, 2]), np.array([0, 3])), shape=(1, 5))
    assert listed(Histories.of(steps)) == [[0, 2, 4]]


def test_windows_by_hand() -> None:
    windows = listed(made([[1, 2, 3, 4, 5, 6], [7], [], [8, 9], [1, 2, 3]]).windows(2))
    # From the end: (4) 5 6, (2) 3 4, then 1 2; a single item has no next one.
    assert windows == [[4, 5, 6], [2, 3, 4], [1, 2], [8, 9], [1, 2, 3]]


@given(SEQUENCES, st.integers(1, 5))
def test_windows_ask_for_every_item_but_the_first_once(sequences: list[list[int]], n: int) -> None:
    pairs = sorted(pair for s in sequences for pair in pairwise(s))
    windows = listed(made(sequences).windows(n))
    assert sorted(pair for w in windows for pair in pairwise(w)) == pairs
    assert all(2 <= len(window) <= n + 1 for window in windows)


@given(SEQUENCES, st.integers(1, 5))
def test_last_is_a_slice(sequences: list[list[int]], n: int) -> None:
    assert listed(made(sequences).last(n)) == [sequence[-n:] for sequence in sequences]


@given(SEQUENCES)
def test_padding_holds_the_sequences(sequences: list[list[int]]) -> None:
    rows = np.arange(len(sequences))[::-1]
    items, filled = made(sequences).padded(rows)
    assert items.shape == filled.shape == (len(sequences), max(map(len, sequences), default=0))
    assert [row[mask].tolist() for row, mask in zip(items, filled, strict=True)] == sequences[::-1]
    assert not items[~filled].any()


@given(SEQUENCES, st.integers(1, 20))
def test_batches_are_a_partition_within_the_size(sequences: list[list[int]], cells: int) -> None:
    histories = made(sequences)
    order = np.random.default_rng(len(sequences)).permutation(len(sequences))
    batches = list(histories.batches(cells, order))
    assert sorted(np.concatenate([*batches, np.empty(0, dtype=np.int64)]).tolist()) == list(range(len(sequences)))
    for batch in batches:
        assert len(batch) == 1 or histories.padded(batch)[0].size <= cells
    # Rising lengths: a long history does not make short ones wait in padding.
    lengths = [int(n) for batch in batches for n in histories.lengths[batch]]
    assert lengths == sorted(lengths)
