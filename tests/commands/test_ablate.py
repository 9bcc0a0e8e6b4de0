"""`plait ablate` as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plait.loaders.samples.shop import write_shop

from .conftest import Run
from .test_tune import CONFIG


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ablate")
    write_shop(folder, seed=5, customers=80, products=50)
    path = folder / "shop.yaml"
    path.write_text(CONFIG)
    return path


def test_a_table_json_and_markdown(plait: Run, config: Path) -> None:
    words = ("ablate", config, "--seeds", 2, "--only", "no-graph", "--only", "without-ease")
    done = plait(*words)
    for name in ("whole", "no-graph", "without-ease"):
        assert name in done.stdout
    assert "no-text" not in done.stdout
    record = json.loads((config.parent / "shop.ablation.json").read_text())
    assert (record["metric"], record["seeds"]) == ("ndcg@10", [0, 1])
    assert {row["part"] for row in record["rows"]} == {"valid", "test"}
    markdown = (config.parent / "shop.ablation.md").read_text()
    assert "| without-ease |" in markdown
    runs = {path.name: path.stat().st_mtime_ns for path in (config.parent / "shop.ablation.runs").iterdir()}
    assert len(runs) == 6
    test = plait(*words, "--part", "test")
    assert test.stdout.startswith("Test: ")
    assert runs == {path.name: path.stat().st_mtime_ns for path in (config.parent / "shop.ablation.runs").iterdir()}


def test_what_cannot_be_done_is_a_sentence(plait: Run, config: Path) -> None:
    assert "no variant 'no-kg'" in plait("ablate", config, "--only", "no-kg", fails=True)
    assert "let its name end in .json" in plait("ablate", config, "--out", "result.txt", fails=True)
