"""Caps: at most so many items of each brand, category or other value in a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .pool import Entries, Pool

__all__ = ["Caps"]


class Caps:
    """Keeps count of the values in each list, and tells which candidates have one that is used up.

    An item with several values counts for each of them, and is out as soon as one is used up; an item with none is
    never out. Taking the best candidate that is not out gives the longest list possible, and of those the one of the
    highest scores, where there is one cap and no item has two values of it (a partition matroid); elsewhere another
    choice may be longer.

    Args:
        pool: the candidates.
        values: for each cap, which values items have, shape (items, values), and the most items of one value.
    """

    def __init__(self, pool: Pool, values: Sequence[tuple[sp.csr_array, int]]) -> None:
        self.full: npt.NDArray[np.bool_] = np.zeros(pool.items.shape, dtype=bool)
        """Candidates that have a value used up, shape (batch, M)."""
        entries = [Entries.of(matrix, pool) for matrix, _ in values]
        self._counted = [
            (one, np.zeros(one.n_pairs, dtype=np.int64), most) for one, (_, most) in zip(entries, values, strict=True)
        ]

    def chose(self, rows: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> None:
        """Count the values of the chosen candidates, shape (r,) each."""
        width = self.full.shape[1]
        for entries, count, most in self._counted:
            own = entries.pair[entries.at(rows * width + places)]
            # A candidate has each value once, and lists have no pair in common: no position occurs twice.
            count[own] += 1
            out = (count >= most)[entries.pair]
            self.full[entries.row[out], entries.place[out]] = True
