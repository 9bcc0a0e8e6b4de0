"""Explanations: paths that exist, the rare before the common, longer ones only at need, people at last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log2, sqrt

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.explain import MAX_DEGREE, Explainer, Hop
from plait.kg import ItemGraph

Maker = Callable[..., ItemGraph]
Triples = list[tuple[int, str, int]]
TITLES = ("Alien", "Blade Runner", "Casablanca", "Dune", "Erin", "Fargo")
N_ITEMS = len(TITLES)
SCOTT, DRAMA, NOIR, SPACE, CRIME, GENRE = range(N_ITEMS, N_ITEMS + 6)
ENTITIES = ("Scott", "drama", "noir", "space", "crime", "genre")
# Everything is a drama; Scott made Alien and Blade Runner; noir and space are kinds of genre, crime of noir.
GRAPH: Triples = [
    *[(item, "http://x.org/about", DRAMA) for item in range(5)],
    (SCOTT, "http://x.org/directed", 0),
    (SCOTT, "http://x.org/directed", 1),
    (2, "http://x.org/kind", NOIR),
    (5, "http://x.org/kind", SPACE),
    (SPACE, "http://x.org/kind_of", GENRE),
    (NOIR, "http://x.org/kind_of", GENRE),
]


def explainer(graph: ItemGraph, seen: Sequence[Sequence[int]] = (), affinity: Sequence[float] = ()) -> Explainer:
    """Seen: one row of item numbers a user. Affinity: of each item as a history item, 0.5 by default."""
    matrix = np.zeros((len(seen), graph.n_items), dtype=np.float32)
    for user, items in enumerate(seen):
        matrix[user, list(items)] = 1
    strength = np.array(affinity if affinity else [0.5] * graph.n_items)
    return Explainer(graph, lambda item: TITLES[item], sp.csr_array(matrix), lambda history, _: strength[history])


def history(*items: int) -> np.ndarray:
    return np.array(items, dtype=np.int64)


def in_graph(hop: Hop, graph: ItemGraph) -> bool:
    relation = graph.relations.index(hop.relation)
    triples = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return (hop.head, relation, hop.tail) in {(graph.node_id(h), r, graph.node_id(t)) for h, r, t in triples}


@pytest.mark.parametrize(("known", "item"), [((0, 2), 1), ((2,), 5), ((5, 1), 0), ((3, 0), 4), ((1,), 2)])
def test_every_path_exists_edge_by_edge(item_graph: Maker, known: tuple[int, ...], item: int) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    found = explainer(graph).explain("u1", history(*known), item)
    assert found
    for explanation in found:
        assert explanation.kind == "graph"
        first, *walked = explanation.hops
        assert (first.head, first.relation) == ("u1", "interacted")
        assert first.tail in {f"i{n}" for n in known}
        here = first.tail
        for hop in walked:
            assert in_graph(hop, graph)
            start, end = (hop.tail, hop.head) if hop.reverse else (hop.head, hop.tail)
            assert start == here
            here = end
        assert here == f"i{item}"


def test_the_rare_entity_comes_before_the_hub(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    first, second = explainer(graph).explain("u1", history(0), 1)
    assert first.text == "u1 ─interacted→ Alien ←directed─ Scott ─directed→ Blade Runner"
    assert second.text == "u1 ─interacted→ Alien ─about→ drama ←about─ Blade Runner"
    # Degrees: Scott 2, drama 5; affinity .5.
    assert first.score == pytest.approx(1 / log2(2 + 2) * (0.05 + 0.5))
    assert second.score == pytest.approx(1 / log2(2 + 5) * (0.05 + 0.5))


def test_ids_labels_and_directions_of_the_hops(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    (explanation,) = explainer(graph).explain("u1", history(0), 1, n=1)
    assert explanation.hops == (
        Hop("u1", "interacted", "i0", "u1", "Alien", False),
        Hop("e:Scott", "http://x.org/directed", "i0", "Scott", "Alien", True),
        Hop("e:Scott", "http://x.org/directed", "i1", "Scott", "Blade Runner", False),
    )
    assert explanation.as_record()["hops"][1]["tail_label"] == "Alien"


def test_one_path_through_each_middle_from_the_nearest_liked_item(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    near = explainer(graph, affinity=[0.1, 0, 0.2, 0.9, 0, 0])
    first, second = near.explain("u1", history(0, 2, 3), 1)
    # Three liked dramas, told once, from Dune (.9); Scott (.15 / 2) is less telling than that (.95 / log2(7)).
    assert first.text == "u1 ─interacted→ Dune ─about→ drama ←about─ Blade Runner"
    assert second.hops[1].head == "e:Scott"
    assert [e.score for e in (first, second)] == pytest.approx([0.95 / log2(7), 0.15 / 2])


def test_at_most_n_are_told(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    assert len(explainer(graph).explain("u1", history(0), 1, n=1)) == 1


def test_a_direct_edge_is_the_most_telling(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, [*GRAPH, (0, "http://x.org/sequel", 1)])
    first, second, third = explainer(graph).explain("u1", history(0), 1)
    assert first.text == "u1 ─interacted→ Alien ─sequel→ Blade Runner"
    assert first.score == pytest.approx(0.55)
    assert {second.hops[1].head_label, third.hops[1].tail_label} == {"Scott", "drama"}


def test_four_edges_through_the_category_tree_where_there_is_no_shorter_path(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    (explanation,) = explainer(graph).explain("u1", history(2), 5)
    assert explanation.text == ("u1 ─interacted→ Casablanca ─kind→ noir ─kind_of→ genre ←kind_of─ space ←kind─ Fargo")
    assert [hop.reverse for hop in explanation.hops] == [False, False, False, True, True]
    assert explainer(graph).explain("u1", history(2), 5, max_length=3) == []


def test_longer_paths_are_not_told_beside_shorter_ones(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, [*GRAPH, (5, "http://x.org/about", DRAMA)])
    (explanation,) = explainer(graph).explain("u1", history(2), 5)
    assert len(explanation.hops) == 1 + 2
    assert explanation.hops[1].tail_label == "drama"


def test_a_hub_may_stand_between_two_items_and_is_not_walked_on_from(item_graph: Maker) -> None:
    # Item 0 and item 1 share a hub of many edges; item 2 is behind another entity beyond the hub.
    hub, beyond, *others = range(3, 3 + MAX_DEGREE + 3)
    triples: Triples = [(0, "in", hub), (1, "in", hub), (2, "in", beyond), (beyond, "part_of", hub)]
    triples += [(other, "part_of", hub) for other in others]
    graph = item_graph(3, [f"e{node}" for node in range(3, 3 + MAX_DEGREE + 3)], triples)
    assert graph.adjacency.degree(np.array([hub]))[0] > MAX_DEGREE
    (through,) = explainer(graph).explain("u1", history(0), 1)
    assert through.text == "u1 ─interacted→ Alien ─in→ e3 ←in─ Blade Runner"
    assert explainer(graph).explain("u1", history(0), 2) == []


def test_people_stand_in_where_the_graph_knows_no_path(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, [])
    seen = [[0, 1], [0, 1, 2], [0, 3], [0, 4], [2, 3, 1], [0], [5, 3]]
    first, second = explainer(graph, seen).explain("u9", history(0, 2, 5), 1)
    # Casablanca: 2 of its 2 users met Blade Runner (of 3); Alien: 2 of its 5; Fargo: none.
    assert first.text == "u9 ─interacted→ Casablanca ←interacted─ 2 users ─interacted→ Blade Runner"
    assert first.score == pytest.approx(2 / sqrt(2 * 3))
    assert (second.users, second.hops[0].tail_label) == (2, "Alien")
    assert second.score == pytest.approx(2 / sqrt(5 * 3))
    assert {first.kind, second.kind} == {"co-interaction"}
    assert first.hops == (Hop("u9", "interacted", "i2", "u9", "Casablanca", False),)


def test_one_user_is_not_users(item_graph: Maker) -> None:
    (only,) = explainer(item_graph(N_ITEMS, ENTITIES, []), [[0, 1]]).explain("u9", history(0), 1)
    assert only.text == "u9 ─interacted→ Alien ←interacted─ 1 user ─interacted→ Blade Runner"


@pytest.mark.parametrize("known", [(), (1,), (3,)])
def test_nothing_is_made_up(item_graph: Maker, known: tuple[int, ...]) -> None:
    """No history; only the item itself; or an item that nothing joins to it."""
    graph = item_graph(N_ITEMS, ENTITIES, [])
    assert explainer(graph, [[0, 1], [3]]).explain("u9", history(*known), 1) == []


def test_several_items_are_explained_as_each_alone(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, [t for t in GRAPH if t[2] != DRAMA])
    made = explainer(graph, [[0, 2, 4], [4, 1]])
    known, items = history(0, 2), [1, 5, 4, 0]
    together = made.explain_all("u1", known, items)
    assert together == [made.explain("u1", known, item) for item in items]
    # By two edges, by four, by who met both, and an item that the user knows by another one.
    assert [{(found.kind, len(found.hops) - 1) for found in paths} for paths in together] == [
        {("graph", 2)}, {("graph", 4)}, {("co-interaction", 0)}, {("co-interaction", 0)},
    ]  # fmt: skip
    assert made.explain_all("u1", history(), items) == [[], [], [], []]
    assert made.explain_all("u1", known, []) == []


def test_a_relation_walked_back_has_its_own_name_if_it_has_one(item_graph: Maker) -> None:
    graph = item_graph(N_ITEMS, ENTITIES, GRAPH)
    named = replace(graph, inverse_names={"http://x.org/directed": "http://x.org/directedBy"})
    (plain, *_), (text, *_) = (explainer(g).explain("u1", history(0), 1) for g in (graph, named))
    assert plain.text == "u1 ─interacted→ Alien ←directed─ Scott ─directed→ Blade Runner"
    assert text.text == "u1 ─interacted→ Alien ─directedBy→ Scott ─directed→ Blade Runner"
    assert plain.hops == text.hops
