"""Paths, against networkx: the same nodes, relations and directions, none missing and none twice; many targets at once."""

from __future__ import annotations

import tracemalloc
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kg import Adjacency, GraphPath, Step, find_paths

N = 7
Triple = tuple[int, int, int]
Walk = tuple[int, tuple[tuple[int, bool, int], ...]]
triples = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 2), st.integers(0, N - 1)), max_size=14)


def numbers(nodes: list[int]) -> np.ndarray:
    return np.array(nodes, dtype=np.int64)


def paths(rows: list[Triple], sources: list[int], target: int, **options: int) -> list[GraphPath]:
    head, relation, tail = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    found = find_paths(Adjacency.build(head, relation, tail, N), numbers(sources), numbers([target]), **options)
    assert found.row.tolist() == [0] * len(found)
    return list(found)


def plain(found: list[GraphPath]) -> list[Walk]:
    return sorted((p.source, tuple((s.relation, s.inverse, s.node) for s in p.steps)) for p in found)


def slow(rows: list[Triple], sources: list[int], target: int, max_length: int, max_degree: int = 1000) -> list[Walk]:
    """All simple paths of networkx, less those through another source or walked through a hub."""
    graph: Any = nx.MultiGraph()
    graph.add_nodes_from(range(N))
    for number, (h, r, t) in enumerate(rows):
        graph.add_edge(h, t, key=number, relation=r, head=h)
    degree = {v: sum((h == v) + (t == v) for h, _, t in rows) for v in range(N)}
    found: list[Walk] = []
    for source in sorted(set(sources) - {target}):
        for path in nx.all_simple_edge_paths(graph, source, target, cutoff=max_length):
            nodes = [source, *(b for _, b, _ in path)]
            # Half of the length is walked from either end: the node in the middle is met at, not walked through.
            middle = len(path) // 2
            walked = [v for i, v in enumerate(nodes) if 0 < i < len(path) and i != middle]
            if set(nodes[1:-1]) & set(sources) or any(degree[v] > max_degree for v in walked):
                continue
            steps = tuple((rows[k][1], rows[k][0] != a, b) for a, b, k in path)
            found.append((source, steps))
    return sorted(found)


@given(triples, st.sets(st.integers(0, N - 1), max_size=3), st.integers(0, N - 1), st.integers(0, 5), st.integers(1, 6))
@settings(max_examples=200)
def test_paths_are_those_of_networkx(
    rows: list[Triple], sources: set[int], target: int, max_length: int, max_degree: int
) -> None:
    # A self-loop is on no simple path; a triple given twice is two edges.
    for limit in (max_degree, 1000):
        found = paths(rows, list(sources), target, max_length=max_length, max_degree=limit)
        assert plain(found) == slow(rows, list(sources), target, max_length, limit)
        lengths = [len(p.steps) for p in found]
        assert lengths == sorted(lengths)


@given(
    triples,
    st.sets(st.integers(0, N - 1), max_size=3),
    st.lists(st.integers(0, N - 1), max_size=4),
    st.integers(0, 4),
    st.integers(1, 6),
    st.integers(0, 4),
)
@settings(max_examples=200)
def test_many_targets_at_once_are_each_answered_as_if_asked_alone(
    rows: list[Triple], sources: set[int], targets: list[int], max_length: int, max_degree: int, limit: int
) -> None:
    # A target may be a source, or asked twice.
    head, relation, tail = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    table = Adjacency.build(head, relation, tail, N)
    options = {"max_length": max_length, "max_degree": max_degree}
    every = find_paths(table, numbers(list(sources)), numbers(targets), **options)
    few = find_paths(table, numbers(list(sources)), numbers(targets), limit=limit, **options)
    assert len(every) == len(list(every)) == sum(len(every.of(row)) for row in range(len(targets)))
    for row, target in enumerate(targets):
        alone = paths(rows, list(sources), target, **options)
        assert list(every.of(row)) == alone
        assert plain(alone) == slow(rows, list(sources), target, max_length, max_degree)
        assert list(few.of(row)) == alone[:limit]
        assert all(path.nodes[-1] == target for path in alone)
        # Shortest first, then by how many edges the middle has.
        keys = [(len(p.steps), int(table.degree()[p.nodes[len(p.steps) // 2]])) for p in alone]
        assert keys == sorted(keys)


def test_columns_say_what_the_steps_say_and_are_filled_with_minus_one() -> None:
    # 0 -> 4 <- 5 and 0 -> 6 -> 3 <- 1: paths of two and of three edges, to targets asked in falling order.
    rows = [(0, 1, 4), (5, 0, 4), (0, 2, 6), (6, 0, 3), (1, 1, 3)]
    head, relation, tail = np.array(rows).T
    found = find_paths(Adjacency.build(head, relation, tail, N), numbers([0]), numbers([5, 2, 1]), max_length=3)
    assert found.row.tolist() == [0, 2]
    assert found.length.tolist() == [2, 3]
    assert found.nodes.tolist() == [[0, 4, 5, -1], [0, 6, 3, 1]]
    assert found.relations.tolist() == [[1, 0, -1], [2, 0, 1]]
    assert found.inverse.tolist() == [[False, True, False], [False, False, True]]
    assert [len(found.of(row)) for row in range(3)] == [1, 0, 1]
    assert list(found.of(2)) == [GraphPath(0, (Step(2, False, 6), Step(0, False, 3), Step(1, True, 1)))]


def test_the_rare_middle_comes_first_and_a_limit_keeps_it() -> None:
    # 0 and 1 are joined by the hub 5 (degree 4) and by 6 (degree 2), told in this order.
    rows = [(0, 0, 5), (1, 0, 5), (2, 0, 5), (3, 0, 5), (0, 1, 6), (1, 1, 6)]
    assert [p.nodes for p in paths(rows, [0], 1)] == [(0, 6, 1), (0, 5, 1)]
    assert [p.nodes for p in paths(rows, [0], 1, limit=1)] == [(0, 6, 1)]
    assert paths(rows, [0], 1, limit=0) == []


def test_a_limit_is_filled_and_kept_though_most_joined_walks_are_no_paths() -> None:
    # The walks 0-4-x and 1-4-x meet at 40 leaves x of one edge, and all cross at 4; 0-5-y-3-1 meet at y, of two edges.
    rows = [(0, 0, 4), (1, 0, 4), *((4, 0, x) for x in range(7, 47)), (0, 0, 5), (3, 0, 1)]
    rows += [edge for y in (2, 6, 47, 48, 49) for edge in ((5, 0, y), (y, 0, 3))]
    head, relation, tail = np.array(rows).T
    found = find_paths(Adjacency.build(head, relation, tail, 50), numbers([0]), numbers([1]), max_length=4, limit=4)
    assert [p.nodes for p in found] == [(0, 4, 1), *((0, 5, y, 3, 1) for y in (2, 6, 47))]


def test_a_hub_shared_by_all_costs_no_more_than_the_limit() -> None:
    # 3,000 sources and 3,000 targets on one hub are 9 million paths, of which 5 a target are asked for.
    k = 3000
    hub = 2 * k
    table = Adjacency.build(np.arange(hub), np.zeros(hub, np.int64), np.full(hub, hub), hub + 1)
    tracemalloc.start()
    found = find_paths(table, np.arange(k), np.arange(k, hub), limit=5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.bincount(found.row).tolist() == [5] * k
    assert (found.nodes[:, 1] == hub).all()
    assert peak < 50e6


def test_parallel_edges_are_paths_of_their_own() -> None:
    rows = [(0, 0, 1), (0, 2, 1), (1, 1, 0)]
    assert plain(paths(rows, [0], 1)) == [(0, ((0, False, 1),)), (0, ((1, True, 1),)), (0, ((2, False, 1),))]


def test_steps_tell_relation_direction_and_node() -> None:
    # item 0 -made by-> 4 <-made by- 6 -part of-> 5: each step as it is walked.
    (path,) = paths([(0, 2, 4), (6, 2, 4), (6, 1, 5)], [0], 5, max_length=3)
    assert path == GraphPath(0, (Step(2, False, 4), Step(2, True, 6), Step(1, False, 5)))
    assert path.nodes == (0, 4, 6, 5)


def test_no_path_leads_through_another_source() -> None:
    chain = [(0, 0, 1), (1, 0, 2)]
    assert [p.source for p in paths(chain, [0, 1], 2, max_length=2)] == [1]
    assert [p.nodes for p in paths(chain, [0], 2, max_length=2)] == [(0, 1, 2)]


def test_the_target_is_no_source_of_its_own() -> None:
    assert paths([(0, 0, 1), (1, 0, 0)], [1], 1, max_length=4) == []
    assert [p.source for p in paths([(0, 0, 1)], [1, 0], 1)] == [0]


def star(middle: int) -> list[Triple]:
    """0 - 1 - 2 - 3, with `middle` a hub of two further edges."""
    return [(0, 0, 1), (1, 0, 2), (2, 0, 3), (middle, 1, 5), (middle, 1, 6)]


@pytest.mark.parametrize(("hub", "found"), [(0, 1), (1, 1), (2, 0), (3, 1)])
def test_a_hub_is_not_walked_through_though_met_at(hub: int, found: int) -> None:
    # Of three edges one is walked from the source and two from the target: node 1 is met at, node 2 walked through.
    assert len(paths(star(hub), [0], 3, max_length=3, max_degree=3)) == found
    assert len(paths(star(hub), [0], 3, max_length=3, max_degree=4)) == 1


def test_nothing_to_find() -> None:
    none = np.empty(0, dtype=np.int64)
    nowhere = find_paths(Adjacency.build(none, none, none, 2), np.array([0]), none)
    assert (len(nowhere), nowhere.nodes.shape, nowhere.relations.shape, list(nowhere)) == (0, (0, 3), (0, 2), [])
    assert paths([], [0, 3], 1) == []
    assert paths([(0, 0, 1)], [], 1) == []
    assert paths([(0, 0, 1)], [0], 1, max_length=0) == []
    assert paths([(0, 0, 1), (1, 0, 2), (2, 0, 3)], [0], 3, max_length=2) == []
