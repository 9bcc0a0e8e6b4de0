"""Full-ranking metrics: what each user's ranked list is worth, in one pass for every cut-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["METRICS", "Metrics", "coverage", "hits_of", "ranking_metrics"]

METRICS = ("recall", "ndcg", "mrr", "hit_rate", "precision", "map")
"""The per-user metrics; `ranking_metrics` gives their equations."""

FloatVector = npt.NDArray[np.float64]
FloatMatrix = npt.NDArray[np.float64]
BoolMatrix = npt.NDArray[np.bool_]
ItemMatrix = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Metrics:
    """Every metric at every cut-off, for each user.

    Attributes:
        values: by (metric name, k), the value of each user, NaN where the user has no relevant item, shape (users,).
    """

    values: Mapping[tuple[str, int], FloatVector]

    @property
    def n_users(self) -> int:
        """Users that count: those with a relevant item."""
        return int((~np.isnan(self._any())).sum())

    @property
    def n_left_out(self) -> int:
        """Users left out of means and errors, for want of a relevant item."""
        return len(self._any()) - self.n_users

    def mean(self, name: str, k: int) -> float:
        """Mean over the users that count; NaN if there is none."""
        known = self._known(name, k)
        return float(known.mean()) if len(known) else float("nan")

    def standard_error(self, name: str, k: int) -> float:
        """Standard error of that mean, `s / sqrt(n)` with s over n - 1; NaN for fewer than two users."""
        known = self._known(name, k)
        return float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")

    def _any(self) -> FloatVector:
        # A user without relevant items is NaN in every metric alike.
        return next(iter(self.values.values()))

    def _known(self, name: str, k: int) -> FloatVector:
        if (name, k) not in self.values:
            measured = ", ".join(f"{n}@{c}" for n, c in self.values)
            raise ValueError(f"{name}@{k} was not measured; there are {measured}")
        values = self.values[name, k]
        return values[~np.isnan(values)]


def ranking_metrics(ranked: ItemMatrix, relevant: sp.csr_array, ks: Sequence[int]) -> Metrics:
    """Every metric of `METRICS` at every k of `ks`, for each user.

    With h_i = 1 if the item at rank i (from 1) is relevant, else 0, and R the number of the user's relevant items:

        recall@k    = sum_{i<=k} h_i / R
        ndcg@k      = sum_{i<=k} h_i / log2(i + 1)  /  sum_{i<=min(k,R)} 1 / log2(i + 1)
        mrr@k       = 1 / i for the first i <= k with h_i = 1, else 0
        hit_rate@k  = 1 if any h_i = 1 with i <= k, else 0
        precision@k = sum_{i<=k} h_i / k
        map@k       = sum_{i<=k} h_i precision@i / min(k, R)

    A short list has h_i = 0 where it has ended. trec_eval divides its map_cut by R, not by min(k, R): its value is
    lower where a user has more than k relevant items.

    A user without relevant items is NaN in all, left out of every mean, and counted by `Metrics.n_left_out`.

    Args:
        ranked: item numbers, best first, no item twice in a row, -1 for none, shape (users, K).
        relevant: every stored entry is a relevant item, whatever its value, shape (users, items).
        ks: cut-offs, each from 1 to K.

    Raises:
        ValueError: if a shape, an item number or a cut-off does not fit, or a row holds an item twice.
    """
    _check(ranked, relevant, ks)
    if not relevant.has_canonical_format:
        relevant = relevant.copy()
        relevant.sum_duplicates()
    n_relevant = np.diff(relevant.indptr).astype(np.int64)
    by_name = _at_cut_offs(hits_of(ranked, relevant), n_relevant, np.array(ks))
    values = {(name, k): by_name[name][:, column] for name in METRICS for column, k in enumerate(ks)}
    return Metrics(values)


def coverage(ranked: ItemMatrix, n_items: int, k: int) -> float:
    """Share of the catalogue that stands in anybody's first k places; NaN for an empty catalogue.

    Args:
        ranked: item numbers, best first, -1 for none, shape (users, K).
        n_items: size of the catalogue.
        k: cut-off, from 1 to K.
    """
    _check_cut_off(k, ranked.shape[1])
    items = np.unique(ranked[:, :k])
    return int((items >= 0).sum()) / n_items if n_items else float("nan")


def _check(ranked: ItemMatrix, relevant: sp.csr_array, ks: Sequence[int]) -> None:
    n_users, n_items = relevant.shape
    if ranked.ndim != 2 or len(ranked) != n_users:
        raise ValueError(f"ranked has shape {ranked.shape}, expected ({n_users}, K) to match the relevant items")
    if not ks:
        raise ValueError("no cut-off was given")
    for k in ks:
        _check_cut_off(k, ranked.shape[1])
    if ranked.size and not -1 <= ranked.min() <= ranked.max() < n_items:
        raise ValueError(f"item numbers from {ranked.min()} to {ranked.max()}, expected -1 to {n_items - 1}")
    ordered = np.sort(ranked, axis=1)
    twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    if twice.any():
        raise ValueError(f"{twice.sum()} lists hold an item twice, the first that of user number {twice.argmax()}")


def _check_cut_off(k: int, length: int) -> None:
    if not 1 <= k <= length:
        raise ValueError(f"cut-off {k}, but the lists have {length} places: expected 1 to {length}")


def hits_of(ranked: ItemMatrix, relevant: sp.csr_array) -> BoolMatrix:
    """Which places hold a relevant item, shape (users, K).

    Args:
        ranked: item numbers, -1 for none, shape (users, K).
        relevant: every stored entry is a relevant item, shape (users, items).
    """
    n_users, n_items = relevant.shape
    user = np.arange(n_users, dtype=np.int64)
    wanted = np.repeat(user, np.diff(relevant.indptr)) * n_items + relevant.indices
    given = user[:, None] * n_items + ranked
    # Without the mask, "no item" would be the last item of the user before.
    return np.isin(given, wanted) & (ranked >= 0)


def _at_cut_offs(
    hits: BoolMatrix, n_relevant: npt.NDArray[np.int64], ks: npt.NDArray[np.int64]
) -> dict[str, FloatMatrix]:
    """The metrics by name, NaN for users without relevant items, shape (users, cut-offs) each."""
    rank = np.arange(1, hits.shape[1] + 1, dtype=np.float64)
    discount = 1 / np.log2(rank + 1)
    to_rank = hits.cumsum(axis=1, dtype=np.float64)
    first = hits & (to_rank == 1)
    found = to_rank[:, ks - 1]
    # Users that do not count are divided by 1 here, and become NaN at the end.
    total = np.maximum(n_relevant, 1)[:, None]
    findable = np.minimum(ks, total)
    values = {
        "recall": found / total,
        "ndcg": _summed(hits * discount, ks) / discount.cumsum()[findable - 1],
        "mrr": _summed(first / rank, ks),
        "hit_rate": (found > 0).astype(np.float64),
        "precision": found / ks,
        "map": _summed(hits * to_rank / rank, ks) / findable,
    }
    for matrix in values.values():
        matrix[n_relevant == 0] = np.nan
    return values


def _summed(gains: FloatMatrix, ks: npt.NDArray[np.int64]) -> FloatMatrix:
    """Sums over the first k places, for each k, shape (users, cut-offs)."""
    return gains.cumsum(axis=1)[:, ks - 1]
