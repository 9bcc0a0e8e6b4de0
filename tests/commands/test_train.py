"""`plait train` as typed: what overrides the YAML, and what is said below the figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.fusion.signals.registry import RECIPES

QUICK: dict[str, Any] = {
    **dict.fromkeys(RECIPES),
    "text": None,
    "gnn": {"dimension": 4, "epochs": 2, "evaluate_every": 1},
    "ease": {"l2": [10], "entity_weight": [1]},
    "recency": {"boost": [0]},
    "evaluation": {"ks": [10], "ablations": False},
}


@pytest.fixture
def config(shop: Path, tmp_path: Path) -> Any:
    """Writes a configuration of the shop that is trained in a moment."""

    def write(**more: Any) -> Path:
        values = yaml.safe_load(shop.read_text("utf-8"))
        data = values["data"]
        data["interactions"]["path"] = str(shop.parent / data["interactions"]["path"])
        data["graph"]["files"] = [str(shop.parent / name) for name in data["graph"]["files"]]
        data["links"]["path"] = str(shop.parent / data["links"]["path"])
        path = tmp_path / "quick.yaml"
        path.write_text(yaml.safe_dump({**values, **QUICK, **more}), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("in_file", "option", "fitted"),
    [(False, "--refit", True), (True, "--no-refit", False), (True, None, True), (False, None, False)],
)
def test_the_option_overrides_the_file_and_its_absence_does_not(
    plait: Any, config: Any, in_file: bool, option: str | None, fitted: bool
) -> None:
    done = plait("train", config(refit=in_file), "--out", "model", *([option] if option else []))
    assert ("blend, refit" in done.stdout) == fitted
    saved = yaml.safe_load(Path("model/config.yaml").read_text("utf-8"))
    assert saved["refit"] is fitted
    rows = json.loads(Path("model/evaluation.json").read_text("utf-8"))["rows"]
    assert [row["part"] for row in rows if row["name"] == "blend, refit"] == ["test"] * fitted


@pytest.mark.parametrize("method", ["gate", "weights"])
def test_what_signals_are_worth_is_shown_and_that_the_blend_knows_the_validation_users(
    plait: Any, config: Any, method: str
) -> None:
    done = plait("train", config(blend={"methods": [method], "l2": [0.01]}), "--out", "model")
    told = json.loads(Path("model/details.json").read_text("utf-8"))["blend"]
    assert told["method"].partition(",")[0] == method
    assert "in-sample" in done.stdout
    whole = told["metric"][told["method"]]
    table = done.stdout.partition("What each signal is worth")[2]
    assert f"{whole:.4f}" in table
    shown = {
        words[0]: words[-2:] for line in table.splitlines() if (words := line.split()) and words[0] in told["without"]
    }
    assert set(shown) == {"popularity", "ease", "gnn"}
    for name, value in told["without"].items():
        assert shown[name] == [f"{value:.4f}", f"{whole - value:+.4f}"]
