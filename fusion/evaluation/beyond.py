"""What lists are like besides right: how new, how mixed, how popular, how true to the history's proportions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...loaders.quality.distributions import gini
from .groups import Groups

__all__ = ["calibration", "diversity", "exposure", "gini_of_exposure", "listed", "novelty", "popularity_lift"]

ROWS = 4096
"""Lists looked at in one go where vectors are added up."""
SMOOTHING = 0.01
"""Share of the history's proportions put into the list's, so that a category it lacks costs much and not all."""

FloatVector = npt.NDArray[np.float64]
ItemMatrix = npt.NDArray[np.integer]


def listed(ranked: ItemMatrix, n_items: int, k: int) -> sp.csr_array:
    """The first k places of each list as a binary matrix, shape (users, items).

    Args:
        ranked: item numbers, best first, -1 for none, shape (users, K).
        n_items: size of the catalogue.
        k: cut-off.
    """
    first = ranked[:, :k]
    there = first >= 0
    starts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return sp.csr_array((np.ones(starts[-1], dtype=np.float32), first[there], starts), shape=(len(ranked), n_items))


def exposure(lists: sp.csr_array) -> npt.NDArray[np.int64]:
    """In how many lists each item stands, shape (items,)."""
    return np.bincount(lists.indices, minlength=lists.shape[1])


def gini_of_exposure(lists: sp.csr_array) -> float:
    """Gini coefficient of how often items stand in a list: 0 where all do equally, near 1 where few have all."""
    return gini(exposure(lists))


def novelty(lists: sp.csr_array, liked: npt.NDArray[np.integer], n_users: int) -> FloatVector:
    """Mean self-information of each list in bits, `-log2((c_i + 1) / (n_users + 1))`, shape (users,); NaN if empty.

    Args:
        lists: binary, shape (users, items).
        liked: training positives c of each item, shape (items,).
        n_users: users of the training.
    """
    bits = -np.log2((liked + 1.0) / (n_users + 1.0))
    return _means(lists, bits)


def diversity(lists: sp.csr_array, vectors: npt.NDArray[Any] | sp.csr_array) -> FloatVector:
    """One minus the mean cosine of all pairs of items in each list, shape (users,).

    Items with a zero vector, of which nothing is known, are left out; NaN with fewer than two others.

    Args:
        lists: binary, shape (users, items).
        vectors: of the items, dense or sparse, of any length, shape (items, d).
    """
    length = _lengths(vectors)
    scaled = lists.copy()
    known = length[lists.indices] > 0
    scaled.data = np.where(known, 1 / np.where(known, length[lists.indices], 1), 0).astype(np.float32)
    n = _sums(lists, length > 0)
    squared = np.empty(lists.shape[0])
    for first in range(0, lists.shape[0], ROWS):
        # Of unit vectors the squared length of the sum is n and twice the sum of the cosines.
        total: npt.NDArray[Any] | sp.csr_array = scaled[first : first + ROWS] @ vectors  # type: ignore[assignment]
        squared[first : first + ROWS] = _lengths(total) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n >= 2, 1 - (squared - n) / (n * (n - 1)), np.nan)


def calibration(lists: sp.csr_array, history: sp.csr_array, category: Groups) -> FloatVector:
    r"""Kullback-Leibler divergence of each list's categories from the history's (Steck, RecSys 2018), in nats.

    .. math:: \sum_g p_g \log \frac{p_g}{(1 - \alpha) q_g + \alpha p_g}, \qquad \alpha = 0.01

    where p and q are shares of the categories in history and list, an item's one share split among its categories.
    0 is best; log 100 is a list of other categories alone. NaN where no category is known on either side.

    Args:
        lists: binary, shape (users, items).
        history: every stored entry counts once, shape (users, items).
        category: of the items.
    """
    share = _scaled_rows(category.member)
    liked = sp.csr_array((np.ones_like(history.data), history.indices, history.indptr), shape=history.shape)
    wanted, given = _scaled_rows(sp.csr_array(liked @ share)), _scaled_rows(sp.csr_array(lists @ share))
    wanted.sort_indices()
    in_both = sp.csr_array(given.multiply(wanted > 0))
    mixed = sp.csr_array((1 - SMOOTHING) * in_both + SMOOTHING * wanted)
    mixed.sort_indices()
    terms = sp.csr_array((wanted.data * np.log(wanted.data / mixed.data), wanted.indices, wanted.indptr), wanted.shape)
    known = (np.diff(wanted.indptr) > 0) & (np.diff(given.indptr) > 0)
    return np.where(known, np.asarray(terms.sum(axis=1)).ravel(), np.nan)


def popularity_lift(lists: sp.csr_array, history: sp.csr_array, liked: npt.NDArray[np.integer]) -> float:
    """By how much lists are more popular than histories: the ratio of mean popularities, less 1 (Abdollahpouri 2020).

    A popularity is the mean number of training positives over the items of a list or history; NaN without any.

    Args:
        lists: binary, shape (users, items).
        history: every stored entry counts once, shape (users, items).
        liked: training positives of each item, shape (items,).
    """
    here = np.diff(lists.indptr) > 0
    there = np.diff(history.indptr) > 0
    both = here & there
    if not both.any():
        return float("nan")
    before = _means(history, liked)[both].mean()
    return float(_means(lists, liked)[both].mean() / before - 1) if before > 0 else float("nan")


def _sums(matrix: sp.csr_array, values: npt.NDArray[Any]) -> FloatVector:
    """Sum over each row's entries of what the items are worth, shape (rows,)."""
    total = np.concatenate([[0.0], np.cumsum(values[matrix.indices], dtype=np.float64)])
    return np.asarray(total[matrix.indptr[1:]] - total[matrix.indptr[:-1]])


def _means(matrix: sp.csr_array, values: npt.NDArray[Any]) -> FloatVector:
    counts = np.diff(matrix.indptr)
    return np.where(counts > 0, _sums(matrix, values) / np.maximum(counts, 1), np.nan)


def _lengths(vectors: npt.NDArray[Any] | sp.csr_array) -> FloatVector:
    if isinstance(vectors, np.ndarray):
        return np.asarray(np.linalg.norm(vectors, axis=1), dtype=np.float64)
    squares = sp.csr_array((vectors.data.astype(np.float64) ** 2, vectors.indices, vectors.indptr), vectors.shape)
    return np.sqrt(np.asarray(squares.sum(axis=1)).ravel())


def _scaled_rows(matrix: sp.csr_array) -> sp.csr_array:
    """Rows that sum to 1, or are empty; no entry is 0."""
    matrix = matrix.astype(np.float64)
    matrix.eliminate_zeros()
    total = np.asarray(matrix.sum(axis=1)).ravel()
    matrix.data = matrix.data / np.repeat(total, np.diff(matrix.indptr))
    return matrix
