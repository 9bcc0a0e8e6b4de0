"""Neighbours of many nodes and paths between many: plait's against scipy and networkx, same graph, same process.

The rivals do less or know less: scipy gives no direction and not whose edge it is; networkx searches from one end, through
hubs too, and is timed once on a few targets.

Run: python bench/neighbours.py [nodes] [edges]
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import islice

import networkx as nx
import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from plait.kg import Adjacency, find_paths

ASKED, SOURCES, TARGETS, SAMPLE, ROUNDS, MIB = 10_000, 50, 100, 10, 7, 2**20
MAX_DEGREE, LIMIT = 300, 5

Columns = tuple[np.ndarray, np.ndarray, np.ndarray]
Task = tuple[Callable[[], object], float]
"""What to run, and how many times its time the whole question would take."""


def triples(nodes: int, edges: int) -> Columns:
    """Head, relation and tail at random; a few tails are met by many, as brands and genres are."""
    rng = np.random.default_rng(0)
    return (
        rng.integers(0, nodes, edges),
        rng.integers(0, 20, edges),
        (nodes * rng.random(edges) ** 2.5).astype(np.int64),
    )


def neighbour_tasks(adjacency: Adjacency, graph: nx.MultiGraph, asked: np.ndarray) -> dict[str, Task]:
    """All edges at some nodes by each: arrays from the first two, as many edges counted from the third."""
    n = adjacency.n_nodes
    matrix = sp.csr_array((adjacency.relation, adjacency.node, adjacency.start), shape=(n, n))
    listed = asked.tolist()
    return {
        "plait neighbours": (lambda: adjacency.neighbours(asked), 1),
        "scipy CSR rows, node and relation": (lambda: matrix[asked], 1),
        "networkx loop": (lambda: sum(len(keys) for node in listed for keys in graph[node].values()), 1),
    }


def path_tasks(
    adjacency: Adjacency, graph: nx.MultiGraph, sources: np.ndarray, targets: np.ndarray, length: int
) -> dict[str, Task]:
    """Paths from all sources to all targets; networkx on a few targets, times as many as there are."""
    options = {"max_length": length, "max_degree": MAX_DEGREE, "limit": LIMIT}
    part = targets[:SAMPLE].tolist()

    def one_by_one() -> None:
        for target in targets:
            find_paths(adjacency, sources, np.array([target]), **options)

    def simple_paths() -> None:
        for target in part:
            for source in sources.tolist():
                list(islice(nx.all_simple_edge_paths(graph, source, target, cutoff=length), LIMIT))

    tasks: dict[str, Task] = {
        "plait find_paths": (lambda: find_paths(adjacency, sources, targets, **options), 1),
        "plait, target by target": (one_by_one, 1),
    }
    if length <= 2:
        tasks[f"networkx simple paths, {SAMPLE} targets x {len(targets) // SAMPLE}"] = (
            simple_paths,
            len(targets) / SAMPLE,
        )
    return tasks


def milliseconds(run: Callable[[], object]) -> float:
    """Time of one run."""
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def peak(run: Callable[[], object]) -> float:
    """How far one run raises the memory that Python and numpy hold, MiB."""
    tracemalloc.start()
    run()
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / MIB


def add_rows(table: Table, label: str, tasks: dict[str, Task]) -> None:
    """Time the tasks turn about and add the median of each; what is scaled is slow, and runs once."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(ROUNDS):
        for name, (run, scale) in tasks.items():
            if scale == 1 or round_ == 0:
                times[name].append(scale * milliseconds(run))
    medians = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(medians.values()))
    for name, (run, scale) in tasks.items():
        memory = f"{peak(run):.1f}" if scale == 1 else ""
        table.add_row(label, name, f"{medians[name]:,.1f}", f"{medians[name] / first:,.1f}", memory)
    table.add_section()


def main() -> None:
    """Print the comparison."""
    nodes, edges = (int(a) for a in (sys.argv[1:] or ["200000", "1000000"]))
    head, relation, tail = triples(nodes, edges)
    load = os.getloadavg()[0]
    title = f"{nodes:,} nodes, {edges:,} edges; {ASKED:,} nodes asked, {SOURCES} x {TARGETS} ends of paths; load {load:.1f}, medians of {ROUNDS}"
    table = Table("", "", "ms", "ratio", "peak MiB", title=title)
    build: dict[str, Task] = {"plait Adjacency.build": (lambda: Adjacency.build(head, relation, tail, nodes), 1)}
    add_rows(table, "index", build)
    adjacency = Adjacency.build(head, relation, tail, nodes)
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(zip(head.tolist(), tail.tolist(), range(edges), strict=True))
    rng = np.random.default_rng(1)
    # By edges: a popular node is asked for more often, as popular items are.
    for label, asked in (
        ("at random", rng.permutation(nodes)[:ASKED]),
        ("by popularity", rng.permutation(tail)[:ASKED]),
    ):
        n = len(adjacency.neighbours(asked))
        add_rows(table, f"{n:,} edges, nodes {label}", neighbour_tasks(adjacency, graph, asked))
    popular = rng.permutation(np.unique(tail[rng.integers(0, edges, 2 * (SOURCES + TARGETS))]))
    sources, targets = popular[:SOURCES], popular[SOURCES : SOURCES + TARGETS]
    for length in (2, 3, 4):
        found = find_paths(adjacency, sources, targets, max_length=length, max_degree=MAX_DEGREE, limit=LIMIT)
        label = f"{len(found):,} paths, {length} edges at most"
        add_rows(table, label, path_tasks(adjacency, graph, sources, targets, length))
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Console().print(table, f"most edges at a node: {adjacency.degree().max():,}; peak of the process: {whole:.0f} MiB")


if __name__ == "__main__":
    main()
