"""Full ranking and all its figures for every user: seconds, and beside it plain numpy and ir-measures on the same scores.

    python bench/evaluation.py [--users 70679] [--items 24915] [--batches 8] [--threads 2]
    python bench/evaluation.py --data CONFIG.yaml

The scorer is given and linear: factors of 64 dimensions. Without --data the sizes are those of a large public log and all
of it is drawn at random; with it the split of a configuration is taken. numpy (argpartition and argsort of the scores less
what was seen) ranks some batches, ir-measures measures the lists of some users; both are told as a ratio per user.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from ir_measures import RR, R, nDCG
from ir_measures import iter_calc as measured_by

from plait.fusion import read_config
from plait.fusion.evaluation import BATCH, EvaluationConfig, HeldOut, evaluate
from plait.fusion.evaluation.metrics import ranking_metrics
from plait.fusion.ranking import top_k
from plait.fusion.signals.signal import Audience, Scores
from plait.kg import IdMap, Interactions, SilentProgress
from plait.loaders import Split

DIMENSIONS = 64
KS = (10, 20)


def drawn(n_users: int, n_items: int, rng: np.random.Generator) -> Split:
    """A log at random, popularity falling off as in real ones: 10 items a user in train, 1 and 2 held out."""
    users, items = (IdMap([f"{kind}{n}" for n in range(count)]) for kind, count in (("u", n_users), ("i", n_items)))
    share = 1 / np.arange(10, n_items + 10)
    item = rng.choice(n_items, (n_users, 13), p=share / share.sum())

    def part(columns: slice) -> Interactions:
        chosen = item[:, columns]
        user = np.repeat(np.arange(n_users), chosen.shape[1])
        cells = np.unique(user * n_items + chosen.ravel())
        return Interactions.sorted(users, items, cells // n_items, cells % n_items)

    return Split(part(slice(0, 10)), part(slice(10, 11)), part(slice(11, 13)))


def by_numpy(scores: Scores, seen: sp.csr_array, k: int) -> np.ndarray:
    """What one writes without further thought."""
    scores = scores.copy()
    scores[np.repeat(np.arange(len(scores)), np.diff(seen.indptr)), seen.indices] = -np.inf
    near = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1)
    return np.take_along_axis(near, order, axis=1)


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=70_679)
    parser.add_argument("--items", type=int, default=24_915)
    parser.add_argument("--batches", type=int, default=8, help="Batches that numpy ranks too.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, help="A configuration whose split is taken.")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(0)
    split = drawn(arguments.users, arguments.items, rng) if arguments.data is None else read(arguments.data, rng)
    held = HeldOut.of(split, "test")
    n_users, n_items = len(split.users), len(split.items)
    of_users, of_items = (torch.from_numpy(rng.random((n, DIMENSIONS), dtype=np.float32)) for n in (n_users, n_items))
    spent = 0.0

    def scorer(audience: Audience, _: sp.csr_array) -> Scores:
        nonlocal spent
        began = time.perf_counter()
        scores: Scores = (of_users[torch.from_numpy(audience.numbers)] @ of_items.T).numpy()
        spent += time.perf_counter() - began
        return scores

    print(f"{len(held.users):,} users x {n_items:,} items, {arguments.threads} threads")
    began, processor = time.perf_counter(), time.process_time()
    evaluate({"linear": scorer}, split, EvaluationConfig(ks=KS), ["test"])
    whole = time.perf_counter() - began
    print(
        f"evaluate, all metrics, lists and slices: {whole:.1f} s, of which the scorer {spent:.1f} s; processor "
        f"{time.process_time() - processor:.1f} s on all threads"
    )
    compare_ranking(held, scorer, arguments.batches)
    compare_metrics(held, scorer)


def read(config: Path, rng: np.random.Generator) -> Split:
    """The split of a configuration."""
    from plait.fusion.stages import Stages
    from plait.fusion.training import read_data

    return read_data(read_config(config), Stages(SilentProgress()), rng)[0]


def compare_ranking(held: HeldOut, scorer: object, batches: int) -> None:
    """Our ranking and numpy's on the same scores, in turn."""
    ours = theirs = 0.0
    for first in range(0, min(len(held.users), batches * BATCH), BATCH):
        rows = slice(first, first + BATCH)
        scores = scorer(Audience(held.users[rows], held.history[rows]), held.seen[rows])  # type: ignore[operator]
        began = time.perf_counter()
        mine = top_k(scores, max(KS), exclude=held.seen[rows]).items
        ours += time.perf_counter() - began
        began = time.perf_counter()
        other = by_numpy(scores, held.seen[rows], max(KS))
        theirs += time.perf_counter() - began
        assert (mine == other).mean() > 0.999, "the lists differ"
    print(
        f"ranking {batches} batches of {BATCH}: {ours:.2f} s; numpy {theirs:.2f} s, {theirs / ours:.1f} times as long"
    )


def compare_metrics(held: HeldOut, scorer: object, n: int = 2000) -> None:
    """Our figures and those of ir-measures (pytrec_eval within) for the same lists."""
    some = held.sample(n, np.random.default_rng(1))
    ranked = top_k(scorer(some.audience(), some.seen), max(KS), exclude=some.seen).items  # type: ignore[operator]
    began = time.perf_counter()
    found = ranking_metrics(ranked, some.relevant, KS)
    ours = time.perf_counter() - began
    relevant = [
        some.relevant.indices[a:b] for a, b in zip(some.relevant.indptr, some.relevant.indptr[1:], strict=False)
    ]
    began = time.perf_counter()
    qrels = {str(user): {str(item): 1 for item in row} for user, row in enumerate(relevant)}
    run = {str(u): {str(item): -float(at) for at, item in enumerate(row)} for u, row in enumerate(ranked.tolist())}
    wanted = [measure @ k for measure in (R, nDCG, RR) for k in KS]
    values = [(m.measure, m.value) for m in measured_by(wanted, qrels, run)]
    theirs = time.perf_counter() - began
    recall = np.mean([value for measure, value in values if measure == R @ KS[0]])
    assert abs(recall - found.mean("recall", KS[0])) < 1e-6, "the figures differ"
    print(
        f"metrics of {len(some.users):,} lists: {ours:.3f} s; ir-measures {theirs:.2f} s, {theirs / ours:.0f} times as long"
    )


if __name__ == "__main__":
    main()
