"""The page of an evaluation: nothing fetched, names escaped, bars where their values are, well formed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from plait.evaluation_page import bars, evaluation_page, write_evaluation_page
from plait.fusion import Evaluation, Row
from plait.fusion.evaluation import Slice

EVIL = '<script>alert("1")</script>&$x^2$'
METRICS = {"ndcg@3": 0.25, "recall@3": 0.5, "coverage@3": 0.75, "popularity_lift@3": -0.2, "novelty@3": 4.5}


@pytest.fixture
def evaluation() -> Evaluation:
    """Scorers, groups and kinds of groups with names that attack."""
    slices = (
        Slice("user attribute", EVIL, 7, {"ndcg@3": 0.5}, {"ndcg@3": 0.01}),
        Slice("user attribute", "b", 1, {"ndcg@3": 0.125}),
        Slice("category", EVIL, 0, {"exposure@3": 0.4, "catalogue": 0.2, "relevance": 0.3}),
    )
    rows = [
        Row(name, part, {**METRICS, "recall@3": value}, {"ndcg@3": 0.01}, slices)
        for part in ("valid", "test")
        for name, value in ((EVIL, 0.5), ("blend", 0.625))
    ]
    return Evaluation(tuple(rows), {"valid": 5, "test": 11}, {"valid": 0, "test": 3})


class Reader(HTMLParser):
    """Sees that tags close in order, and keeps what they point to."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.targets: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.targets += [str(value) for name, value in attrs if name in ("href", "src")]
        self.ids += [str(value) for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_the_page_is_whole_and_fetches_nothing(evaluation: Evaluation) -> None:
    blend = {"weights": {EVIL: 0.75, "gnn": 0.25}, "whole": 0.25, "worth": {EVIL: 0.1}}
    page = evaluation_page(evaluation, EVIL, 3, blend)
    reader = read(page)
    assert not reader.tags & {"script", "link", "img", "iframe", "object"}
    assert all(target.startswith("#") and target[1:] in reader.ids for target in reader.targets)
    assert len(set(reader.ids)) == len(reader.ids)
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert page == evaluation_page(evaluation, EVIL, 3, blend)


def test_it_tells_what_was_measured(evaluation: Evaluation) -> None:
    page = evaluation_page(evaluation, "m", 3)
    for wanted in (
        "0.6250",
        "75.0%",
        "-20%",
        "0.2500 ±0.0100",
        "3 more have something to hit",
        "Largest gap between two groups: 0.3750",
        "40.0%",
    ):
        assert wanted in page, wanted
    assert 'id="blend"' not in page
    # What was not measured is a dash, and test stands before validation.
    assert "–" in page
    assert page.index('id="test"') < page.index('id="valid"')


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("ease", "blend", "ease, train history", "blend, train history", "blend, refit"), "blend, refit"),
        (("ease", "blend", "blend, train history"), "blend"),
        (("ease", "gnn"), "gnn"),
    ],
)
def test_slices_are_those_of_the_model(names: tuple[str, ...], shown: str) -> None:
    rows = [
        Row(name, "test", METRICS, {}, (Slice("users", "hot", 2, {"ndcg@3": place / 8}, {}),))
        for place, name in enumerate(names)
    ]
    page = evaluation_page(Evaluation(tuple(rows), {"test": 4}, {"test": 0}), "m", 3)
    assert f"How {shown} does for some users" in page
    assert f"hot (2) {names.index(shown) / 8:.4f}" in page


def test_the_note_on_validation_stands_below_its_figures(evaluation: Evaluation) -> None:
    page = evaluation_page(evaluation, "m", 3, note=f"in-sample {EVIL}")
    assert page.count("in-sample") == 1
    assert page.index('id="valid"') < page.index("in-sample") < page.index('id="valid-lists"')
    assert "<script" not in page
    only_test = Evaluation(tuple(row for row in evaluation.rows if row.part == "test"), {"test": 11}, {"test": 3})
    assert "in-sample" not in evaluation_page(only_test, "m", 3, note="in-sample")


def test_a_blend_by_a_judge_shows_no_weights(evaluation: Evaluation) -> None:
    page = evaluation_page(evaluation, "m", 3, {"weights": {}, "whole": 0.25, "worth": {"gnn": 0.125, "ease": -0.01}})
    read(page)
    assert "What each signal is worth: 0.2500, the blend" in page
    assert "gnn +0.1250; ease -0.0100" in page
    assert "Weight of each signal" not in page


def test_an_old_evaluation_without_slices_or_lists_makes_a_page(tmp_path: Path) -> None:
    old = Evaluation((Row("blend", "test", {"ndcg@3": 0.5}, {}),), {"test": 1}, {"test": 0})
    write_evaluation_page(old, tmp_path / "page.html", "old", 3)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    read(page)
    assert "Slices" not in page
    with pytest.raises(OSError, match="nowhere"):
        write_evaluation_page(old, tmp_path / "nowhere" / "page.html", "old", 3)


def test_bars_share_a_scale_with_0_in_it() -> None:
    drawn = bars([("a", 3.0, 0.0), ("b", -1.0, None), ("none", None, None), ("nan", float("nan"), None)], "{:.1f}")
    # From -1 to 3: 0 lies at a quarter.
    assert [(bar.name, bar.value, bar.start, bar.width, bar.low) for bar in drawn] == [
        ("a", "3.0", 25.0, 75.0, None),
        ("b", "-1.0", 0.0, 25.0, None),
    ]
    one = bars([("a", 1.0, 0.5), ("b", 0.5, None)])[0]
    assert (one.low, one.high) == (pytest.approx(1, abs=0.011), 100.0)
    assert re.fullmatch(r"1\.0000 ±0\.9800", one.value)
    # An error bar ends at 0, and moves the scale no further.
    below = bars([("a", 0.1, 1.0), ("b", 0.0, None)])
    assert (below[0].low, below[0].start, below[1].start) == (0, 0, 0)
    assert bars([]) == []
    assert bars([("zero", 0.0, None)])[0].width == 0
