"""The unified graph: every edge both ways, numbered, normalised, and each knows its opposite."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import pytest

from plait.gnn import UnifiedGraph
from plait.kg import IdMap, ItemGraph

if TYPE_CHECKING:
    from conftest import World


def as_edges(unified: UnifiedGraph) -> list[tuple[int, int, int]]:
    columns = unified.sender, unified.relation, unified.receiver
    return [(int(s), int(r), int(v)) for s, r, v in zip(*columns, strict=True)]


def test_edges_both_ways_by_hand(four_nodes: World) -> None:
    unified = UnifiedGraph.build(four_nodes.interactions, four_nodes.graph)
    # Three relations, the interaction first; a relation walked against its direction is 3 further.
    expected = {(0, 0, 1), (1, 1, 3), (3, 2, 2)} | {(1, 3 + 0, 0), (3, 3 + 1, 1), (2, 3 + 2, 3)}
    assert set(as_edges(unified)) == expected
    assert len(unified.sender) == 6
    assert (unified.n_users, unified.n_items, unified.n_entities, unified.n_relations) == (1, 2, 1, 3)
    assert unified.start.tolist() == [0, 1, 3, 4, 6]


def test_norm_by_hand(four_nodes: World) -> None:
    unified = UnifiedGraph.build(four_nodes.interactions, four_nodes.graph)
    norm = {(s, v): n for (s, _, v), n in zip(as_edges(unified), unified.norm, strict=True)}
    # Degrees: user 1, item 0 2, item 1 1, entity 2.
    assert norm[0, 1] == norm[1, 0] == pytest.approx(1 / sqrt(1 * 2))
    assert norm[1, 3] == norm[3, 1] == pytest.approx(1 / sqrt(2 * 2))
    assert norm[3, 2] == norm[2, 3] == pytest.approx(1 / sqrt(2 * 1))


def test_edges_are_those_of_the_world(any_world: World) -> None:
    unified = UnifiedGraph.build(any_world.interactions, any_world.graph)
    along = any_world.edges()
    against = [(tail, relation + 1 + any_world.n_relations, head) for head, relation, tail in along]
    assert Counter(as_edges(unified)) == Counter(along + against)


def test_reverse_is_an_involution_that_flips_ends_and_direction(any_world: World) -> None:
    unified = UnifiedGraph.build(any_world.interactions, any_world.graph)
    opposite, n = unified.reverse, unified.n_relations
    assert (opposite[opposite] == np.arange(len(opposite))).all()
    assert (unified.sender[opposite] == unified.receiver).all()
    assert (unified.receiver[opposite] == unified.sender).all()
    assert (unified.relation[opposite] == (unified.relation + n) % (2 * n)).all()
    assert (unified.norm[opposite] == unified.norm).all()


def test_a_repeated_pair_is_one_edge(four_nodes: World) -> None:
    once = UnifiedGraph.build(four_nodes.interactions, four_nodes.graph)
    four_nodes.pairs *= 3
    again = UnifiedGraph.build(four_nodes.interactions, four_nodes.graph)
    assert as_edges(again) == as_edges(once)
    assert (again.norm == once.norm).all()


def test_without_a_graph_there_are_interactions_alone(four_nodes: World) -> None:
    unified = UnifiedGraph.build(four_nodes.interactions, ItemGraph.without_graph(four_nodes.items))
    assert as_edges(unified) == [(1, 1, 0), (0, 0, 1)]
    assert unified.n_nodes == 3


def test_catalogues_of_different_sizes_are_refused(four_nodes: World) -> None:
    with pytest.raises(ValueError, match="know 2 items, the graph 5"):
        UnifiedGraph.build(four_nodes.interactions, ItemGraph.without_graph(IdMap("abcde")))


def test_met_are_those_with_an_interaction_and_all_entities(make_world: type[World]) -> None:
    world = make_world((3, 4, 2), 2, [(0, 1), (2, 1), (2, 3)], [(0, 0, 4), (4, 1, 5)])
    unified = UnifiedGraph.build(world.interactions, world.graph)
    users, items, entities = [True, False, True], [False, True, False, True], [True, True]
    assert unified.met.tolist() == users + items + entities
