"""The picture of a search: every key has a panel, with a point for each trial that was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plait.fusion.tuning import Range, Search, Trial, draw_search
from plait.kg import ConfigError

SPACE = {"gnn.dropout": Range(low=0.01, high=1, log=True), "gnn.layers": (1, 2), "x.$odd$": ("a", "b_$c$"), "e.l": (1,)}
TRIALS = (
    Trial(0, "complete", 0.25, {"gnn.dropout": 0.1, "gnn.layers": 1, "x.$odd$": "a", "e.l": 1}, 1.0),
    Trial(1, "pruned", None, {"gnn.dropout": 0.3, "gnn.layers": 2, "x.$odd$": "a", "e.l": 1}, 1.0),
    Trial(2, "failed", None, {}, 1.0, "no memory"),
    Trial(3, "complete", 0.5, {"gnn.dropout": 0.6, "gnn.layers": 2, "x.$odd$": "b_$c$", "e.l": 1}, 1.0),
    Trial(4, "complete", 0.5, {"gnn.dropout": 0.7, "gnn.layers": 2, "x.$odd$": "b_$c$", "e.l": 1}, 1.0),
)


def _search(trials: tuple[Trial, ...] = TRIALS, importance: dict[str, float] | None = None) -> Search:
    return Search("NDCG@10 of ease", 0.3, SPACE, trials, importance or {}, "all trials are done")


def test_the_best_is_the_first_of_equals_and_above_the_baseline() -> None:
    assert _search().best == TRIALS[3]
    assert Search("m", 0.5, SPACE, TRIALS, {}, "").best is None
    assert (_search().count("complete"), _search().count("pruned"), _search().count("failed")) == (3, 1, 1)


def test_every_key_and_word_is_in_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "s.svg"
    draw_search(_search(importance={"gnn.dropout": 0.75, "gnn.layers": 0.25}), path)
    words = re.findall(r">([^<>\n]+)</text>", path.read_text())
    for word in (
        "NDCG@10 of ease",
        "gnn.dropout",
        "gnn.layers",
        "x.$odd$",
        "b_$c$",
        "best so far",
        "as it stands",
        "pruned",
    ):
        assert word in words
    assert "too few trials to tell" not in words
    again = tmp_path / "again.svg"
    draw_search(_search(importance={"gnn.dropout": 0.75, "gnn.layers": 0.25}), again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("name", "start"), [("s.png", b"\x89PNG"), ("s.PDF", b"%PDF"), ("s.svg", b"<?xml")])
def test_formats(name: str, start: bytes, tmp_path: Path) -> None:
    draw_search(_search(()), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'\.gif'; take \.svg, \.png, \.pdf"):
        draw_search(_search(), tmp_path / "s.gif")
    assert list(tmp_path.iterdir()) == []
