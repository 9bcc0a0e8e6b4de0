"""The page: nothing fetched, nothing of the data's taken for markup, the same bytes each time, well formed."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from plait.kg import IdMap, Interactions, ItemGraph, ItemGraphConfig, KnowledgeGraph, Literals, Schema, labels
from plait.loaders import Catalogue, DataReport, InteractionsReport, ItemTable, describe
from plait.loaders.quality.distributions import Distribution, Timeline
from plait.loaders.quality.shacl import ShaclReport, ShaclResult
from plait.quality_page import _percent, quality_page, write_quality_page
from plait.quality_plots import distribution_plot, timeline_plot
from plait.terminal import report_tables

EVIL = '<script>alert("1")</script>&$x^2$'


@pytest.fixture(scope="module")
def report() -> DataReport:
    """Every name there is is an attack: ids, titles, labels, types, relations, literals, columns, shapes."""
    names = [f"{EVIL}{i}" for i in range(7)]
    predicates = ("http://www.w3.org/2000/01/rdf-schema#label", EVIL)
    none = pa.array([EVIL] * 4, pa.large_string()).dictionary_encode()
    literals = Literals(
        np.array([0, 1, 2, 0], dtype=np.int32), np.array([0, 0, 0, 1], dtype=np.int32),
        pa.array([f"{EVIL} label", EVIL, EVIL, EVIL * 9], pa.large_string()), none, none, predicates,
    )  # fmt: skip
    graph = KnowledgeGraph.build(
        IdMap(names), [EVIL, "r"], np.array([0, 1, 2, 2]), np.array([0, 0, 1, 0]), np.array([4, 4, 5, 2]),
        types=[EVIL, f"{EVIL}2"], type_of=np.array([0, 0, 0, 0, 1, 1, -1]), literals=literals,
    )  # fmt: skip
    schema = Schema.infer(graph).with_item_type(graph, np.array([0, 1]))
    shown = labels(graph, schema)
    items = IdMap([f"{EVIL}item{i}" for i in range(5)])
    linked = np.array([0, 1, 2, 2, -1])
    near = ItemGraph.build(graph, schema, items, linked, shown, ItemGraphConfig(min_degree=1))
    titles = pa.array(["Alien", f"{EVIL}title", "x", "y", EVIL], pa.large_string())
    catalogue = Catalogue(items, graph, schema, shown, linked, near, ItemTable(titles, titles.to_pylist()))
    times = np.array([1e9, 1.1e9, 1.2e9, 1.3e9])
    log = Interactions.sorted(IdMap([EVIL, "v"]), items, np.array([0, 0, 1, 0]), np.array([0, 4, 2, 1]), None, times)
    made = describe(log, InteractionsReport(4, 1, {"user": EVIL, "time": None}), catalogue, None)
    result = ShaclResult(EVIL, EVIL, EVIL, "Violation", 2, EVIL, EVIL, EVIL)
    return made.with_shacl(ShaclReport((result,), 5, 7, 7, 1.5, False))


class Reader(HTMLParser):
    """Collects tags, and checks that they close in order."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_names_of_the_data_are_text(report: DataReport) -> None:
    reader = read(quality_page(report, EVIL))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert reader.text.count("<script>") > 25
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)


def test_nothing_is_fetched(report: DataReport) -> None:
    page = quality_page(report, "shop")
    reader = read(page)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    targets = [v or "" for _, a in reader.tags for name, v in a.items() if name in ("href", "src", "xlink:href")]
    assert all(target.startswith("#") for target in targets)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert page.count("<style") == 1


def test_headings_in_order_and_ids_once(report: DataReport) -> None:
    reader = read(quality_page(report, "shop"))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    # Every entry of the contents leads somewhere, and every picture can be read out.
    wanted = {a["href"] for tag, a in reader.tags if tag == "a"}
    assert {"#shapes", "#links"} < wanted <= {f"#{i}" for i in ids}
    pictures = [a for tag, a in reader.tags if tag == "svg"]
    assert len(pictures) == 4
    assert all(a["role"] == "img" and a["aria-label"] for a in pictures)
    assert all(a.get("tabindex") == "0" for _, a in reader.tags if a.get("role") == "region")


def test_the_same_report_gives_the_same_bytes(report: DataReport, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_quality_page(report, tmp_path / name, "shop")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_written_whole_or_not_at_all(report: DataReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.html").write_text("old")
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_quality_page(report, tmp_path / "r.html", "shop")
    assert (tmp_path / "r.html").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_long_tables_are_cut_and_say_so(report: DataReport) -> None:
    many = replace(report, literals=report.literals * 50)
    text = read(quality_page(many, "shop")).text
    assert f"{len(many.literals) - 60} more are in the output of --json" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "100.0%"), (0.99999, "over 99.99%"), (0.99996, "over 99.99%"), (0.9999, "99.99%"), (0.9996, "99.96%"),
        (0.9994, "99.9%"), (0.25, "25.0%"), (0.0, "0.0%"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_only_all_is_a_hundred_percent(value: float, text: str) -> None:
    assert _percent(value) == text


def test_what_has_none_is_not_on_a_logarithmic_axis() -> None:
    some = Distribution.of("x", np.array([2, 2, 50]))
    with_none = replace(some, points=((0, 9), *some.points))
    assert some.points[0] == (2, 3)
    assert distribution_plot([with_none], "across", "up", "t") == distribution_plot([some], "across", "up", "t")


def test_no_violation_is_said_and_histories_have_no_columns(report: DataReport) -> None:
    some = replace(report, shacl=ShaclReport((), 5, 5, 7, 60, True), columns={"user": None, "item": None})
    text = " ".join(read(quality_page(some, "shop")).text.split())
    assert "Checked a sample of 5 of 7 nodes against the shapes. No violation among the nodes checked." in text
    assert "Every node conforms" not in text
    assert "a file of histories" in text
    assert "Columns read" not in text
    shown = terminal(some)
    assert "No violation among the nodes checked." in shown
    assert "first node" not in shown
    assert "none: a file of histories" in shown


def test_no_table_is_empty(report: DataReport) -> None:
    assert "distinct" in terminal(report)
    assert "distinct" not in terminal(replace(report, literals=()))
    assert "first node" in terminal(report)


def test_sessions_are_on_the_page(report: DataReport) -> None:
    some = replace(report, interactions=report.interactions | {"sessions": 1234})
    assert "sessions1,234" in "".join(read(quality_page(some, "shop")).text.split())
    assert "sessions" not in read(quality_page(report, "shop")).text
    assert "1,234" in terminal(some)


def terminal(report: DataReport) -> str:
    console = Console(width=200, file=io.StringIO())
    for table in report_tables(report):
        console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_plots_take_their_colours_from_the_page_and_leave_no_setting_behind() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    spread = Distribution.of("x", np.array([1, 2, 2, 50]))
    plots = [
        distribution_plot([spread, spread], "across", "up", 'text with "quotes"'),
        timeline_plot(Timeline(0.0, 1e8, (1, 5, 2)), "text"),
    ]
    assert dict(matplotlib.rcParams) == before
    for svg in plots:
        assert re.findall(r"#[0-9a-f]{6}\b", re.sub(r'(url\(|href="|id=")#?[^")]*', "", svg)) == []
        assert "var(--c0)" in svg
    assert "var(--c1)" in plots[0]
    assert 'aria-label="text with &quot;quotes&quot;"' in plots[0]
    assert "DejaVu" not in plots[0] + plots[1]
