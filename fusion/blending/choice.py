"""Which way of blending is taken, by validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation.held_out import HeldOut
from ..signals.signal import Audience, Scores
from .config import BlendConfig
from .gate import Gate
from .judge import Judge
from .pool import ItemFacts, Pool
from .ranker import Ranker
from .weights import search_weights, weighted

__all__ = ["Choice", "choose"]

ASKED = 1000
"""Most users on whom it is measured what a judge loses without a signal: each signal is five judges more."""
FOLDS = 5
"""Into how many parts the users are divided: a judge that learned from four scores the fifth."""


@dataclass(frozen=True, eq=False)
class Choice:
    """How the signals are blended.

    Attributes:
        weights: a weight for each signal.
        judge: scores the candidates; None where the weights do better.
        method: which of those in `metric` was taken.
        metric: by method and setting, the validation metric that was chosen by.
        without: by signal, the metric of the chosen method where that signal is left out.
    """

    weights: Mapping[str, float]
    judge: Judge | None
    method: str
    metric: Mapping[str, float]
    without: Mapping[str, float]


Fit = Callable[[Pool, npt.NDArray[np.bool_]], Judge]


def choose(
    parts: Mapping[str, Scores],
    audience: Audience,
    held_out: HeldOut,
    facts: ItemFacts,
    config: BlendConfig,
    k: int,
    seed: int,
) -> Choice:
    """The weights, and the judge if one of the listed methods beats them.

    The weights are few, and measured on the users they were chosen on. Judges are measured on users they have not
    learned from, so that one is taken only if it wins at that disadvantage; then it learns from all.

    Args:
        parts: standardised scores by signal, shape (users, items).
        audience: the validation users.
        held_out: what they liked, in the same order.
        facts: what is known of the items.
        config: what to choose from.
        k: the metric is NDCG@k.
        seed: source of all randomness.
    """

    def metric(scores: Scores) -> float:
        return held_out.ndcg(scores, k)

    weights, best = search_weights(parts, metric, config.step)
    measured = {"weights": best}
    if "weights" not in config.methods:
        best = -np.inf
    pool = Pool.of(parts, audience, held_out.seen, facts, config.depth) if set(config.methods) - {"weights"} else None
    chosen: Fit | None = None
    method = "weights"
    if pool is not None and len(pool.row):
        hits = pool.relevant(held_out.relevant)
        for name, fit in _fits(config, seed).items():
            measured[name] = metric(_cross_validated(pool, hits, fit, seed))
            if measured[name] > best:
                best, chosen, method = measured[name], fit, name
    if chosen is None or pool is None:
        return Choice(weights, None, method, measured, _without_by_weights(parts, weights, metric, measured["weights"]))
    judge = chosen(pool, hits)
    lost = _lost_by_judge(pool, hits, chosen, held_out, k, seed, list(parts))
    return Choice(weights, judge, method, measured, {name: best - less for name, less in lost.items()})


def _lost_by_judge(
    pool: Pool, hits: npt.NDArray[np.bool_], fit: Fit, held_out: HeldOut, k: int, seed: int, names: Sequence[str]
) -> dict[str, float]:
    """What a judge loses without each signal, on some of the users; nothing where there is but one signal."""
    if len(names) < 2:
        return {}
    asked = np.zeros(pool.shape[0], dtype=bool)
    asked[np.random.default_rng(seed).permutation(pool.shape[0])[:ASKED]] = True
    some, some_hits = pool.select(asked), hits[asked[pool.row]]

    def of(judged: Pool) -> float:
        return float(held_out.ndcg_of_each(_cross_validated(judged, some_hits, fit, seed), k)[asked].mean())

    whole = of(some)
    return {name: whole - of(some.less(name)) for name in names}


def _without_by_weights(
    parts: Mapping[str, Scores], weights: Mapping[str, float], metric: Callable[[Scores], float], whole: float
) -> dict[str, float]:
    """The metric of the other signals by their old weights; for a signal of no weight that of all, `whole`."""
    if len(parts) < 2:
        return {}
    return {
        name: metric(_rest({n: part for n, part in parts.items() if n != name}, weights)) if weights[name] else whole
        for name in parts
    }


def _fits(config: BlendConfig, seed: int) -> dict[str, Fit]:
    """The judges that are listed, by method and setting."""
    fits: dict[str, Fit] = {}
    if "gate" in config.methods:
        for l2 in config.l2:
            fits[f"gate, l2 {l2:g}"] = lambda pool, hits, l2=l2: Gate.fit(pool, hits, l2)  # type: ignore[misc]
    if "ranker" in config.methods:
        for trees in config.trees:
            fits[f"ranker, {trees} trees"] = lambda pool, hits, trees=trees: Ranker.fit(  # type: ignore[misc]
                pool, hits, trees, seed
            )
    return fits


def _cross_validated(pool: Pool, hits: npt.NDArray[np.bool_], fit: Fit, seed: int) -> Scores:
    """Scores of the candidates by judges that have not seen their users, -1e9 elsewhere, shape (users, items)."""
    fold = np.random.default_rng(seed).integers(0, FOLDS, pool.shape[0])
    scores = np.full(pool.shape, np.float32(-1e9))
    for number in range(FOLDS):
        learned = fold != number
        judge = fit(pool.select(learned), hits[learned[pool.row]])
        judged = pool.select(~learned)
        scores[judged.row, judged.item] = judge.scores(judged)
    return scores


def _rest(parts: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """The blend of the signals that are left, by their old weights; all alike where those are 0."""
    kept = [weights[name] for name in parts]
    return weighted(list(parts.values()), kept if any(kept) else [1.0] * len(kept))
