"""The search for the weights of a blend, on a grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import permutations
from math import comb

import numpy as np

from ..signals.signal import Scores

__all__ = ["search_weights", "weighted"]

WHOLE_GRID = 250
"""Most points of a grid that is searched whole; at a tenth of a second each that is half a minute."""
COARSE_GRID = 84
"""Most points of the coarse grid: six signals in thirds, four in fifths or sixths."""

Point = tuple[int, ...]
"""Weights in ticks of the grid."""


def search_weights(
    parts: Mapping[str, Scores], metric: Callable[[Scores], float], step: float
) -> tuple[dict[str, float], float]:
    """The weights on a grid whose blend has the best metric; of equals the first found, fewest signals first.

    A large grid is not searched whole: among its points on a coarser grid, which has each signal alone, the best is
    taken, and then weight is moved from one signal to another as long as that helps, by ever smaller steps down to one
    of the grid. What is found is a best point among its neighbours, and the same for the same parts.

    Args:
        parts: standardised scores by signal.
        metric: what is to be high, on validation.
        step: grid of the weights.

    Returns:
        Weights by signal, and the metric they reach.
    """
    names, ticks = list(parts), round(1 / step)
    rows = [parts[name] for name in names]

    @cache
    def value(point: Point) -> float:
        return metric(weighted(rows, [share / ticks for share in point]))

    coarse = _coarse(len(names), ticks)
    best = _best_of(_simplex(len(names), coarse, ticks // coarse), value)
    move = ticks // coarse // 2
    while move:
        best = _climbed(best, move, value)
        move //= 2
    return {name: share / ticks for name, share in zip(names, best, strict=True)}, value(best)


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
