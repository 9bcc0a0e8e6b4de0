"""One score out of many signals: standardised per user, then weighted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from math import comb

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from ..signals.recency import Recency
from ..signals.signal import Audience, KnowsStrangers, Scores, Signal

__all__ = ["Blend", "BlendConfig", "search_weights", "standardised"]

WHOLE_GRID = 250
"""Most points of a grid that is searched whole; at a tenth of a second each that is half a minute."""
COARSE_GRID = 84
"""Most points of the coarse grid: six signals in thirds, four in fifths or sixths."""

Point = tuple[int, ...]
"""Weights in ticks of the grid."""


class BlendConfig(BaseModel):
    """How the weights of the blend are sought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: float = Field(default=0.05, ge=0.01, le=1)
    """Grid of the weights, which sum to 1. A grid of up to 250 points is searched whole (three signals at 0.05: 231); a
    larger one coarsely first, then around the best point, in steps that halve."""

    max_users: int = Field(default=3000, ge=10)
    """Validation users looked at, drawn by the seed where there are more."""


@dataclass(frozen=True, eq=False)
class Blend:
    """Signals by name, and their weights; itself scores like a signal.

    Attributes:
        signals: the signals.
        weights: a weight for each, by name, none negative, summing to 1.
        recency: how much more recent items count, by name; none where it is not said.
    """

    signals: Mapping[str, Signal]
    weights: Mapping[str, float]
    recency: Mapping[str, Recency] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.signals) != set(self.weights):
            raise ValueError(f"signals {sorted(self.signals)} and weights {sorted(self.weights)} differ")
        if min(self.weights.values(), default=0) < 0 or not np.isclose(sum(self.weights.values()), 1):
            raise ValueError(f"weights are {dict(self.weights)}, expected none below 0 and a sum of 1")

    def signal_score(self, name: str, audience: Audience) -> Scores:
        """Scores of one signal alone, with its recency, shape (batch, items)."""
        return self.signals[name].score(audience.recent(self.recency.get(name, Recency())))

    def parts(self, audience: Audience, seen: sp.csr_array) -> dict[str, Scores]:
        """The weighted, standardised scores of each signal of positive weight; their sum is the blend.

        Users without a history are ranked by popularity, where that is among the signals: some signals know nothing of
        them, and would rank at random. A signal that knows them by something else, such as a text of their own, counts
        as much as popularity then; how much it should no validation tells, since none is done without a history.
        """
        parts = {
            name: np.float32(weight) * standardised(self.signal_score(name, audience), seen)
            for name, weight in self.weights.items()
            if weight > 0
        }
        cold = np.diff(audience.steps.indptr) == 0
        if cold.any() and "popularity" in self.signals:
            for part in parts.values():
                part[cold] = 0
            self._add_cold(parts, audience, seen, cold)
        return parts

    def _add_cold(
        self, parts: dict[str, Scores], audience: Audience, seen: sp.csr_array, cold: npt.NDArray[np.bool_]
    ) -> None:
        """Put into the parts what ranks users without a history."""
        asked = {"popularity": cold}
        for name, signal in self.signals.items():
            if isinstance(signal, KnowsStrangers) and (known := cold & signal.knows(audience)).any():
                asked[name] = known
        share = 1 / np.sum(list(asked.values()), axis=0, dtype=np.float32).clip(1)
        for name, rows in asked.items():
            part = parts.setdefault(name, np.zeros(seen.shape, dtype=np.float32))
            part[rows] = (share[:, None] * standardised(self.signals[name].score(audience), seen))[rows]

    def score(self, audience: Audience, seen: sp.csr_array) -> Scores:
        """Blended scores, shape (batch, items)."""
        parts = iter(self.parts(audience, seen).values())
        total = next(parts).copy()
        for part in parts:
            total += part
        return total


def standardised(scores: Scores, seen: sp.csr_array) -> Scores:
    """Scores less their mean, divided by their deviation, per user over the items not seen.

    Items already seen have extreme scores in some signals and will not be ranked, so they have no say. A signal that
    is the same for all unseen items of a user knows nothing about them, and gives 0.
    """
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(seen.indptr))
    mask = np.ones(scores.shape, dtype=bool)
    mask[rows, seen.indices] = False
    # Of a user who has seen everything nothing will be ranked; any mean will do, so long as there is one.
    mask[~mask.any(axis=1)] = True
    mean = scores.mean(axis=1, where=mask, keepdims=True, dtype=np.float64)
    deviation = scores.std(axis=1, where=mask, keepdims=True, dtype=np.float64)
    scale = np.abs(mean) + deviation
    flat = ~(deviation > 1e-6 * scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = ((scores - mean) / deviation).astype(np.float32)
    return np.where(flat, np.float32(0), result)


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
        return metric(_weighted(rows, [share / ticks for share in point]))

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


def _weighted(parts: Sequence[Scores], weights: Sequence[float]) -> Scores:
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
