"""Trees in a graph and how deep they are."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import ConfigError, IdMap, KnowledgeGraph
from plait.kg.hierarchy import Hierarchy, find_hierarchies

SKOS = "http://www.w3.org/2004/02/skos/core#"
SUBCLASS = "http://www.w3.org/2000/01/rdf-schema#subClassOf"


def depths(graph: KnowledgeGraph, hierarchy: Hierarchy) -> dict[str, int]:
    return dict(zip(graph.entities, hierarchy.depth.tolist(), strict=True))


def tree(graph_of: Any, *pairs: str) -> tuple[KnowledgeGraph, Hierarchy]:
    """A graph with an edge from child to parent for each pair of letters, and something else besides."""
    graph = graph_of([*((child, SUBCLASS, parent) for child, parent in pairs), ("item", "in", "a")])
    (hierarchy,) = find_hierarchies(graph)
    return graph, hierarchy


def test_a_tree_with_a_diamond_by_hand(graph_of: Any) -> None:
    # d lies under b and c, which lie under a; e under d, and under a directly: the shorter way counts.
    graph, found = tree(graph_of, "ba", "ca", "db", "dc", "ed", "ea", "fd", "yz")
    assert depths(graph, found) == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 1, "f": 3, "z": 0, "y": 1, "item": -1}
    assert sorted(graph.entities.ids(found.roots)) == ["a", "z"]
    assert (found.relation, found.nodes, found.max_depth, found.n_cycles, found.cycles) == (SUBCLASS, 8, 3, 0, ())
    assert found.depth.dtype == np.int32
    assert found.step().text == f"{SUBCLASS}: 8 entities, 2 roots, at most 3 deep"


def test_a_cycle_counts_as_one_place(graph_of: Any) -> None:
    # a, b, c go round; d lies under c, and the round itself under r.
    graph, found = tree(graph_of, "ab", "bc", "ca", "dc", "br")
    assert depths(graph, found) == {"r": 0, "a": 1, "b": 1, "c": 1, "d": 2, "item": -1}
    assert (found.n_cycles, found.cycles) == (1, (("a", "b", "c"),))
    assert found.step().example == "a -> b -> c"


def test_a_tree_that_is_nothing_but_a_cycle(graph_of: Any) -> None:
    graph, found = tree(graph_of, "ab", "bc", "ca")
    assert depths(graph, found) == {"a": 0, "b": 0, "c": 0, "item": -1}
    assert (sorted(graph.entities.ids(found.roots)), found.max_depth) == (["a", "b", "c"], 0)


def test_an_entity_that_is_its_own_parent(graph_of: Any) -> None:
    graph, found = tree(graph_of, "aa", "ba", "bb")
    assert depths(graph, found) == {"a": 0, "b": 1, "item": -1}
    assert (found.n_cycles, found.cycles) == (2, (("a",), ("b",)))


def test_narrower_is_broader_turned_round(graph_of: Any) -> None:
    graph = graph_of(
        [("b", f"{SKOS}broader", "a"), ("b", f"{SKOS}narrower", "c"), ("c", f"{SKOS}broaderTransitive", "a")]
    )
    (found,) = find_hierarchies(graph)
    assert found.relation == f"{SKOS}broader"
    assert depths(graph, found) == {"a": 0, "b": 1, "c": 2}
    (alone,) = find_hierarchies(graph_of([("b", f"{SKOS}narrower", "c")]))
    assert (alone.relation, alone.depth.tolist()) == (f"^{SKOS}narrower", [0, 1])


def test_named_relations_join_the_well_known(graph_of: Any) -> None:
    graph = graph_of([("b", SUBCLASS, "a"), ("y", "http://v/parent", "x"), ("x", "has", "z"), ("x", "r", "a")])
    assert [h.relation for h in find_hierarchies(graph)] == [SUBCLASS]
    found = find_hierarchies(graph, ["parent", "^has", "subClassOf"])
    assert [h.relation for h in found] == [SUBCLASS, "http://v/parent", "^has"]
    assert depths(graph, found[2]) == {"x": 0, "z": 1, "y": -1, "a": -1, "b": -1}
    with pytest.raises(ConfigError, match="no relation 'parents'; did you mean 'parent'"):
        find_hierarchies(graph, ["parents"])


def test_a_graph_without_one_has_none(graph_of: Any) -> None:
    assert find_hierarchies(graph_of()) == ()
    assert find_hierarchies(graph_of([("a", "r", "b")])) == ()


def test_many_cycles_are_counted_and_the_largest_shown(graph_of: Any) -> None:
    rows = [(f"{i}{a}", SUBCLASS, f"{i}{b}") for i in range(30) for a, b in (("x", "y"), ("y", "x"))]
    ring = [(f"ring{i:02}", SUBCLASS, f"ring{(i + 1) % 12:02}") for i in range(12)]
    (found,) = find_hierarchies(graph_of([*rows, *ring]))
    assert (found.n_cycles, len(found.cycles)) == (31, 20)
    assert found.cycles[0] == tuple(f"ring{i:02}" for i in range(10))


def chain(n: int) -> KnowledgeGraph:
    """Entity i is the parent of entity i + 1."""
    number = np.arange(n)
    return KnowledgeGraph.build(
        IdMap([f"e{i}" for i in range(n)]), [SUBCLASS], number[1:], np.zeros(n - 1, np.int64), number[:-1]
    )


@pytest.mark.timeout(20)
def test_a_chain_of_100_000_is_no_trouble() -> None:
    (found,) = find_hierarchies(chain(100_000))
    np.testing.assert_array_equal(found.depth, np.arange(100_000))
    assert found.max_depth == 99_999


N = 8


@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), min_size=1, max_size=20))
def test_it_is_what_networkx_finds(pairs: list[tuple[int, int]]) -> None:
    columns = np.array(pairs)
    zero = np.zeros(len(pairs), np.int64)
    graph = KnowledgeGraph.build(IdMap([f"e{i}" for i in range(N)]), [SUBCLASS], columns[:, 0], zero, columns[:, 1])
    (found,) = find_hierarchies(graph)
    whole = nx.condensation(nx.DiGraph([(parent, child) for child, parent in pairs]))
    roots = [part for part in whole if whole.in_degree(part) == 0]
    lengths = nx.multi_source_dijkstra_path_length(whole, roots)
    expected = [-1] * N
    for part, members in whole.nodes(data="members"):
        for member in members:
            expected[member] = lengths[part]
    assert found.depth.tolist() == expected
    assert found.max_depth == max(expected)
    assert set(found.roots.tolist()) == {m for part in roots for m in whole.nodes[part]["members"]}
    loops = {child for child, parent in pairs if child == parent}
    cycles = [m for _, m in whole.nodes(data="members") if len(m) > 1 or m & loops]
    assert {frozenset(ids) for ids in found.cycles} == {frozenset(f"e{i}" for i in m) for m in cycles}
    assert found.n_cycles == len(cycles)
