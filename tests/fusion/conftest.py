"""Graphs around items from triples, and one thread: two on a busy machine can be ten times slower."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from plait.kg import IdMap, ItemGraph

BARE = """\
# A shop that says nothing.
data:
  interactions: {path: purchases.csv, duplicates: first}  # what was bought before is no news
  graph: {source: rdf, files: [shop.nt.gz]}
  links: {path: links.csv}
text: null
gnn: {epochs: 6, dimension: 8, batch_size: 512, evaluate_every: 1}
ease: {l2: [10, 100], entity_weight: [1]}
item_knn: null
rp3beta: null
ials: null
transitions: null
recency: {boost: [0, 3], half_life: [3]}
blend: {step: 0.25}
evaluation: {ks: [10, 5], ablations: false}
threads: 1
seed: 3
"""


@pytest.fixture(scope="session")
def bare(shop: Path) -> Path:
    """Its YAML, in the folder of the shop's data."""
    path = shop.parent / "bare-shop.yaml"
    path.write_text(BARE)
    return path


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _item_graph(n_items: int, entities: Sequence[str], triples: Sequence[tuple[int, str, int]]) -> ItemGraph:
    """Items i0, i1, ... and named entities; node n_items is the first entity."""
    relations = tuple(dict.fromkeys(relation for _, relation, _ in triples))
    labels = pa.array(list(entities), type=pa.large_string())
    head = np.array([h for h, _, _ in triples], dtype=np.int32)
    relation = np.array([relations.index(r) for _, r, _ in triples], dtype=np.int32)
    tail = np.array([t for _, _, t in triples], dtype=np.int32)
    ids = IdMap([f"e:{name}" for name in entities])
    items = IdMap([f"i{n}" for n in range(n_items)])
    return ItemGraph(items, ids, relations, head, relation, tail, labels, labels, pa.nulls(n_items, pa.large_string()))


@pytest.fixture
def item_graph() -> Callable[[int, Sequence[str], Sequence[tuple[int, str, int]]], ItemGraph]:
    return _item_graph
