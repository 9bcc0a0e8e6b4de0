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
from .weights import WeightSearch, weighted

__all__ = ["Choice", "choose"]

ASKED = 1000
"""Most users on whom it is measured what a judge loses without a signal: each signal is five judges more."""
USERS_A_TERM = 5
"""A judge is thought of only where there are so many users with a hit among their candidates for each weight of a gate:
with fewer even its cross-validation is a matter of luck. Five to ten events a variable is the rule for logistic models
(Vittinghoff and McCulloch, American Journal of Epidemiology, 2007)."""
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

    All are measured on users they have not learned from; what is chosen learns from all. With too few users for a judge
    the weights are taken, if they are listed.

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

    search = WeightSearch(parts, lambda scores: held_out.ndcg_of_each(scores, k), config.step)
    weights, in_sample = search.best()
    measured = {"weights": search.cross_validated(_folds(len(held_out.users), seed))}
    best = measured["weights"] if "weights" in config.methods else -np.inf
    pool = Pool.of(parts, audience, held_out.seen, facts, config.depth) if set(config.methods) - {"weights"} else None
    chosen: Fit | None = None
    method = "weights"
    if pool is not None and len(pool.row):
        hits = pool.relevant(held_out.relevant)
        enough = len(np.unique(pool.row[hits])) >= USERS_A_TERM * Gate.size(pool)
        fits = _fits(config, seed) if enough or "weights" not in config.methods else {}
        for name, fit in fits.items():
            measured[name] = metric(_cross_validated(pool, hits, fit, seed))
            if measured[name] > best:
                best, chosen, method = measured[name], fit, name
    if chosen is None or pool is None:
        lost = _lost_by_weights(parts, weights, metric, in_sample)
        return Choice(weights, None, method, measured, {name: measured[method] - less for name, less in lost.items()})
    judge = chosen(pool, hits)
    lost = _lost_by_judge(pool, hits, chosen, held_out, k, seed, list(parts))
    return Choice(weights, judge, method, measured, {name: best - less for name, less in lost.items()})


def _folds(n: int, seed: int) -> npt.NDArray[np.int64]:
    """Which part each user belongs to, shape (n,)."""
    return np.random.default_rng(seed).integers(0, FOLDS, n)


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


def _lost_by_weights(
    parts: Mapping[str, Scores], weights: Mapping[str, float], metric: Callable[[Scores], float], whole: float
) -> dict[str, float]:
    """What the other signals lose by their old weights against `whole`; for a signal of no weight that is nothing."""
    if len(parts) < 2:
        return {}
    return {
        name: whole - metric(_rest({n: part for n, part in parts.items() if n != name}, weights)) if weight else 0.0
        for name, weight in weights.items()
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
    fold = _folds(pool.shape[0], seed)
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
