"""Signals one by one: NDCG@10 on validation, seconds of a fit, memory; beside EASE, popularity and the library implicit.

Every signal takes the best of its default settings on at most 2,000 validation users, all items of a history weighing
the same, and alike the library (pip install implicit; left out where it is missing). "with EASE" is the best convex
combination of its standardised scores and EASE's. The seconds are those of fitting the chosen setting; the peak is what
numpy allocated in another such fit. No test data is looked at.

Run: OMP_NUM_THREADS=1 PLAIT_DATA=... python bench/signals.py [--only item_knn,ials,...] [config.yaml ...]
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from plait.fusion import read_config
from plait.fusion.blending.standard import standardised
from plait.fusion.evaluation import HeldOut
from plait.fusion.signals.ease import Ease
from plait.fusion.signals.ials import IalsConfig
from plait.fusion.signals.item_knn import ItemKnnConfig
from plait.fusion.signals.material import Material
from plait.fusion.signals.popularity import Popularity
from plait.fusion.signals.recent_popularity import RecentPopularityConfig
from plait.fusion.signals.rp3beta import Rp3BetaConfig
from plait.fusion.signals.signal import Audience, Scores
from plait.fusion.signals.transitions import TransitionsConfig
from plait.fusion.stages import Stages
from plait.fusion.training import read_data
from plait.kg import SilentProgress

EXAMPLES = sorted(Path(__file__).parent.parent.glob("examples/*.yaml"))
USERS, K = 2000, 10
RECIPES = {
    "recent_popularity": RecentPopularityConfig(),
    "item_knn": ItemKnnConfig(),
    "rp3beta": Rp3BetaConfig(),
    "transitions": TransitionsConfig(),
    "ials": IalsConfig(),
}
Settings = Mapping[str, Any]
Scorer = Callable[[Audience], Scores]
Candidate = tuple[Settings, Callable[[], Scorer]]
"""A setting, and a fit by it."""


@dataclass(frozen=True)
class Result:
    """One line: the metric, seconds of a fit, peak of a fit in MiB, what was chosen, and the scores."""

    ndcg: float
    seconds: float
    peak: float
    setting: Settings
    scores: Scores


def of_plait(material: Material, wanted: Sequence[str]) -> Iterator[tuple[str, list[Candidate]]]:
    """What plait fits: EASE and popularity to compare with, and the recipes."""
    yield "popularity", [({}, lambda: Popularity.fit(material.positives).score)]

    def ease(setting: Settings) -> Scorer:
        return Ease.fit(material.history, material.entities, **setting).score

    grid = [{"l2": l2, "entity_weight": w} for l2 in (30.0, 100.0, 300.0) for w in (0.0, 0.3, 1.0)]
    yield "ease", [(setting, lambda s=setting: ease(s)) for setting in grid]
    for name in wanted:
        recipe = RECIPES[name]
        fits = [(s, lambda s=s, r=recipe: r.fit(material, s).score) for s in recipe.choices()]
        yield name, fits


def of_implicit(material: Material, wanted: Sequence[str]) -> Iterator[tuple[str, list[Candidate]]]:
    """The library's item-kNN and iALS, scored by the same histories."""
    try:
        from implicit.als import AlternatingLeastSquares
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
    except ImportError:
        return
    history = sp.csr_matrix(material.history)

    def knn(maker: Callable[..., Any]) -> Scorer:
        model = maker(K=500, num_threads=1)
        model.fit(history, show_progress=False)
        return lambda audience: np.asarray((audience.history @ model.similarity).toarray(), dtype=np.float32)

    def als(factors: int, regularization: float, alpha: float) -> Scorer:
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularization,
            alpha=alpha,
            iterations=12,
            use_gpu=False,
            num_threads=1,
            random_state=0,
        )
        model.fit(history, show_progress=False)

        def score(audience: Audience) -> Scores:
            users = model.recalculate_user(np.arange(len(audience)), sp.csr_matrix(audience.history))
            return np.asarray(users @ model.item_factors.T, dtype=np.float32)

        return score

    if "item_knn" in wanted:
        makers = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        yield "implicit item-kNN", [({"weighting": n}, lambda m=m: knn(m)) for n, m in makers.items()]
    if "ials" in wanted:
        grid = [{"factors": 128, "regularization": r, "alpha": a} for r in (0.1, 1.0, 10.0) for a in (3.0, 10.0)]
        yield "implicit iALS", [(s, lambda s=s: als(**s)) for s in grid]


def best_of(candidates: Sequence[Candidate], held: HeldOut) -> Result:
    """The setting that validates best; of equals the first."""
    results = []
    for setting, fit in candidates:
        began = time.perf_counter()
        scorer = fit()
        seconds = time.perf_counter() - began
        scores = scorer(held.audience())
        results.append((held.ndcg(scores, K), seconds, setting, scores, fit))
    ndcg, seconds, setting, scores, fit = max(results, key=lambda result: result[0])
    tracemalloc.start()
    fit()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return Result(ndcg, seconds, peak, setting, scores)


def with_ease(scores: Scores, ease: Scores, held: HeldOut) -> float:
    """The best convex combination of the two."""
    one, other = (standardised(each, held.seen) for each in (scores, ease))
    shares = np.linspace(0, 1, 11, dtype=np.float32)
    return max(held.ndcg(share * one + (1 - share) * other, K) for share in shares)


def measure(path: Path, wanted: Sequence[str], console: Console) -> None:
    """One table, for the data of one configuration."""
    split, catalogue = read_data(read_config(path), Stages(SilentProgress()), np.random.default_rng(0))
    held = HeldOut.of(split, "valid").sample(USERS, np.random.default_rng(0))
    material = Material(split.positives(), catalogue.graph)
    table = Table(title=f"{path.stem}: {material.positives!r}, {len(held.users):,} validation users")
    for heading in ("signal", f"NDCG@{K}", "with EASE", "seconds", "peak MiB", "chosen"):
        table.add_column(heading, justify="left" if heading in ("signal", "chosen") else "right")
    _ = material.history, material.steps, material.entities
    ease: Scores | None = None
    for make in (of_plait, of_implicit):
        for name, candidates in make(material, wanted):
            found = best_of(candidates, held)
            ease = found.scores if name == "ease" else ease
            both = "" if ease is None or name == "ease" else f"{with_ease(found.scores, ease, held):.4f}"
            chosen = ", ".join(f"{key} {value}" for key, value in found.setting.items())
            table.add_row(name, f"{found.ndcg:.4f}", both, f"{found.seconds:.2f}", f"{found.peak:.0f}", chosen)
    console.print(table)


def main() -> None:
    """Read the arguments and measure each configuration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="*", type=Path, default=EXAMPLES)
    parser.add_argument("--only", default=",".join(RECIPES), help="signals to measure, by comma")
    arguments = parser.parse_args()
    wanted = [name for name in RECIPES if name in arguments.only.split(",")]
    for path in arguments.configs:
        measure(path, wanted, Console(width=160))


if __name__ == "__main__":
    main()
