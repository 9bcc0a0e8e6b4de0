"""The accuracy benchmark: what it keeps is what training found, it goes on where it stopped, and its tests are right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from scipy.stats import wilcoxon

import plait
from plait.fusion.evaluation import PerUser
from plait.kg import ConfigError

ROOT = Path(__file__).parent.parent
BENCH = ROOT / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


def accuracy(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(BENCH / "accuracy.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def small(shop: Path) -> Path:
    """The shop by one signal and a net of three epochs."""
    settings = yaml.safe_load(shop.read_text())
    settings["text"] = None
    settings["gnn"] |= {"epochs": 3}
    settings["ease"] = {"l2": [10], "entity_weight": [1]}
    settings["evaluation"]["ablations"] = False
    settings["blend"] |= {"methods": ["weights"]}
    config = shop.parent / "small.yaml"
    config.write_text(yaml.safe_dump(settings))
    return config


def test_a_run_is_kept_resumed_compared_and_shown(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    first = accuracy(small, "--seeds", 3, "--out", out)
    assert first.returncode == 0, first.stderr
    kept = json.loads((out / "small.json").read_text())
    # The same training in this process.
    trained = plait.train(plait.read_config(small))
    (run,) = kept["runs"]
    assert run["seed"] == 3
    for part in ("valid", "test"):
        for name in ("popularity", "ease", "gnn", "blend"):
            expected = trained.evaluation.row(name, part).metrics  # type: ignore[arg-type]
            assert run[part][name]["ndcg@10"] == pytest.approx(expected["ndcg@10"], abs=1e-6)
    assert run["chosen"]["ease"]["l2"] == 10
    assert run["blend"]["weights"] == pytest.approx(dict(trained.recommender.blend.weights))
    assert run["peak_mib"] > 50
    assert [stage["name"] for stage in run["stages"]][-1] == "evaluate"
    assert str(small.parent) not in json.dumps(kept), "where the data lies is nobody's business"
    assert (tmp_path / "results-cache" / ".gitignore").read_text() == "*\n"

    # The seed that is there is not run again; its record is the same to the byte.
    second = accuracy(small, "--seeds", 3, "--out", out, "--compare", "blend", "popularity")
    assert second.returncode == 0, second.stderr
    again = json.loads((out / "small.json").read_text())
    assert again["runs"] == kept["runs"]
    assert "seed 3" not in second.stdout
    (pair,) = again["pairs"]
    difference = run["test"]["blend"]["ndcg@10"] - run["test"]["popularity"]["ndcg@10"]
    assert pair["difference"] == pytest.approx(difference, abs=2e-6)

    page = tmp_path / "page.md"
    page.write_text("before\n<!-- results: begin -->\nold\n<!-- results: end -->\nafter\n")
    assert accuracy("--render", "--out", out, "--page", page).returncode == 0
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("<!-- results: end -->\nafter\n")
    assert "old" not in text
    assert f"| {run['test']['ease']['ndcg@10']:.4f} |" in text or f"**{run['test']['ease']['ndcg@10']:.4f}**" in text


def test_results_of_another_configuration_are_not_gone_on_with(small: Path, tmp_path: Path) -> None:
    from measuring.results import ResultsFile, identity

    config = plait.read_config(small)
    path = tmp_path / "results" / "small.json"
    ResultsFile(path, "accuracy", identity(config)).write({"runs": [1]})
    assert ResultsFile(path, "accuracy", identity(config)).read()["runs"] == [1]
    seeded = config.model_copy(update={"seed": 8, "threads": 2})
    assert ResultsFile(path, "accuracy", identity(seeded)).read()["runs"] == [1]
    other = config.model_copy(update={"gnn": config.gnn.model_copy(update={"dimension": 8})})
    assert ResultsFile(path, "accuracy", identity(other)).read() == {}
    assert ResultsFile(path, "peers", identity(config)).read() == {}
    # What took hours is laid aside, not lost.
    ResultsFile(path, "accuracy", identity(other)).write({"runs": [2]})
    (aside,) = (tmp_path / "results-cache" / "small").glob("earlier-*.json")
    assert json.loads(aside.read_text())["runs"] == [1]
    assert ResultsFile(path, "accuracy", identity(other)).read()["runs"] == [2]


def test_results_of_other_data_are_not_gone_on_with(small: Path, tmp_path: Path) -> None:
    from measuring.results import identity

    config = plait.read_config(small)
    before = identity(config)
    log = tmp_path / "purchases.csv"
    log.write_text((small.parent / "purchases.csv").read_text() + "\n")
    data = config.data.model_copy(update={"interactions": config.data.interactions.model_copy(update={"path": log})})
    assert identity(config.model_copy(update={"data": data}))["data"] != before["data"]


def test_damage_is_told_in_a_sentence(tmp_path: Path) -> None:
    from measuring.results import ResultsFile

    path = tmp_path / "small.json"
    path.write_text('{"kind": "accuracy", "runs": [')
    with pytest.raises(ConfigError, match="damaged"):
        ResultsFile(path, "accuracy", {"config": "a"}).read()


def runs_of(*columns: dict[str, list[float]]) -> list[PerUser]:
    users = pa.array([f"u{n}" for n in range(len(next(iter(columns[0].values()))))], pa.large_string())
    return [
        PerUser(users, {name: {"ndcg@10": np.array(values, dtype=np.float32)} for name, values in one.items()})
        for one in columns
    ]


def test_pairs_are_tested_by_each_users_mean_over_seeds() -> None:
    from measuring.pairs import within

    rng = np.random.default_rng(0)
    a, b, c = (rng.random((2, 40)).astype(np.float32) for _ in range(3))
    runs = runs_of(*({"a": a[n].tolist(), "b": b[n].tolist(), "c": c[n].tolist()} for n in range(2)))
    found = within(runs, ["a", "b", "c"], "ndcg@10")
    p = [wilcoxon((a.mean(0) - other.mean(0)).round(6)).pvalue for other in (b, c)]
    assert [one["second"] for one in found] == ["b", "c"]
    assert [one["p"] for one in found] == pytest.approx(p, rel=0.02)
    # Holm by hand: the smaller of two p counts twice, the larger once and not less than that.
    adjusted = sorted([min(1, 2 * min(p)), max(max(p), min(1, 2 * min(p)))])
    assert sorted(one["adjusted"] for one in found) == pytest.approx(adjusted, rel=0.02)


@pytest.mark.parametrize("scorers", [["a"], ["a", "a"], ["a", "nobody"]])
def test_comparisons_that_are_none_are_refused(scorers: list[str]) -> None:
    from measuring.pairs import within

    with pytest.raises(ConfigError):
        within(runs_of({"a": [0.1, 0.2], "b": [0.3, 0.1]}), scorers, "ndcg@10")


def record(seed: int, valid: float, method: str, cross: float) -> dict[str, Any]:
    test = {"blend": {"recall@5": 0.5, "ndcg@5": 0.3 + seed / 10, "mrr@5": 0.2}}
    blend = {"method": method, "metric": {"weights": valid, method: cross}, "without": {}}
    return {"seed": seed, "valid": {"blend": {"ndcg@5": valid}}, "test": test, "blend": blend}


def test_the_table_shows_mean_and_spread_and_of_a_judge_the_cross_validated() -> None:
    from measuring.tables import grid, headings, shown

    runs = [record(0, 0.9, "gate, l2 1", 0.4), record(1, 0.9, "weights", 0.9)]
    columns = headings(runs)
    assert columns == [("valid", "ndcg@5"), ("test", "recall@5"), ("test", "ndcg@5"), ("test", "mrr@5")]
    ((name, values),) = grid(runs, columns)
    assert (name, values[0], values[2]) == ("blend", [0.4, 0.9], [0.3, 0.4])
    # sqrt((0.05² + 0.05²) / (2 - 1)) = 0.0707
    assert shown(values[2]) == "0.3500 ± 0.0707"


@pytest.mark.parametrize("page", ["", "<!-- results: end --><!-- results: begin -->", "<!-- results: begin -->"])
def test_a_page_without_a_place_is_left_alone(page: str) -> None:
    from measuring.tables import rendered

    with pytest.raises(ValueError, match="results: begin"):
        rendered(page, "block")


def test_the_page_of_the_documents_has_a_place() -> None:
    from measuring.tables import rendered

    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "\n\nhere\n\n" in rendered(page, "here")
