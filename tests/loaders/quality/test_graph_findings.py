"""Each finding on a graph that has exactly that fault, with numbers by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import (
    IdMap,
    Interactions,
    ItemGraph,
    ItemGraphConfig,
    KnowledgeGraph,
    Literals,
    MappingConfig,
    Schema,
    SchemaConfig,
    apply_mapping,
    labels,
)
from plait.loaders import Catalogue, InteractionsReport, ItemTable
from plait.loaders.logs.dropped import Dropped
from plait.loaders.quality.distributions import Distribution, Timeline, gini, plausible_times
from plait.loaders.quality.finding import Finding, by_severity, counted
from plait.loaders.quality.graph_findings import coverage, graph_findings, link_findings
from plait.loaders.quality.graph_statistics import (
    Fan,
    LanguageCount,
    degree_distributions,
    degrees,
    fans,
    hubs,
    literal_languages,
)
from plait.loaders.quality.log_findings import log_findings
from plait.loaders.quality.mismatches import Mismatch, Mismatches

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
NONE = Mismatches(0, ())


def graph() -> KnowledgeGraph:
    """Products p0 to p4, brands b0 and b1, a category, an orphan; p1 is its own brand."""
    names = ["p0", "p1", "p2", "p3", "p4", "b0", "b1", "cat", "orphan"]
    triples = [
        ("p0", "brand", "b0"), ("p1", "brand", "b0"), ("p2", "brand", "b0"), ("p3", "brand", "b1"),
        ("p1", "brand", "p1"), ("p0", "kind", "cat"), ("p0", "brand", "b0"),
    ]  # fmt: skip
    said = [
        ("p0", LABEL, "Shoe", "en"), ("p1", LABEL, "Schuh", "de"), ("p2", LABEL, "Hat", None), ("b0", LABEL, "Acme", "en"),
        ("p0", "price", "3.5", None), ("p1", "price", "1e3", None), ("p2", "price", "on request", None),
    ]  # fmt: skip
    at = {name: i for i, name in enumerate(names)}
    literals = Literals(
        np.array([at[e] for e, *_ in said], dtype=np.int32),
        np.array([[LABEL, "price"].index(p) for _, p, *_ in said], dtype=np.int32),
        pa.array([v for _, _, v, _ in said], pa.large_string()),
        pa.array([tag for *_, tag in said], pa.large_string()).dictionary_encode(),
        pa.nulls(len(said), pa.large_string()).dictionary_encode(),
        (LABEL, "price"),
    )
    return KnowledgeGraph.build(
        IdMap(names), ["brand", "kind"], np.array([at[h] for h, _, _ in triples]),
        np.array([["brand", "kind"].index(r) for _, r, _ in triples]), np.array([at[t] for _, _, t in triples]),
        types=["Product", "Brand"], type_of=np.array([0] * 5 + [1] * 2 + [-1] * 2), literals=literals,
    )  # fmt: skip


def catalogue(item_entity: list[int], titles: list[str | None] | None = None) -> Catalogue:
    """Items i0, i1, ... over the graph, with prices held for numbers."""
    knowledge = graph()
    linked = np.array(item_entity, dtype=np.int64)
    items = IdMap([f"i{i}" for i in range(len(linked))])
    schema = Schema.infer(knowledge).override(SchemaConfig(literals={"price": "number"}))
    schema = schema.with_item_type(knowledge, linked[linked >= 0])
    names = labels(knowledge, schema)
    near = ItemGraph.build(knowledge, schema, items, linked, names, ItemGraphConfig(min_degree=1))
    shown = pa.array(titles or [None] * len(linked), pa.large_string())
    return Catalogue(items, knowledge, schema, names, linked, near, ItemTable(shown, [""] * len(linked)))


def found(findings: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}  # type: ignore[attr-defined]


def test_faults_of_the_graph() -> None:
    result = found(graph_findings(catalogue([0, 1, 2, 3, 4]), fans(graph())))
    counts = {name: finding.count for name, finding in result.items()}
    # p3, p4, b1, cat and orphan have no label; p1 has a German one only.
    assert counts == {
        "untyped": 2, "duplicates": 1, "self-loops": 1, "isolated-entities": 2, "unlabelled": 5, "other-languages": 1,
        "no-numbers": 1,
    }  # fmt: skip
    assert result["untyped"].examples == ("cat", "orphan")
    assert result["self-loops"].examples == ("Schuh (p1) is its own brand",)
    assert result["isolated-entities"].examples == ("p4", "orphan")
    assert result["other-languages"].examples == ("Schuh (p1)",)
    assert result["no-numbers"].examples == ("on request",)
    assert "data.graph.schema.literals: {price: text}" in result["no-numbers"].remedy
    assert all(finding.remedy for finding in result.values())


def test_faults_of_the_links() -> None:
    #              p0 p0 none p4 none p1 none
    linked = catalogue([0, 0, -1, 4, -1, 1, -1], ["Shoe", "Boot", "Sock", None, None, None, None])
    log = Interactions.sorted(
        IdMap(["u", "v"]), linked.items, np.array([0, 1, 0, 1, 1]), np.array([0, 0, 2, 4, 2]), None, None
    )
    cover = coverage(log, linked)
    assert (cover.items, cover.linked) == (7, 4)
    assert cover.interactions == 2 / 5
    assert cover.missed == (("Sock (i2)", 2), ("i4", 1), ("i6", 0))
    assert cover.popularity == (2 / 4, 3 / 3)
    result = found(link_findings(linked, cover, NONE))
    assert set(result) == {"unlinked-items", "shared-entities", "isolated-items"}
    assert result["shared-entities"].examples == ("p0: Shoe (i0), Boot (i1)",)
    assert result["isolated-items"].examples == ("p4 (i3)",)
    assert result["unlinked-items"].examples[0] == "Sock (i2): 2 interactions"


def test_few_links_and_none() -> None:
    empty = Interactions.sorted(IdMap([]), IdMap([]), np.empty(0, dtype=int), np.empty(0, dtype=int))
    few, none = catalogue([3, -1, -1]), catalogue([-1, -1])
    by_name = found(link_findings(few, coverage(empty, few), NONE))
    assert by_name["few-links"].severity == "warning"
    assert by_name["few-links"].sentence == "only 33% of the items have an entity"
    assert found(link_findings(none, coverage(empty, none), NONE))["no-links"].severity == "error"


@pytest.mark.parametrize(("wrong", "compared", "severity"), [(2, 40, "warning"), (20, 40, "info"), (3, 5, "warning")])
def test_names_that_differ_in_general_are_no_wrong_links(wrong: int, compared: int, severity: str) -> None:
    one = Mismatch("i", "t", "e", "l", 10, "name", None, "other")
    linked = catalogue([0])
    cover = coverage(Interactions.sorted(IdMap(["u"]), linked.items, np.array([0]), np.array([0])), linked)
    finding = found(link_findings(linked, cover, Mismatches(compared, (one,) * wrong)))["label-mismatches"]
    assert (finding.severity, finding.count) == (severity, wrong)
    assert "did you mean other?" in finding.examples[0]


def test_fans_degrees_hubs_and_languages_by_hand() -> None:
    knowledge = graph()
    assert fans(knowledge) == (
        Fan("Product", "brand", "Brand", 4, 4 / 4, 4 / 2),
        Fan("Product", "brand", "Product", 1, 1.0, 1.0),
        Fan("Product", "kind", "untyped", 1, 1.0, 1.0),
    )
    # The loop counts twice at p1, like any edge at both its ends.
    assert degrees(knowledge).tolist() == [2, 3, 1, 1, 0, 3, 1, 1, 0]
    top = hubs(knowledge, labels(knowledge, Schema.infer(knowledge)), degrees(knowledge), 2)
    assert [(hub.id, hub.label, hub.type, hub.degree, hub.share) for hub in top] == [
        ("p1", "Schuh", "Product", 3, 3 / 6),
        ("b0", "Acme", "Brand", 3, 3 / 6),
    ]
    assert [(d.name, d.things, d.total, d.points) for d in degree_distributions(knowledge, degrees(knowledge))] == [
        ("Product", 5, 7, ((0, 5), (1, 4), (2, 2), (3, 1))),
        ("Brand", 2, 4, ((1, 2), (3, 1))),
        ("untyped", 2, 1, ((0, 2), (1, 1))),
    ]
    assert literal_languages(knowledge) == (
        LanguageCount("label", "en", 2),
        LanguageCount("label", "", 1),
        LanguageCount("label", "de", 1),
    )


def log(times: list[float] | None, weights: list[float], users: list[int] | None = None) -> Interactions:
    n = len(weights)
    user = np.arange(n) if users is None else np.array(users)
    return Interactions.sorted(
        IdMap([f"u{i}" for i in range(n)]), IdMap([f"i{i}" for i in range(n + 1)]), user, np.arange(n),
        np.array(weights, dtype=np.float32), None if times is None else np.array(times, dtype=float),
    )  # fmt: skip


REPORT = InteractionsReport(3, 0, {"weight": "rating"})


def test_faults_of_the_log() -> None:
    two = [1, 1, 1]
    clean = log([9e8, 9.1e8, 9.2e8], [5, 4, 3], two)
    assert found(log_findings(clean, REPORT, 3)).keys() == {"rare-items"}
    assert "all-ratings-liked" in found(log_findings(clean, REPORT, None))
    assert "all-ratings-liked" not in found(log_findings(clean, InteractionsReport(3, 0, {"weight": None}), None))
    assert found(log_findings(clean, REPORT, 6))["no-positives"].severity == "error"
    assert "no-time" in found(log_findings(log(None, [5, 5, 5], two), REPORT, 1))
    odd = found(log_findings(log([12.0, 9e8, 5e9], [5, 5, 5], two), REPORT, 1))["odd-times"]
    assert odd.count == 2
    assert odd.examples == ("u1 and i0 at 12 s since 1970", "u1 and i2 at 5000000000 s since 1970")
    assert "one-time" in found(log_findings(log([9e8] * 3, [5, 5, 5], two), REPORT, 1))
    assert found(log_findings(log([9e8, 9e8, 9.1e8], [5, 5, 5], [0, 1, 2]), REPORT, 1))["short-histories"].count == 3


def test_without_times_only_a_split_by_time_is_warned_of() -> None:
    timeless, still = log(None, [5, 5, 5], [1, 1, 1]), log([9e8] * 3, [5, 5, 5], [1, 1, 1])
    for strategy in ("temporal", "temporal_per_user", None):
        assert found(log_findings(timeless, REPORT, 1, strategy))["no-time"].severity == "warning"
        assert "leave_last_out" in found(log_findings(still, REPORT, 1, strategy))["one-time"].remedy
    for strategy in ("given", "random", "leave_last_out"):
        finding = found(log_findings(timeless, REPORT, 1, strategy))["no-time"]
        assert (finding.severity, finding.sentence) == ("info", "no time column: order is the file's")
        assert "leave_last_out" not in finding.remedy
        assert "leave_last_out" not in found(log_findings(still, REPORT, 1, strategy))["one-time"].remedy


def test_an_event_column_that_is_not_read_is_told() -> None:
    clean = log([9e8, 9.1e8, 9.2e8], [5, 4, 3], [1, 1, 1])
    finding = found(log_findings(clean, replace(REPORT, unread_event="action"), 3))["unread-events"]
    assert (finding.severity, finding.count) == ("warning", 3)
    assert "'action'" in finding.sentence
    assert "data.interactions.events" in finding.remedy
    assert "unread-events" not in found(log_findings(clean, REPORT, 3))


def meetings(item_counts: list[int]) -> Interactions:
    """A log in which each item is liked by so many users, and each user likes two items at least."""
    item = np.repeat(np.arange(len(item_counts)), item_counts)
    user = np.arange(len(item)) // 2
    return Interactions.sorted(
        IdMap([f"u{i}" for i in range(user.max() + 1)]), IdMap([f"i{i}" for i in range(len(item_counts))]), user, item,
        None, np.linspace(9e8, 1e9, len(item)),
    )  # fmt: skip


def test_where_histories_and_popularity_are_told_of() -> None:
    def told(of: Interactions) -> set[str]:
        return {"short-histories", "rare-items", "long-tail"} & found(log_findings(of, REPORT, None)).keys()

    # Of four users two like one item: half is not most. Of five three do.
    assert "short-histories" not in told(log([9e8] * 6, [5] * 6, [0, 1, 2, 2, 3, 3]))
    assert "short-histories" in told(log([9e8] * 7, [5] * 7, [0, 1, 2, 3, 3, 4, 4]))
    # Four likes are few, five are not; half of the items is not most.
    assert told(meetings([4, 4, 6, 6])) == set()
    assert told(meetings([4, 4, 4, 6, 6])) == {"rare-items"}
    # Ascending 10, ..., 10, x over 20 items has Gini 19/20 (x - 10) / (x + 190): 0.79 at 1000, 0.81 at 1200.
    assert gini(np.array([10] * 19 + [1000])) == pytest.approx(0.95 * 990 / 1190)
    assert told(meetings([10] * 19 + [1000])) == set()
    assert told(meetings([10] * 19 + [1200])) == {"long-tail"}


def crowd(n: int, joined: int, twice: int = 0) -> Catalogue:
    """n items, so many of them made of wood, and some joined to it by a second relation."""
    head = np.concatenate([np.arange(joined), np.arange(twice)])
    relation = np.repeat([0, 1], [joined, twice])
    knowledge = KnowledgeGraph.build(
        IdMap([*(f"p{i}" for i in range(n)), "wood"]), ["made of", "smells of"], head, relation,
        np.full(len(head), n), types=["P"], type_of=np.zeros(n + 1, dtype=np.int64),
    )  # fmt: skip
    linked, items = np.arange(n), IdMap([f"i{i}" for i in range(n)])
    schema = Schema.infer(knowledge).with_item_type(knowledge, linked)
    nothing = ItemTable(pa.nulls(n, pa.large_string()), [""] * n)
    return Catalogue(
        items, knowledge, schema, labels(knowledge, schema), linked, ItemGraph.without_graph(items), nothing
    )


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (crowd(20, 11), "wood: 11 of 20"),
        (crowd(20, 10), None),
        (crowd(20, 10, 10), None),  # twenty triples, but of ten items
        (crowd(20, 11, 6), "wood: 11 of 20"),
        (crowd(19, 19), None),
    ],
)
def test_what_most_items_are_joined_to(one: Catalogue, told: str | None) -> None:
    finding = found(graph_findings(one, ())).get("says-nothing")
    assert (finding and finding.examples) == (told and (told,))
    assert finding is None or finding.sentence == "1 entity is joined to more than half of the items"


def test_relations_that_join_nothing() -> None:
    def told(count: int, fan_in: float) -> bool:
        fan = Fan("Product", "serial", "Number", count, 1.0, fan_in)
        return "joins-nothing" in found(graph_findings(catalogue([0]), [fan]))

    assert (told(20, 1.0), told(19, 1.0), told(20, 1.05)) == (True, False, False)


def test_one_is_not_many() -> None:
    assert [counted(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert [counted(n, "entity", "entities") for n in (1, 2)] == ["1 entity", "2 entities"]
    assert [counted(n, "second") for n in (1.0, 0.5, 60.0)] == ["1 second", "0.5 seconds", "60 seconds"]
    linked = catalogue([3, -1, 4])
    cover = coverage(Interactions.sorted(IdMap(["u"]), linked.items, np.array([0]), np.array([1])), linked)
    result = found([*graph_findings(linked, ()), *link_findings(linked, cover, NONE)])
    assert result["duplicates"].sentence == "1 repeated triple was dropped"
    assert result["self-loops"].sentence == "1 triple leads from an entity to itself"
    assert result["unlinked-items"].sentence.startswith("1 item has no entity")
    assert result["unlinked-items"].examples == ("i1: 1 interaction",)
    assert result["isolated-items"].sentence == "1 linked item has no edge that leads anywhere"
    assert not [f.sentence for f in result.values() if re.match(r"1 \w+(s|ies) ", f.sentence)]


def test_dropped_rows_are_told() -> None:
    dropped = (
        Dropped("no user", 2, example="line 4"),
        Dropped("users with fewer than 5 items", 9, 4, 1),
        Dropped("none", 0),
        Dropped("history without an item", 0, 3),
    )
    read = InteractionsReport(5, 0, {"weight": None}, dropped)
    found = [f for f in log_findings(log([1e9, 1.1e9], [1, 1], [0, 0]), read, None) if f.name == "dropped-rows"]
    assert [(f.sentence, f.count, f.examples) for f in found] == [
        ("left out: 2 rows: no user", 2, ("line 4",)),
        ("left out: 9 rows, and with them 4 users and 1 item: users with fewer than 5 items", 9, ()),
        ("left out: 0 rows, and with them 3 users: history without an item", 0, ()),
    ]


def test_circles_and_what_a_mapping_took_out() -> None:
    at = np.array
    knowledge = KnowledgeGraph.build(
        IdMap(["shoes", "clothes", "hats", "all"]),
        ["broader", "x"],
        at([0, 1, 2, 0]),
        at([0, 0, 0, 1]),
        at([1, 0, 3, 3]),
    )
    mapped = apply_mapping(knowledge, MappingConfig(hierarchies=("broader",), exclude_relations=("x",)))
    one = catalogue([0])
    result = graph_findings(replace(one, mapped=mapped), ())
    chosen = [f for f in result if f.name in ("cyclic-hierarchy", "mapping")]
    assert [(f.name, f.severity, f.count) for f in chosen] == [
        ("cyclic-hierarchy", "warning", 1),
        ("mapping", "info", 1),
        ("mapping", "info", 0),
    ]
    assert chosen[0].examples == ("clothes -> shoes",)
    assert chosen[1].examples == ("x",)
    # What takes nothing out is told, and asks for nothing.
    assert (bool(chosen[1].remedy), chosen[2].remedy) == (True, "")


def test_gini_by_hand() -> None:
    # Ascending 1, 2, 5: 2 (1*1 + 2*2 + 3*5) / (3 * 8) - 4/3.
    assert gini(np.array([5, 1, 2])) == pytest.approx(2 * 20 / 24 - 4 / 3)
    assert gini(np.array([4, 4, 4])) == pytest.approx(0)
    assert np.isnan(gini(np.array([0, 0])))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=200))
def test_points_of_a_distribution_are_counts_of_things(counts: list[int]) -> None:
    spread = Distribution.of("x", np.array(counts))
    assert len(spread.points) <= 60
    assert spread.points == tuple((x, sum(c >= x for c in counts)) for x, _ in spread.points)
    assert spread.points[0][0] == min(counts)
    assert spread.points[-1][0] == max(counts) == spread.largest


def test_the_top_hundredth_by_hand() -> None:
    # The two highest of 200 things: 30 + 10, of 30 + 10 + 198 * 1.
    assert Distribution.of("x", np.array([1] * 198 + [10, 30])).top_share == pytest.approx(40 / 238)
    assert Distribution.of("x", np.array([1] * 49 + [30])).top_share == pytest.approx(30 / 79)


@given(st.lists(st.floats(), max_size=9))
def test_any_times_have_a_timeline_or_none(times: list[float]) -> None:
    line = Timeline.of(times)
    assert line is None or (line.first < line.last and sum(line.counts) == len(plausible_times(np.array(times))))


def test_a_time_in_milliseconds_does_not_squeeze_the_others() -> None:
    line = Timeline.of([1.5e9, 1.6e9, 1.6e12, -1e14])
    assert line is not None
    assert (line.first, line.last, sum(line.counts)) == (1.5e9, 1.6e9, 2)
    assert Timeline.of([1600000000.0, 1600000000.000001]) is None
    assert plausible_times(np.array([1e300, np.inf, 1.0])).tolist() == [253402300799.0, 1.0]


def test_timeline() -> None:
    assert Timeline.of(None) is None
    assert Timeline.of([7.0, 7.0]) is None
    line = Timeline.of([0.0, 0.5, 48.0, float("nan")])
    assert line is not None
    assert (line.first, line.last, line.counts) == (0.0, 48.0, (2, *[0] * 46, 1))


def test_the_worst_comes_first() -> None:
    order = by_severity([Finding("a", "info", "", 1), Finding("b", "error", "", 1), Finding("c", "info", "", 1)])
    assert [f.name for f in order] == ["b", "a", "c"]
