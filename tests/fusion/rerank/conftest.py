"""Random pools, small enough for slow second implementations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from plait.fusion.ranking import Ranked, top_k
from plait.fusion.rerank.config import RerankConfig
from plait.fusion.rerank.reranker import GreedyReranker
from plait.fusion.rerank.spaces import Space

Rerank = Callable[..., Ranked]


@pytest.fixture
def rerank() -> Rerank:
    """Re-ranks by a configuration, a space, caps and exposure."""

    def run(config: RerankConfig, ranked: Ranked, k: int, space: Space | None = None, **given: object) -> Ranked:
        return GreedyReranker(config, space, given.get("caps", ()), given.get("exposure")).rerank(ranked, k)  # type: ignore[arg-type]

    return run


@pytest.fixture
def pool() -> Callable[..., tuple[Ranked, np.ndarray, np.ndarray]]:
    """Ranked lists of 3 users over 23 items with vectors of 4 numbers; the lists, the scores and the vectors."""

    def make(seed: int, width: int = 11, short: bool = False) -> tuple[Ranked, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=(3, 23)).astype(np.float32)
        if short:
            scores[1, 5:] = -np.inf
            scores[2] = -np.inf
        vectors = rng.normal(size=(23, 4)).astype(np.float32) + 0.5
        return top_k(scores, width), scores, vectors

    return make
