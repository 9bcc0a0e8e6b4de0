"""Histories as sequences: which items, oldest first, and in which company they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["Histories"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Histories:
    """Sequences of item numbers, oldest first, one after the other.

    Attributes:
        item: the items, shape (n,).
        start: where each sequence begins, and the end of the last, shape (sequences + 1,).
    """

    item: Numbers
    start: Numbers

    @classmethod
    def of(cls, steps: sp.csr_array) -> Histories:
        """Those of a matrix of how many steps ago each user met each item, 1 the last, shape (users, items)."""
        lengths = np.diff(steps.indptr)
        row = np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((-steps.data, row))
        return cls(steps.indices[order].astype(np.int64), steps.indptr.astype(np.int64))

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def lengths(self) -> Numbers:
        """Items in each sequence, shape (sequences,)."""
        return np.diff(self.start)

    def last(self, n: int) -> Histories:
        """The last n items of each."""
        kept = np.minimum(self.lengths, n)
        start = np.concatenate([[0], np.cumsum(kept)])
        return Histories(self.item[_ranges(self.start[1:] - kept, kept)], start)

    def windows(self, n: int) -> Histories:
        """Sequences cut from the end into pieces of n + 1 items, each beginning with the last item of the one before.

        So every item but the first of a history is once something to predict. Histories of one item are left out.
        """
        pieces = np.where(self.lengths > 1, -(-(self.lengths - 1) // n), 0)
        end = np.repeat(self.start[1:], pieces) - n * _ranges(np.zeros_like(pieces), pieces)
        begin = np.maximum(end - n - 1, np.repeat(self.start[:-1], pieces))
        lengths = end - begin
        return Histories(self.item[_ranges(begin, lengths)], np.concatenate([[0], np.cumsum(lengths)]))

    def padded(self, rows: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Some sequences as a matrix, shape (rows, longest), and which of its cells hold an item.

        They begin at the left, and what is behind an end is item 0: a causal net never looks there from an item, so
        that no mask is needed, as it would be for padding in front.
        """
        lengths = self.lengths[rows]
        filled = np.arange(lengths.max(initial=0)) < lengths[:, None]
        items = np.zeros(filled.shape, dtype=np.int64)
        items[filled] = self.item[_ranges(self.start[rows], lengths)]
        return items, filled

    def batches(self, cells: int, order: Numbers) -> Iterator[Numbers]:
        """Sequence numbers in batches of at most so many cells of a padded matrix, each of about equal lengths.

        Args:
            cells: most cells of a batch; a single sequence may have more.
            order: the sequences; among those of equal length it is kept.
        """
        rows = order[np.argsort(self.lengths[order], kind="stable")]
        lengths = self.lengths[rows]
        first = 0
        for end in range(1, len(rows) + 1):
            # Lengths rise: the next row would be the longest of the batch.
            if end == len(rows) or lengths[end] * (end + 1 - first) > cells:
                yield rows[first:end]
                first = end


def _ranges(first: Numbers, lengths: Numbers) -> Numbers:
    """`first[0], first[0] + 1, ...` for each first and length, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(first - before, lengths))
