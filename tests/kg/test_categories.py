"""Shared literal values as nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plait.kg import KnowledgeGraph, Schema, SchemaConfig, labels, with_category_nodes

COLOUR, LABEL = "http://v/colour", "http://www.w3.org/2000/01/rdf-schema#label"


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    return {(h, r, t) for h, t, r in graph.to_networkx().edges(keys=True)}


@pytest.fixture
def graph(graph_of: Any) -> Any:
    return graph_of(
        [("p1", "madeBy", "b"), ("p2", "madeBy", "b")],
        types={"p1": "Pan", "p2": "Pan", "b": "Brand"},
        literals=[
            ("p1", LABEL, "First"),
            ("p1", COLOUR, "red"),
            ("p2", COLOUR, "red", "en", None),
            ("p3", COLOUR, "red"),
            ("p3", COLOUR, "blue"),
            ("p4", COLOUR, "blue"),
            ("p4", COLOUR, "blue", "fr", None),
            ("p4", COLOUR, " "),
            ("p4", "size", "3"),
        ],
    )


def test_each_value_becomes_one_node_joining_all_that_have_it(graph: Any) -> None:
    schema = Schema.infer(graph)
    assert schema.predicates("category") == (COLOUR,)
    joined = with_category_nodes(graph, schema)
    red, blue = f"{COLOUR}=red", f"{COLOUR}=blue"
    assert triples(joined) == triples(graph) | {
        ("p1", COLOUR, red), ("p2", COLOUR, red), ("p3", COLOUR, red), ("p3", COLOUR, blue), ("p4", COLOUR, blue),
    }  # fmt: skip
    # What was there keeps its number and type; the new nodes follow, typed by their predicate, named by their value.
    assert list(joined.entities)[: graph.n_entities] == list(graph.entities)
    assert list(joined.entities)[graph.n_entities :] == [red, blue]
    kinds = {name: joined.type_name(number) for number, name in enumerate(joined.entities)}
    assert kinds == {
        "p1": "Pan", "p2": "Pan", "p3": "untyped", "p4": "untyped", "b": "Brand", red: COLOUR, blue: COLOUR,
    }  # fmt: skip
    names = dict(zip(joined.entities, labels(joined, schema).to_pylist(), strict=True))
    assert names == {"p1": "First", "p2": "p2", "p3": "p3", "p4": "p4", "b": "b", red: "red", blue: "blue"}
    assert joined.duplicates == graph.duplicates


def test_labels_are_found_though_the_graph_had_none(graph_of: Any) -> None:
    graph = graph_of(literals=[(f"p{i}", COLOUR, "a/b") for i in range(4)])
    schema = Schema.infer(graph)
    assert labels(with_category_nodes(graph, schema), schema).to_pylist() == ["p0", "p1", "p2", "p3", "a/b"]


def test_the_first_literals_are_still_there(graph: Any) -> None:
    joined = with_category_nodes(graph, Schema.infer(graph))
    part = joined.literals.take(np.arange(len(graph.literals)))
    assert part.value.to_pylist() == graph.literals.value.to_pylist()
    assert part.language.to_pylist() == graph.literals.language.to_pylist()
    assert part.entity.tolist() == graph.literals.entity.tolist()


def test_without_categories_the_graph_is_the_same_one(graph: Any, graph_of: Any) -> None:
    none = Schema.infer(graph).override(SchemaConfig(literals={COLOUR: "text"}))
    assert with_category_nodes(graph, none) is graph
    empty = graph_of()
    assert with_category_nodes(empty, Schema.infer(empty)) is empty


def test_a_predicate_that_is_also_a_relation_and_a_node_that_is_there_already(graph_of: Any) -> None:
    rows = [(f"p{i}", COLOUR, "red") for i in range(4)]
    graph = graph_of([("p0", COLOUR, "c"), ("c", "in", f"{COLOUR}=red")], types={f"{COLOUR}=red": "Hue"}, literals=rows)
    joined = with_category_nodes(graph, Schema.infer(graph))
    assert joined.relations == graph.relations
    assert len(joined.entities) == len(graph.entities)
    assert triples(joined) == triples(graph) | {(f"p{i}", COLOUR, f"{COLOUR}=red") for i in range(4)}
    assert joined.type_name(joined.entities.numbers([f"{COLOUR}=red"])[0]) == "Hue"
