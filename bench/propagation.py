"""One propagation step: plait's against PyG's LGConv and torch's CSR product, same graph, same process.

Run: python bench/propagation.py [nodes] [edges]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch_geometric.nn import LGConv

from plait.gnn.propagation import Propagation
from plait.gnn.unified import UnifiedGraph
from plait.kg import IdMap, Interactions, ItemGraph

DIMENSION, ROUNDS, MIB = 64, 3, 2**20

Step = Callable[[Tensor], Tensor]


def graph_of(nodes: int, edges: int) -> Propagation:
    """Users and items at random, a few items met by many, as in a shop; each pair is an edge in both directions."""
    rng = np.random.default_rng(0)
    n_users = 7 * nodes // 10
    n_items = nodes - n_users
    user = rng.integers(0, n_users, edges // 2)
    item = (n_items * rng.random(edges // 2) ** 2.5).astype(np.int64)
    items = IdMap([f"i{n}" for n in range(n_items)])
    log = Interactions.sorted(IdMap([f"u{n}" for n in range(n_users)]), items, user, item)
    return Propagation.on(UnifiedGraph.build(log, ItemGraph.without_graph(items)), torch.device("cpu"))


def contenders(graph: Propagation) -> dict[str, Step]:
    """The step by each; all give the same numbers."""
    n, weights, learned = len(graph.start) - 1, torch.ones(2), torch.ones(2, requires_grad=True)
    edge_index = torch.stack([graph.sender, graph.receiver])
    scatter = LGConv(normalize=False)
    matrix = torch.sparse_csr_tensor(graph.start, graph.sender, graph.norm, (n, n), check_invariants=False)
    return {
        "plait": lambda x: graph(x, weights),
        "plait, learned weights": lambda x: graph(x, learned),
        "PyG LGConv (scatter)": lambda x: scatter(x, edge_index, graph.norm),
        "torch CSR product": lambda x: matrix @ x,
    }


def forward(step: Step, x: Tensor) -> None:
    """One step."""
    with torch.no_grad():
        step(x)


def forward_and_backward(step: Step, x: Tensor) -> None:
    """One step and its gradient."""
    step(x).sum().backward()  # type: ignore[no-untyped-call]


def milliseconds(run: Callable[[Step, Tensor], None], step: Step, x: Tensor) -> float:
    """Time of one run."""
    x.grad = None
    start = time.perf_counter()
    run(step, x)
    return 1000 * (time.perf_counter() - start)


def peak(run: Callable[[Step, Tensor], None], step: Step, x: Tensor) -> float:
    """How far one run raises the memory torch holds at once, MiB."""
    held = highest = 0
    x.grad = None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        run(step, x)
    for event in sorted(profiler.profiler.kineto_results.events(), key=lambda e: e.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            highest = max(highest, held)
    return highest / MIB


def main() -> None:
    """Print the comparison: rounds turn about, the best of each, since other work only ever slows one down."""
    nodes, edges = (int(a) for a in (sys.argv[1:] or ["100000", "2000000"]))
    graph = graph_of(nodes, edges)
    x = torch.randn(len(graph.start) - 1, DIMENSION, generator=torch.Generator().manual_seed(0), requires_grad=True)
    steps = contenders(graph)
    with torch.no_grad():
        answers = [step(x) for step in steps.values()]
    error = max(float((answer - answers[0]).abs().max()) for answer in answers)
    title = f"{nodes:,} nodes, {len(graph.sender):,} edges, {DIMENSION} dimensions, {torch.get_num_threads()} threads"
    table = Table("", "", "ms", "ratio", "peak MiB", title=title)
    for run in (forward, forward_and_backward):
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(ROUNDS):
            for name, step in steps.items():
                times[name].append(milliseconds(run, step, x))
        for name, step in steps.items():
            best, ratio = min(times[name]), min(times[name]) / min(times["plait"])
            label = run.__name__.replace("_", " ")
            table.add_row(label, name, f"{best:.1f}", f"{ratio:.2f}", f"{peak(run, step, x):.0f}")
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Console().print(table, f"largest difference: {error:.1e}; peak of the process: {whole:.0f} MiB")


if __name__ == "__main__":
    main()
