"""Histories: what users are known for, and what a caller says of them on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .signals.signal import Audience

__all__ = ["news_of", "with_news"]


def with_news(
    numbers: npt.NDArray[np.int64], news: sp.csr_array, liked: sp.csr_array, seen: sp.csr_array
) -> tuple[Audience, sp.csr_array]:
    """Histories of users known or not, the news behind them, and what they have seen, shape (batch, items).

    Args:
        numbers: user numbers, -1 for a user unknown, shape (batch,).
        news: what they liked since, by how many steps ago, shape (batch, items).
        liked: what is known of all users, by how many steps ago, shape (users, items).
        seen: what they have seen, liked or not, shape (users, items).
    """
    known = _taken(liked, numbers)
    # What is known lies further back by the length of the news, and news of an old item replaces what was known.
    known.data += np.repeat(news.max(axis=1).toarray().ravel(), np.diff(known.indptr))
    steps = sp.csr_array(known - known.multiply(news > 0) + news)
    steps.eliminate_zeros()
    return Audience(numbers, steps), sp.csr_array(_taken(seen, numbers).maximum(news > 0))


def news_of(histories: Sequence[Sequence[str]], number: Callable[[str], int], n_items: int) -> sp.csr_array:
    """Histories given by the caller, oldest first, as steps ago; of a repeated item the last counts.

    Args:
        histories: item ids of each user.
        number: gives an item's number, or raises.
        n_items: the catalogue.
    """
    rows: list[int] = []
    columns: list[int] = []
    steps: list[int] = []
    for row, history in enumerate(histories):
        latest = dict.fromkeys(number(item) for item in reversed(history))
        rows += [row] * len(latest)
        columns += list(latest)
        steps += range(1, len(latest) + 1)
    return sp.csr_array((np.array(steps, dtype=np.float32), (rows, columns)), shape=(len(histories), n_items))


def _taken(matrix: sp.csr_array, numbers: npt.NDArray[np.int64]) -> sp.csr_array:
    """Rows of a matrix, an empty one where the number is -1."""
    known = np.flatnonzero(numbers >= 0)
    # A product with a 0-1 matrix picks rows and leaves the others empty.
    ones = np.ones(len(known), dtype=np.float32)
    pick = sp.csr_array((ones, (known, numbers[known])), shape=(len(numbers), matrix.shape[0]))
    return sp.csr_array(pick @ matrix)
