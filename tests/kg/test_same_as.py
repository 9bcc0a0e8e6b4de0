"""Entities that are said to be the same, as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import ConfigError, IdMap, KnowledgeGraph
from plait.kg.same_as import OWL_SAME_AS, merged

Triple = tuple[str, str, str]
THING = "http://www.w3.org/2002/07/owl#Thing"
EXACT = "http://www.w3.org/2004/02/skos/core#exactMatch"


def triples(graph: KnowledgeGraph) -> set[Triple]:
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return {(names[h], graph.relations[r], names[t]) for h, r, t in rows}


def types(graph: KnowledgeGraph) -> dict[str, str]:
    return {name: graph.type_name(number) for number, name in enumerate(graph.entities)}


def literals(graph: KnowledgeGraph) -> list[tuple[Any, ...]]:
    table = graph.literals
    names = (graph.entities.ids(table.entity), [table.predicates[p] for p in table.predicate])
    return list(zip(*names, *(c.to_pylist() for c in (table.value, table.language, table.datatype)), strict=True))


@pytest.fixture
def graph(graph_of: Any) -> Any:
    return graph_of(
        [
            ("a", OWL_SAME_AS, "b"), ("c", OWL_SAME_AS, "b"), ("x", OWL_SAME_AS, "y"), ("z", OWL_SAME_AS, "z"),
            ("b", "by", "d"), ("b", "by", "e"), ("a", "by", "d"), ("c", "like", "a"), ("e", "like", "y"), ("d", "like", "d"),
        ],
        types={"a": "Film", "b": THING, "c": "Movie", "f": "Movie", "x": "Person"},
        literals=[
            ("c", "name", "Alien"), ("a", "name", "Alien"), ("b", "name", "Alien", "de", None), ("d", "name", "Alien"),
            ("a", "name", "ALIEN"), ("d", "name", "Alien"), ("a", "year", "1979", None, "int"), ("b", "year", "1979"),
        ],
    )  # fmt: skip


def test_by_hand(graph: Any) -> None:
    one, step, renamed = merged(graph)
    # a and b have two triples each besides sameAs, c one: the alphabet decides. y has one, x none.
    assert triples(one) == {("a", "by", "d"), ("a", "by", "e"), ("e", "like", "y"), ("d", "like", "d")}
    assert sorted(one.entities) == ["a", "d", "e", "f", "y", "z"]
    assert types(one) == {"a": "Film", "y": "Person", "d": "untyped", "e": "untyped", "f": "Movie", "z": "untyped"}
    assert literals(one) == [
        ("a", "name", "Alien", None, None), ("a", "name", "Alien", "de", None), ("d", "name", "Alien", None, None),
        ("a", "name", "ALIEN", None, None), ("d", "name", "Alien", None, None), ("a", "year", "1979", None, "int"),
        ("a", "year", "1979", None, None),
    ]  # fmt: skip
    assert sorted(zip(*renamed.to_pydict().values(), strict=True)) == [("b", "a"), ("c", "a"), ("x", "y")]
    assert step.text == "5 entities became 2; 1 other triples among them left out"
    assert (step.dropped, step.example) == (4, "b, c became a")


def test_merging_again_changes_nothing(graph: Any) -> None:
    once, _, _ = merged(graph)
    twice, step, renamed = merged(once)
    assert twice is once
    assert (step.dropped, renamed.num_rows) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "prefer", "kept"),
    [
        ([("b", "r", "z")], None, "b"),  # more triples
        ([], None, "a"),  # the alphabet
        ([("a", "r", "z"), ("a", "r", "y")], "b", "b"),  # what the user prefers
        ([], "nothing", "a"),
    ],
)
def test_which_id_stays(graph_of: Any, rows: list[Triple], prefer: str | None, kept: str) -> None:
    one, _, _ = merged(graph_of([("b", OWL_SAME_AS, "a"), *rows]), prefer=prefer)
    assert {"a", "b"} & set(one.entities) == {kept}


def test_a_blank_node_gives_way_to_a_name(graph_of: Any) -> None:
    graph = graph_of([("_:0:x", OWL_SAME_AS, "zoe"), ("_:0:x", "r", "c"), ("d", "r", "_:0:x")])
    assert triples(merged(graph)[0]) == {("zoe", "r", "c"), ("d", "r", "zoe")}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"a": "Rare"}, "Rare"),  # what stays keeps its own
        ({"b": "Rare", "c": "Common"}, "Common"),  # it has none: the commonest in the graph
        ({"a": THING, "b": "Rare"}, "Rare"),  # one that says nothing is none
        ({"a": THING}, THING),
        ({}, "untyped"),
    ],
)
def test_which_type_it_has(graph_of: Any, kinds: dict[str, str], expected: str) -> None:
    rows = [("a", OWL_SAME_AS, "b"), ("b", OWL_SAME_AS, "c")]
    graph = graph_of(rows, types={**kinds, "d": "Common", "e": "Common"})
    assert types(merged(graph)[0])["a"] == expected


def test_the_latest_and_heaviest_of_triples_that_become_one_stays(graph_of: Any) -> None:
    graph = graph_of([("a", OWL_SAME_AS, "b"), ("a", "r", "c"), ("b", "r", "c"), ("a", "s", "c"), ("b", "s", "c")])
    nan = np.nan
    # rows: sameAs, then r of a and b, then s of a and b
    graph = replace(graph, weight=np.array([nan, 1, 2, 5, 4], np.float32), time=np.array([nan, 9, 3, 7, 7]))
    one, _, _ = merged(graph)
    assert (one.weight.tolist(), one.time.tolist()) == ([1, 5], [9, 7])


def test_large_groups_are_named(graph_of: Any) -> None:
    rows = [("hub", OWL_SAME_AS, f"e{i}") for i in range(4)] + [("p", OWL_SAME_AS, "q")]
    _, step, _ = merged(graph_of(rows), large=4)
    assert "1 groups of more than 4 entities, check their links: e0 of 5" in step.text
    assert "groups" not in merged(graph_of(rows), large=5)[1].text


def test_other_relations_count_if_named(graph_of: Any) -> None:
    graph = graph_of([("a", EXACT, "b"), ("c", OWL_SAME_AS, "b"), ("d", "r", "b")])
    assert set(merged(graph)[0].entities) == {"a", "b", "d"}
    assert triples(merged(graph, relations=["exactMatch"])[0]) == {("d", "r", "b")}
    with pytest.raises(ConfigError, match="no relation 'exactmatch'; did you mean 'exactMatch'"):
        merged(graph, relations=["exactmatch"])


@pytest.mark.parametrize("rows", [[], [("a", "r", "b")]])
def test_where_nothing_is_the_same_the_graph_is_the_same_one(graph_of: Any, rows: list[Triple]) -> None:
    graph = graph_of(rows)
    assert merged(graph)[0] is graph


N = 7
rows_ = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 2), st.integers(0, N - 1)), max_size=20)
RELATIONS = [OWL_SAME_AS, "r", "s"]


def build(rows: list[tuple[int, int, int]], order: list[int]) -> KnowledgeGraph:
    ids = IdMap([f"e{order.index(i)}" for i in range(N)])
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    place, kinds = np.array(order), np.array([0, 1, 1, 2, 2, 2, -1])
    type_of = np.empty(N, dtype=np.int64)
    type_of[place] = kinds
    heads, tails = place[columns[:, 0]], place[columns[:, 2]]
    return KnowledgeGraph.build(ids, RELATIONS, heads, columns[:, 1], tails, types=["A", "B", "C"], type_of=type_of)


def slow(graph: KnowledgeGraph) -> set[Triple]:
    """Union and find, over names."""
    leader = {name: name for name in graph.entities}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    rows = triples(graph)
    for h, r, t in rows:
        if r == OWL_SAME_AS:
            leader[find(h)] = find(t)
    degree = Counter(end for h, r, t in rows if r != OWL_SAME_AS for end in (h, t))
    stays = {}
    for name in sorted(graph.entities, key=lambda name: (-degree[name], name)):
        stays.setdefault(find(name), name)
    into = {name: stays[find(name)] for name in graph.entities}
    return {(into[h], r, into[t]) for h, r, t in rows if r != OWL_SAME_AS and (h == t or into[h] != into[t])}


@given(rows_)
def test_it_is_what_union_and_find_gives(rows: list[tuple[int, int, int]]) -> None:
    graph = build(rows, list(range(N)))
    one, _, renamed = merged(graph)
    assert triples(one) == slow(graph)
    assert set(one.entities) | set(renamed.column("id").to_pylist()) == set(graph.entities)
    assert len(one.entities) + renamed.num_rows == N
    assert set(renamed.column("into").to_pylist()) <= set(one.entities)


@given(rows_, st.permutations(range(N)), st.randoms())
def test_the_order_of_rows_and_entities_does_not_matter(
    rows: list[tuple[int, int, int]], order: list[int], random: Any
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, first, _ = merged(build(rows, list(range(N))))
    two, second, _ = merged(build(shuffled, order))
    assert (triples(one), types(one), first) == (triples(two), types(two), second)
