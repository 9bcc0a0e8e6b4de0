"""Evaluation: every scorer ranks the whole catalogue for every held-out user, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from ..loaders import Part, Split
from .metrics import METRICS, coverage, ranking_metrics
from .ranking import top_k
from .signals.signal import Audience, Scores

__all__ = ["Evaluation", "EvaluationConfig", "HeldOut", "Row", "Scorer", "evaluate"]

BATCH = 1024

Scorer = Callable[[Audience, sp.csr_array], Scores]
"""Scores of all items for an audience, given what each has seen."""


class EvaluationConfig(BaseModel):
    """What is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ks: tuple[PositiveInt, ...] = Field(default=(10, 20), min_length=1)
    """Cut-offs; the first is the one models are chosen by, with NDCG."""

    ablations: bool = True
    """Train the graph net once more without the knowledge graph and text, to see what they add."""


VALIDATION_USERS = 4000
"""Most users that early stopping and the choice of penalties look at."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The users of a held-out part that can be evaluated: those with something to hit and a history to go by.

    Attributes:
        users: their numbers, shape (n,).
        history: what they are known to like, by how many steps ago, shape (n, items).
        seen: what is left out of their rankings, shape (n, items).
        relevant: what counts as a hit, shape (n, items).
        cold: how many users have something to hit and no history; they are not in the figures.
    """

    users: npt.NDArray[np.int64]
    history: sp.csr_array
    seen: sp.csr_array
    relevant: sp.csr_array
    cold: int

    @classmethod
    def of(cls, split: Split, part: Part) -> HeldOut:
        """The evaluable users of a part."""
        history, relevant = split.history(part), split.relevant(part)
        to_hit = np.diff(relevant.indptr) > 0
        known = np.diff(history.indptr) > 0
        users = np.flatnonzero(to_hit & known)
        return cls(users, history[users], split.seen(part)[users], relevant[users], int((to_hit & ~known).sum()))

    def sample(self, n: int, rng: np.random.Generator) -> HeldOut:
        """At most n of these users, drawn at random."""
        if len(self.users) <= n:
            return self
        rows = np.sort(rng.choice(len(self.users), n, replace=False))
        return HeldOut(self.users[rows], self.history[rows], self.seen[rows], self.relevant[rows], self.cold)

    def audience(self) -> Audience:
        """All of them."""
        return Audience(self.users, self.history)

    def ndcg(self, scores: Scores, k: int) -> float:
        """Mean NDCG@k of scores of these users, shape (n, items)."""
        return ranking_metrics(top_k(scores, k, exclude=self.seen).items, self.relevant, [k]).mean("ndcg", k)


@dataclass(frozen=True)
class Row:
    """One scorer's metrics on one part.

    Attributes:
        name: the scorer.
        part: "valid" or "test".
        metrics: means over users, by "recall@10" and so on; "coverage@10" too.
        errors: standard errors of the means.
    """

    name: str
    part: Part
    metrics: Mapping[str, float]
    errors: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """All scorers on all parts.

    Attributes:
        rows: one for each scorer and part.
        users: how many users each part is measured on.
        cold: how many users of each part had no history and are not measured.
    """

    rows: tuple[Row, ...]
    users: Mapping[str, int]
    cold: Mapping[str, int]

    def row(self, name: str, part: Part) -> Row:
        """One scorer's row.

        Raises:
            KeyError: if it was not measured.
        """
        for row in self.rows:
            if (row.name, row.part) == (name, part):
                return row
        raise KeyError(f"{name} was not measured on {part}")

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Evaluation:
        """The evaluation of a record."""
        rows = (Row(r["name"], r["part"], _floats(r["metrics"]), _floats(r["errors"])) for r in record["rows"])
        return cls(tuple(rows), record["users"], record["cold"])


def _floats(values: Mapping[str, float | None]) -> dict[str, float]:
    """Values of a JSON record, where null stands for NaN."""
    return {name: float("nan") if value is None else value for name, value in values.items()}


def evaluate(
    scorers: Mapping[str, Scorer], split: Split, config: EvaluationConfig, parts: Sequence[Part] = ("valid", "test")
) -> Evaluation:
    """Measure scorers by full ranking over all unseen items.

    For the test part the validation interactions are history: known, and left out as seen. No scorer is fitted
    here, so nothing is learned from them.
    """
    held_out = {part: HeldOut.of(split, part) for part in parts}
    rows = [
        _row(name, part, scorer, held, config.ks) for part, held in held_out.items() for name, scorer in scorers.items()
    ]
    users: dict[str, int] = {part: len(held.users) for part, held in held_out.items()}
    cold: dict[str, int] = {part: held.cold for part, held in held_out.items()}
    return Evaluation(tuple(rows), users, cold)


def _row(name: str, part: Part, scorer: Scorer, held: HeldOut, ks: Sequence[int]) -> Row:
    ranked = np.full((len(held.users), max(ks)), -1, dtype=np.int64)
    for first in range(0, len(held.users), BATCH):
        rows = slice(first, first + BATCH)
        seen = held.seen[rows]
        scores = scorer(Audience(held.users[rows], held.history[rows]), seen)
        ranked[rows] = top_k(scores, max(ks), exclude=seen).items
    measured = ranking_metrics(ranked, held.relevant, ks)
    names = [(metric, k) for k in ks for metric in METRICS]
    means = {f"{metric}@{k}": measured.mean(metric, k) for metric, k in names}
    means |= {f"coverage@{k}": coverage(ranked, held.relevant.shape[1], k) for k in ks}
    return Row(name, part, means, {f"{metric}@{k}": measured.standard_error(metric, k) for metric, k in names})
