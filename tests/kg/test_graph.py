"""The columnar graph and its views: nothing is lost, doubled or swapped."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import UNTYPED, IdMap, KnowledgeGraph

# Five entities, three relations: a swapped axis or end cannot go unnoticed.
N, RELATIONS = 5, ("http://v/made", "http://v/in", "http://w/in")
rows = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, len(RELATIONS) - 1), st.integers(0, N - 1)), max_size=25
)


def build(triples: list[tuple[int, int, int]], **options: Any) -> KnowledgeGraph:
    head, relation, tail = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    return KnowledgeGraph.build(IdMap([f"e{i}" for i in range(N)]), RELATIONS, head, relation, tail, **options)


def triples_of(graph: KnowledgeGraph) -> list[tuple[str, str, str]]:
    names = graph.entities.to_arrow().to_pylist()
    return [
        (names[h], graph.relations[r], names[t]) for h, r, t in zip(graph.head, graph.relation, graph.tail, strict=True)
    ]


def named(triples: set[tuple[int, int, int]]) -> set[tuple[str, str, str]]:
    return {(f"e{h}", RELATIONS[r], f"e{t}") for h, r, t in triples}


@given(rows)
def test_building_sorts_and_drops_repeats(triples: list[tuple[int, int, int]]) -> None:
    graph = build(triples)
    kept = list(zip(graph.relation.tolist(), graph.head.tolist(), graph.tail.tolist(), strict=True))
    assert kept == sorted({(r, h, t) for h, r, t in triples})
    assert graph.duplicates == len(triples) - len(kept)
    assert graph.n_triples == len(kept)
    for number in range(len(RELATIONS)):
        of_relation = slice(*graph.offsets[number : number + 2])
        assert set(graph.relation[of_relation].tolist()) <= {number}
    assert graph.offsets[-1] == len(kept)
    assert (graph.type_of == -1).all()


@given(rows, st.sets(st.sampled_from([*RELATIONS, "http://v/unheard-of"])))
def test_without_relations_drops_those_and_no_other(triples: list[tuple[int, int, int]], names: set[str]) -> None:
    graph = build(triples)
    less = graph.without_relations(frozenset(names))
    assert less.relations == tuple(r for r in RELATIONS if r not in names)
    assert triples_of(less) == [t for t in triples_of(graph) if t[1] not in names]
    assert (less.entities, less.duplicates) == (graph.entities, graph.duplicates)


@given(rows, st.lists(st.integers(0, N - 1), unique=True))
def test_a_subgraph_has_the_triples_among_its_entities(triples: list[tuple[int, int, int]], kept: list[int]) -> None:
    kinds = np.array([0, 1, -1, 1, 0])
    graph = build(triples, types=["Pan", "Pot"], type_of=kinds)
    part = graph.subgraph(np.array(kept, dtype=np.int64))
    assert list(part.entities) == [f"e{i}" for i in kept]
    assert sorted(triples_of(part)) == sorted(named({t for t in triples if t[0] in kept and t[2] in kept}))
    assert part.type_of.tolist() == [kinds[i] for i in kept]


def test_literals_follow_their_entities_into_a_subgraph(graph_of: Any) -> None:
    graph = graph_of(
        [("a", "r", "b")],
        entities=["c"],
        literals=[("a", "name", "A"), ("b", "name", "B"), ("c", "size", "3", "de", "X")],
    )
    part = graph.subgraph(graph.entities.numbers(["b", "c"]))
    literals = part.literals
    found = [
        (part.entities.id(e), literals.predicates[p]) for e, p in zip(literals.entity, literals.predicate, strict=True)
    ]
    assert sorted(zip(found, literals.value.to_pylist(), literals.language.to_pylist(), strict=True)) == [
        (("b", "name"), "B", None),
        (("c", "size"), "3", "de"),
    ]


@given(rows)
def test_networkx_holds_the_same_triples(triples: list[tuple[int, int, int]]) -> None:
    view = build(triples, types=["Pan"], type_of=np.array([0, -1, -1, 0, -1])).to_networkx()
    assert sorted((h, r, t) for h, t, r in view.edges(keys=True)) == sorted(named(set(triples)))
    assert dict(view.nodes(data="type")) == {
        "e0": "Pan", "e1": UNTYPED, "e2": UNTYPED, "e3": "Pan", "e4": UNTYPED,
    }  # fmt: skip


def from_hetero(graph: KnowledgeGraph) -> Counter[tuple[int, str, int]]:
    """Triples read back from the PyG view, through the `entity` columns."""
    data = graph.to_hetero_data()
    found: Counter[tuple[int, str, int]] = Counter()
    for source, short, target in data.edge_types:
        ends = data[source, short, target].edge_index
        heads, tails = data[source].entity[ends[0]].tolist(), data[target].entity[ends[1]].tolist()
        found.update((h, short, t) for h, t in zip(heads, tails, strict=True))
    return found


@given(rows, st.lists(st.integers(-1, 1), min_size=N, max_size=N))
def test_hetero_data_maps_back_to_the_triples(triples: list[tuple[int, int, int]], kinds: list[int]) -> None:
    graph = build(triples, types=["Pan", "Pot"], type_of=np.array(kinds))
    data = graph.to_hetero_data()
    # Two relations are called "in": both keep their full names, so that neither overwrites the other.
    shorts = ("made", "http://v/in", "http://w/in")
    assert from_hetero(graph) == Counter((h, shorts[r], t) for h, r, t in set(triples))
    assert data.num_edges == len(set(triples))
    entities = [e for name in data.node_types for e in data[name].entity.tolist()]
    assert sorted(entities) == list(range(N))
    for name in data.node_types:
        assert data[name].num_nodes == len(data[name].entity)
        assert {graph.type_name(e) for e in data[name].entity.tolist()} == {name}


def test_a_type_that_calls_itself_untyped_does_not_swallow_the_untyped() -> None:
    graph = build([(0, 0, 1), (2, 1, 3)], types=[UNTYPED, "Pot"], type_of=np.array([0, -1, 1, -1, 0]))
    data = graph.to_hetero_data()
    assert sorted(data[UNTYPED].entity.tolist()) == [0, 1, 3, 4]
    assert from_hetero(graph) == Counter([(0, "made", 1), (2, "http://v/in", 3)])


def test_a_relation_called_like_a_type_is_still_a_relation(graph_of: Any) -> None:
    graph = graph_of([("a", "brand", "b"), ("c", "brand", "b")], types={"a": "item", "b": "brand", "c": "brand"})
    assert from_hetero(graph) == Counter([(0, "brand", 1), (2, "brand", 1)])


@pytest.mark.parametrize("n", [0, 3])
def test_a_graph_without_triples_relations_or_literals_has_all_its_views(n: int) -> None:
    none = np.empty(0, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap([f"e{i}" for i in range(n)]), [], none, none, none)
    assert (graph.n_entities, graph.n_triples, len(graph.literals)) == (n, 0, 0)
    assert graph.to_networkx().number_of_nodes() == n
    assert graph.to_hetero_data().num_edges == 0
    assert graph.adjacency.degree().tolist() == [0] * n
    assert graph.without_relations(frozenset({"x"})).relations == ()
    assert list(graph.subgraph(np.arange(n)).entities) == list(graph.entities)
    assert repr(graph) == f"KnowledgeGraph({n} entities, 0 triples, 0 relations, 0 literals)"


def test_the_views_leave_the_graph_as_it_was(graph_of: Any) -> None:
    graph = graph_of([("a", "r", "b"), ("b", "s", "a")], types={"a": "T"}, literals=[("a", "name", "A")])
    before = (graph.head.copy(), graph.tail.copy(), graph.type_of.copy(), graph.literals.entity.copy())
    graph.to_networkx()
    graph.to_hetero_data()["T"].entity += 7
    graph.subgraph(np.array([1]))
    graph.without_relations(frozenset({"r"}))
    after = (graph.head, graph.tail, graph.type_of, graph.literals.entity)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
