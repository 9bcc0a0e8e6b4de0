"""What is left out of a graph."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import ConfigError, IdMap, KnowledgeGraph
from plait.kg.relation_filter import with_min_degree, with_relations, without_types, without_vocabulary

RDFS, OWL = "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2002/07/owl#"


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return {(names[h], graph.relations[r], names[t]) for h, r, t in rows}


ROWS = [("a", "http://v/by", "b"), ("a", "http://v/in", "c"), ("b", "http://v/in", "c"), ("c", "like", "a")]


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        (None, ["in"], ["http://v/by", "like"]),
        (["in", "http://v/by"], [], ["http://v/by", "http://v/in"]),
        (["in", "like"], ["like"], ["http://v/in"]),
        ([], [], []),
    ],
)
def test_relations(graph_of: Any, include: list[str] | None, exclude: list[str], kept: list[str]) -> None:
    less, step = with_relations(graph_of(ROWS), include, exclude)
    assert list(less.relations) == kept
    assert triples(less) == {row for row in ROWS if row[1] in kept}
    assert step.dropped == 4 - less.n_triples
    assert step.example in {row[1] for row in ROWS} - set(kept)


def test_unknown_relations_and_types_are_refused(graph_of: Any) -> None:
    graph = graph_of(ROWS, types={"a": "http://v/Film"})
    with pytest.raises(ConfigError, match="no relation 'lik'; did you mean 'like'"):
        with_relations(graph, ["lik"], [])
    with pytest.raises(ConfigError, match="no node type 'Flim'; did you mean 'Film'"):
        without_types(graph, ["Flim"])
    with pytest.raises(ConfigError, match="no node type 'Flim'"):
        with_min_degree(graph, 1, ["Flim"])


def test_types_leave_with_their_triples_and_literals(graph_of: Any) -> None:
    graph = graph_of(ROWS, types={"a": "http://v/Film", "b": "Person"}, literals=[("a", "n", "A"), ("b", "n", "B")])
    less, step = without_types(graph, ["Film"])
    assert (triples(less), list(less.entities)) == ({("b", "http://v/in", "c")}, ["b", "c"])
    assert less.literals.value.to_pylist() == ["B"]
    assert step.text == "1 entities of type Film left out, with 3 triples and 1 literals"
    assert (step.dropped, step.example) == (1, "a")
    assert list(without_types(graph, ["untyped"])[0].entities) == ["a", "b"]


def test_the_vocabulary(graph_of: Any) -> None:
    rows = [
        ("by", f"{RDFS}domain", "Film"), ("by", f"{OWL}inverseOf", "made"), ("made", "seeAlso", "by"),
        ("Film", f"{RDFS}subClassOf", "Work"), ("alien", "about", "Horror"), ("alien", "by", "scott"),
        ("Work", f"{OWL}equivalentClass", "Opus"), ("lonely", "seeAlso", "by"),
    ]  # fmt: skip
    graph = graph_of(
        rows,
        types={"by": f"{OWL}ObjectProperty", "made": f"{OWL}ObjectProperty", "lonely": f"{OWL}Class", "Film": f"{OWL}Class",
               "Work": f"{OWL}Class", "Horror": f"{RDFS}Class", "Opus": f"{OWL}Class", "alien": "Film"},
        literals=[("by", "label", "made by"), ("alien", "label", "Alien")],
    )  # fmt: skip
    less, step = without_vocabulary(graph)
    assert triples(less) == {rows[3], rows[4], rows[5]}
    assert set(less.entities) == {"Film", "Work", "alien", "Horror", "scott"}
    assert less.literals.value.to_pylist() == ["Alien"]
    assert step.text == (
        "3 triples about the vocabulary left out, and 4 entities that are properties, ontologies or unused classes left "
        "out, with 2 triples and 1 literals"
    )
    plain = graph_of(ROWS)
    assert without_vocabulary(plain)[0] is plain


def test_too_few_triples_again_and_again(graph_of: Any) -> None:
    # a-b-c is a triangle; d hangs on it, e on d; x is alone but of a kind that stays.
    rows = [("a", "r", "b"), ("b", "r", "c"), ("c", "s", "a"), ("d", "r", "a"), ("d", "t", "e")]
    graph = graph_of(rows, types={"x": "Item"})
    less, step = with_min_degree(graph, 2, ["Item"])
    assert triples(less) == set(rows[:3])
    assert set(less.entities) == {"a", "b", "c", "x"}
    assert (step.dropped, step.example) == (2, "d")
    # x stays also when it loses its last triple.
    less, _ = with_min_degree(graph_of([*rows, ("l", "r", "x")], types={"x": "Item"}), 2, ["Item"])
    assert set(less.entities) == {"a", "b", "c", "x"}
    # A kept entity holds on to what has enough triples with it.
    graph = graph_of(rows, types={"e": "Item"})
    assert with_min_degree(graph, 2, ["Item"])[0] is graph


N = 9


@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=25), st.integers(1, 4))
def test_it_is_the_core_of_networkx(pairs: list[tuple[int, int]], least: int) -> None:
    pairs = sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    zero = np.zeros(len(pairs), np.int64)
    graph = KnowledgeGraph.build(IdMap([f"e{i}" for i in range(N)]), ["r"], columns[:, 0], zero, columns[:, 1])
    core = nx.k_core(nx.Graph(pairs), least) if pairs else nx.Graph()
    less, _ = with_min_degree(graph, least)
    assert set(less.entities) == {f"e{i}" for i in core.nodes}
    assert less.n_triples == core.number_of_edges()
    assert with_min_degree(less, least)[0] is less


@pytest.mark.timeout(30)
def test_a_long_chain_is_eaten_from_both_ends_in_time() -> None:
    n = 100_000
    number = np.arange(n)
    graph = KnowledgeGraph.build(
        IdMap([f"e{i}" for i in range(n)]), ["r"], number[1:], np.zeros(n - 1, np.int64), number[:-1]
    )
    assert with_min_degree(graph, 2)[0].n_entities == 0
    assert with_min_degree(graph, 1)[0] is graph


def test_self_loops_count_at_both_ends(graph_of: Any) -> None:
    graph = graph_of([("a", "brand", "a"), ("b", "brand", "a"), ("c", "in", "d")])
    less, _ = with_min_degree(graph, 2)
    assert triples(less) == {("a", "brand", "a")}
