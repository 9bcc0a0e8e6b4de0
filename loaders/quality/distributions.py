"""How counts spread over things, and interactions over time, in few enough numbers for a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["YEAR_1990", "YEAR_2100", "Distribution", "Timeline", "gini", "plausible_times"]

POINTS = 60
BINS = 48
YEAR_1990 = 631_152_000.0
YEAR_2100 = 4_102_444_800.0
YEAR_1, YEAR_9999 = -62_135_596_800.0, 253_402_300_799.0
"""What a date can name."""


@dataclass(frozen=True)
class Distribution:
    """How a count spreads over things: interactions over items, edges over entities.

    Attributes:
        name: what is counted.
        things: over how many things.
        total: sum of the counts.
        median, mean, largest: of the counts.
        gini: 0 where all things have the same count, near 1 where one has everything; NaN of nothing.
        top_share: share of the total on the hundredth of the things with the highest counts (one thing at least).
        points: (x, things with a count of x or more), x ascending over occurring counts, at most 60.
    """

    name: str
    things: int
    total: int
    median: float
    mean: float
    largest: int
    gini: float
    top_share: float
    points: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, name: str, counts: npt.NDArray[np.integer]) -> Distribution:
        """The spread of some counts, shape (things,)."""
        if not len(counts):
            nan = float("nan")
            return cls(name, 0, 0, nan, nan, 0, nan, nan, ())
        total, best = int(counts.sum()), np.sort(counts)[::-1]
        values, first = np.unique(np.sort(counts), return_index=True)
        at = _spaced(values)
        points = zip(values[at].tolist(), (len(counts) - first[at]).tolist(), strict=True)
        top = best[: max(1, len(counts) // 100)].sum() / total if total else float("nan")
        return cls(
            name, len(counts), total, float(np.median(counts)), float(counts.mean()), int(best[0]), gini(counts),
            float(top), tuple(points),
        )  # fmt: skip


def _spaced(values: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Positions of at most 60 ascending values, evenly spread over their logarithms; both ends are among them."""
    if len(values) <= POINTS:
        return np.arange(len(values))
    logs = np.log1p(values - values[0])
    wanted = np.linspace(logs[0], logs[-1], POINTS)
    return np.unique(np.searchsorted(logs, wanted).clip(max=len(values) - 1))


def gini(counts: npt.NDArray[np.integer]) -> float:
    """Gini coefficient, 2 sum_i i x_i / (n sum_i x_i) - (n + 1) / n over ascending x_1 to x_n; NaN of nothing."""
    n, total = len(counts), float(counts.sum())
    if not n or not total:
        return float("nan")
    rank = np.arange(1, n + 1, dtype=np.float64)
    return float(2 * (rank * np.sort(counts)).sum() / (n * total) - (n + 1) / n)


@dataclass(frozen=True)
class Timeline:
    """Interactions over time.

    Attributes:
        first, last: of the plausible times, in seconds since 1970 in UTC.
        counts: interactions in each of up to 48 equal spans between them.
    """

    first: float
    last: float
    counts: tuple[int, ...]

    @classmethod
    def of(cls, time: Iterable[float] | npt.NDArray[np.float64] | None) -> Timeline | None:
        """The timeline of a column of times; None where there is none, or they lie within a second."""
        times = plausible_times(np.empty(0) if time is None else np.asarray(time, dtype=np.float64))
        if not len(times) or times.max() - times.min() < 1:
            return None
        counts, _ = np.histogram(times, bins=BINS)
        return cls(float(times.min()), float(times.max()), tuple(counts.tolist()))


def plausible_times(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The times between 1990 and 2100; where none is, all that are finite, brought into the years 1 to 9999.

    One time in milliseconds among seconds lies fifty thousand years off, and would squeeze all others into one bar.
    """
    inside = times[(times >= YEAR_1990) & (times <= YEAR_2100)]
    return inside if len(inside) else times[np.isfinite(times)].clip(YEAR_1, YEAR_9999)
