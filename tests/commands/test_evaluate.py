"""`plait evaluate` as typed: tables, slices, a page, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plait.fusion.storage import read_record


def test_measuring_again_shows_lists_and_slices(plait: Any, shop_model: Path, tmp_path: Path) -> None:
    done = plait("evaluate", shop_model, "--slices", "blend", "--html", tmp_path / "report.html")
    for wanted in (
        "Test @10",
        "Lists @10",
        "novelty",
        "lift",
        "graph mix",
        "calib",
        "blend by users",
        "blend by category",
        "exposure@10",
    ):
        assert wanted in done.stdout
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    for wanted in ("NDCG@10 by scorer", "Popularity lift", "Recall@10 by category", "Weight of each signal"):
        assert wanted in page


def test_json_has_every_slice(plait: Any, shop_model: Path) -> None:
    record = json.loads(plait("evaluate", shop_model, "--json").stdout)
    row = next(row for row in record["rows"] if (row["name"], row["part"]) == ("blend", "test"))
    assert {one["by"] for one in row["slices"]} >= {"users", "history length", "items", "category"}
    assert row["metrics"]["diversity_entities@5"] > 0
    assert "per_user" not in record


def test_the_stored_figures_make_a_page_too(plait: Any, shop_model: Path, tmp_path: Path) -> None:
    plait("evaluate", shop_model, "--stored", "--html", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    value = read_record(shop_model).evaluation.row("blend", "test").metrics["ndcg@10"]
    assert f"{value:.4f}" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stored", "-k", 7], "nothing was measured at 7; there is 5, 10"),
        (["--stored", "--slices", "blnd"], "no scorer is called 'blnd'; there is popularity"),
    ],
)
def test_what_was_not_measured_is_told(plait: Any, shop_model: Path, words: list[object], message: str) -> None:
    assert message in plait("evaluate", shop_model, *words, fails=True)
