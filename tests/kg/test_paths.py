"""Paths, against networkx: the same nodes, relations and directions, none missing and none twice."""

from __future__ import annotations

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


def paths(rows: list[Triple], sources: list[int], target: int, **options: int) -> list[GraphPath]:
    head, relation, tail = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return find_paths(Adjacency.build(head, relation, tail, N), np.array(sources, dtype=np.int64), target, **options)


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
    assert paths([], [0, 3], 1) == []
    assert paths([(0, 0, 1)], [], 1) == []
    assert paths([(0, 0, 1)], [0], 1, max_length=0) == []
    assert paths([(0, 0, 1), (1, 0, 2), (2, 0, 3)], [0], 3, max_length=2) == []
