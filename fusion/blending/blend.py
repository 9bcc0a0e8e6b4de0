"""One score out of many signals: standardised per user, then weighted, or judged all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..signals.recency import Recency
from ..signals.signal import Audience, KnowsStrangers, Scores, Signal
from .judge import Judge
from .pool import ItemFacts, Pool
from .standard import standardised
from .weights import weighted

__all__ = ["Blend"]


@dataclass(frozen=True, eq=False)
class Blend:
    """Signals by name, and their weights; itself scores like a signal.

    Attributes:
        signals: the signals.
        weights: a weight for each, by name, none negative, summing to 1.
        recency: how much more recent items count, by name; none where it is not said.
        judge: scores the candidates by all signals at once; the weights order what is no candidate. None: the weights
            order everything.
        facts: what the judge is told of the items.
        depth: how far down each signal's list the judge's candidates are taken.
    """

    signals: Mapping[str, Signal]
    weights: Mapping[str, float]
    recency: Mapping[str, Recency] = field(default_factory=dict)
    judge: Judge | None = None
    facts: ItemFacts | None = None
    depth: int = 60

    def __post_init__(self) -> None:
        if set(self.signals) != set(self.weights):
            raise ValueError(f"signals {sorted(self.signals)} and weights {sorted(self.weights)} differ")
        if min(self.weights.values(), default=0) < 0 or not np.isclose(sum(self.weights.values()), 1):
            raise ValueError(f"weights are {dict(self.weights)}, expected none below 0 and a sum of 1")
        if self.judge is not None and self.facts is None:
            raise ValueError("a judge wants the facts of the items")

    def signal_score(self, name: str, audience: Audience) -> Scores:
        """Scores of one signal alone, with its recency, shape (batch, items)."""
        return self.signals[name].score(audience.recent(self.recency.get(name, Recency())))

    def parts(self, audience: Audience, seen: sp.csr_array) -> dict[str, Scores]:
        """What each signal adds to the scores, shape (batch, items) each; their sum is the blend.

        Without a judge these are the weighted, standardised scores of each signal of positive weight. With one they
        are its contributions at the candidates, "item", "paths" and "user" besides the signals; what is no candidate
        comes after all of a user's candidates, in the order of the weights, pushed down by "item".

        Users without a history are ranked by popularity, where that is among the signals: some signals know nothing of
        them, and would rank at random. A signal that knows them by something else, such as a text of their own, counts
        as much as popularity then; how much it should no validation tells, since none is done without a history.
        """
        standard = self._standard(audience, seen)
        parts = {name: np.float32(self.weights[name]) * scores for name, scores in standard.items()}
        cold = np.diff(audience.steps.indptr) == 0
        if self.judge is not None and not cold.all():
            self._judge(parts, standard, audience, seen, ~cold)
        if cold.any() and "popularity" in self.signals:
            for part in parts.values():
                part[cold] = 0
            self._add_cold(parts, audience, seen, cold)
        return parts

    def _judge(
        self,
        parts: dict[str, Scores],
        standard: Mapping[str, Scores],
        audience: Audience,
        seen: sp.csr_array,
        warm: npt.NDArray[np.bool_],
    ) -> None:
        """Put the judge's contributions at the candidates into the parts, and the others beneath them."""
        assert self.judge is not None and self.facts is not None
        pool = Pool.of(standard, audience, seen, self.facts, self.depth).select(warm)
        added = self.judge.contributions(pool)
        below = np.sum(list(parts.values()), axis=0, dtype=np.float32)
        shift = pool.shift(np.asarray(np.stack(list(added.values())).sum(axis=0)), np.asarray(below))
        for name in dict.fromkeys([*added, *parts, "item"]):
            part = parts.setdefault(name, np.zeros(seen.shape, dtype=np.float32))
            if name == "item":
                part[warm] += shift[warm, None]
            part[pool.row, pool.item] = added.get(name, np.float32(0))

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
        cold = np.diff(audience.steps.indptr) == 0
        if self.judge is None or self.facts is None or cold.all():
            return self._summed(audience, seen)
        if cold.any():
            # Apart, so that nobody's scores depend on who else is asked for, to the last bit.
            total = np.empty(seen.shape, dtype=np.float32)
            for rows in (np.flatnonzero(cold), np.flatnonzero(~cold)):
                some = Audience(audience.numbers[rows], audience.steps[rows], audience.recency)
                total[rows] = self.score(some, seen[rows])
            return total
        # The sum of the parts without a matrix for what each source adds.
        standard = self._standard(audience, seen)
        pool = Pool.of(standard, audience, seen, self.facts, self.depth)
        total = weighted(list(standard.values()), [self.weights[name] for name in standard])
        values = self.judge.scores(pool)
        total += pool.shift(values, total)[:, None]
        total[pool.row, pool.item] = values
        return total

    def _summed(self, audience: Audience, seen: sp.csr_array) -> Scores:
        parts = iter(self.parts(audience, seen).values())
        total = next(parts).copy()
        for part in parts:
            total += part
        return total

    def _standard(self, audience: Audience, seen: sp.csr_array) -> dict[str, Scores]:
        """Standardised scores of the signals that have a say, shape (batch, items) each."""
        return {
            name: standardised(self.signal_score(name, audience), seen)
            for name, weight in self.weights.items()
            if weight > 0 or self.judge is not None
        }
