"""Nothing of what is held out reaches what is trained or chosen; and a scorer that knows nothing does as chance does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import plait
from plait.fusion.evaluation import EvaluationConfig, HeldOut, evaluate
from plait.fusion.signals.signal import Audience, Scores
from plait.fusion.stages import Stages
from plait.fusion.training import Trained, read_data
from plait.kg import IdMap, Interactions, SilentProgress
from plait.loaders import Split

N_USERS, N_ITEMS = 40, 23
CONFIG = """\
data:
  interactions: {path: train.csv}
  graph: {source: triples, files: [graph.tsv], around: {min_degree: 1}}
split: {strategy: given, valid_path: valid.csv, test_path: test.csv}
text: null
gnn: {epochs: 3, dimension: 8, batch_size: 256, evaluate_every: 1}
ease: {l2: [10, 100], entity_weight: [0.5, 1]}
blend: {step: 0.25}
evaluation: {ks: [5], ablations: false}
threads: 1
seed: 2
"""


def rows(seed: int) -> dict[str, list[tuple[int, int]]]:
    """Train and validation the same for every seed, test another."""
    fixed, free = np.random.default_rng(1), np.random.default_rng(seed)
    parts: dict[str, list[tuple[int, int]]] = {"train": [], "valid": [], "test": []}
    for user in range(N_USERS):
        items = fixed.permutation(N_ITEMS)[:8]
        left = np.setdiff1d(np.arange(N_ITEMS), items)
        parts["train"] += [(user, int(item)) for item in items[:6]]
        parts["valid"] += [(user, int(item)) for item in items[6:]]
        parts["test"] += [(user, int(item)) for item in free.permutation(left)[:2]]
    return parts


EVERYTHING = (
    CONFIG.replace("blend: {step: 0.25}", "blend: {step: 0.25, methods: [gate]}")
    + """\
sparse_ease: {}
recent_popularity: {}
bilinear: {dimension: [2]}
factors: {dimension: [3]}
sequence: {epochs: 2, dimension: 4, heads: 1, layers: 1}
"""
)
"""Signals that are off by default, and a gate, which 40 users alone would not call for."""


def write(folder: Path, seed: int, config: str = CONFIG) -> Path:
    folder.mkdir()
    for name, pairs in rows(seed).items():
        lines = [f"u{user},i{item}" for user, item in pairs]
        (folder / f"{name}.csv").write_text("\n".join(["user,item", *lines]) + "\n", encoding="utf-8")
    triples = [f"i{item}\tkind\tk{item % 3}" for item in range(N_ITEMS)]
    (folder / "graph.tsv").write_text("\n".join(["head\trelation\ttail", *triples]) + "\n", encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    return folder / "config.yaml"


@pytest.fixture(scope="module", params=[CONFIG, EVERYTHING], ids=["weights", "gate and all signals"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Trained]:
    """Two trainings that differ in the test file alone."""
    folder = tmp_path_factory.mktemp("leakage")
    first, second = (plait.train(plait.read_config(write(folder / str(seed), seed, request.param))) for seed in (5, 6))
    return first, second


def test_other_test_rows_change_nothing_that_is_trained_or_chosen(trained: tuple[Trained, Trained]) -> None:
    first, second = (one.recommender.blend for one in trained)
    assert first.weights == second.weights
    assert first.recency == second.recency
    judges = [None if one.judge is None else one.judge.as_record()["terms"] for one in (first, second)]
    assert (judges[0] is None) == (judges[1] is None) == ("sequence" not in first.signals)
    for one, other in zip(*(terms or [] for terms in judges), strict=True):
        assert one[:-1] == other[:-1]
        assert one[-1] == pytest.approx(other[-1], abs=1e-6)
    assert set(first.signals) == set(second.signals) >= {"popularity", "ease", "gnn"}
    if "sequence" in first.signals:
        assert {"sparse_ease", "bilinear", "factors", "transitions", "ials", "rp3beta", "item_knn"} <= set(
            first.signals
        )
    for name, signal in first.signals.items():
        other = second.signals[name].arrays()
        for key, array in signal.arrays().items():
            # But for rounding: where an array lies in memory, the last bit of a product depends on.
            np.testing.assert_allclose(array, other[key], rtol=1e-5, atol=1e-6, err_msg=f"{name}.{key}")
    for name in first.weights:
        one, two = (run.evaluation.row(name, "valid") for run in trained)
        assert one.metrics == pytest.approx(two.metrics, abs=1e-9)
    # What was changed is not idle: the test figures are others.
    one, two = (run.evaluation.row("blend", "test").metrics for run in trained)
    assert one != two


def test_what_a_model_answers_with_holds_no_test_row(trained: tuple[Trained, Trained]) -> None:
    test = trained[0].split.test
    pairs = trained[0].recommender.seen.toarray()[test.user, test.item]
    assert not pairs.any()


@pytest.mark.parametrize("forwards", [True, False])
def test_held_out_edges_and_their_reverses_are_taken_out_of_the_graph(tmp_path: Path, forwards: bool) -> None:
    """A graph that tells who bought what tells it of held-out purchases too."""
    path = write(tmp_path / "run", 5)
    parts = rows(5)
    bought = [(f"u{user}", f"i{item}") for pairs in parts.values() for user, item in pairs]
    triples = [f"{user}\tbought\t{item}" if forwards else f"{item}\tbought by\t{user}" for user, item in bought]
    with (path.parent / "graph.tsv").open("a", encoding="utf-8") as file:
        file.write("\n".join(triples) + "\n")
    _, catalogue = read_data(plait.read_config(path), Stages(SilentProgress()), np.random.default_rng(0))
    graph = catalogue.graph
    ends = zip(graph.head.tolist(), graph.tail.tolist(), strict=True)
    told = {frozenset((graph.node_id(head), graph.node_id(tail))) for head, tail in ends}
    for user, item in parts["train"]:
        assert frozenset((f"u{user}", f"i{item}")) in told
    for name in ("valid", "test"):
        assert not told & {frozenset((f"u{user}", f"i{item}")) for user, item in parts[name]}
    # Nothing else was taken out.
    assert len(graph.head) == len(parts["train"]) + N_ITEMS


def test_a_random_scorer_does_as_chance_does() -> None:
    """k of the items not seen at random: recall k / n, hit rate 1 - C(n - r, k) / C(n, k), and so on."""
    users, items = IdMap([f"u{n}" for n in range(6000)]), IdMap([f"i{n}" for n in range(53)])
    draw = np.random.default_rng(0)
    cells = np.argsort(draw.random((6000, 53)), axis=1)[:, :7]

    def part(columns: slice) -> Interactions:
        chosen = cells[:, columns]
        return Interactions.sorted(users, items, np.repeat(np.arange(6000), chosen.shape[1]), chosen.ravel())

    split = Split(part(slice(0, 3)), part(slice(3, 5)), part(slice(5, 7)))

    def at_random(audience: Audience, seen: sp.csr_array) -> Scores:
        return draw.random(seen.shape, dtype=np.float32)

    k, n, wanted = 10, 53 - 5, 2
    row = evaluate({"random": at_random}, split, EvaluationConfig(ks=(k,)), ["test"]).row("random", "test")
    missed = (n - k) / n * (n - k - 1) / (n - 1)
    for name, chance in {"recall": k / n, "precision": wanted / n, "hit_rate": 1 - missed}.items():
        metric = f"{name}@{k}"
        assert abs(row.metrics[metric] - chance) < 4 * row.errors[metric], name
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ndcg = wanted / n * discounts.sum() / discounts[:wanted].sum()
    assert abs(row.metrics[f"ndcg@{k}"] - ndcg) < 4 * row.errors[f"ndcg@{k}"]
    assert row.metrics[f"coverage@{k}"] == 1
    assert row.metrics[f"gini@{k}"] < 0.05
    assert abs(row.metrics[f"popularity_lift@{k}"]) < 0.1


def test_the_held_out_parts_share_no_pair_with_what_is_known(trained: tuple[Trained, Trained]) -> None:
    split = trained[0].split
    for part in ("valid", "test"):
        held = HeldOut.of(split, part)
        assert held.seen.multiply(held.relevant).nnz == 0
    # And a pair that is in both is dropped where a split is made, not here: a hand-made split shows the difference.
    broken = HeldOut.of(replace(split, test=split.train), "test")
    assert broken.seen.multiply(broken.relevant).nnz > 0
