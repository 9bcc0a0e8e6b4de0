"""Neighbours in both directions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import Adjacency

N = 6
triples = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 2), st.integers(0, N - 1)), max_size=30)
Edge = tuple[int, int, bool, int]


def adjacency(rows: list[tuple[int, int, int]], n: int = N) -> Adjacency:
    head, relation, tail = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Adjacency.build(head, relation, tail, n)


def edges(table: Adjacency, nodes: list[int]) -> list[Edge]:
    found = table.neighbours(np.array(nodes, dtype=np.int64))
    columns = (found.row, found.relation, found.inverse, found.node)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def slow(rows: list[tuple[int, int, int]], nodes: list[int]) -> list[Edge]:
    """Every triple looked at from each asked node: where it is the head, then where it is the tail."""
    found: list[Edge] = []
    for i, node in enumerate(nodes):
        found += [(i, r, False, t) for h, r, t in rows if h == node]
        found += [(i, r, True, h) for h, r, t in rows if t == node]
    return found


def test_an_edge_is_seen_from_both_ends_with_its_direction() -> None:
    table = adjacency([(0, 1, 2), (2, 0, 3), (2, 0, 3)])
    assert edges(table, [2]) == [(0, 0, False, 3), (0, 0, False, 3), (0, 1, True, 0)]
    assert edges(table, [3, 0]) == [(0, 0, True, 2), (0, 0, True, 2), (1, 1, False, 2)]
    assert edges(table, [5]) == []


@given(triples, st.lists(st.integers(0, N - 1), max_size=8))
def test_neighbours_are_those_of_a_search_through_all_triples(
    rows: list[tuple[int, int, int]], nodes: list[int]
) -> None:
    table = adjacency(rows)
    # Grouped in the order asked, triples in their own order: what comes first of several paths depends on it.
    assert edges(table, nodes) == slow(rows, nodes)
    assert len(table.neighbours(np.array(nodes, dtype=np.int64))) == len(slow(rows, nodes))
    degrees = [sum((h == v) + (t == v) for h, _, t in rows) for v in range(N)]
    assert table.degree().tolist() == degrees
    assert table.degree(np.array(nodes, dtype=np.int64)).tolist() == [degrees[v] for v in nodes]
    assert table.n_nodes == N


def test_no_edges_and_no_nodes() -> None:
    assert adjacency([], 0).n_nodes == 0
    assert edges(adjacency([], 0), []) == []
    assert edges(adjacency([], 3), [2, 0]) == []


def test_a_node_asked_twice_answers_twice_and_columns_are_narrow() -> None:
    found = adjacency([(0, 1, 2), (4, 2, 0)]).neighbours(np.array([0, 3, 0], dtype=np.int32))
    assert found.row.tolist() == [0, 0, 2, 2]
    assert found.node.tolist() == [2, 4, 2, 4]
    assert {found.row.dtype, found.node.dtype, found.relation.dtype} == {np.dtype(np.int32)}
