"""Paths of explanations in a database's words: by hand, and none where the database has no such path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from plait.fusion.explain import Explainer
from plait.fusion.neo4j_paths import Neo4jPaths, _made_of_values
from plait.kg import IdMap, KnowledgeGraph, MappingConfig, apply_mapping
from plait.loaders.neo4j.places import GraphPlaces, LogPlaces, Neo4jPlaces, NodePlace, graph_places

TITLES = ("Alien", "Blade Runner", "Casablanca")
MOVIE = NodePlace(label="Movie", key=("id",), kinds=(("str",),))
SCOTT = NodePlace(label="Scott", key=("n",), kinds=(("int",),), prefix=True)
LOG = LogPlaces(user=NodePlace(label="User", key=("id",), kinds=(("str",),)), item=MOVIE, types=("SAW", "BOUGHT"))
GRAPH = GraphPlaces(
    labels={"Movie": MOVIE, "Scott": SCOTT},
    relations={"made by": (("DIRECTED", True), ("MADE_BY", False)), "next": (("NEXT", False),)},
)
PLACES = Neo4jPlaces(graph=GRAPH, log=LOG, together=True, item_type="Movie")
SEEN = sp.csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32))


@pytest.fixture
def paths(item_graph):
    """Four nodes: items 0 and 1 made by Scott, item 2 after item 1."""
    graph = item_graph(3, ["Scott"], [(0, "made by", 3), (1, "made by", 3), (1, "next", 2)])
    graph = replace(graph, entities=IdMap(["Scott/7"]), item_entity=pa.array(["i0", "i1", "i2"], pa.large_string()))
    return Neo4jPaths(graph, PLACES, IdMap(["u0", "u1", "u2"]), SEEN)


def told(paths, user="u0", known=(0,), item=1):
    """The Cypher of the best path."""
    affinity = lambda history, _: np.ones(len(history))
    explainer = Explainer(paths.graph, lambda i: TITLES[i], paths.seen, affinity, paths)
    (found, *_) = explainer.explain(user, np.array(known), item)
    return found.cypher


ITEMS = (
    "(n{0}:`Movie` {{`id`: 'i0'}})-[r{1}:`DIRECTED`|`MADE_BY`]-(n{1}:`Scott` {{`n`: 7}})-[r{2}:`DIRECTED`|`MADE_BY`]-"
    "(n{2}:`Movie` {{`id`: 'i1'}}) WHERE (type(r{1}) = 'DIRECTED' AND startNode(r{1}) = n{1} OR type(r{1}) = 'MADE_BY' AND "
    "startNode(r{1}) = n{0}) AND (type(r{2}) = 'DIRECTED' AND startNode(r{2}) = n{1} OR type(r{2}) = 'MADE_BY' AND "
    "startNode(r{2}) = n{2}) RETURN p LIMIT 25"
)


def test_a_path_from_the_user_on_by_hand(paths):
    user = "MATCH p = (n0:`User` {`id`: 'u0'})-[:`SAW`|`BOUGHT`]->"
    assert told(paths) == user + ITEMS.format(1, 2, 3)


def test_the_user_is_left_out_where_the_database_has_no_such_interaction(paths):
    alone = "MATCH p = " + ITEMS.format(0, 1, 2)
    assert told(paths, "stranger") == alone
    assert told(paths, "u2") == alone
    apart = PLACES.model_copy(update={"together": False})
    assert told(replace(paths, places=apart)) == alone
    other_key = LOG.model_copy(update={"item": MOVIE.model_copy(update={"key": ("sku",)})})
    assert told(replace(paths, places=PLACES.model_copy(update={"log": other_key}))) == alone
    assert told(replace(paths, places=PLACES.model_copy(update={"log": None}))) == alone


def test_an_edge_walked_back_points_back(paths):
    found = told(paths, "nobody", (2,), 1)
    assert found == "MATCH p = (n0:`Movie` {`id`: 'i2'})<-[:`NEXT`]-(n1:`Movie` {`id`: 'i1'}) RETURN p LIMIT 25"


@pytest.mark.parametrize(
    "change",
    [
        {"relations": {"next": (("NEXT", False),)}},
        {"labels": {"Movie": MOVIE}},
        {"merged": ("i1",)},
        {"merged": ("Scott/7",)},
        {"labels": {"Movie": MOVIE, "Scott": SCOTT.model_copy(update={"label": "Other"})}},
    ],
)
def test_rather_none_than_a_wrong_one(paths, change):
    graph = GRAPH.model_copy(update=change)
    assert told(replace(paths, places=PLACES.model_copy(update={"graph": graph}))) is None


def test_items_that_are_one_node_have_no_path(paths):
    graph = replace(paths.graph, item_entity=pa.array(["i0", "i0", "i2"], pa.large_string()))
    assert told(replace(paths, graph=graph)) is None
    graph = replace(paths.graph, item_entity=pa.array(["i0", None, "i2"], pa.large_string()))
    assert told(replace(paths, graph=graph)) is None


def test_an_item_may_have_another_label(paths):
    book = NodePlace(label="Book", key=("isbn",), kinds=(("int",),))
    graph = GRAPH.model_copy(update={"labels": {**GRAPH.labels, "Book": book}})
    places = PLACES.model_copy(update={"graph": graph}).with_items(
        pa.array(["i0", "i1", "i2"], pa.large_string()), ["Movie", "Movie", "Book"]
    )
    assert (places.item_type, places.other_items) == ("Movie", {"i2": "Book"})
    named = replace(paths.graph, item_entity=pa.array(["i0", "i1", "978"], pa.large_string()))
    found = told(replace(paths, graph=named, places=places), "nobody", (2,), 1)
    assert found == "MATCH p = (n0:`Book` {`isbn`: 978})<-[:`NEXT`]-(n1:`Movie` {`id`: 'i1'}) RETURN p LIMIT 25"


def test_people_who_met_both(paths, item_graph):
    bare = replace(paths, graph=item_graph(3, [], []))
    both = "(n{0}:`Movie` {{`id`: 'i0'}})<-[:`SAW`|`BOUGHT`]-(n{1}:`User`)-[:`SAW`|`BOUGHT`]->(n{2}:`Movie` {{`id`: 'i1'}})"
    user = "(n0:`User` {`id`: 'u0'})-[:`SAW`|`BOUGHT`]->"
    assert told(bare) == f"MATCH p = {user}{both.format(1, 2, 3)} RETURN p LIMIT 25"
    assert told(bare, "stranger") == f"MATCH p = {both.format(0, 1, 2)} RETURN p LIMIT 25"
    assert told(replace(bare, places=PLACES.model_copy(update={"log": None}))) is None


def test_relations_made_of_values_are_never_pushed(item_graph):
    graph = item_graph(3, ["red", "Scott"], [(0, "colour", 3), (1, "colour", 4), (1, "by", 4), (2, "next", 1)])
    types = pa.array(["colour", "Person"], pa.large_string())
    assert _made_of_values(replace(graph, type_name=types)) == {"colour"}


def graph_of(*triples):
    entities = IdMap(sorted({end for head, _, tail in triples for end in (head, tail)}))
    relations = sorted({relation for _, relation, _ in triples})
    heads, names, tails = zip(*triples, strict=True)
    return KnowledgeGraph.build(
        entities,
        relations,
        entities.numbers(heads),
        np.array([relations.index(n) for n in names]),
        entities.numbers(tails),
    )


TRIPLES = [
    ("a", "PART_OF", "b"), ("c", "HAS", "a"), ("b", "HAS", "d"), ("a", "NEAR", "c"), ("d", "NEAR", "b"),
    ("a", "http://www.w3.org/2002/07/owl#sameAs", "z"), ("z", "NEAR", "d"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "relations", "merged"),
    [
        ({}, {name: ((name, False),) for name in ("HAS", "NEAR", "PART_OF")}, ()),
        ({"exclude_relations": ["HAS"]}, {name: ((name, False),) for name in ("NEAR", "PART_OF")}, ()),
        ({"inverse": {"PART_OF": "HAS"}}, {"PART_OF": (("PART_OF", False), ("HAS", True)), "NEAR": (("NEAR", False),)}, ()),
        (
            {"collapse": [{"name": "far", "path": ["NEAR", "HAS"]}]},
            {name: ((name, False),) for name in ("HAS", "NEAR", "PART_OF")}, (),
        ),
        # New triples joined those of NEAR, so that no triple of it is known to be one.
        ({"collapse": [{"name": "NEAR", "path": ["PART_OF", "HAS"]}]}, {name: ((name, False),) for name in ("HAS", "PART_OF")}, ()),
        ({"same_as": "merge"}, {name: ((name, False),) for name in ("HAS", "NEAR", "PART_OF")}, ("a",)),
    ],
)  # fmt: skip
def test_what_a_mapping_leaves_of_the_database(mapping, relations, merged):
    read = graph_of(*TRIPLES)
    places = graph_places([MOVIE], read, apply_mapping(read, MappingConfig(**mapping)))
    same_as = "http://www.w3.org/2002/07/owl#sameAs"
    assert {name: types for name, types in places.relations.items() if name != same_as} == relations
    assert places.merged == merged
    assert Neo4jPlaces.model_validate_json(Neo4jPlaces(graph=places).model_dump_json()).graph == places
