"""A shop without texts, quickly trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import Config, read_config

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
blend: {step: 0.25, methods: [weights]}
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


@pytest.fixture
def config(bare: Path) -> Config:
    return read_config(bare)
