"""Evaluation: every scorer ranks the whole catalogue for every held-out user, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from ...loaders import Part, Split
from ..ranking import top_k
from ..signals.signal import Audience, Scores
from .config import EvaluationConfig
from .facts import Facts
from .held_out import VALIDATION_USERS, HeldOut
from .look import Lists, described, sliced
from .metrics import METRICS, Metrics, ranking_metrics
from .per_user import PER_USER_METRICS, PerUser
from .result import Evaluation, Row

__all__ = ["BATCH", "Scorer", "evaluate", "rank"]

BATCH = 1024

Scorer = Callable[[Audience, sp.csr_array], Scores]
"""Scores of all items for an audience, given what each has seen."""


def evaluate(
    scorers: Mapping[str, Scorer],
    split: Split,
    config: EvaluationConfig,
    parts: Sequence[Part] = ("valid", "test"),
    facts: Facts | None = None,
) -> Evaluation:
    """Measure scorers by full ranking over all unseen items.

    For the test part the validation interactions are history: known, and left out as seen. No scorer is fitted
    here, so nothing is learned from them.

    Args:
        scorers: by name, in the order of the table.
        split: what was held out.
        config: what is measured.
        parts: what is measured on.
        facts: what is known of items and users besides (graph, texts, an attribute); by default the split alone.
    """
    facts = Facts.of(split, config) if facts is None else facts
    rows: list[Row] = []
    kept: dict[str, Mapping[str, npt.NDArray[np.float32]]] = {}
    users: dict[str, int] = {}
    cold: dict[str, int] = {}
    ids = pa.array([], pa.large_string())
    for part in parts:
        held, strangers = HeldOut.of(split, part), HeldOut.strangers(split, part, VALIDATION_USERS)
        users[part], cold[part] = len(held.users), held.cold
        for name, scorer in scorers.items():
            row, measured = _row(name, part, scorer, held, strangers, config.ks, facts)
            rows.append(row)
            if part == "test":
                ids, kept[name] = split.users.to_arrow().take(pa.array(held.users)), _of_each(measured, config.ks)
        if part == "test" and config.train_history:
            nobody, by_train = HeldOut.strangers(split, part, 0), held.known_by_train(split)
            for name, scorer in scorers.items():
                called = f"{name}, train history"
                row, measured = _row(called, part, scorer, by_train, nobody, config.ks, facts)
                rows.append(row)
                kept[called] = _of_each(measured, config.ks)
    return Evaluation(tuple(rows), users, cold, PerUser(ids, kept) if kept else None)


def rank(scorer: Scorer, held: HeldOut, k: int) -> npt.NDArray[np.int64]:
    """The k best unseen items of each held-out user, -1 where a list has ended, shape (users, k)."""
    ranked = np.full((len(held.users), k), -1, dtype=np.int64)
    for first in range(0, len(held.users), BATCH):
        rows = slice(first, first + BATCH)
        seen = held.seen[rows]
        scores = scorer(Audience(held.users[rows], held.history[rows]), seen)
        ranked[rows] = top_k(scores, k, exclude=seen).items
    return ranked


def _row(
    name: str, part: Part, scorer: Scorer, held: HeldOut, strangers: HeldOut, ks: Sequence[int], facts: Facts
) -> tuple[Row, Metrics]:
    ranked = rank(scorer, held, max(ks))
    measured = ranking_metrics(ranked, held.relevant, ks)
    names = [(metric, k) for k in ks for metric in METRICS]
    means = {f"{metric}@{k}": measured.mean(metric, k) for metric, k in names}
    errors = {f"{metric}@{k}": measured.standard_error(metric, k) for metric, k in names}
    for k in ks:
        more, more_errors = described(Lists.of(ranked, held, k), facts)
        means |= {f"{metric}@{k}": value for metric, value in more.items()}
        errors |= {f"{metric}@{k}": value for metric, value in more_errors.items()}
    slices = list(sliced(Lists.of(ranked, held, ks[0]), measured, facts))
    if len(strangers.users):
        unknown = rank(scorer, strangers, ks[0])
        slices += sliced(
            Lists.of(unknown, strangers, ks[0]), ranking_metrics(unknown, strangers.relevant, ks[:1]), facts, cold=True
        )
    return Row(name, part, means, errors, tuple(slices)), measured


def _of_each(measured: Metrics, ks: Sequence[int]) -> dict[str, npt.NDArray[np.float32]]:
    pairs = [(metric, k) for k in ks for metric in PER_USER_METRICS]
    return {f"{metric}@{k}": measured.values[metric, k].astype(np.float32) for metric, k in pairs}
