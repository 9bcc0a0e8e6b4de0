"""The gate: weights of the signals that depend on the user and the item, learned by a conditional logit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .pool import Pool

__all__ = ["Gate"]

Floats = npt.NDArray[np.float64]

STEPS = 30
"""Newton steps at most; it takes about ten."""


@dataclass(frozen=True, eq=False)
class Gate:
    r"""Scores a candidate by terms whose weights vary with how well user and item are known.

    .. math::
        s_{ui} = \sum_f (a_f + b_f x_u + c_f y_i) \, f_{ui}, \qquad
        P(i \mid u) = \frac{e^{s_{ui}}}{\sum_{j \in C_u} e^{s_{uj}}}

    with two features a signal (the standardised score, its tails drawn in, and the logarithm of its rank), the counts
    of paths by relation, the popularity :math:`y` of the item and its square; :math:`x` is the logarithm of the length
    of the history. All are standardised. The weights maximise the likelihood of the validation items among the
    candidates less a quadratic penalty: the conditional logit of McFadden (1974), a concave problem, solved by Newton's
    method.

    Attributes:
        names: the terms, such as "ease rank" or "ease rank x history".
        mean, scale: what each term is standardised by, shape (terms,).
        weight: shape (terms,).
    """

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
        terms = _terms(pool)
        names = tuple(terms)
        table = np.stack([terms[name] for name in names], axis=1)
        n_hits = np.bincount(pool.row, hits, minlength=pool.shape[0])
        told = n_hits[pool.row] > 0
        mean, scale = table.mean(axis=0), table.std(axis=0)
        scale = np.where(scale > 1e-9, scale, 1.0)
        weight = np.zeros(len(names))
        if told.any():
            share = np.where(hits, 1 / np.maximum(n_hits, 1)[pool.row], 0.0)[told]
            weight = _newton((table[told] - mean) / scale, pool.row[told], share, l2)
        return cls(names, mean, scale, weight)

    def contributions(self, pool: Pool) -> dict[str, npt.NDArray[np.float32]]:
        """What each signal adds to the score of each pair; "item" and "paths" too. Their sum is the score."""
        terms = _terms(pool)
        added: dict[str, npt.NDArray[np.float32]] = {}
        for name, mean, scale, weight in zip(self.names, self.mean, self.scale, self.weight, strict=True):
            source = pool.source[name.partition(" x ")[0]]
            value = np.asarray((terms[name] - mean) * (weight / scale), dtype=np.float32)
            added[source] = added[source] + value if source in added else value
        return added

    def trust(self, pool: Pool) -> dict[str, float]:
        """The mean absolute contribution of each source, as shares of 1: who is listened to."""
        told = {name: float(np.abs(part - part.mean()).mean()) for name, part in self.contributions(pool).items()}
        total = sum(told.values()) or 1.0
        return {name: value / total for name, value in told.items()}

    def arrays(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """The numbers, for saving; the names go beside them."""
        return {"mean": self.mean, "scale": self.scale, "weight": self.weight}


def _terms(pool: Pool) -> dict[str, Floats]:
    """The features, and those of signals times history length and popularity."""
    columns = {name: column.astype(np.float64) for name, column in pool.columns.items()}
    history, popularity = columns.pop("length of the history"), columns["popularity of the item"]
    terms = dict(columns)
    for name, column in columns.items():
        if pool.source[name] not in ("item", "paths"):
            terms[f"{name} x history"] = column * history
            terms[f"{name} x popularity"] = column * popularity
        elif pool.source[name] == "paths":
            terms[f"{name} x popularity"] = column * popularity
    terms["popularity of the item x popularity"] = popularity**2
    terms["popularity of the item x history"] = popularity * history
    return terms


def _newton(table: Floats, row: npt.NDArray[np.int64], share: Floats, l2: float) -> Floats:
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
    wanted = table.T @ share / n
    weight = np.zeros(table.shape[1])
    before = np.inf
    for _ in range(STEPS):
        value, chance = _likelihood(table @ weight, share, starts, lengths)
        loss = -value / n + l2 / 2 * float(weight @ weight)
        means = np.add.reduceat(table * chance[:, None], starts, axis=0)
        gradient = means.sum(axis=0) / n - wanted + l2 * weight
        curvature = ((table * chance[:, None]).T @ table - means.T @ means) / n
        step = np.linalg.solve(curvature + l2 * np.eye(len(weight)), gradient)
        if before - loss < 1e-9 and float(gradient @ step) < 1e-9:
            break
        before = loss
        weight = _shortened(weight, step, loss, float(gradient @ step), (table, share, starts, lengths), l2)
    return weight


def _likelihood(
    scores: Floats, share: Floats, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[float, Floats]:
    """Log-likelihood of the hits, and each pair's chance among its user's."""
    top = np.repeat(np.maximum.reduceat(scores, starts), lengths)
    mass = np.exp(scores - top)
    total = np.repeat(np.add.reduceat(mass, starts), lengths)
    chance = mass / total
    return float(share @ (scores - top - np.log(total))), chance


def _shortened(
    weight: Floats,
    step: Floats,
    loss: float,
    slope: float,
    data: tuple[Floats, Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]],
    l2: float,
) -> Floats:
    """The weights after the step, halved until the loss falls as it should (Armijo)."""
    table, share, starts, lengths = data
    length = 1.0
    while length > 1e-6:
        moved = weight - length * step
        value, _ = _likelihood(table @ moved, share, starts, lengths)
        if -value / len(starts) + l2 / 2 * float(moved @ moved) <= loss - 1e-4 * length * slope:
            return np.asarray(moved)
        length /= 2
    return weight
