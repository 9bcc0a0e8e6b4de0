"""What diversity, caps and fair exposure cost: accuracy on validation against what they give, for a grid of trade-offs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...kg import ModelError, Progress, SilentProgress
from ..evaluation import HeldOut, Scorer
from ..evaluation.beyond import diversity, gini_of_exposure, listed
from ..evaluation.metrics import coverage, ranking_metrics
from ..evaluation.saved import read_again
from ..ranking import top_k
from ..signals.signal import Audience
from ..stages import Stages
from ..storage import load, read_record
from .config import DppConfig, ExposureConfig, MmrConfig, RelevanceConfig, RerankConfig
from .exposure import NEARLY, attention
from .groups import exposure_groups
from .item_knowledge import ItemKnowledge
from .reranker import best_reranked, reranker_of
from .spaces import SpaceName

__all__ = ["DIVERSITIES", "STRENGTHS", "Price", "PricePoint", "price_of", "price_of_saved", "shortfall"]

DIVERSITIES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Trade-offs looked at."""
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
"""Parts of the shares of exposure that are asked for."""
BATCH = 1024
USERS = 4000
"""Most validation users looked at."""

Method = Literal["mmr", "dpp"]
Due = tuple[sp.csr_array, npt.NDArray[np.float64]]
"""Groups of each item, shape (items, groups), and the share of the exposure due to each group."""


@dataclass(frozen=True)
class PricePoint:
    """What the lists of one trade-off are like.

    Attributes:
        method: of re-ranking: "none", "caps", "exposure", "mmr" or "dpp".
        trade_off: diversity, or of "exposure" the strength.
        metrics: means over users of "ndcg", "recall" and "diversity" (1 less the mean cosine in a list, in the space
            that is re-ranked by); "coverage" and "gini" of the exposure over all lists; where exposure is asked for
            "shortfall", the part of all exposure by which groups miss their shares.
        errors: standard errors of the means.
    """

    method: str
    trade_off: float
    metrics: Mapping[str, float]
    errors: Mapping[str, float]


@dataclass(frozen=True)
class Price:
    """The curves of a model.

    Attributes:
        points: by method and rising diversity.
        users: how many validation users they are measured on.
        k: length of the lists.
        pool: candidates of each list.
        space: tells how like items are.
    """

    points: tuple[PricePoint, ...]
    users: int
    k: int
    pool: int
    space: str

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)


def price_of(
    scorer: Scorer, held: HeldOut, known: ItemKnowledge, configs: Sequence[RerankConfig], k: int, space: SpaceName
) -> list[PricePoint]:
    """What the lists of some configurations are like, in their order; scores are computed once.

    Args:
        scorer: gives the scores that are re-ranked.
        held: users, and what counts as a hit.
        known: of the items.
        configs: to compare.
        k: length of the lists.
        space: in which lists are mixed or not.
    """
    rerankers = [reranker_of(config, known) for config in configs]
    lists = [np.full((len(held.users), k), -1, dtype=np.int64) for _ in configs]
    for first in range(0, len(held.users), BATCH):
        at = slice(first, first + BATCH)
        seen = held.seen[at]
        scores = scorer(Audience(held.users[at], held.history[at]), seen)
        for reranker, found in zip(rerankers, lists, strict=True):
            best = best_reranked(
                reranker,
                lambda rows, n, scores=scores, seen=seen: top_k(scores[rows], n, exclude=seen[rows]),  # type: ignore[misc]
                len(scores),
                k,
            )
            found[at] = best.items
    vectors = known.space(space).vectors
    wanted = next((config.exposure for config in configs if config.exposure is not None), None)
    due = None if wanted is None else exposure_groups(wanted.model_copy(update={"strength": 1.0}), known)
    return [_point(config, found, held, vectors, k, due) for config, found in zip(configs, lists, strict=True)]


def shortfall(lists: npt.NDArray[np.int64], due: Due) -> float:
    """By what part of all exposure groups miss their shares, summed over those that do; 0 where all have theirs.

    Args:
        lists: items best first, -1 for none, shape (users, k).
        due: groups of each item, shape (items, groups), and their shares.
    """
    groups, shares = due
    worth = np.broadcast_to(attention(lists.shape[1]), lists.shape)[lists >= 0]
    given = np.bincount(lists[lists >= 0], weights=worth, minlength=groups.shape[0])
    had = np.asarray(groups.astype(bool).T @ given) / max(float(given.sum()), NEARLY)
    return float((shares - had).clip(0).sum())


def _point(
    config: RerankConfig, lists: npt.NDArray[np.int64], held: HeldOut, vectors: Any, k: int, due: Due | None
) -> PricePoint:
    measured = ranking_metrics(lists, held.relevant, [k])
    n_items = held.relevant.shape[1]
    shown = listed(lists, n_items, k)
    mixed = diversity(shown, vectors)
    mixed = mixed[~np.isnan(mixed)]
    metrics = {name: measured.mean(name, k) for name in ("ndcg", "recall")}
    errors = {name: measured.standard_error(name, k) for name in ("ndcg", "recall")}
    metrics["diversity"] = float(mixed.mean()) if len(mixed) else float("nan")
    errors["diversity"] = float(mixed.std(ddof=1) / np.sqrt(len(mixed))) if len(mixed) > 1 else float("nan")
    metrics |= {"coverage": coverage(lists, n_items, k), "gini": gini_of_exposure(shown)}
    if due is not None:
        metrics["shortfall"] = shortfall(lists, due)
    return PricePoint(*_named(config), metrics, errors)


def _named(config: RerankConfig) -> tuple[str, float]:
    """How a point is called, and its trade-off."""
    if not isinstance(config, RelevanceConfig):
        return config.method, config.diversity
    if config.exposure is not None:
        return "exposure", config.exposure.strength
    return "caps" if config.cap else "none", 0.0


def price_of_saved(
    folder: str | Path,
    *,
    k: int = 10,
    methods: Sequence[Method] = ("mmr", "dpp"),
    diversities: Sequence[float] = DIVERSITIES,
    space: SpaceName = "embeddings",
    pool: int = 100,
    cap: Mapping[str, int] | None = None,
    exposure: str | None = None,
    users: int = USERS,
    progress: Progress | None = None,
) -> Price:
    """The curves of a saved model on its validation users, whose data is read again and split as in training.

    Args:
        folder: the model.
        k: length of the lists.
        methods: those that trade accuracy for diversity.
        diversities: trade-offs of theirs.
        space: tells how like items are.
        pool: candidates of each list.
        cap: most items of one value, by relation, in all lists but those that are set beside them.
        exposure: relation whose values are groups that exposure is due to, as in the catalogue: a curve over its
            strength.
        users: most validation users to look at.
        progress: told about reading and re-ranking.

    Raises:
        ModelError: if the model cannot be used or was fitted on validation, or its data is gone or has changed since.
        ConfigError: if the model lacks the space or a relation.
    """
    recommender, record = load(folder), read_record(folder)
    if record.details["refit"]:
        raise ModelError(
            "was fitted on the validation users too (refit), so what it does for them says nothing; train with "
            "--no-refit, choose on that model's curve, and re-rank this one so",
            path=folder,
        )
    known = recommender.item_knowledge
    # Before minutes of reading.
    known.space(space)
    caps = dict(cap or {})
    for relation in (*caps, *([exposure] if exposure else [])):
        known.values(relation)
    stages = Stages(progress or SilentProgress())
    config, split, _ = read_again(folder, recommender, record, stages)
    held = HeldOut.of(split, "valid").sample(users, np.random.default_rng(config.seed))
    kinds: dict[Method, type[MmrConfig | DppConfig]] = {"mmr": MmrConfig, "dpp": DppConfig}
    grid: list[RerankConfig] = [RelevanceConfig(pool=pool)] if caps or exposure else []
    grid += [RelevanceConfig(pool=pool, cap=caps)] if caps else []
    if exposure:
        grid += [
            RelevanceConfig(pool=pool, cap=caps, exposure=ExposureConfig(relation=exposure, strength=strength))
            for strength in STRENGTHS
        ]
    grid += [
        kinds[method](diversity=diversity, space=space, pool=pool, cap=caps)
        for method in methods
        for diversity in diversities
    ]
    with stages.stage("re-rank", len(grid)) as stage:
        points = price_of(recommender.blend.score, held, known, grid, k, space)
        stage.result(f"{len(held.users):,} validation users, {len(grid)} trade-offs")
    return Price(tuple(points), len(held.users), k, pool, space)
