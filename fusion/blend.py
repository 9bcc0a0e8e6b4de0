"""One score out of many signals: standardised per user, then weighted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from .recency import Recency
from .signal import Audience, Scores, Signal

__all__ = ["Blend", "BlendConfig", "search_weights", "standardised"]


class BlendConfig(BaseModel):
    """How the weights of the blend are sought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: float = Field(default=0.05, ge=0.01, le=1)
    """Grid of the weights, which sum to 1."""

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

        Users without a history are ranked by popularity alone, where that is among the signals: some signals know
        nothing of them, and would rank at random.
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
            whole = parts.setdefault("popularity", np.zeros(seen.shape, dtype=np.float32))
            whole[cold] = standardised(self.signals["popularity"].score(audience), seen)[cold]
        return parts

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

    Args:
        parts: standardised scores by signal.
        metric: what is to be high, on validation.
        step: grid of the weights.

    Returns:
        Weights by signal, and the metric they reach.
    """
    names = list(parts)
    best, best_metric = dict.fromkeys(names, 0.0), -np.inf
    for weights in sorted(_simplex(len(names), round(1 / step)), key=lambda w: sum(x > 0 for x in w)):
        total = _weighted([parts[name] for name in names], weights)
        value = metric(total)
        if value > best_metric + 1e-12:
            best, best_metric = dict(zip(names, weights, strict=True)), value
    return best, best_metric


def _weighted(parts: Sequence[Scores], weights: Sequence[float]) -> Scores:
    total = np.zeros_like(parts[0])
    for part, weight in zip(parts, weights, strict=True):
        if weight > 0:
            total += np.float32(weight) * part
    return total


def _simplex(n: int, ticks: int) -> Iterator[tuple[float, ...]]:
    """All vectors of n shares, each a multiple of 1 / ticks, that sum to 1."""
    if n == 1:
        yield (1.0,)
        return
    for first in range(ticks + 1):
        rest = ticks - first
        if rest == 0:
            yield (1.0, *(0.0 for _ in range(n - 1)))
            continue
        for tail in _simplex(n - 1, rest):
            yield (first / ticks, *(share * rest / ticks for share in tail))
