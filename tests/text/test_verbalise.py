"""What is told of a node: the exact words, their order, and the triples they were made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, IdMap, KnowledgeGraph, Literals, Schema, SchemaConfig, labels, with_category_nodes
from plait.text.verbalise import NodeText, VerbaliseConfig, Verbaliser

V, LABEL = "http://v/", "http://www.w3.org/2000/01/rdf-schema#label"
LONG = "A cowboy doll is profoundly threatened and jealous when a new spaceman\n  supplants him"
ENTITIES = ["e:toy", "e:ann", "e:bob", "e:cem", "e:pixar", "e:lost"]
RELATIONS = ["cast", "by", "knows"]
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


def graph(
    triples: list[tuple[str, str, str]] = TRIPLES, literals: Any = LITERALS, relations: list[str] = RELATIONS
) -> KnowledgeGraph:
    ids = IdMap(ENTITIES)
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
        "e:toy": f"Toy Story (Film). tagline: To infinity. minutes: 80, 81. by: Pixar. cast: Ann, Bob, Cem. {PLOT}. knows of: Ann",
        "e:ann": "Ann (Person). knows: Toy Story. cast of: Toy Story",
        "e:bob": "Bob (Person). cast of: Toy Story",
        "e:cem": "Cem (Person). cast of: Toy Story",
        "e:pixar": "Pixar. by of: Toy Story",
        "e:lost": "",
    }


def test_the_triples_are_those_the_text_was_made_from_as_they_stand_in_the_graph() -> None:
    nodes = told(graph())
    assert nodes["e:toy"].triples == (
        ("e:toy", LABEL, "Toy Story"),
        ("e:toy", "rdf:type", V + "Film"),
        ("e:toy", V + "tagline", "To infinity"),
        ("e:toy", V + "minutes", "80"),
        ("e:toy", V + "minutes", "81"),
        ("e:toy", V + "by", "e:pixar"),
        ("e:toy", V + "cast", "e:ann"),
        ("e:toy", V + "cast", "e:bob"),
        ("e:toy", V + "cast", "e:cem"),
        ("e:toy", V + "plot", LONG),
        ("e:ann", V + "knows", "e:toy"),
    )
    facts = {(h, V + r, t) for h, r, t in TRIPLES} | {row[:3] for row in LITERALS}
    said = {fact for node in nodes.values() for fact in node.triples if fact[1] != "rdf:type"}
    assert said <= facts
    assert nodes["e:lost"].triples == ()
    assert not nodes["e:lost"].present


@pytest.mark.parametrize(("most", "cast"), [(1, "Ann"), (2, "Ann, Bob"), (3, "Ann, Bob, Cem"), (9, "Ann, Bob, Cem")])
def test_no_more_neighbours_a_relation_than_asked_for(most: int, cast: str) -> None:
    node = told(graph(), neighbours=most)["e:toy"]
    assert f" by: Pixar. cast: {cast}. " in node.text
    assert [value for _, predicate, value in node.triples if predicate == V + "cast"] == [
        f"e:{name.lower()}" for name in cast.split(", ")
    ]


def test_neighbours_that_join_nodes_come_first_then_those_that_nobody_else_has_and_hubs_last() -> None:
    # Degrees of the cast of toy: ann 3 (cast, knows, knows), bob 2, cem 1.
    known = graph([*TRIPLES, ("e:ann", "knows", "e:bob")])
    assert "cast: Bob, Ann, Cem." in told(known)["e:toy"].text


def test_of_what_points_at_a_node_the_best_described_comes_first() -> None:
    known = graph([("e:cem", "cast", "e:ann"), ("e:bob", "cast", "e:ann"), ("e:bob", "cast", "e:pixar")])
    assert told(known)["e:ann"].text == "Ann (Person). cast of: Bob, Cem"
    assert told(known, inverse_neighbours=1)["e:ann"].text == "Ann (Person). cast of: Bob"
    assert told(known, inverse_neighbours=0)["e:ann"].text == "Ann (Person)"


def test_a_relation_that_goes_both_ways_is_told_once() -> None:
    known = graph([("e:ann", "knows", "e:bob"), ("e:bob", "knows", "e:ann"), ("e:cem", "knows", "e:ann")])
    assert told(known)["e:ann"].text == "Ann (Person). knows: Bob. knows of: Cem"


def test_a_neighbour_with_nothing_but_an_id_is_not_told() -> None:
    node = told(graph([("e:ann", "knows", "e:lost"), ("e:lost", "by", "e:bob")]))
    assert node["e:ann"].text == "Ann (Person)"
    assert node["e:lost"].text == "by: Bob. knows of: Ann"


def test_parts_can_be_left_out() -> None:
    bare = {"inverse_neighbours": 0}
    assert told(graph(), neighbours=0, **bare)["e:toy"].text == (
        f"Toy Story (Film). tagline: To infinity. minutes: 80, 81. {PLOT}"
    )
    assert told(graph(), literals=False, **bare)["e:toy"].text == "Toy Story (Film). by: Pixar. cast: Ann, Bob, Cem"
    node = told(graph(), neighbours=0, literals=False, **bare)["e:toy"]
    assert node.text == "Toy Story (Film)"
    some = told(graph(), leave_out=("cast", "minutes", V + "plot"), **bare)["e:toy"].text
    assert some == "Toy Story (Film). tagline: To infinity. by: Pixar"
    with pytest.raises(ConfigError, match="no relation or literal 'cats'; did you mean 'cast'"):
        told(graph(), leave_out=("cats",))


def test_the_preferred_language_is_told() -> None:
    node = told(graph(), SchemaConfig(language="de"))["e:toy"]
    assert node.text.startswith("Toy Story (Film). plot: Ein Cowboy. tagline: To infinity. minutes: 80, 81. ")
    assert ("e:toy", V + "plot", "Ein Cowboy") in node.triples
    assert PLOT not in node.text


def test_all_values_of_the_best_language_are_told_up_to_the_bound_and_no_translations() -> None:
    values = [("zinc", "en"), ("iron", "en-GB"), ("iron", "en"), ("Eisen", "de"), ("fer", "fr"), ("tin", "en")]
    rows = [("e:bob", V + "metal", value, tag) for value, tag in values] + [("e:cem", V + "metal", "Eisen", "de")]
    rows += [
        ("e:cem", V + "metal", "fer", "fr"),
        ("e:cem", V + "metal", "Blei", "de"),
        ("e:ann", V + "metal", "?", "en"),
    ]
    known = graph([], [*rows, *LITERALS[7:10]])
    kinds = SchemaConfig(literals={"metal": "text"})
    texts = {entity: node.text for entity, node in told(known, kinds, values=2).items()}
    assert texts["e:bob"] == "Bob (Person). metal: iron, tin"
    assert texts["e:cem"] == "Cem (Person). metal: Blei, Eisen"
    assert texts["e:ann"] == "Ann (Person)"


def test_kinds_decide_what_is_told() -> None:
    schema = SchemaConfig(literals={"minutes": "ignore", "tagline": "date", "plot": "label"})
    assert told(graph(), schema)["e:toy"].text == "Toy Story (Film). by: Pixar. cast: Ann, Bob, Cem. knows of: Ann"


@pytest.mark.parametrize(
    ("length", "text"), [(60, "Bob (Person). plot: {}. cast: Ann"), (61, "Bob (Person). cast: Ann. {}")]
)
def test_a_text_is_long_from_61_characters_on(length: int, text: str) -> None:
    words = "x" * length
    known = graph([("e:bob", "cast", "e:ann")], [*LITERALS[7:9], ("e:bob", V + "plot", words, None)])
    assert told(known)["e:bob"].text == text.format(words)


@pytest.mark.parametrize(
    ("predicate", "value", "units", "text"),
    [
        ("weight_kg", "12.0", {}, "weight: 12 kg"),
        ("screenInches", "5.50", {}, "screen: 5.50 inches"),
        ("Depth (mm)", "3", {}, "Depth: 3 mm"),
        ("price", "9.99", {"price": "EUR"}, "price: 9.99 EUR"),
        ("weight_kg", "12", {"weight_kg": "stone"}, "weight: 12 stone"),
        ("minutes", "81", {}, "minutes: 81"),
        ("pages", "n/a", {}, ""),
    ],
)
def test_numbers_have_their_unit(predicate: str, value: str, units: dict[str, str], text: str) -> None:
    rows = [*LITERALS[7:9], ("e:bob", predicate, value, None), ("e:ann", predicate, "1", None)]
    told_of = told(graph([], rows), SchemaConfig(literals={predicate: "number"}), units=units)["e:bob"].text
    assert told_of == ". ".join(filter(None, ["Bob (Person)", text]))


def test_a_unit_of_an_unknown_literal_is_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match="no literal 'minuets'; did you mean 'minutes'"):
        told(graph(), units={"minuets": "min"})


def test_category_values_are_told_as_neighbours_and_once() -> None:
    known = graph([], [(e, V + "colour", "red", None) for e in ENTITIES[:4]])
    schema = Schema.infer(known)
    joined = with_category_nodes(known, schema)
    verbaliser = Verbaliser(joined, schema, labels(joined, schema), VerbaliseConfig())
    first, node = verbaliser.tell([0, 6])
    assert first.text == "Film. colour: red"
    assert first.triples == (("e:toy", "rdf:type", V + "Film"), ("e:toy", V + "colour", f"{V}colour=red"))
    assert node.text == "red (colour)"


def test_the_order_asked_for_is_the_order_told() -> None:
    known = graph()
    schema = Schema.infer(known)
    verbaliser = Verbaliser(known, schema, labels(known, schema), VerbaliseConfig(inverse_neighbours=0))
    assert [node.text for node in verbaliser.tell(np.array([4, 2, 4]))] == ["Pixar", "Bob (Person)", "Pixar"]
    assert verbaliser.tell([]) == []


def test_the_bulk_way_gives_the_same_texts_and_says_what_is_missing() -> None:
    known = graph()
    schema = Schema.infer(known)
    verbaliser = Verbaliser(known, schema, labels(known, schema), VerbaliseConfig(), max_tokens=12)
    nodes = [5, 0, 2, 5]
    texts, present, report = verbaliser.texts_of(nodes)
    assert texts == [node.text for node in verbaliser.tell(nodes)]
    assert present.tolist() == [False, True, True, False]
    assert (report.count("no-text"), report.count("no-name"), report.count("cut")) == (2, 2, 1)
    assert any("'e:lost'" in line for line in report.lines())
    assert verbaliser.texts_of([])[0] == []


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ("http://v/Toy_Story_3", "Toy Story 3"),
        ("http://v/Category:1990s_films", "Category:1990s films"),
        ("Sony", "Sony"),
        ("http://v/Q42", ""),
        ("http://v/B00E4KP4W6", ""),
        ("007", ""),
        ("user_12", ""),
        ("e:x", ""),
        ("4c1f5a6e-ae3c-abcd-face-deadbeefcafe", ""),
        ("http://v/东京", "东京"),
    ],
)
def test_an_id_is_a_name_where_it_reads_as_words(identity: str, name: str) -> None:
    ids = IdMap([identity])
    none = np.empty(0, dtype=np.int64)
    known = KnowledgeGraph.build(ids, [], none, none, none)
    schema = Schema.infer(known)
    assert Verbaliser(known, schema, labels(known, schema), VerbaliseConfig()).tell([0])[0].text == name


def test_numbered_ids_that_share_their_words_are_no_names() -> None:
    ids = IdMap([f"http://v/item_{n}" for n in range(51)])
    none = np.empty(0, dtype=np.int64)
    known = KnowledgeGraph.build(ids, [], none, none, none)
    schema = Schema.infer(known)
    assert not Verbaliser(known, schema, labels(known, schema), VerbaliseConfig()).texts_of(range(51))[1].any()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(len(TRIPLES))), st.permutations(range(len(LITERALS) - 4)), st.permutations([0, 1, 2]))
def test_the_order_of_the_source_changes_no_text(triples: list[int], literals: list[int], relations: list[int]) -> None:
    # Labels keep their order: of two equal ones the first in the source is the name.
    rows = [LITERALS[n] for n in literals] + LITERALS[-4:]
    shuffled = graph([TRIPLES[n] for n in triples], rows, [RELATIONS[n] for n in relations])
    assert told(shuffled) == told(graph())


def test_config_out_of_range_is_refused() -> None:
    for wrong in ({"neighbours": -1}, {"neighbours": 101}, {"neighbors": 3}, {"values": 0}, {"units": {"price": ""}}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            VerbaliseConfig(**wrong)  # type: ignore[arg-type]
