"""Neo4j's Graph Data Science and plait on one graph, one split and one evaluation: seconds, Recall@10 and MRR@10.

The data is Last.FM with its knowledge graph in the split that published recommenders report on (`lightkg-lastfm` in
PLAIT_DATA). Training interactions and knowledge graph are pushed into a server as one undirected graph; FastRP,
node2vec and GraphSAGE embed it there, and their embeddings are read and rank the whole catalogue under plait's own
evaluation. Every method has a few settings, of which the best by NDCG@10 on validation is taken, and with it the way of
scoring: the user's own vector or the mean of the vectors of the items known of the user, by cosine or dot product. For
the test part the validation items are known of a user, and no test item is looked at before all is chosen.

The server is started from PLAIT_NEO4J_HOME in a temporary folder, with NEO4J_GDS=1; or it is the empty one at NEO4J_URI,
which has the plugin.

Run: PLAIT_DATA=... PLAIT_NEO4J_HOME=... python bench/gds.py [--only fastrp,node2vec,graphsage,plait] [--settings N] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table
from servers.neo4j_server import running

from plait.fusion.config import Config
from plait.fusion.evaluation import EvaluationConfig, Row, Scorer, evaluate
from plait.fusion.signals.signal import Audience, Scores
from plait.fusion.stages import Stages
from plait.fusion.training import read_data, train
from plait.kg import IdMap, KnowledgeGraph, SilentProgress
from plait.loaders import Catalogue, Split
from plait.loaders.neo4j.connection import Connection, connected
from plait.loaders.neo4j.push import push_graph

K = 10
GRAPH, MODEL, FEATURES, USER = "plait_bench", "plait_bench_sage", "features", "user "
Matrix = npt.NDArray[np.float32]
Settings = Mapping[str, Any]
DIMENSION = 256
FASTRP: Sequence[Settings] = [
    {"embeddingDimension": DIMENSION, "iterationWeights": weights, "normalizationStrength": strength}
    for strength in (-0.5, 0.0, -0.9, 0.3)
    for weights in ([0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0])
]
NODE2VEC: Sequence[Settings] = [
    {"embeddingDimension": DIMENSION, "embeddingInitializer": "UNIFORM", **more}
    for more in (
        {"iterations": 5, "walkLength": 20, "windowSize": 5, "initialLearningRate": 0.05},
        {"iterations": 10, "walkLength": 20, "windowSize": 2, "initialLearningRate": 0.05},
        {"iterations": 5, "walkLength": 20, "windowSize": 5, "inOutFactor": 0.5, "returnFactor": 2.0},
    )
]
# More steps, or larger ones, make it worse: its loss draws together what is near, and soon all is.
GRAPHSAGE: Sequence[Settings] = [
    {"embeddingDimension": DIMENSION, "aggregator": "mean", "activationFunction": "relu", **more}
    for more in (
        {"epochs": 1, "maxIterations": 5, "learningRate": 0.0001, "sampleSizes": [25], "searchDepth": 1},
        {"epochs": 3, "maxIterations": 10, "learningRate": 0.0001, "sampleSizes": [25, 10], "searchDepth": 1},
        {"epochs": 3, "maxIterations": 10, "learningRate": 0.001, "sampleSizes": [25], "searchDepth": 1},
    )
]
PLAIT: Sequence[Settings] = [
    {"gnn": {"dimension": 64}},
    {"gnn": {"dimension": 128, "layers": 3}},
    {"gnn": {"dimension": 128, "temperature": 0.15}},
]


@dataclass(frozen=True)
class Result:
    """One line of the table: what was chosen, how it did on test, and the seconds of the chosen run and of all runs."""

    name: str
    chosen: str
    seconds: float
    whole: float
    valid: float
    test: Row


def configuration(data: Path, seed: int, settings: Settings) -> Config:
    """Last.FM as it is; all else is plait's default but for the settings."""
    folder = data / "lightkg-lastfm"
    return Config.model_validate(
        {
            "data": {
                "interactions": {"path": folder / "lastfm.train.inter"},
                "graph": {"source": "triples", "files": [folder / "lastfm.kg"]},
                "links": {"path": folder / "lastfm.link"},
            },
            "split": {
                "strategy": "given",
                "valid_path": folder / "lastfm.valid.inter",
                "test_path": folder / "lastfm.test.inter",
            },
            "text": None,
            **dict.fromkeys(("item_knn", "rp3beta", "ials", "transitions")),  # only the net and EASE are compared
            "evaluation": {"ks": [K], "ablations": False},
            "seed": seed,
            **settings,
        }
    )


def whole_graph(split: Split, catalogue: Catalogue) -> tuple[KnowledgeGraph, list[str], list[str]]:
    """Training interactions and knowledge graph as one; and which of its entities are the users and the items."""
    knowledge = catalogue.knowledge
    assert knowledge is not None
    linked = pa.array(catalogue.item_entity, mask=catalogue.item_entity < 0)
    own = [f"item {name}" for name in catalogue.items]
    entity = knowledge.entities.to_arrow().take(linked).to_pylist()
    items = [name if found is None else found for name, found in zip(own, entity, strict=True)]
    users = [USER + name for name in split.users]
    entities = IdMap.numbering(knowledge.entities.to_arrow(), pa.array(items), pa.array(users))
    train_part = split.train
    relation = np.repeat(np.arange(len(knowledge.relations)), np.diff(knowledge.offsets))
    graph = KnowledgeGraph.build(
        entities,
        (*knowledge.relations, "interacted"),
        np.concatenate([knowledge.head, entities.numbers(users)[train_part.user]]),
        np.concatenate([relation, np.full(len(train_part), len(knowledge.relations))]),
        np.concatenate([knowledge.tail, entities.numbers(items)[train_part.item]]),
    )
    return graph, users, items


class Peer:
    """The server's algorithms over the graph that was pushed."""

    def __init__(self, connection: Connection, seed: int, wanted: Sequence[str]) -> None:
        self.connection, self.seed, self.wanted = connection, seed, pa.array(wanted, pa.large_string())

    def project(self, features: bool = False) -> None:
        """The graph in the server's memory, undirected; with FastRP's vectors as the features of nodes, if wanted."""
        self.connection.run("CALL gds.graph.drop($graph, false) YIELD graphName RETURN graphName", graph=GRAPH)
        every = {"ALL": {"type": "*", "orientation": "UNDIRECTED"}}
        query = "CALL gds.graph.project($graph, '*', $every) YIELD nodeCount RETURN nodeCount"
        self.connection.run(query, graph=GRAPH, every=every)
        if features:
            settings = self.seeded({**FASTRP[0], "mutateProperty": FEATURES})
            query = "CALL gds.fastRP.mutate($graph, $settings) YIELD nodeCount RETURN nodeCount"
            self.connection.run(query, graph=GRAPH, settings=settings)

    def seeded(self, settings: Settings) -> dict[str, Any]:
        """The settings with the seed."""
        return {**settings, "randomSeed": self.seed}

    def fastrp(self, settings: Settings) -> Matrix:
        """FastRP (Chen et al., CIKM 2019)."""
        self.project()
        return self.vectors("CALL gds.fastRP.stream($graph, $settings)", self.seeded(settings))

    def node2vec(self, settings: Settings) -> Matrix:
        """node2vec (Grover and Leskovec, KDD 2016)."""
        self.project()
        return self.vectors("CALL gds.node2vec.stream($graph, $settings)", self.seeded(settings))

    def graphsage(self, settings: Settings) -> Matrix:
        """GraphSAGE without labels (Hamilton et al., NeurIPS 2017), on FastRP's vectors as features."""
        self.project(features=True)
        self.connection.run("CALL gds.model.drop($model, false) YIELD modelName RETURN modelName", model=MODEL)
        told = self.seeded({**settings, "modelName": MODEL, "featureProperties": [FEATURES]})
        query = "CALL gds.beta.graphSage.train($graph, $settings) YIELD trainMillis RETURN trainMillis"
        self.connection.run(query, graph=GRAPH, settings=told)
        return self.vectors("CALL gds.beta.graphSage.stream($graph, $settings)", {"modelName": MODEL})

    def vectors(self, call: str, settings: Settings) -> Matrix:
        """The embeddings of users and items, in their order, shape (users + items, dimensions)."""
        query = (
            f"{call} YIELD nodeId, embedding WITH gds.util.asNode(nodeId).id AS id, embedding WHERE id IN $wanted "
            "WITH collect(id) AS ids, collect(embedding) AS vectors UNWIND range(0, size(ids) - 1, 1000) AS start "
            "RETURN ids[start..start + 1000] AS ids, vectors[start..start + 1000] AS vectors"
        )
        parameters = {"graph": GRAPH, "settings": dict(settings), "wanted": self.wanted.to_pylist()}
        ids: list[str] = []
        parts: list[Matrix] = []
        for record in self.connection.read(query, **parameters):
            ids += record["ids"]
            parts.append(np.array(record["vectors"], dtype=np.float32))
        order = np.asarray(pc.index_in(self.wanted, value_set=pa.array(ids, pa.large_string())))
        return np.asarray(np.concatenate(parts)[order], dtype=np.float32)


def scorers_of(vectors: Matrix, n_users: int) -> dict[str, Scorer]:
    """The ways in which embeddings may rank."""
    found: dict[str, Scorer] = {}
    for product in ("cosine", "dot product"):
        rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        users, items = np.split(rows if product == "cosine" else vectors, [n_users])

        def by_user(audience: Audience, _: sp.csr_array, users: Matrix = users, items: Matrix = items) -> Scores:
            return np.asarray(users[audience.numbers] @ items.T, dtype=np.float32)

        def by_history(audience: Audience, _: sp.csr_array, items: Matrix = items) -> Scores:
            return np.asarray((audience.history @ items) @ items.T, dtype=np.float32)

        found |= {f"user, {product}": by_user, f"mean of items, {product}": by_history}
    return found


def measured(scorer: Scorer, split: Split, part: Any) -> Row:
    """How a scorer does on a part."""
    return evaluate({"it": scorer}, split, EvaluationConfig(ks=(K,)), [part]).row("it", part)


def of_peer(name: str, method: Callable[[Settings], Matrix], grid: Sequence[Settings], split: Split) -> Result:
    """The best setting and way of scoring on validation, measured on test."""
    best: tuple[float, float, str, Scorer] | None = None
    began = time.perf_counter()
    for settings in grid:
        start = time.perf_counter()
        vectors = method(settings)
        seconds = time.perf_counter() - start
        for way, scorer in scorers_of(vectors, len(split.users)).items():
            value = measured(scorer, split, "valid").metrics[f"ndcg@{K}"]
            if best is None or value > best[0]:
                told = ", ".join(f"{key} {setting}" for key, setting in settings.items() if key != "embeddingDimension")
                best = value, seconds, f"{way}; {told}", scorer
    assert best is not None
    whole = time.perf_counter() - began
    value, seconds, chosen, scorer = best
    return Result(name, chosen, seconds, whole, value, measured(scorer, split, "test"))


def of_plait(data: Path, seed: int, grid: Sequence[Settings]) -> list[Result]:
    """Net, EASE with entities, and the blend, each of the configuration whose own part does best on validation."""
    best: dict[str, Result] = {}
    whole: defaultdict[str, float] = defaultdict(float)
    ease: dict[str, Any] = {}
    ease_seconds = 0.0
    for settings in grid:
        trained = train(configuration(data, seed, {**settings, **ease}))
        chosen_ease = trained.record.details["ease"]["with_graph"]
        took = {stage["name"]: stage["seconds"] for stage in trained.record.details["stages"]}
        if not ease:
            # What the first run has chosen among all of EASE's settings holds for the others, which differ in the net.
            ease = {"ease": {"l2": [chosen_ease["l2"]], "entity_weight": [chosen_ease["entity_weight"]]}}
            ease_seconds = took["fit EASE"]
            whole["ease"] = ease_seconds
        took["fit EASE"] = ease_seconds
        net = ", ".join(f"{key} {setting}" for key, setting in settings["gnn"].items())
        weights = ", ".join(f"{weight:.2f} {name}" for name, weight in trained.recommender.blend.weights.items())
        for name, text, seconds, chosen in (
            ("gnn", "plait: graph net", took["train graph net"], net),
            (
                "ease",
                "plait: EASE with entities",
                ease_seconds,
                f"l2 {chosen_ease['l2']:g}, {chosen_ease['entity_weight']:g}",
            ),
            ("blend", "plait: blend", sum(took.values()), f"{net}; {weights}"),
        ):
            whole[name] += 0 if name == "ease" else seconds
            value = trained.evaluation.row(name, "valid").metrics[f"ndcg@{K}"]
            if name not in best or value > best[name].valid:
                best[name] = Result(text, chosen, seconds, 0.0, value, trained.evaluation.row(name, "test"))
    return [replace(result, whole=whole[name]) for name, result in best.items()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="fastrp,node2vec,graphsage,plait", help="methods, with commas between")
    parser.add_argument("--settings", type=int, default=100, help="at most so many settings of each method")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    methods = told.only.split(",")
    data = Path(os.environ.get("PLAIT_DATA", ""))
    if not (data / "lightkg-lastfm").is_dir():
        sys.exit("PLAIT_DATA names no folder that holds lightkg-lastfm")
    results: list[Result] = []
    split, catalogue = read_data(
        configuration(data, told.seed, {}), Stages(SilentProgress()), np.random.default_rng(told.seed)
    )
    graph, users, items = whole_graph(split, catalogue)
    pushed = 0.0
    if {*methods} & {"fastrp", "node2vec", "graphsage"}:
        with running(NEO4J_GDS="1") as server:
            start = time.perf_counter()
            push_graph(graph, server)
            pushed = time.perf_counter() - start
            with connected(server) as connection:
                peer = Peer(connection, told.seed, [*users, *items])
                for name, method, grid in (
                    ("FastRP", peer.fastrp, FASTRP),
                    ("node2vec", peer.node2vec, NODE2VEC),
                    ("GraphSAGE", peer.graphsage, GRAPHSAGE),
                ):
                    if name.lower() in methods:
                        results.append(of_peer(f"GDS: {name}", method, grid[: told.settings], split))
    if "plait" in methods:
        results += of_plait(data, told.seed, PLAIT[: told.settings])
    show(results, graph, pushed)


def show(results: Sequence[Result], graph: KnowledgeGraph, pushed: float) -> None:
    """Print the table."""
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    title = f"{graph.n_entities:,} nodes, {graph.n_triples:,} relationships; pushed in {pushed:.1f} s; {load}"
    table = Table(title=title)
    for column in (
        "",
        "seconds",
        "with the choice",
        f"valid NDCG@{K}",
        f"Recall@{K}",
        f"MRR@{K}",
        "chosen on validation",
    ):
        table.add_column(column, justify="left" if column in ("", "chosen on validation") else "right")
    for r in results:
        figures = [
            f"{r.test.metrics[f'{name}@{K}']:.4f} ±{r.test.errors[f'{name}@{K}']:.4f}" for name in ("recall", "mrr")
        ]
        table.add_row(r.name, f"{r.seconds:.1f}", f"{r.whole:.1f}", f"{r.valid:.4f}", *figures, r.chosen)
    Console(width=None if sys.stdout.isatty() else 200).print(
        table, "Seconds: projection, training and reading of the embeddings of the chosen setting; for plait training."
    )


if __name__ == "__main__":
    main()
