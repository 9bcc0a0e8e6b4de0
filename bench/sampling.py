"""One epoch of the full and of the sampled regime on a graph of the size of a book shop's, and the sampler alone.

Run: python bench/sampling.py [--scale 1.0] [--steps 3]

Times are those of some steps times the steps of an epoch, so that a slow machine gives an answer too.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pyarrow as pa
import torch
from rich.console import Console
from rich.table import Table

from plait.gnn import GnnConfig
from plait.gnn.run import Run
from plait.kg import IdMap, Interactions, ItemGraph

USERS, ITEMS, ENTITIES, RELATIONS, PAIRS, TRIPLES = 70_679, 24_915, 80_000, 39, 652_514, 302_200


def data(scale: float) -> tuple[Interactions, ItemGraph]:
    """Interactions and triples at random, a few items and entities in many of them."""
    rng = np.random.default_rng(0)
    users, n_items, n_entities, pairs, triples = (int(n * scale) for n in (USERS, ITEMS, ENTITIES, PAIRS, TRIPLES))
    items = IdMap([f"i{n}" for n in range(n_items)])
    names = pa.array([f"e{n}" for n in range(n_entities)], type=pa.large_string())
    met = (n_items * rng.random(pairs) ** 2.5).astype(np.int64)
    log = Interactions.sorted(IdMap([f"u{n}" for n in range(users)]), items, rng.integers(0, users, pairs), met)
    tail = (n_items + n_entities * rng.random(triples) ** 3).astype(np.int32)
    head, relation = (rng.integers(0, n, triples).astype(np.int32) for n in (n_items, RELATIONS))
    relations = tuple(f"r{n}" for n in range(RELATIONS))
    nothing = pa.nulls(n_items, pa.large_string())
    return log, ItemGraph(items, IdMap(names), relations, head, relation, tail, names, names, nothing)


def main() -> None:
    """Print seconds per epoch of each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    log, graph = data(arguments.scale)
    ways = {
        "default (auto)": {},
        "steps of 4,096, 2,048 negatives": {"batch_size": 4096, "negatives": 2048},
        "steps of 4,096, all items": {"batch_size": 4096, "negatives": 0},
        "sampled, fan-out 15, 10": {"regime": "sampled"},
        "sampled, fan-out 15, 10, by degree": {"regime": "sampled", "neighbours": "degree"},
    }
    threads = torch.get_num_threads()
    table = Table("", "batch", "negatives", "s/step", "CPU s/step", "steps", "s/epoch", title=f"{threads} threads")
    for name, options in ways.items():
        run = Run(log, graph, None, GnnConfig.model_validate(options), 1, torch.device("cpu"))
        order = torch.randperm(len(run.user), generator=run.generator)
        batches = torch.split(order, run.batch_size)
        run._step(run.user[batches[0]], run.item[batches[0]])
        begun, spent = time.perf_counter(), time.process_time()
        for batch in batches[: arguments.steps]:
            run._step(run.user[batch], run.item[batch])
        n = min(arguments.steps, len(batches))
        seconds, spent = (time.perf_counter() - begun) / n, (time.process_time() - spent) / n
        sizes = f"{run.batch_size:,}", f"{run.losses.negatives:,}"
        numbers = f"{seconds:.2f}", f"{spent:.2f}", str(len(batches)), f"{seconds * len(batches):.0f}"
        table.add_row(name, *sizes, *numbers)
    Console().print(table)


if __name__ == "__main__":
    main()
