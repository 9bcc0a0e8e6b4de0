"""`plait tune` as users type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import read_config
from plait.loaders.samples.shop import write_shop

from .conftest import Run

CONFIG = """\
data:
  interactions: {path: purchases.csv, duplicates: first}   # as it was
  graph: {source: rdf, files: [shop.nt.gz]}
  links: {path: links.csv}
text: null
gnn: {epochs: 4, dimension: 8, batch_size: 512}
ease: {l2: [9000], entity_weight: [1]}
evaluation: {ks: [10], ablations: false}
threads: 1
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tune")
    write_shop(folder, seed=5, customers=80, products=50)
    (folder / "shop.yaml").write_text(CONFIG)
    return folder


def test_it_writes_the_best_a_study_and_a_picture_and_goes_on(plait: Run, written: Path) -> None:
    config, best = written / "shop.yaml", written / "shop.best.yaml"
    (written / "space.yaml").write_text("ease.l2: {low: 1, high: 300, log: true}\n")
    words = ("tune", config, "--signal", "ease", "--space", written / "space.yaml", "--trials")
    first = plait(*words, 3)
    assert "NDCG@10 of ease on validation" in first.stdout
    assert "as it stands" in first.stdout
    assert (written / "shop.ease.study.svg").read_text().startswith("<?xml")
    # A penalty of 9000 leaves room for something better.
    (l2,) = read_config(best).ease.l2
    assert l2 != 9000
    assert "# as it was" in best.read_text()
    assert config.read_text() == CONFIG
    again = plait(*words, 4)
    assert again.stdout.count("\u2502") > first.stdout.count("\u2502")


def test_a_space_of_ones_own(plait: Run, written: Path, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("ease.l2: [8000, 8500]\n")
    options = ("--space", "space.yaml", "--study", "s.db", "--plot", "p.png", "--signal", "ease", "--trials", 2)
    plait("tune", written / "shop.yaml", *options, "--out", written / "own.yaml")
    assert {path.name for path in tmp_path.iterdir()} >= {"s.db", "p.png"}
    (tmp_path / "space.yaml").write_text("ease.l3: [8000, 8500]\n")
    message = plait("tune", written / "shop.yaml", *options, fails=True)
    assert "space.yaml:1: unknown key 'l3' in ease; known are " in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--signal", "easy"), "there is no signal 'easy'"),
        (("--plot", "p.gif"), "no picture can be written as '.gif'"),
        (("--plot", "nowhere/p.svg"), "the picture's folder is not there"),
        (("--out", "elsewhere.yaml"), "the paths in it count from there"),
        (("--signal", "popularity"), "nothing of popularity is searched by default"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_work(
    options: tuple[str, ...], message: str, plait: Run, written: Path, tmp_path: Path
) -> None:
    study = tmp_path / "none.db"
    assert message in plait("tune", written / "shop.yaml", "--study", study, *options, fails=True)
    assert not study.exists()
