"""What diversity costs: accuracy on validation against how mixed the lists are, for a grid of trade-offs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from ...kg import ModelError, Progress, SilentProgress
from ..config import Config
from ..evaluation import HeldOut, Scorer
from ..evaluation.beyond import diversity, gini_of_exposure, listed
from ..evaluation.metrics import coverage, ranking_metrics
from ..evaluation.saved import check_data
from ..ranking import top_k
from ..signals.signal import Audience
from ..stages import Stages
from ..storage import load, read_record
from ..threads import set_threads
from ..training import read_data
from .config import DppConfig, MmrConfig, RerankConfig
from .item_knowledge import ItemKnowledge
from .reranker import best_reranked, reranker_of
from .spaces import SpaceName

__all__ = ["DIVERSITIES", "Price", "PricePoint", "price_of", "price_of_saved"]

DIVERSITIES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Trade-offs looked at."""
BATCH = 1024
USERS = 4000
"""Most validation users looked at."""

Method = Literal["mmr", "dpp"]


@dataclass(frozen=True)
class PricePoint:
    """What the lists of one trade-off are like.

    Attributes:
        method: of re-ranking.
        diversity: the trade-off.
        metrics: means over users of "ndcg", "recall" and "diversity" (1 less the mean cosine in a list, in the space
            that is re-ranked by); "coverage" and "gini" of the exposure over all lists.
        errors: standard errors of the means.
    """

    method: str
    diversity: float
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
    return [_point(config, found, held, vectors, k) for config, found in zip(configs, lists, strict=True)]


def _point(config: RerankConfig, lists: npt.NDArray[np.int64], held: HeldOut, vectors: Any, k: int) -> PricePoint:
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
    return PricePoint(config.method, getattr(config, "diversity", 0.0), metrics, errors)


def price_of_saved(
    folder: str | Path,
    *,
    k: int = 10,
    methods: Sequence[Method] = ("mmr", "dpp"),
    diversities: Sequence[float] = DIVERSITIES,
    space: SpaceName = "embeddings",
    pool: int = 100,
    cap: Mapping[str, int] | None = None,
    users: int = USERS,
    progress: Progress | None = None,
) -> Price:
    """The curves of a saved model on its validation users, whose data is read again and split as in training.

    Raises:
        ModelError: if the model cannot be used, or its data is gone or has changed since.
        ConfigError: if the model lacks the space.
    """
    recommender, record = load(folder), read_record(folder)
    try:
        config = Config.model_validate(record.config)
    except ValidationError as error:
        raise ModelError("its configuration is of another version of plait; train anew", path=folder) from error
    known = recommender.item_knowledge
    known.space(space)  # Before minutes of reading.
    check_data(config, record.details["data"], Path(folder))
    set_threads(config.threads)
    stages = Stages(progress or SilentProgress())
    split, _ = read_data(config, stages, np.random.default_rng(config.seed))
    if split.users != recommender.users or split.items != recommender.items:
        raise ModelError("the data gives other users or items than the model knows; train anew", path=folder)
    held = HeldOut.of(split, "valid").sample(users, np.random.default_rng(config.seed))
    kinds: dict[Method, type[MmrConfig | DppConfig]] = {"mmr": MmrConfig, "dpp": DppConfig}
    grid: list[RerankConfig] = [
        kinds[method](diversity=diversity, space=space, pool=pool, cap=dict(cap or {}))
        for method in methods
        for diversity in diversities
    ]
    with stages.stage("re-rank", len(grid)) as stage:
        points = price_of(recommender.blend.score, held, known, grid, k, space)
        stage.result(f"{len(held.users):,} validation users, {len(grid)} trade-offs")
    return Price(tuple(points), len(held.users), k, pool, space)
