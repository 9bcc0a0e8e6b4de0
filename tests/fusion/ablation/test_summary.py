"""Means, spreads and changes against numbers by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from plait.fusion.ablation.runs import Run, Runs
from plait.fusion.ablation.summary import compared, summarised
from plait.fusion.ablation.variants import Lacking, checked_variants
from plait.fusion.storage import without_nan
from plait.kg import ConfigError

USERS = {"valid": pa.array(["u1", "u 2", "ü3"], pa.large_string()), "test": pa.array(["u1", "007"], pa.large_string())}


def _run(variant: str, seed: int, valid: list[float], test: list[float], ease: float = 0.25) -> Run:
    values = {
        part: {"ndcg@7": np.array(figures), "recall@7": np.array(figures) / 2}
        for part, figures in (("valid", valid), ("test", test))
    }
    return Run(variant, seed, {"ease": ease, "gnn": 1 - ease}, USERS, values)


RUNS = {
    "whole": [_run("whole", 1, [0.6, 0.6, 0.9], [0.5, 0.7]), _run("whole", 2, [0.4, 0.4, 0.7], [0.5, 0.7], 0.75)],
    "no-text": [_run("no-text", 2, [0.2, 0.4, 0.6], [0.5, 0.7])],
}


def test_means_and_spreads_over_seeds() -> None:
    found = summarised(RUNS, 7, [1, 2], [])
    whole, no_text = found.of("valid")
    # (0.6 + 0.6 + 0.9) / 3 = 0.7 and (0.4 + 0.4 + 0.7) / 3 = 0.5.
    assert whole.mean["ndcg@7"] == pytest.approx((0.7 + 0.5) / 2)
    assert whole.spread["ndcg@7"] == pytest.approx(math.sqrt((0.1**2 + 0.1**2) / (2 - 1)))
    assert whole.mean["recall@7"] == pytest.approx(0.3)
    assert whole.weights == pytest.approx({"ease": 0.5, "gnn": 0.5})
    assert (whole.users, found.of("test")[0].users) == (3, 2)
    assert math.isnan(no_text.spread["ndcg@7"])


def test_a_variant_is_compared_over_the_seeds_both_have() -> None:
    found = summarised(RUNS, 7, [1, 2], [])
    # By seed 2 alone: 0.4 against 0.5. Its differences -0.2, 0, -0.1 are two below: p = 2 / 2^2.
    row = found.of("valid")[1]
    assert row.change == pytest.approx((0.4 - 0.5) / 0.5)
    assert row.p == pytest.approx(0.5)
    # The mean of three draws from -0.2, 0 and -0.1 lies between the extremes: -40 % and 0 of 0.5.
    assert (row.low, row.high) == pytest.approx((-0.4, 0.0), abs=0.01)
    assert compared(row) == ("-20.0% (-40.0% to +0.0%)", "0.500")
    assert compared(found.of("valid")[0]) == ("", "")
    assert found.of("test")[1].p == 1


def test_the_tables_hold_every_variant_and_the_record_is_json() -> None:
    found = summarised(RUNS, 7, [1, 2], [Lacking("no-graph", "there is no graph around the items")])
    text = found.as_markdown()
    assert "| whole | 0.6000 ± 0.1414 | 0.3000 ± 0.0707 |  |  |" in text
    assert "| no-text | 0.4000 | 0.2000 | -20.0% (-40.0% to +0.0%) | 0.500 |" in text
    assert "- no-graph: not done, there is no graph around the items" in text
    record = json.loads(json.dumps(without_nan(found.as_record()), allow_nan=False))
    assert record["metric"] == "ndcg@7"
    assert [row["variant"] for row in record["rows"]] == ["whole", "no-text"] * 2


def test_runs_come_back_as_they_were_kept(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "kept", "a")
    assert runs.read("whole", 1) is None
    runs.write(RUNS["whole"][0])
    again = runs.read("whole", 1)
    assert again is not None
    assert (again.variant, again.seed, again.weights) == ("whole", 1, {"ease": 0.25, "gnn": 0.75})
    for part in ("valid", "test"):
        assert again.users[part].to_pylist() == USERS[part].to_pylist()
        for metric in ("ndcg@7", "recall@7"):
            np.testing.assert_array_equal(again.values[part][metric], RUNS["whole"][0].values[part][metric])


def test_a_run_of_something_else_or_damaged_is_refused(tmp_path: Path) -> None:
    Runs(tmp_path, "a").write(RUNS["whole"][0])
    with pytest.raises(ConfigError, match=r"whole-1\.parquet: this finished run is of another configuration"):
        Runs(tmp_path, "b").read("whole", 1)
    path = Runs(tmp_path, "a").path("whole", 1)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ConfigError, match=r"whole-1\.parquet: this finished run is damaged; remove it"):
        Runs(tmp_path, "a").read("whole", 1)


def test_names_of_variants() -> None:
    assert checked_variants(["without-gnn", "no-graph"]) == ["whole", "no-graph", "without-gnn"]
    assert checked_variants(["whole"]) == ["whole"]
    with pytest.raises(ConfigError, match="no variant 'no-grap'; known are whole, "):
        checked_variants(["no-grap"])
