"""EASE in the memory of one matrix, and sparse EASE, against the few lines of numpy that papers give: same run, same data.

Each is fitted in a process of its own: seconds, what the fit adds to the memory of the process at its highest, and
NDCG@10 on a tenth of the interactions, held out at random, over 2,000 users.

Run: OMP_NUM_THREADS=1 python bench/ease.py [--items 4000] [--data FOLDER]; the folder is kgat-amazon-book, with train.txt
(user item item ...) and item_entity.npz. --items takes that many of the most popular items, 0 takes all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from plait.fusion.evaluation import HeldOut
from plait.fusion.signals.ease import Ease
from plait.fusion.signals.signal import Signal
from plait.fusion.signals.sparse_ease import SparseEase

SETTING = {"l2": 50.0, "entity_weight": 3.0, "dropout": 0.33}
CONTENDERS = ("numpy inverse", "plait Ease", "plait SparseEase")
USERS = 2000


@dataclass(frozen=True)
class Result:
    """What a fit took and gave: seconds, GiB, NDCG@10."""

    seconds: float
    memory: float
    ndcg: float


def made_up(n_items: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Users who like items of a few of 50 groups, and entities that follow the groups; a few items are met by many."""
    rng = np.random.default_rng(0)
    n_users = 4 * n_items
    group = rng.integers(0, 50, n_items)
    by_group = [np.flatnonzero(group == g) for g in range(50)]
    user = np.repeat(np.arange(n_users), 8)
    liked = rng.integers(0, 50, (n_users, 2))[user, rng.integers(0, 2, len(user))]
    item = np.array(
        [by_group[g][int(len(by_group[g]) * r**2.5)] for g, r in zip(liked, rng.random(len(user)), strict=True)]
    )
    history = sp.csr_array((np.ones(len(user), dtype=np.float32), (user, item)), shape=(n_users, n_items))
    history.data[:] = 1
    entity = group * 20 + rng.integers(0, 20, n_items)
    links = sp.csr_array((np.ones(n_items, dtype=np.float32), (np.arange(n_items), entity)), shape=(n_items, 1000))
    return history, links


def published(folder: Path, n_items: int) -> tuple[sp.csr_array, sp.csr_array]:
    """Interactions and item-entity matrix of a folder, for the most popular items."""
    rows = [np.array(line.split(), dtype=np.int64) for line in (folder / "train.txt").read_text().splitlines()]
    entities = sp.csr_array(sp.load_npz(folder / "item_entity.npz")).astype(np.float32)
    entities.data[:] = 1
    user, item = np.concatenate([np.full(len(r) - 1, r[0]) for r in rows]), np.concatenate([r[1:] for r in rows])
    shape = (int(user.max()) + 1, entities.shape[0])
    history = sp.csr_array((np.ones(len(user), dtype=np.float32), (user, item)), shape=shape)
    popular = np.sort(np.argsort(-np.asarray(history.sum(axis=0)), kind="stable")[: n_items or None])
    return history[:, popular], entities[popular]


def held_out(history: sp.csr_array) -> tuple[sp.csr_array, HeldOut]:
    """A tenth of the interactions held out, and the rest."""
    rng = np.random.default_rng(1)
    pairs = history.tocoo()
    out = rng.random(pairs.nnz) < 0.1
    known, hidden = (
        sp.csr_array((pairs.data[part], (pairs.coords[0][part], pairs.coords[1][part])), shape=history.shape)
        for part in (~out, out)
    )
    users = np.flatnonzero((np.diff(known.indptr) > 0) & (np.diff(hidden.indptr) > 0))
    users = np.sort(rng.choice(users, min(USERS, len(users)), replace=False))
    return known, HeldOut(users, known[users], known[users], hidden[users], 0)


def numpy_inverse(history: sp.csr_array, entities: sp.csr_array) -> Ease:
    """EASE as it is written on paper."""
    gram = (history.T @ history).toarray() + np.float32(SETTING["entity_weight"]) * (entities @ entities.T).toarray()
    p = SETTING["dropout"]
    gram += np.diag(SETTING["l2"] + p / (1 - p) * np.diag(gram)).astype(np.float32)
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices(len(weights))] = 0
    return Ease(weights)


def measure(name: str, folder: Path | None, n_items: int) -> Result:
    """One contender, in this process."""
    history, entities = made_up(n_items) if folder is None else published(folder, n_items)
    known, held = held_out(history)
    fits = {
        "numpy inverse": lambda: numpy_inverse(known, entities),
        "plait Ease": lambda: Ease.fit(known, entities, **SETTING),
        "plait SparseEase": lambda: SparseEase.fit(known, entities, **SETTING),
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    signal: Signal = fits[name]()
    seconds = time.perf_counter() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    return Result(seconds, memory, held.ndcg(signal.score(held.audience()), 10))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", choices=CONTENDERS, action="append", help="may be given again")
    args = parser.parse_args()
    results = {}
    for name in args.only or CONTENDERS:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results[name] = pool.apply(measure, (name, args.data, args.items))
    first = next(iter(results.values()))
    what = "made-up data" if args.data is None else args.data.name
    threads = os.environ.get("OMP_NUM_THREADS", "all cores")
    title = f"{what}, {args.items or 'all'} items, threads: {threads}"
    table = Table("", "seconds", "ratio", "GiB", "ratio", "NDCG@10", title=title)
    for name, r in results.items():
        times = f"{r.seconds / first.seconds:.2f}"
        # Small fits find room in what reading the data has left behind.
        memory = f"{r.memory / first.memory:.2f}" if first.memory > 0.05 else ""
        table.add_row(name, f"{r.seconds:.1f}", times, f"{r.memory:.2f}", memory, f"{r.ndcg:.4f}")
    Console().print(table)


if __name__ == "__main__":
    main()
