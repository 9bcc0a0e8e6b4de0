"""Every entity has a display name, the best there is."""

from __future__ import annotations

from typing import Any

import pytest

from plait.kg import Schema, SchemaConfig, labels, local_name, readable_name, short_names

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
PREF = "http://www.w3.org/2004/02/skos/core#prefLabel"


def names(graph: Any, language: str = "en") -> dict[str, str]:
    schema = Schema.infer(graph).override(SchemaConfig(language=language))
    found = labels(graph, schema)
    assert len(found) == graph.n_entities
    return dict(zip(graph.entities, found.to_pylist(), strict=True))


@pytest.fixture
def graph(graph_of: Any) -> Any:
    return graph_of(
        entities=["http://e/Frying_pan", "b", "c", "d"],
        literals=[
            ("c", LABEL, "Topf", "de", None),
            ("c", LABEL, "Pot", "en-GB", None),
            ("c", LABEL, "Cooking pot", "en", None),
            ("c", LABEL, "Pott", None, None),
            ("b", LABEL, "Poêle", "fr", None),
            ("b", LABEL, "Pan", None, None),
            ("d", LABEL, "Deckel", "de", None),
            ("d", PREF, "Couvercle", "fr", None),
            ("d", LABEL, "Lid", "en", None),
        ],
    )


@pytest.mark.parametrize(
    ("language", "b", "c"),
    [
        ("en", "Pan", "Pot"),  # the language and its regions; of equals the first in the source
        ("de", "Pan", "Topf"),
        ("fr", "Poêle", "Pott"),  # none stated comes before another language
        ("en-US", "Pan", "Pot"),  # what is asked may name a region too,
        ("FR", "Poêle", "Pott"),  # in any case
    ],
)
def test_the_preferred_language_then_none_then_another(graph: Any, language: str, b: str, c: str) -> None:
    found = names(graph, language)
    assert (found["b"], found["c"]) == (b, c)


def test_a_better_predicate_comes_before_a_better_language(graph: Any) -> None:
    assert names(graph, "de")["d"] == names(graph, "en")["d"] == "Couvercle"


def test_an_entity_without_a_label_is_named_by_its_iri(graph: Any) -> None:
    assert names(graph)["http://e/Frying_pan"] == "Frying pan"


def test_a_blank_label_is_none(graph_of: Any) -> None:
    graph = graph_of(
        literals=[("http://e/Lid", LABEL, "  "), ("http://e/Pot", LABEL, ""), ("http://e/Pot", LABEL, "Pott")]
    )
    assert names(graph) == {"http://e/Lid": "Lid", "http://e/Pot": "Pott"}


def test_a_graph_without_literals_or_entities_has_names_all_the_same(graph_of: Any) -> None:
    assert names(graph_of([("urn:isbn:123", "r", "24/7 Supplies")])) == {
        "urn:isbn:123": "123",
        "24/7 Supplies": "24/7 Supplies",
    }
    assert names(graph_of()) == {}
    assert names(graph_of(literals=[("http://e/x", "http://v/price", "3")])) == {"http://e/x": "x"}


@pytest.mark.parametrize(
    ("iri", "local", "readable"),
    [
        ("http://e/a#b_c", "b_c", "b c"),
        ("http://e/a/b%20c/", "b%20c", "b c"),
        ("http://e/#", "e", "e"),
        ("http://e/%E6%9D%8E", "%E6%9D%8E", "李"),
        ("http://e/_", "_", "http://e/_"),  # nothing readable is left
        ("urn:a:b_c", "b_c", "b c"),
        ("a/b#c_d", "a/b#c_d", "a/b#c_d"),  # no IRI: its own name
        ("_:0:b1", "_:0:b1", "_:0:b1"),
        ("", "", ""),
    ],
)
def test_names_out_of_iris(iri: str, local: str, readable: str) -> None:
    assert (local_name(iri), readable_name(iri)) == (local, readable)


def test_short_names_that_would_be_alike_stay_long() -> None:
    iris = ["http://a/in", "http://a/by", "http://b/in", "of"]
    assert short_names(iris) == ("http://a/in", "by", "http://b/in", "of")
    assert short_names([]) == ()
