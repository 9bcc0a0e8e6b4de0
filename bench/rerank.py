"""Re-ranking: seconds for many lists at once, against the same greedy choice list by list as the papers write it.

The list-by-list reference is numpy too: MMR with the whole matrix of cosines, the determinantal point process with the
Cholesky updates of Chen, Zhang and Zhou (2018). Both must give the same items.

With --price CONFIG the price of diversity instead, on the validation users of a configuration's data: ranked by EASE without a
graph (L2 penalty 100), alike by entities, so that no net need be trained. `plait rerank-price` does it for a trained model.

Run: python bench/rerank.py [--users 1024] [--pool 100] [--dimension 64] [-k 10] [--price examples/amazon-scientific.yaml]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from plait.fusion import read_config
from plait.fusion.evaluation import HeldOut
from plait.fusion.ranking import Ranked, top_k
from plait.fusion.rerank import DppConfig, GreedyReranker, ItemKnowledge, MmrConfig, RelevanceConfig, RerankConfig
from plait.fusion.rerank.dpp import LEAST
from plait.fusion.rerank.pool import Pool
from plait.fusion.rerank.price import price_of
from plait.fusion.rerank.spaces import Dense
from plait.fusion.stages import Stages
from plait.fusion.training import read_data
from plait.kg import SilentProgress

ITEMS, ROUNDS, DIVERSITY = 20_000, 3, 0.5
Places = npt.NDArray[np.int64]
One = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64], int], list[int]]


def mmr(relevance: npt.NDArray[np.float64], likeness: npt.NDArray[np.float64], k: int) -> list[int]:
    """One list by maximal marginal relevance."""
    nearest = np.full(len(relevance), -2.0)
    chosen: list[int] = []
    for _ in range(k):
        gain = (1 - DIVERSITY) * relevance - DIVERSITY * nearest
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        nearest = np.maximum(nearest, likeness[chosen[-1]])
    return chosen


def dpp(relevance: npt.NDArray[np.float64], likeness: npt.NDArray[np.float64], k: int) -> list[int]:
    """One list by the greedy determinantal point process."""
    left, factor = np.ones(len(relevance)), np.zeros((k, len(relevance)))
    chosen: list[int] = []
    for n in range(k):
        gain = (1 - DIVERSITY) * relevance + DIVERSITY * np.log(np.maximum(left, LEAST))
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        chosen.append(best)
        factor[n] = (likeness[best] - factor[:n, best] @ factor[:n]) / np.sqrt(max(left[best], LEAST))
        left = np.maximum(left - factor[n] ** 2, 0)
    return chosen


def list_by_list(one: One, ranked: Ranked, vectors: npt.NDArray[np.float32], k: int) -> Places:
    """Items of all lists, one list after the other."""
    relevance = Pool.of(ranked).relevance
    found = np.empty((len(ranked.items), k), dtype=np.int64)
    for row, items in enumerate(ranked.items):
        mine = vectors[items]
        found[row] = items[one(relevance[row], (mine @ mine.T).astype(np.float64), k)]
    return found


def best_of(work: Callable[[], Places]) -> tuple[Places, float]:
    """What comes out, and the seconds of the fastest round."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return found, min(seconds)


def price(path: Path, users: int, k: int) -> Table:
    """The curves of both methods."""
    config = read_config(path)
    split, catalogue = read_data(config, Stages(SilentProgress()), np.random.default_rng(config.seed))
    held = HeldOut.of(split, "valid").sample(users, np.random.default_rng(config.seed))
    positives = split.positives().matrix().astype(np.float64)
    positives.data[:] = 1
    inverse = np.linalg.inv((positives.T @ positives).toarray() + 100 * np.eye(positives.shape[1]))
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0)
    grid = [
        kind(diversity=d, space="entities") for kind in (MmrConfig, DppConfig) for d in (0, 0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    known = ItemKnowledge(catalogue.graph, None, None)
    points = price_of(
        lambda audience, seen: (audience.steps > 0).astype(np.float32) @ weights, held, known, grid, k, "entities"
    )
    table = Table(title=f"{path.name}, validation @{k}: {len(held.users):,} users, EASE, alike by entities")
    for column in ("method", "diversity", "NDCG", "recall", "differ", "cover", "Gini"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for point in points:
        of = point.metrics
        ndcg = f"{of['ndcg']:.4f} ±{point.errors['ndcg']:.4f}"
        rest = (f"{of[name]:.4f}" for name in ("recall", "diversity", "coverage", "gini"))
        table.add_row(point.method, f"{point.trade_off:g}", ndcg, *rest)
    return table


def main() -> None:
    """Re-rank random lists, or those of a configuration, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=1024)
    parser.add_argument("--pool", type=int, default=100)
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--price", type=Path, help="a YAML configuration")
    given = parser.parse_args()
    if given.price is not None:
        Console().print(price(given.price, given.users, given.k))
        return
    rng = np.random.default_rng(0)
    ranked = top_k(rng.normal(size=(given.users, ITEMS)).astype(np.float32), given.pool)
    vectors = rng.normal(size=(ITEMS, given.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = Dense(vectors)
    configs: list[tuple[RerankConfig, One | None]] = [
        (MmrConfig(diversity=DIVERSITY), mmr),
        (DppConfig(diversity=DIVERSITY), dpp),
        (RelevanceConfig(), None),
    ]
    table = Table(title=f"{given.users:,} lists of {given.k} from {given.pool}, {given.dimension} numbers an item")
    for column in ("method", "plait, s", "list by list, s", "ratio", "same lists"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for config, one in configs:
        reranker = GreedyReranker(config, space, (), None)
        found, mine = best_of(lambda reranker=reranker: reranker.rerank(ranked, given.k).items)  # type: ignore[misc]
        cells = ["", "", ""]
        if one is not None:
            other, seconds = best_of(lambda one=one: list_by_list(one, ranked, vectors, given.k))  # type: ignore[misc]
            cells = [f"{seconds:.3f}", f"{seconds / mine:.1f}", f"{(found == other).all(axis=1).mean():.1%}"]
        table.add_row(config.method, f"{mine:.3f}", *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
