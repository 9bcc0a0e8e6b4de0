"""What is told of a node: the exact words, their order, and the triples they were made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from plait.kg import IdMap, KnowledgeGraph, Literals, Schema, SchemaConfig, labels, with_category_nodes
from plait.text.verbalise import NodeText, VerbaliseConfig, Verbaliser

V, LABEL = "http://v/", "http://www.w3.org/2000/01/rdf-schema#label"
LONG = "A cowboy doll is profoundly threatened and jealous when a new spaceman\n  supplants him"
ENTITIES = ["e:toy", "e:ann", "e:bob", "e:cem", "e:pixar", "e:lost"]
TRIPLES = [
    ("e:toy", "cast", "e:cem"),
    ("e:toy", "cast", "e:ann"),
    ("e:toy", "cast", "e:bob"),
    ("e:toy", "by", "e:pixar"),
    ("e:ann", "knows", "e:toy"),
]
LITERALS: list[tuple[str, str, str, str | None]] = [
    ("e:toy", V + "plot", LONG, "en"),
    ("e:toy", V + "plot", "Ein Cowboy", "de"),
    ("e:toy", LABEL, "Toy Story", None),
    ("e:toy", V + "tagline", "  ", "en"),
    ("e:toy", V + "tagline", "To infinity", "fr"),
    ("e:toy", V + "minutes", "81", None),
    ("e:toy", V + "minutes", "80", None),
    ("e:ann", LABEL, "Ann", None),
    ("e:bob", LABEL, "Bob", None),
    ("e:cem", LABEL, "Cem", None),
    ("e:pixar", LABEL, "Pixar", None),
]


def graph(triples: list[tuple[str, str, str]] = TRIPLES, literals: Any = LITERALS) -> KnowledgeGraph:
    ids, relations = IdMap(ENTITIES), ["cast", "by", "knows"]
    predicates = tuple(dict.fromkeys(row[1] for row in literals))
    return KnowledgeGraph.build(
        ids,
        [V + name for name in relations],
        ids.numbers([t[0] for t in triples]),
        np.array([relations.index(t[1]) for t in triples], dtype=np.int64),
        ids.numbers([t[2] for t in triples]),
        types=[V + "Film", V + "Person"],
        type_of=np.array([0, 1, 1, 1, -1, -1]),
        literals=Literals(
            ids.numbers([row[0] for row in literals]).astype(np.int32),
            np.array([predicates.index(row[1]) for row in literals], dtype=np.int32),
            pa.array([row[2] for row in literals], pa.large_string()),
            pa.array([row[3] for row in literals], pa.large_string()).dictionary_encode(),
            pa.nulls(len(literals), pa.large_string()).dictionary_encode(),
            predicates,
        ),
    )


def told(known: KnowledgeGraph, schema: SchemaConfig | None = None, **config: Any) -> dict[str, NodeText]:
    stated = Schema.infer(known).override(schema or SchemaConfig())
    verbaliser = Verbaliser(known, stated, labels(known, stated), VerbaliseConfig(**config))
    return dict(zip(known.entities, verbaliser.tell(range(known.n_entities)), strict=True))


PLOT = " ".join(LONG.split())


def test_the_whole_text_from_the_most_telling_to_the_longest() -> None:
    texts = {entity: node.text for entity, node in told(graph()).items()}
    assert texts == {
        "e:toy": f"Toy Story (Film). tagline: To infinity. minutes: 81. cast: Ann, Bob, Cem. by: Pixar. {PLOT}",
        "e:ann": "Ann (Person). knows: Toy Story",
        "e:bob": "Bob (Person)",
        "e:cem": "Cem (Person)",
        "e:pixar": "Pixar",
        "e:lost": "e:lost",
    }


def test_the_triples_are_those_the_text_was_made_from_as_they_stand_in_the_graph() -> None:
    nodes = told(graph())
    assert nodes["e:toy"].triples == (
        (V + "plot", LONG),
        (V + "tagline", "To infinity"),
        (V + "minutes", "81"),
        (V + "cast", "e:ann"),
        (V + "cast", "e:bob"),
        (V + "cast", "e:cem"),
        (V + "by", "e:pixar"),
    )
    facts = {(h, V + r, t) for h, r, t in TRIPLES} | {row[:3] for row in LITERALS}
    assert {(entity, *fact) for entity, node in nodes.items() for fact in node.triples} <= facts
    assert nodes["e:lost"].triples == ()


@pytest.mark.parametrize(("most", "cast"), [(1, "Ann"), (2, "Ann, Bob"), (3, "Ann, Bob, Cem"), (9, "Ann, Bob, Cem")])
def test_no_more_neighbours_a_relation_than_asked_for(most: int, cast: str) -> None:
    node = told(graph(), neighbours=most)["e:toy"]
    assert f". cast: {cast}. by: Pixar. " in node.text
    assert [value for predicate, value in node.triples if predicate == V + "cast"] == [
        f"e:{name.lower()}" for name in cast.split(", ")
    ]


def test_parts_can_be_left_out() -> None:
    assert told(graph(), neighbours=0)["e:toy"].text == f"Toy Story (Film). tagline: To infinity. minutes: 81. {PLOT}"
    assert told(graph(), literals=False)["e:toy"].text == "Toy Story (Film). cast: Ann, Bob, Cem. by: Pixar"
    bare = told(graph(), neighbours=0, literals=False)["e:toy"]
    assert bare == NodeText("Toy Story (Film)", ())


def test_the_preferred_language_is_told() -> None:
    node = told(graph(), SchemaConfig(language="de"))["e:toy"]
    assert node.text.startswith("Toy Story (Film). plot: Ein Cowboy. tagline: To infinity. minutes: 81. cast: ")
    assert (V + "plot", "Ein Cowboy") in node.triples
    assert PLOT not in node.text


def test_kinds_decide_what_is_told() -> None:
    schema = SchemaConfig(literals={"minutes": "ignore", "tagline": "date", "plot": "label"})
    assert told(graph(), schema)["e:toy"].text == "Toy Story (Film). cast: Ann, Bob, Cem. by: Pixar"


@pytest.mark.parametrize(
    ("length", "text"), [(60, "Bob (Person). plot: {}. cast: Ann"), (61, "Bob (Person). cast: Ann. {}")]
)
def test_a_text_is_long_from_61_characters_on(length: int, text: str) -> None:
    words = "x" * length
    known = graph([("e:bob", "cast", "e:ann")], [*LITERALS[7:9], ("e:bob", V + "plot", words, None)])
    assert told(known)["e:bob"].text == text.format(words)


def test_category_values_are_told_as_neighbours_and_once() -> None:
    known = graph([], [(e, V + "colour", "red", None) for e in ENTITIES[:4]])
    schema = Schema.infer(known)
    joined = with_category_nodes(known, schema)
    verbaliser = Verbaliser(joined, schema, labels(joined, schema), VerbaliseConfig())
    first, node = verbaliser.tell([0, 6])
    assert first == NodeText("e:toy (Film). colour: red", ((V + "colour", f"{V}colour=red"),))
    assert node.text == "red (colour)"


def test_the_order_asked_for_is_the_order_told() -> None:
    known = graph()
    schema = Schema.infer(known)
    verbaliser = Verbaliser(known, schema, labels(known, schema), VerbaliseConfig())
    assert [node.text for node in verbaliser.tell(np.array([4, 2, 4]))] == ["Pixar", "Bob (Person)", "Pixar"]
    assert verbaliser.tell([]) == []


def test_a_graph_of_bare_nodes_tells_their_names() -> None:
    assert [node.text for node in told(graph([], [])).values()] == [
        "e:toy (Film)", "e:ann (Person)", "e:bob (Person)", "e:cem (Person)", "e:pixar", "e:lost",
    ]  # fmt: skip


def test_config_out_of_range_is_refused() -> None:
    for wrong in ({"neighbours": -1}, {"neighbours": 101}, {"neighbors": 3}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            VerbaliseConfig(**wrong)  # type: ignore[arg-type]
