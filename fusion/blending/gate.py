"""The gate: weights of the signals that depend on the user and the item, learned by a conditional logit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .pool import Pool

__all__ = ["Gate"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

STEPS = 30
"""Newton steps at most; it takes about ten."""
HISTORY, POPULARITY = "history x ", "popularity x "
"""What a term's name begins with where a feature is multiplied: in front, since the name of a relation ends a feature's
and may end in anything, and no feature's name begins so."""


@dataclass(frozen=True, eq=False)
class Gate:
    r"""Scores a candidate by terms whose weights vary with how well user and item are known.

    .. math::
        s_{ui} = \sum_f (a_f + b_f x_u + c_f y_i) \, f_{ui}, \qquad
        P(i \mid u) = \frac{e^{s_{ui}}}{\sum_{j \in C_u} e^{s_{uj}}}

    with three features a signal (the standardised score, the same with its tails drawn in, and the logarithm of its rank:
    how far ahead an item is tells other things than how many are before it), the counts
    of paths by relation, the popularity :math:`y` of the item and its square; :math:`x` is the logarithm of the length
    of the history. All are standardised. The weights maximise the likelihood of the validation items among the
    candidates less a quadratic penalty: the conditional logit of McFadden (1974), a concave problem, solved by Newton's
    method.

    Attributes:
        names: the terms, such as "ease rank" or "history x ease rank".
        mean, scale: what each term is standardised by, shape (terms,).
        weight: shape (terms,).
    """

    kind: ClassVar[str] = "gate"

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    weight: Floats

    @classmethod
    def fit(cls, pool: Pool, hits: npt.NDArray[np.bool_], l2: float) -> Gate:
        """Learn from candidates of which some are hits; users without a hit among them have no say.

        Args:
            pool: the candidates.
            hits: which of the pairs are, shape (pairs,).
            l2: the quadratic penalty, > 0, in units of the mean log-likelihood of a user.
        """
        n_hits = np.bincount(pool.row, hits, minlength=pool.shape[0])
        told = n_hits > 0
        learned = pool.select(told)
        terms = _terms(learned)
        names = tuple(terms)
        if not told.any():
            return cls(names, np.zeros(len(names)), np.ones(len(names)), np.zeros(len(names)))
        table = np.stack([terms.pop(name) for name in names], axis=1)
        mean, scale = table.mean(axis=0, dtype=np.float64), table.std(axis=0, dtype=np.float64)
        scale = np.where(scale > 1e-9, scale, 1.0)
        table -= mean.astype(np.float32)
        table /= scale.astype(np.float32)
        share = np.where(hits[told[pool.row]], 1 / n_hits[learned.row], 0.0).astype(np.float32)
        return cls(names, mean, scale, _newton(table, learned.row, share, l2))

    @staticmethod
    def size(pool: Pool) -> int:
        """How many weights a gate over these features has."""
        return len(_terms(pool.select(np.zeros(pool.shape[0], dtype=bool))))

    def contributions(self, pool: Pool) -> dict[str, npt.NDArray[np.float32]]:
        """What each signal adds to the score of each pair; "item" and "paths" too. Their sum is the score."""
        terms = _terms(pool)
        added: dict[str, npt.NDArray[np.float32]] = {}
        for name, mean, scale, weight in zip(self.names, self.mean, self.scale, self.weight, strict=True):
            source = pool.source[_feature(name)]
            value = np.asarray((terms[name] - mean) * (weight / scale), dtype=np.float32)
            added[source] = added[source] + value if source in added else value
        return added

    def scores(self, pool: Pool) -> Singles:
        """The score of each pair, shape (pairs,)."""
        terms = _terms(pool)
        coefficient = self.weight / self.scale
        total = np.full(len(pool.row), -(coefficient @ self.mean))
        for name, value in zip(self.names, coefficient, strict=True):
            total += value * terms[name]
        return total.astype(np.float32)

    def as_record(self) -> dict[str, Any]:
        """Names, means, scales and weights of the terms."""
        rows = zip(self.names, self.mean.tolist(), self.scale.tolist(), self.weight.tolist(), strict=True)
        return {"terms": [list(row) for row in rows]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Gate:
        """The gate of a record.

        Raises:
            ValueError: if it is damaged.
        """
        rows = record["terms"]
        numbers = np.array([[float(value) for value in row[1:]] for row in rows], dtype=np.float64).reshape(-1, 3)
        if not np.isfinite(numbers).all():
            raise ValueError("the gate holds a number that is not finite")
        mean, scale, weight = numbers.T
        return cls(tuple(str(row[0]) for row in rows), mean, scale, weight)


def _terms(pool: Pool) -> dict[str, Singles]:
    """The features, and those of signals times history length and popularity."""
    columns = dict(pool.columns)
    history, popularity = columns.pop("length of the history"), columns["popularity of the item"]
    terms = dict(columns)
    for name, column in columns.items():
        if pool.source[name] not in ("item", "paths"):
            terms[f"{HISTORY}{name}"] = column * history
            terms[f"{POPULARITY}{name}"] = column * popularity
        elif pool.source[name] == "paths":
            # A way through the graph tells most of an item that hardly anyone has met.
            terms[f"{POPULARITY}{name}"] = column * popularity
    terms[f"{POPULARITY}popularity of the item"] = popularity**2
    terms[f"{HISTORY}popularity of the item"] = popularity * history
    return terms


def _feature(term: str) -> str:
    """The feature that a term is made of."""
    return term.removeprefix(HISTORY).removeprefix(POPULARITY)


def _newton(table: Singles, row: npt.NDArray[np.int64], share: Singles, l2: float) -> Floats:
    """Weights of the greatest penalised likelihood.

    Args:
        table: standardised terms, shape (pairs, terms).
        row: the user of each pair, ascending, shape (pairs,).
        share: what each pair counts as a hit, 1 a user in all, shape (pairs,).
        l2: the penalty.
    """
    starts = np.flatnonzero(np.diff(row, prepend=row[0] - 1))
    lengths = np.diff(starts, append=len(row))
    n = len(starts)
    # The table is in single precision, being by far the largest; what is summed over users is kept in double.
    wanted = (table.T @ share).astype(np.float64) / n
    weight = np.zeros(table.shape[1])
    before = np.inf
    for _ in range(STEPS):
        value, chance = _likelihood(table @ weight.astype(np.float32), share, starts, lengths)
        loss = -value / n + l2 / 2 * float(weight @ weight)
        weighed = table * chance[:, None]
        means = np.add.reduceat(weighed, starts, axis=0).astype(np.float64)
        gradient = means.sum(axis=0) / n - wanted + l2 * weight
        curvature = ((weighed.T @ table).astype(np.float64) - means.T @ means) / n
        step = np.linalg.solve(curvature + l2 * np.eye(len(weight)), gradient)
        if float(gradient @ step) < 1e-7 or before - loss < 1e-7:
            break
        before = loss
        weight = _shortened(weight, step, loss, float(gradient @ step), (table, share, starts, lengths), l2)
    return weight


def _likelihood(
    scores: Singles, share: Singles, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[float, Singles]:
    """Log-likelihood of the hits, and each pair's chance among its user's."""
    top = np.repeat(np.maximum.reduceat(scores, starts), lengths)
    mass = np.exp(scores - top)
    total = np.repeat(np.add.reduceat(mass, starts), lengths)
    chance = mass / total
    return float(np.sum(share * (scores - top - np.log(total)), dtype=np.float64)), chance


def _shortened(
    weight: Floats,
    step: Floats,
    loss: float,
    slope: float,
    data: tuple[Singles, Singles, npt.NDArray[np.int64], npt.NDArray[np.int64]],
    l2: float,
) -> Floats:
    """The weights after the step, halved until the loss falls as it should (Armijo)."""
    table, share, starts, lengths = data
    length = 1.0
    while length > 1e-6:
        moved = weight - length * step
        value, _ = _likelihood(table @ moved.astype(np.float32), share, starts, lengths)
        if -value / len(starts) + l2 / 2 * float(moved @ moved) <= loss - 1e-4 * length * slope:
            return np.asarray(moved)
        length /= 2
    return weight
