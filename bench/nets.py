"""The graph nets: time and memory of a step of training beside PyG's layers of the same name; accuracy on data of one's own.

Run: python bench/nets.py
     python bench/nets.py --data my.yaml --epochs 24 [--nets light rgcn] [--seeds 0 1]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import HGTConv, LightGCN, RGCNConv, SAGEConv

from plait.gnn import Embeddings, GnnConfig, UnifiedGraph
from plait.gnn.nets import NETS, make_net
from plait.gnn.propagation import Propagation
from plait.kg import IdMap, Interactions, ItemGraph, SilentProgress

USERS, ITEMS, ENTITIES, RELATIONS, LIKES, TRIPLES = 1_872, 3_846, 5_520, 60, 17_350, 15_518
"""Sizes of Last.FM with Freebase triples."""

ROUNDS, MIB = 3, 2**20


def graph_at_random() -> UnifiedGraph:
    """Few items met by many and few relations with most of the triples, as in a shop."""
    rng = np.random.default_rng(0)
    items = IdMap([f"i{n}" for n in range(ITEMS)])
    users = IdMap([f"u{n}" for n in range(USERS)])
    item = (ITEMS * rng.random(LIKES) ** 2.5).astype(np.int64)
    log = Interactions.sorted(users, items, rng.integers(0, USERS, LIKES), item)
    names = pa.array([f"e{n}" for n in range(ENTITIES)], type=pa.large_string())
    head = rng.integers(0, ITEMS, TRIPLES).astype(np.int32)
    tail = (ITEMS + ENTITIES * rng.random(TRIPLES) ** 2).astype(np.int32)
    relation = (RELATIONS * rng.random(TRIPLES) ** 3).astype(np.int32)
    relations = tuple(f"r{n}" for n in range(RELATIONS))
    entity = pa.nulls(ITEMS, pa.large_string())
    return UnifiedGraph.build(
        log, ItemGraph(items, IdMap(names), relations, head, relation, tail, names, names, entity)
    )


def steps_of(graph: UnifiedGraph, dimension: int) -> dict[str, Callable[[], Tensor]]:
    """Input layer and propagation by each net, and by PyG's LightGCN (over all edges, over interactions) and layers."""
    on = Propagation.on(graph, torch.device("cpu"))
    edges = torch.stack([on.sender, on.receiver])
    likes = edges[:, on.relation % graph.n_relations == 0]

    def of(name: str) -> Callable[[], Tensor]:
        config = GnnConfig(net=name, dimension=dimension)
        net = make_net(graph, config, None, torch.Generator().manual_seed(0))
        return lambda: net(on, net.inputs()).final

    theirs = LightGCN(graph.n_nodes, dimension, 2)
    return {name: of(name) for name in NETS} | {
        "PyG LightGCN, all edges": lambda: theirs.get_embedding(edges),
        "PyG LightGCN, interactions": lambda: theirs.get_embedding(likes),
        **layers_of(on, graph, dimension),
    }


def layers_of(on: Propagation, graph: UnifiedGraph, dimension: int) -> dict[str, Callable[[], Tensor]]:
    """Two of PyG's layers over an embedding of each node, with as many bases and heads as plait's nets have."""
    usual, relations = GnnConfig(), 2 * graph.n_relations
    own = nn.Embedding(graph.n_nodes, dimension)
    edges = torch.stack([on.sender, on.receiver])
    bases = min(usual.bases, relations)
    rgcn = [RGCNConv(dimension, dimension, relations, num_bases=bases, aggr="mean") for _ in range(2)]
    sage = [SAGEConv(dimension, dimension) for _ in range(2)]
    kinds = [str(kind) for kind in range(3)]
    first = [int((on.kind < kind).sum()) for kind in range(4)]
    by_kind: dict[tuple[str, str, str], Tensor] = {}
    whole = (on.relation * 3 + on.kind[on.sender]) * 3 + on.kind[on.receiver]
    for code in torch.unique(whole).tolist():
        there = whole == code
        ends = code // 3 % 3, code % 3
        name = (kinds[ends[0]], f"r{code // 9}", kinds[ends[1]])
        by_kind[name] = torch.stack([on.sender[there] - first[ends[0]], on.receiver[there] - first[ends[1]]])
    hgt = [HGTConv(dimension, dimension, (kinds, list(by_kind)), heads=usual.heads) for _ in range(2)]

    def homogeneous(layers: list[Any], *more: Tensor) -> Tensor:
        x: Tensor = own.weight
        for layer in layers:
            x = functional.gelu(layer(x, edges, *more))
        return x

    @torch.no_grad()
    def heterogeneous() -> Tensor:
        # Forward alone: with a hundred kinds of edges and without pyg-lib its backward pass takes minutes.
        x = {kind: own.weight[first[n] : first[n + 1]] for n, kind in enumerate(kinds)}
        for layer in hgt:
            x = layer(x, by_kind)
        return torch.cat([x[kind] for kind in kinds]).requires_grad_()

    return {
        "PyG RGCNConv": lambda: homogeneous(rgcn, on.relation),
        "PyG HGTConv, forward alone": heterogeneous,
        "PyG SAGEConv": lambda: homogeneous(sage),
    }


def milliseconds(step: Callable[[], Tensor]) -> float:
    """CPU time of one forward and backward pass: other work on the machine does not count."""
    start = time.process_time()
    step().square().mean().backward()  # type: ignore[no-untyped-call]
    return 1000 * (time.process_time() - start)


def peak(step: Callable[[], Tensor]) -> float:
    """How far one pass raises the memory torch holds at once, MiB."""
    held = highest = 0
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        milliseconds(step)
    for event in sorted(profiler.profiler.kineto_results.events(), key=lambda e: e.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            highest = max(highest, held)
    return highest / MIB


def speed(dimension: int) -> Table:
    """Rounds turn about, the best of each."""
    graph = graph_at_random()
    steps = steps_of(graph, dimension)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            times[name].append(milliseconds(step))
    threads = torch.get_num_threads()
    title = f"{graph.n_nodes:,} nodes, {len(graph.sender):,} edges, {dimension} dimensions, 2 layers, {threads} threads"
    table = Table("forward and backward", "CPU ms", "ratio", "peak MiB", title=title)
    for name, step in steps.items():
        best = min(times[name])
        table.add_row(name, f"{best:.1f}", f"{best / min(times['light']):.2f}", f"{peak(step):.0f}")
    return table


def accuracy(data: Path, nets: list[str], seeds: list[int], epochs: int, every: int) -> Table:
    """Each net trained for so many epochs on a config's data without texts; validation NDCG@10 at its best look."""
    # Only here: the folder above these, that the rest of this benchmark does without.
    from plait.fusion import read_config
    from plait.fusion.evaluation import HeldOut
    from plait.fusion.signals.graph_signal import GraphSignal
    from plait.fusion.stages import Stages
    from plait.fusion.training import read_data
    from plait.gnn.training import train_net

    config = read_config(data)
    split, catalogue = read_data(config, Stages(SilentProgress()), np.random.default_rng(config.seed))
    held = HeldOut.of(split, "valid")
    table = Table("net", "seed", "NDCG@10", "epoch", "CPU s / epoch", title=f"{data.stem}, {epochs} epochs at most")
    for name in nets:
        for seed in seeds:
            looking = 0.0

            def validate(embeddings: Embeddings) -> float:
                nonlocal looking
                start = time.process_time()
                found = held.ndcg(GraphSignal(embeddings).score(held.audience()), 10)
                looking += time.process_time() - start
                return found

            settings = {"net": name, "epochs": epochs, "evaluate_every": every, "patience": epochs}
            gnn = GnnConfig.model_validate(config.gnn.model_dump() | settings)
            start = time.process_time()
            result = train_net(
                split.positives(),
                catalogue.graph,
                None,
                gnn,
                validate=validate,
                seed=seed,
                device=torch.device("cpu"),
            )
            spent = (time.process_time() - start - looking) / result.epochs
            table.add_row(name, str(seed), f"{result.best_metric:.4f}", str(result.best_epoch), f"{spent:.2f}")
    return table


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a plait config; without it, speed on a graph at random")
    parser.add_argument("--nets", nargs="+", choices=sorted(NETS), default=list(NETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--every", type=int, default=6, help="epochs between looks at the validation data")
    parser.add_argument("--dimension", type=int, default=64)
    given = parser.parse_args()
    if given.data is None:
        Console().print(speed(given.dimension))
    else:
        Console(width=100).print(accuracy(given.data, given.nets, given.seeds, given.epochs, given.every))


if __name__ == "__main__":
    main()
