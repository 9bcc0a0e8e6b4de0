"""The shuffled graph: the same degrees in every relation, other triples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import IdMap, ItemGraph

N_ITEMS, N_ENTITIES, N_RELATIONS = 7, 5, 3
NODES = st.integers(0, N_ITEMS + N_ENTITIES - 1)
TRIPLES = st.lists(st.tuples(NODES, st.integers(0, N_RELATIONS - 1), NODES), max_size=40)


def graph_of(triples: list[tuple[int, int, int]]) -> ItemGraph:
    head, relation, tail = np.array(triples, dtype=np.int32).reshape(-1, 3).T
    names = pa.array([f"e{n}" for n in range(N_ENTITIES)], pa.large_string())
    items, entities = IdMap([f"i{n}" for n in range(N_ITEMS)]), IdMap(names)
    nulls = pa.nulls(N_ITEMS, pa.large_string())
    return ItemGraph(items, entities, ("a", "b", "c"), head, relation, tail, names, names, nulls, {"a": "of a"})


def degrees(graph: ItemGraph, end: npt.NDArray[np.int32]) -> list[list[int]]:
    """By relation and node."""
    return [
        np.bincount(end[graph.relation == r], minlength=graph.n_nodes).tolist() for r in range(len(graph.relations))
    ]


@given(TRIPLES, st.integers(0, 2**32))
def test_degrees_stay_in_every_relation(triples: list[tuple[int, int, int]], seed: int) -> None:
    graph = graph_of(triples)
    other = graph.shuffled(np.random.default_rng(seed))
    assert degrees(other, other.head) == degrees(graph, graph.head)
    assert degrees(other, other.tail) == degrees(graph, graph.tail)
    assert (other.relation == graph.relation).all()
    assert (other.items, other.relations, other.inverse_names) == (graph.items, graph.relations, graph.inverse_names)


def test_the_meaning_is_gone_and_the_graph_itself_left_alone() -> None:
    """Each item has one of 5 values; in a shuffled graph about a fifth keep theirs."""
    graph = graph_of([(item % N_ITEMS, 1, N_ITEMS + item % N_ENTITIES) for item in range(500)])
    before = graph.tail.copy()
    other = graph.shuffled(np.random.default_rng(0))
    assert 0.1 < (other.tail == graph.tail).mean() < 0.3
    assert (graph.tail == before).all()
    assert (other.shuffled(np.random.default_rng(1)).tail != other.tail).any()
    assert other.adjacency is not graph.adjacency


def test_the_same_seed_gives_the_same_graph() -> None:
    graph = graph_of([(n % N_ITEMS, n % N_RELATIONS, n % 11) for n in range(60)])
    first, second = (graph.shuffled(np.random.default_rng(4)).tail for _ in range(2))
    assert (first == second).all()
