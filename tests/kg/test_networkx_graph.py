"""networkx in and out: a round trip keeps everything, and graphs made elsewhere come in with every value named."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import DataError, IdMap, KnowledgeGraph, Literals

XSD = "http://www.w3.org/2001/XMLSchema#"
# Ids that differ by a hair, and hold what ids may hold.
IDS = ("7", "007", "a b", 'say "hi"', "http://e/é#1", "")
RELATIONS = ("http://v/made", "linked", "label", "type")
TYPES = ("untyped", "http://v/Pot", "type")
texts = st.text(max_size=3)
names = texts | st.just(None)


def rows_of(graph: KnowledgeGraph) -> Counter[tuple[Any, ...]]:
    """Every triple by its names with weight and time as text, in which NaN equals NaN."""
    ids = graph.entities.to_arrow().to_pylist()
    nothing = np.full(graph.n_triples, np.nan)
    weight, times = (nothing if column is None else column for column in (graph.weight, graph.time))
    columns = (graph.head, graph.relation, graph.tail, weight, times)
    return Counter(
        (ids[h], graph.relations[r], ids[t], str(w), str(s))
        for h, r, t, w, s in zip(*(column.tolist() for column in columns), strict=True)
    )


def types_of(graph: KnowledgeGraph) -> dict[str, str | None]:
    kinds = graph.type_of.tolist()
    return {name: graph.types[kind] if kind >= 0 else None for name, kind in zip(graph.entities, kinds, strict=True)}


def literals_of(graph: KnowledgeGraph) -> Counter[tuple[str | None, ...]]:
    table, ids = graph.literals, graph.entities.to_arrow().to_pylist()
    columns = (table.entity, table.predicate, table.value, table.language, table.datatype)
    return Counter(
        (ids[e], table.predicates[p], value, language, datatype)
        for e, p, value, language, datatype in zip(*(column.tolist() for column in columns), strict=True)
    )


@st.composite
def graphs(draw: st.DrawFn) -> KnowledgeGraph:
    n = draw(st.integers(0, len(IDS)))
    entity = st.integers(0, max(n - 1, 0))
    triples = draw(st.lists(st.tuples(entity, st.integers(0, len(RELATIONS) - 1), entity), max_size=12 * (n > 0)))
    rows = draw(st.lists(st.tuples(entity, st.integers(0, 2), texts, names, names), max_size=6 * (n > 0)))
    predicates = ("type", "literals", "http://v/colour")
    number = st.just(np.nan) | st.floats(-(2.0**99), 2.0**99, width=32)
    weight, times = (
        draw(st.none() | st.lists(number, min_size=len(triples), max_size=len(triples)).map(np.array)) for _ in range(2)
    )
    columns = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    entities, predicate, *values = zip(*rows, strict=True) if rows else ((),) * 5
    value, language, datatype = (pa.array(column, pa.large_string()) for column in values)
    return KnowledgeGraph.build(
        IdMap(list(IDS[:n])),
        RELATIONS,
        *columns,
        types=TYPES,
        type_of=np.array(draw(st.lists(st.integers(-1, len(TYPES) - 1), min_size=n, max_size=n)), dtype=np.int64),
        literals=Literals(
            np.array(entities, dtype=np.int32),
            np.array(predicate, dtype=np.int32),
            value,
            language.dictionary_encode(),
            datatype.dictionary_encode(),
            predicates,
        ),
        weight=weight,
        time=times,
    )


@given(graphs())
def test_a_round_trip_loses_nothing(graph: KnowledgeGraph) -> None:
    back = KnowledgeGraph.from_networkx(graph.to_networkx())
    assert list(back.entities) == list(graph.entities)
    assert rows_of(back) == rows_of(graph)
    assert types_of(back) == types_of(graph)
    assert literals_of(back) == literals_of(graph)
    assert back.duplicates == 0


def test_where_everything_lies_in_networkx(graph_of: Any) -> None:
    graph = graph_of(
        [("a", "made", "b"), ("a", "in", "b"), ("b", "in", "b")],
        types={"a": "Pan", "c": "untyped"},
        literals=[("a", "name", "Topf", "de", None), ("c", "size", "3", None, XSD + "integer"), ("a", "name", "A")],
    )
    made = graph.to_networkx()
    assert type(made) is nx.MultiDiGraph
    assert dict(made.nodes(data=True)) == {
        "a": {"type": "Pan", "literals": [("name", "Topf", "de", None), ("name", "A", None, None)]},
        "b": {},
        "c": {"type": "untyped", "literals": [("size", "3", None, XSD + "integer")]},
    }
    assert sorted(made.edges(keys=True, data=True)) == [
        ("a", "b", "in", {}), ("a", "b", "made", {}), ("b", "b", "in", {}),
    ]  # fmt: skip


def test_weights_and_times_lie_on_the_edges_that_have_them() -> None:
    made = KnowledgeGraph.build(
        IdMap(["a", "b", "c"]), ["r"], np.array([0, 1]), np.array([0, 0]), np.array([1, 2]),
        weight=np.array([np.nan, 0.5]), time=np.array([86400.0, np.nan]),
    ).to_networkx()  # fmt: skip
    assert sorted(made.edges(data=True)) == [("a", "b", {"time": 86400.0}), ("b", "c", {"weight": 0.5})]


def test_an_undirected_edge_is_one_triple_from_the_node_that_comes_first() -> None:
    graph = nx.Graph([("z", "a"), ("a", "m"), ("m", "z"), ("m", "m")])
    assert list(graph) == ["z", "a", "m"]
    found = KnowledgeGraph.from_networkx(graph)
    assert {row[:3] for row in rows_of(found)} == {
        ("z", "linked", "a"), ("z", "linked", "m"), ("a", "linked", "m"), ("m", "linked", "m"),
    }  # fmt: skip
    assert (found.weight, found.time, found.types) == (None, None, ())


def test_ids_are_the_nodes_as_strings_in_their_order() -> None:
    graph = nx.DiGraph([((1, "x"), 2.5), (2.5, 10)])
    graph.add_node("Ünal\n")
    found = KnowledgeGraph.from_networkx(graph)
    assert list(found.entities) == ["(1, 'x')", "2.5", "10", "Ünal\n"]
    assert {row[:3] for row in rows_of(found)} == {("(1, 'x')", "linked", "2.5"), ("2.5", "linked", "10")}


def test_relations_by_key_then_attributes_then_the_word_linked() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", key="made", relation="not this", label="nor this")
    graph.add_edge("a", "b", relation="bought", label="not this")
    graph.add_edge("b", "a", label="knows", type="not this")
    graph.add_edge("b", "c", type="likes")
    graph.add_edge("c", "a", label=7)
    graph.add_edge("c", "a")
    found = KnowledgeGraph.from_networkx(graph)
    assert Counter(row[:3] for row in rows_of(found)) == Counter(
        [("a", "made", "b"), ("a", "bought", "b"), ("b", "knows", "a"), ("b", "likes", "c"), ("c", "linked", "a")]
    )
    # The two from c to a are one triple, told twice.
    assert found.duplicates == 1


def test_relations_by_a_named_attribute_go_before_all_others() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", key="key", relation="not this", kind="likes")
    graph.add_edge("b", "c", kind=12)
    found = KnowledgeGraph.from_networkx(graph, relation_attribute="kind")
    assert {row[:3] for row in rows_of(found)} == {("a", "likes", "b"), ("b", "12", "c")}


def test_weights_and_times_of_edges_come_along() -> None:
    berlin = timezone(timedelta(hours=2))
    graph = nx.DiGraph()
    graph.add_edge("a", "b", weight=3, time=0)
    graph.add_edge("a", "c", weight=Decimal("0.25"), time=date(1970, 1, 3))
    graph.add_edge("a", "d", weight=np.float32(0.5), time=datetime(1970, 1, 1, 0, 1))
    graph.add_edge("a", "e", weight=None, time=datetime(1970, 1, 1, 2, 0, 7, tzinfo=berlin))
    graph.add_edge("a", "f", colour="red", weight=np.nan)
    graph.add_edge("a", "g", weight=3.4e38, time=np.datetime64("1971"))
    graph.add_edge("a", "h", weight=Decimal("NaN"), time=np.datetime64("1970-01-01T00:00:01.5", "ns"))
    graph.add_edge("a", "i", time=np.datetime64("NaT"))
    rows = rows_of(KnowledgeGraph.from_networkx(graph))
    assert {row[2:] for row in rows} == {
        ("b", "3.0", "0.0"), ("c", "0.25", str(2 * 86400.0)), ("d", "0.5", "60.0"), ("e", "nan", "7.0"), ("f", "nan", "nan"),
        ("g", str(float(np.float32(3.4e38))), str(365 * 86400.0)), ("h", "nan", "1.5"), ("i", "nan", "nan"),
    }  # fmt: skip


def test_times_without_a_zone_are_in_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    try:
        graph = nx.DiGraph()
        graph.add_edge("a", "b", time=datetime(1970, 1, 1, 0, 1))
        graph.add_edge("b", "c", time=date(1970, 1, 2))
        found = KnowledgeGraph.from_networkx(graph)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found.time is not None
    assert found.time.tolist() == [60, 86400]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("red", [("red", None)]),
        ("", [("", None)]),
        (7, [("7", "integer")]),
        (10**30, [("1" + 30 * "0", "integer")]),
        (np.int8(-3), [("-3", "integer")]),
        (0.1, [("0.1", "double")]),
        (np.float64(1e300), [("1e+300", "double")]),
        (float("-inf"), [("-INF", "double")]),
        (True, [("true", "boolean")]),
        (np.False_, [("false", "boolean")]),
        (Decimal("1E+2"), [("100", "decimal")]),
        (date(2020, 2, 29), [("2020-02-29", "date")]),
        (datetime(2020, 2, 29, 12, tzinfo=UTC), [("2020-02-29T12:00:00+00:00", "dateTime")]),
        (np.datetime64("2020-02-29"), [("2020-02-29", "date")]),
        (np.datetime64("2020-02-29T12:00", "ns"), [("2020-02-29T12:00:00", "dateTime")]),
        (np.array(["NaT", "2020-02-29T12:00"], "datetime64[ns]"), [("2020-02-29T12:00:00", "dateTime")]),
        (["a", 1, None, 2.5], [("a", None), ("1", "integer"), ("2.5", "double")]),
        (("b", "b"), [("b", None), ("b", None)]),
        ({"z", "y"}, [("y", None), ("z", None)]),
        (np.array([3, 1]), [("3", "integer"), ("1", "integer")]),
        (np.array(["x"]), [("x", None)]),
        ([], []),
        (None, []),
        (float("nan"), []),
        (np.float32("nan"), []),
        (Decimal("NaN"), []),
        (np.datetime64("NaT"), []),
        ([float("nan"), "a"], [("a", None)]),
    ],
)
def test_attributes_of_nodes_become_literals(value: Any, expected: list[tuple[str, str | None]]) -> None:
    graph = nx.Graph()
    graph.add_node("before", type="T")
    graph.add_node("a", colour=value)
    found = KnowledgeGraph.from_networkx(graph).literals
    assert found.entity.tolist() == [1] * len(expected)
    assert {found.predicates[p] for p in found.predicate} <= {"colour"}
    forms = [(v, kind and XSD + kind) for v, kind in expected]
    assert list(zip(found.value.to_pylist(), found.datatype.to_pylist(), strict=True)) == forms
    assert found.language.null_count == len(expected)


def test_the_attribute_that_names_the_type_is_no_literal_and_may_be_called_otherwise() -> None:
    graph = nx.Graph()
    graph.add_node("a", club="Mr. Hi", type="person")
    graph.add_node("b", club=4)
    graph.add_node("c", club=None)
    found = KnowledgeGraph.from_networkx(graph, type_attribute="club")
    assert types_of(found) == {"a": "Mr. Hi", "b": "4", "c": None}
    assert literals_of(found) == Counter([("a", "type", "person", None, None)])


def test_a_users_own_list_called_literals_is_an_attribute_like_others() -> None:
    graph = nx.Graph()
    graph.add_node("a", literals=["x", "abcd"])
    # As JSON gives them back, which knows no tuples.
    graph.add_node("b", literals=[["name", "B", "en", None]])
    assert literals_of(KnowledgeGraph.from_networkx(graph)) == Counter(
        [("a", "literals", "x", None, None), ("a", "literals", "abcd", None, None), ("b", "name", "B", "en", None)]
    )


def faulty(node: Any = "a", edge: dict[str, Any] | None = None, **attributes: Any) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_node(node, **attributes)
    graph.add_edge(node, "b", **(edge or {}))
    return graph


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (nx.Graph([(1, 2), ("1", 2)]), r"nodes 1 and '1' have the same id '1'"),
        (faulty(size={"w": 3}), r"node 'a': attribute 'size' is \{'w': 3\}, and a dict is no literal"),
        (faulty(tags=[["x"]]), r"node 'a': attribute 'tags' is .* a list is no literal"),
        (faulty(raw=b"x"), r"node 'a': attribute 'raw' is b'x', and a bytes"),
        (faulty(z=1j), r"node 'a': attribute 'z' is 1j, and a complex"),
        (faulty(type=["A", "B"]), r"node 'a': attribute 'type' is a list, .* one name"),
        (faulty(edge={"weight": "5"}), r"edge 'a' to 'b': weight '5' is not a number"),
        (faulty(edge={"time": "2020-01-01"}), r"edge 'a' to 'b': time '2020-01-01' is not a number"),
        (faulty(edge={"weight": 1e300}), r"edge 'a' to 'b': weight 1e\+300 is too large; scale it"),
        (faulty(edge={"weight": 10**400}), r"edge 'a' to 'b': weight 10{17}\.\.\.0{19} is too large"),
        (faulty(edge={"weight": Decimal("-1e400")}), r"weight Decimal\('-1E\+400'\) is too large"),
        (faulty(edge={"time": 10**400}), r"edge 'a' to 'b': time 10{17}\.\.\.0{19} is too large"),
        (faulty("\ud800"), r"lone surrogate"),
        (faulty(name="x\udfff"), r"lone surrogate"),
    ],
)
def test_what_cannot_be_used_is_named(graph: nx.Graph, message: str) -> None:
    with pytest.raises(DataError, match=message):
        KnowledgeGraph.from_networkx(graph)


@pytest.mark.parametrize(("edge", "message"), [({}, "has no attribute 'kind'"), ({"kind": ("x",)}, "is a tuple")])
def test_a_named_relation_attribute_must_be_on_every_edge(edge: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"edge 'a' to 'b'.* {message}"):
        KnowledgeGraph.from_networkx(faulty(edge={"relation": "r", **edge}), relation_attribute="kind")


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_an_empty_graph_of_any_kind(kind: type[nx.Graph]) -> None:
    found = KnowledgeGraph.from_networkx(kind())
    assert (found.n_entities, found.n_triples, found.relations, len(found.literals)) == (0, 0, (), 0)
    assert found.to_networkx().number_of_nodes() == 0


def test_a_graph_of_networkx_itself() -> None:
    """The karate club: 34 people in two clubs, 78 weighted edges."""
    found = KnowledgeGraph.from_networkx(nx.karate_club_graph(), type_attribute="club")
    assert (found.n_entities, found.n_triples, found.types) == (34, 78, ("Mr. Hi", "Officer"))
    assert found.weight is not None
    assert found.weight.sum() == 231
    assert found.adjacency.degree().tolist() == [d for _, d in nx.karate_club_graph().degree()]
