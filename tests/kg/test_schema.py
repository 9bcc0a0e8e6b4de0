"""What inference makes of literals and types, and what a user's word does to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from plait.kg import UNTYPED, ConfigError, LiteralKind, Schema, SchemaConfig

XSD = "http://www.w3.org/2001/XMLSchema#"
LONG = "A film about a toy that comes to life as soon as nobody looks at it any more"


def kinds(graph: Any) -> dict[str, LiteralKind]:
    return {lit.name: lit.kind for lit in Schema.infer(graph).literals}


def column(predicate: str, values: list[str], datatype: str | None = None) -> list[Any]:
    return [(f"e{i}", predicate, value, None, datatype) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("predicate", "values", "datatype", "kind"),
    [
        # By name, and only where it can be a name.
        ("http://www.w3.org/2004/02/skos/core#prefLabel", ["Pan", "Pot"], None, "label"),
        ("title", ["x" * 200, "x" * 200], None, "label"),
        ("title", ["x" * 200, "x" * 201], None, "text"),
        ("http://v/fullname", ["Ann", "Bob"], None, "text"),
        ("name", ["1", "2"], None, "label"),
        # By datatype, or by the look of nineteen in twenty.
        ("http://v/price", ["12", "-3.5", "1e3", " +7 "], None, "number"),
        ("http://v/price", ["1"] * 19 + ["n/a"], None, "number"),
        ("http://v/price", ["1"] * 18 + ["n/a"] * 2, None, "category"),
        ("http://v/size", ["INF", "NaN"], XSD + "double", "number"),
        ("http://v/born", ["1999-01-01", "2001-05-03"], XSD + "date", "date"),
        ("http://v/year", ["1999", "2001"], XSD + "gYear", "date"),
        ("http://v/image", ["http://e/1.jpg", "http://e/2.jpg"], XSD + "anyURI", "ignore"),
        ("http://v/born", ["1999-01-01", "2001-05-03"], None, "text"),
        # A value groups if it is short, shared, and seen with four entities or more.
        ("http://v/colour", ["red", "blue", "red", "blue"], None, "category"),
        ("http://v/colour", ["red", "red", "red"], None, "text"),
        ("http://v/colour", ["red", "blue", "green", "red"], None, "text"),
        ("http://v/about", [LONG] * 5, None, "text"),
        ("http://v/about", ["x" * 60] * 4, None, "category"),
        ("http://v/about", ["x" * 61] * 4, None, "text"),
    ],
)
def test_a_literal_is_what_it_looks_like(
    graph_of: Any, predicate: str, values: list[str], datatype: str | None, kind: str
) -> None:
    graph = graph_of(literals=column(predicate, values, datatype))
    assert list(kinds(graph).values()) == [kind]


def test_two_vocabularies_with_a_name_each_both_give_labels(graph_of: Any) -> None:
    # Two predicates called "name" are told apart by their full names; they are names all the same.
    graph = graph_of(
        literals=[
            ("a", "http://schema.org/name", "Pan"),
            ("b", "http://xmlns.com/foaf/0.1/name", "Ann"),
            ("b", "http://xmlns.com/foaf/0.1/title", "Dr"),
            ("c", "http://xmlns.com/foaf/0.1/title", "Mr"),
        ]
    )
    assert kinds(graph) == {
        "title": "label",
        "http://schema.org/name": "label",
        "http://xmlns.com/foaf/0.1/name": "label",
    }
    assert Schema.infer(graph).predicates("label") == (
        "http://schema.org/name",
        "http://xmlns.com/foaf/0.1/name",
        "http://xmlns.com/foaf/0.1/title",
    )


def test_the_best_name_comes_first_however_rare(graph_of: Any) -> None:
    names = ["alternateName", "altLabel", "title", "name", "label", "prefLabel"]
    rows = [(f"e{i}", name, f"v{i}") for rank, name in enumerate(names) for i in range(9 - rank)]
    assert Schema.infer(graph_of(literals=rows)).predicates("label") == tuple(reversed(names))


def test_counts_are_those_of_the_graph(graph_of: Any) -> None:
    graph = graph_of(
        [("p1", "http://v/madeBy", "b1"), ("p2", "http://v/madeBy", "b1"), ("p2", "http://v/madeBy", "x"), ("b1", "http://v/in", "x")],
        types={"p1": "http://v/Pan", "p2": "http://v/Pan", "b1": "http://v/Brand"},
        literals=[("p1", "http://v/note", "a"), ("p2", "http://v/note", "b"), ("p2", "http://v/note", "a")],
    )  # fmt: skip
    schema = Schema.infer(graph)
    assert [(t.name, t.count) for t in schema.node_types] == [("http://v/Pan", 2), ("http://v/Brand", 1), (UNTYPED, 1)]
    assert [(r.source, r.name, r.target, r.count, r.relation) for r in schema.relations] == [
        ("http://v/Pan", "madeBy", "http://v/Brand", 2, "http://v/madeBy"),
        ("http://v/Brand", "in", UNTYPED, 1, "http://v/in"),
        ("http://v/Pan", "madeBy", UNTYPED, 1, "http://v/madeBy"),
    ]
    (note,) = schema.literals
    assert (note.name, note.predicate, note.count, note.distinct, note.example) == ("note", "http://v/note", 3, 2, "a")
    assert (schema.item_type, schema.language) == (None, "en")


def test_a_graph_of_nothing_has_a_schema_of_nothing(graph_of: Any) -> None:
    schema = Schema.infer(graph_of())
    assert (schema.node_types, schema.relations, schema.literals) == ((), (), ())
    assert schema.override(SchemaConfig()) == schema


@pytest.fixture
def graph(graph_of: Any) -> Any:
    return graph_of(
        [("a", "http://v/madeBy", "b"), ("a", "http://v/soldBy", "b"), ("b", "http://w/soldBy", "c")],
        types={"a": "Pan", "b": "Brand", "c": "Brand"},
        literals=[*column("http://v/colour", ["red"] * 4), ("a", "http://v/price", "3")],
    )


def test_what_the_user_states_holds(graph: Any) -> None:
    schema = Schema.infer(graph)
    config = SchemaConfig(
        item_type="Pan",
        literals={"colour": "text", "http://v/price": "ignore"},
        language="de",
    )
    stated = schema.override(config)
    assert {lit.name: lit.kind for lit in stated.literals} == {"colour": "text", "price": "ignore"}
    assert stated.relations == schema.relations
    assert (stated.item_type, stated.language) == ("Pan", "de")
    assert {lit.kind for lit in schema.literals} == {"category", "number"}  # the inferred one is as it was


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"item_type": "Pans"}, "no node type 'Pans'; did you mean 'Pan'?"),
        ({"item_type": "zzz"}, "no node type 'zzz'; known are: Brand, Pan, untyped"),
        ({"literals": {"color": "text"}}, "no literal 'color'; did you mean 'colour'?"),
        ({"literals": {"qqq": "text"}}, "no literal 'qqq'; known are: colour, price"),
    ],
)  # fmt: skip
def test_a_name_the_graph_has_not_is_refused_with_the_nearest(graph: Any, config: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Schema.infer(graph).override(SchemaConfig(**config))
    assert message in str(caught.value)


def test_unknown_keys_and_kinds_are_refused() -> None:
    with pytest.raises(ValidationError, match="item_typ"):
        SchemaConfig(item_typ="Pan")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="colour"):
        SchemaConfig(literals={"colour": "labels"})  # type: ignore[dict-item]


def test_the_item_type_is_the_commonest_among_the_linked(graph: Any) -> None:
    schema = Schema.infer(graph)
    numbers = graph.entities.numbers
    assert schema.with_item_type(graph, numbers(["a", "b", "c"])).item_type == "Brand"
    assert schema.with_item_type(graph, numbers(["a"])).item_type == "Pan"
    assert schema.with_item_type(graph, numbers(["e0", "e1", "b"])).item_type == "Brand"
    assert schema.with_item_type(graph, numbers(["e0", "e1"])).item_type == UNTYPED
    assert schema.with_item_type(graph, np.empty(0, dtype=np.int64)).item_type is None
    stated = schema.override(SchemaConfig(item_type="Pan"))
    assert stated.with_item_type(graph, numbers(["b", "c"])).item_type == "Pan"
