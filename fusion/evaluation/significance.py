"""Whether one model is better than another, or only luckier: paired tests over the same users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import wilcoxon

__all__ = ["Paired", "holm", "paired", "with_holm"]

RESAMPLES = 2000
"""Bootstrap samples; the ends of the interval are quantiles of their means."""
DRAWS = 4_000_000
"""Most users drawn in one go."""

FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """The difference of two scorers over the same users.

    Attributes:
        difference: mean of the first less the second.
        low, high: 95 % interval of that mean, by paired bootstrap.
        p: two-sided p-value of Wilcoxon's signed-rank test; 1 where no user tells them apart.
        adjusted: the same, corrected by Holm for how many pairs were tested.
        users: how many users both were measured on.
        better, worse: how many of them the first does better or worse by.
    """

    difference: float
    low: float
    high: float
    p: float
    adjusted: float
    users: int
    better: int
    worse: int


def paired(first: FloatVector, second: FloatVector, rng: np.random.Generator) -> Paired:
    """Compare two columns of figures of the same users; a user who is NaN in either is left out.

    Users without a difference are left out of Wilcoxon's ranks, as he did; they count in mean and interval.

    Args:
        first: figures, shape (users,).
        second: figures of the same users, shape (users,).
        rng: draws the bootstrap samples.

    Raises:
        ValueError: if no user is left, or the shapes differ.
    """
    difference = first - second
    difference = difference[~np.isnan(difference)]
    if not len(difference):
        raise ValueError("no user was measured by both")
    means = _bootstrap(difference, rng)
    # Left out before: with zeros among few differences scipy would take the normal approximation for the exact law.
    told = difference[difference != 0]
    p = float(wilcoxon(told).pvalue) if len(told) else 1.0
    low, high = np.quantile(means, [0.025, 0.975])
    better, worse = int((difference > 0).sum()), int((difference < 0).sum())
    return Paired(float(difference.mean()), float(low), float(high), p, p, len(difference), better, worse)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction: adjusted p-values for a family of tests, in the order given.

    The i-th smallest of m is multiplied by m - i + 1; none becomes smaller than one before it, or larger than 1.
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(np.asarray(p, dtype=np.float64)[order] * factors), 1)
    return [float(value) for value in adjusted]


def with_holm(pairs: Sequence[Paired]) -> list[Paired]:
    """The same comparisons with adjusted p-values, as one family."""
    return [replace(one, adjusted=value) for one, value in zip(pairs, holm([one.p for one in pairs]), strict=True)]


def _bootstrap(values: FloatVector, rng: np.random.Generator) -> FloatVector:
    """Means of samples with replacement, shape (RESAMPLES,)."""
    step = max(1, DRAWS // len(values))
    parts = [
        values[rng.integers(0, len(values), (min(step, RESAMPLES - first), len(values)))].mean(axis=1)
        for first in range(0, RESAMPLES, step)
    ]
    return np.concatenate(parts)
