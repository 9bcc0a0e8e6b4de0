"""What a re-ranker chooses from: the first places of each ranking, and what its items are linked to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..ranking import Ranked

__all__ = ["Entries", "Pool"]


@dataclass(frozen=True, eq=False)
class Pool:
    """The candidates of each list, best first.

    Attributes:
        items: item numbers, -1 for none, shape (batch, M).
        scores: blended scores, NaN for none, shape (batch, M).
    """

    items: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]

    @classmethod
    def of(cls, ranked: Ranked) -> Pool:
        """The candidates of ranked lists."""
        return cls(ranked.items, ranked.scores)

    @cached_property
    def there(self) -> npt.NDArray[np.bool_]:
        """Which places hold a candidate, shape (batch, M)."""
        return self.items >= 0

    @cached_property
    def relevance(self) -> npt.NDArray[np.float64]:
        """Scores less their mean over the list's candidates, divided by their deviation; 0 where all are equal.

        Standardised over the candidates, not the catalogue: what counts is how they differ from each other. A list's
        order never changes by it. Shape (batch, M), 0 where there is no candidate.
        """
        scores = np.where(self.there, self.scores, 0).astype(np.float64)
        n = np.maximum(self.there.sum(axis=1, keepdims=True), 1)
        mean = scores.sum(axis=1, keepdims=True) / n
        gap = np.where(self.there, scores - mean, 0)
        deviation = np.sqrt((gap**2).sum(axis=1, keepdims=True) / n)
        flat = deviation <= 1e-9 * (np.abs(mean) + deviation)
        return np.asarray(np.where(flat, 0, gap / np.where(flat, 1, deviation)))


@dataclass(frozen=True, eq=False)
class Entries:
    """The stored entries of a matrix (items, values) at the candidates of a pool, as columns.

    Attributes:
        row: the list of an entry, shape (n,).
        place: the place of its candidate in the list, shape (n,).
        pair: a number for each list and value: the same for all candidates of the list that have the value, shape (n,).
        data: the matrix' number, shape (n,).
        n_pairs: how many pairs there are.
        start: where the entries of each list's candidates begin, in the order of `row * M + place`, shape (batch * M + 1,).
    """

    row: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    pair: npt.NDArray[np.int64]
    data: npt.NDArray[np.float32]
    n_pairs: int
    start: npt.NDArray[np.int64]

    @classmethod
    def of(cls, matrix: sp.csr_array, pool: Pool) -> Entries:
        """The entries of a pool's candidates."""
        batch, width = pool.items.shape
        items = pool.items.ravel()
        first = matrix.indptr[np.maximum(items, 0)].astype(np.int64)
        counts = np.where(items >= 0, matrix.indptr[np.maximum(items, 0) + 1] - first, 0)
        start = np.concatenate([[0], np.cumsum(counts)])
        slot = np.repeat(np.arange(batch * width), counts)
        at = np.arange(start[-1]) + np.repeat(first - start[:-1], counts)
        row = slot // max(width, 1)
        keys = row * matrix.shape[1] + matrix.indices[at]
        distinct, pair = np.unique(keys, return_inverse=True)
        return cls(row, slot % max(width, 1), pair.ravel(), matrix.data[at], len(distinct), start)

    def at(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Positions of the entries of some candidates, each given as `row * M + place`."""
        counts = self.start[slots + 1] - self.start[slots]
        ends = np.cumsum(counts)
        return np.asarray(np.arange(counts.sum()) + np.repeat(self.start[slots] - (ends - counts), counts))
