"""Known-item search on a trained model: how often the item meant is among the first ten, and how long a query takes.

    python bench/search.py MODEL [--items 300]

Four sorts of query, each made of what is known of one item: its title; half of the words of its title; two entities that
it has; both halves. Run on the model of `plait demo` where no other is at hand.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import plait
from plait.fusion import Recommender
from plait.fusion.search import WEIGHTS
from plait.fusion.words import words_of


def queries(recommender: Recommender, item: int, rng: np.random.Generator) -> dict[str, str]:
    """Queries that mean an item."""
    title = recommender.titles[item].as_py()
    words = words_of(title)[0]
    some = " ".join(words[at] for at in np.sort(rng.permutation(len(words))[: max(1, len(words) // 2)]))
    graph = recommender.graph
    near = np.unique(graph.adjacency.neighbours(np.array([item])).node)
    near = near[near >= graph.n_items]
    named = rng.permutation(near)[:2]
    entities = " ".join(graph.node_label(int(node)) for node in named)
    return {"title": title, "half of the title": some, "two entities": entities, "both": f"{some} {entities}"}


def main() -> None:
    """Print recall at ten and seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--items", type=int, default=300)
    arguments = parser.parse_args()
    recommender = plait.load(arguments.model)
    began = time.perf_counter()
    recommender.search("warm up")
    print(f"first query, encoder and indices loaded: {time.perf_counter() - began:.2f} s")
    rng = np.random.default_rng(0)
    known = np.flatnonzero(~np.asarray(recommender.titles.is_null()))
    chosen = rng.permutation(known)[: arguments.items]
    hits: dict[str, list[bool]] = {}
    top: dict[str, list[bool]] = {}
    seconds = []
    for item in chosen.tolist():
        for kind, query in queries(recommender, item, rng).items():
            if not words_of(query)[0]:
                continue
            began = time.perf_counter()
            found = [hit.item_id for hit in recommender.search(query, user=recommender.users.id(0))]
            seconds.append(time.perf_counter() - began)
            hits.setdefault(kind, []).append(recommender.items.id(item) in found)
            top.setdefault(kind, []).append(found[:1] == [recommender.items.id(item)])
    print(f"weights {dict(WEIGHTS)}; {len(chosen)} items of {len(recommender.items)}")
    for kind, among in hits.items():
        print(f"{kind:>20}: first {np.mean(top[kind]):.3f}, among ten {np.mean(among):.3f} of {len(among)}")
    times = np.array(seconds) * 1000
    print(f"a query with a user: {np.median(times):.1f} ms median, {np.quantile(times, 0.95):.1f} ms at 95 %")


if __name__ == "__main__":
    main()
