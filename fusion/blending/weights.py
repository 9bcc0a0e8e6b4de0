"""The search for the weights of a blend, on a grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import permutations
from math import comb

import numpy as np
import numpy.typing as npt

from ..signals.signal import Scores

__all__ = ["WeightSearch", "weighted"]

WHOLE_GRID = 250
"""Most points of a grid that is searched whole; at a tenth of a second each that is half a minute."""
COARSE_GRID = 84
"""Most points of the coarse grid: six signals in thirds, four in fifths or sixths."""

Point = tuple[int, ...]
"""Weights in ticks of the grid."""
Metrics = npt.NDArray[np.float64]
Users = npt.NDArray[np.int64] | slice


class WeightSearch:
    """Looks for weights on a grid; a point is measured once, for each user, however many users the search is for.

    A large grid is not searched whole: among its points on a coarser grid, which has each signal alone, the best is
    taken, and then weight is moved from one signal to another as long as that helps, by ever smaller steps down to one
    of the grid. What is found is a best point among its neighbours, and the same for the same parts.
    """

    def __init__(self, parts: Mapping[str, Scores], of_each: Callable[[Scores], Metrics], step: float) -> None:
        """A search.

        Args:
            parts: standardised scores by signal, shape (users, items) each.
            of_each: what is to be high on the mean, of each user by a blend's scores, shape (users,).
            step: grid of the weights.
        """
        self._names, self._ticks = list(parts), round(1 / step)
        rows = list(parts.values())
        self._of_each = cache(lambda point: of_each(weighted(rows, self._shares(point))))

    def best(self) -> tuple[dict[str, float], float]:
        """The weights of the highest mean; of equals the first found, fewest signals first. And that mean."""
        point = self._search(slice(None))
        return dict(zip(self._names, self._shares(point), strict=True)), self._mean(point, slice(None))

    def cross_validated(self, fold: npt.NDArray[np.int64]) -> float:
        """The mean where each user is measured by the weights that are best for the users of the other folds.

        Args:
            fold: of each user, shape (users,).
        """
        measured = np.zeros(len(fold))
        for number in np.unique(fold):
            others, own = np.flatnonzero(fold != number), fold == number
            # Nobody else: then there is nothing to learn from, and the first point there is will do.
            point = self._search(others)
            measured[own] = self._of_each(point)[own]
        return float(measured.mean())

    def _search(self, users: Users) -> Point:
        def value(point: Point) -> float:
            return self._mean(point, users)

        n, coarse = len(self._names), _coarse(len(self._names), self._ticks)
        best = _best_of(_simplex(n, coarse, self._ticks // coarse), value)
        move = self._ticks // coarse // 2
        while move:
            best = _climbed(best, move, value)
            move //= 2
        return best

    def _mean(self, point: Point, users: Users) -> float:
        values = self._of_each(point)[users]
        return float(values.mean()) if len(values) else 0.0

    def _shares(self, point: Point) -> list[float]:
        return [share / self._ticks for share in point]


def _coarse(n: int, ticks: int) -> int:
    """Parts of 1 on the first grid: all of them where that makes few points, else as many as divide them and do."""
    points = {parts: comb(parts + n - 1, n - 1) for parts in range(1, ticks + 1) if ticks % parts == 0}
    if points[ticks] <= WHOLE_GRID:
        return ticks
    return max((parts for parts, count in points.items() if count <= COARSE_GRID), default=1)


def _climbed(point: Point, move: int, value: Callable[[Point], float]) -> Point:
    """The best point that moves of so many ticks from one weight to another lead up to, the best move each time."""
    while True:
        moved = [
            tuple(share + move * ((at == to) - (at == start)) for at, share in enumerate(point))
            for start, to in permutations(range(len(point)), 2)
            if point[start] >= move
        ]
        best = _best_of([point, *moved], value)
        if best == point:
            return point
        point = best


def _best_of(points: Iterable[Point], value: Callable[[Point], float]) -> Point:
    """The point of the highest value; of equals the one of fewest signals, then the first."""
    ordered = sorted(points, key=lambda point: sum(share > 0 for share in point))
    best = ordered[0]
    for point in ordered[1:]:
        if value(point) > value(best) + 1e-12:
            best = point
    return best


def weighted(parts: Sequence[Scores], weights: Sequence[float]) -> Scores:
    """The sum of scores by weights, shape of each."""
    total = np.zeros_like(parts[0])
    for part, weight in zip(parts, weights, strict=True):
        if weight > 0:
            total += np.float32(weight) * part
    return total


def _simplex(n: int, parts: int, ticks: int = 1) -> Iterator[Point]:
    """All vectors of n shares, each a multiple of `ticks`, that sum to `parts * ticks`."""
    if n == 1:
        yield (parts * ticks,)
        return
    for first in range(parts + 1):
        for rest in _simplex(n - 1, parts - first, ticks):
            yield (first * ticks, *rest)
