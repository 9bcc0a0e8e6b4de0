"""The Cypher of a path: what it looks like, which values an id may be of, and that a value stays a value."""

from __future__ import annotations

import random

import pytest

from plait.loaders.neo4j.places import NodePlace
from plait.loaders.neo4j.show_path import PathNode, cypher_of, text_literal

USER = NodePlace(label="User", key=("id",), kinds=(("int",),))
MOVIE = NodePlace(label="Movie", key=("id",), kinds=(("str",),))
PERSON = NodePlace(label="Person")
NASTY = [
    "", "'", "\\", "\\\\", "\\'", "'}) DETACH DELETE n //", "\\u0027", "\\\\u0027", "\\\\\\u0027 OR true", "\n\r\t\b\f", "`", '"',
    "$p0", "\u2028", "\u202e\u0007", "\x85", "\x00", "😀", "\U000e0001", "\\uD83D", "\\u", "\\u00", "// /*", ";", "'\\u005C\\u0027",
]  # fmt: skip


def one(place, id_):
    """The query that finds one node."""
    return cypher_of([PathNode(place, id_)], [])


def test_a_path_by_hand():
    """(u 12)-[:BOUGHT]->(alien)-[:BY]->(a person)<-[:BY]-(dune)."""
    nodes = [PathNode(USER, "12"), PathNode(MOVIE, "alien"), PathNode(PERSON, "4:a:7"), PathNode(MOVIE, "it's")]
    edges = [[("BOUGHT", False), ("SAW", False)], [("BY", False)], [("BY", True)]]
    made = cypher_of(nodes, edges)
    assert made.text == (
        "MATCH p = (n0:`User` {`id`: 12})-[:`BOUGHT`|`SAW`]->(n1:`Movie` {`id`: 'alien'})-[:`BY`]->(n2:`Person`)"
        "<-[:`BY`]-(n3:`Movie` {`id`: 'it\\'s'}) WHERE elementId(n2) = '4:a:7' RETURN p LIMIT 25"
    )
    assert made.query == (
        "MATCH p = (n0:`User` {`id`: $p0})-[:`BOUGHT`|`SAW`]->(n1:`Movie` {`id`: $p1})-[:`BY`]->(n2:`Person`)"
        "<-[:`BY`]-(n3:`Movie` {`id`: $p3}) WHERE elementId(n2) = $p2 RETURN p LIMIT 25"
    )
    assert made.parameters == {"p0": 12, "p1": "alien", "p2": "4:a:7", "p3": "it's"}


def test_types_that_lead_either_way_say_which_way():
    made = cypher_of([PathNode(MOVIE, "a"), PathNode(MOVIE, "b")], [[("part of", False), ("HAS", True)]])
    assert made.text == (
        "MATCH p = (n0:`Movie` {`id`: 'a'})-[r1:`part of`|`HAS`]-(n1:`Movie` {`id`: 'b'}) WHERE "
        "(type(r1) = 'part of' AND startNode(r1) = n0 OR type(r1) = 'HAS' AND startNode(r1) = n1) RETURN p LIMIT 25"
    )


@pytest.mark.parametrize(
    ("kinds", "id_", "condition"),
    [
        (("str",), "12", " {`k`: '12'})"),
        (("int",), "12", " {`k`: 12})"),
        (("int",), "-9", " {`k`: -9})"),
        (("float",), "1.5", " {`k`: 1.5})"),
        (("bool",), "true", " {`k`: true})"),
        (("Date",), "2024-02-29", " {`k`: date('2024-02-29')})"),
        (("int", "str"), "12", ") WHERE n0.`k` IN [12, '12']"),
        (("int", "str"), "012", " {`k`: '012'})"),
        (("int", "str"), "9223372036854775807", ") WHERE n0.`k` IN [9223372036854775807, '9223372036854775807']"),
        (("int", "str"), "9223372036854775808", " {`k`: '9223372036854775808'})"),
        (("float", "str"), "12", ") WHERE n0.`k` IN [12.0, '12']"),
        (("float", "str"), "12.0", " {`k`: '12.0'})"),
        (("float", "str"), "1_2", " {`k`: '1_2'})"),
        (("Date", "str"), "2023-02-29", " {`k`: '2023-02-29'})"),
    ],
)
def test_an_id_is_of_the_kinds_that_the_key_has(kinds, id_, condition):
    made = one(NodePlace(label="L", key=("k",), kinds=(kinds,)), id_)
    assert made.text == f"MATCH p = (n0:`L`{condition} RETURN p LIMIT 25"


@pytest.mark.parametrize(
    ("place", "id_"),
    [
        (NodePlace(label="L", key=("k",), kinds=(("int",),)), "012"),
        (NodePlace(label="L", key=("k",), kinds=(("float",),)), "nan"),
        (NodePlace(label="L", key=("k",), kinds=(("DateTime",),)), "2024-02-29T00:00:00"),
        (NodePlace(label="L", key=("a", "b"), kinds=(("str",), ("str",))), "no separator"),
        (NodePlace(label="L", key=("k",), kinds=(("str",),), prefix=True), "M/x"),
        (NodePlace(label="L", key=tuple("abcd"), kinds=(("str",),) * 4), "|" * 30),
    ],
)
def test_rather_none_than_a_wrong_one(place, id_):
    assert one(place, id_) is None
    assert cypher_of([PathNode(MOVIE, "a"), PathNode(MOVIE, "b")], [[]]) is None


def test_a_composite_key_is_parted_in_every_way():
    pair = NodePlace(label="L", key=("a", "b"), kinds=(("str",), ("int",)), separator="||")
    assert one(pair, "x||7").parameters == {"p0": "x", "p1": 7}
    # Of "x|||7" the separator may be the first two strokes or the last two, but |7 is no whole number.
    assert one(pair, "x|||7").parameters == {"p0": "x|", "p1": 7}
    texts = pair.model_copy(update={"kinds": (("str",), ("str",))})
    assert one(texts, "x|||7").text == (
        "MATCH p = (n0:`L`) WHERE (n0.`a` = 'x' AND n0.`b` = '|7' OR n0.`a` = 'x|' AND n0.`b` = '7') RETURN p LIMIT 25"
    )


def test_prefixes_and_nodes_without_a_key():
    place = NodePlace(label="A/B", key=("k",), kinds=(("str",),), prefix=True, unkeyed=True)
    assert one(place, "A/B/x").text == (
        "MATCH p = (n0:`A/B`) WHERE (n0.`k` = 'x' OR elementId(n0) = 'A/B/x') RETURN p LIMIT 25"
    )
    assert one(place, "4:z:1").text == "MATCH p = (n0:`A/B`) WHERE elementId(n0) = '4:z:1' RETURN p LIMIT 25"
    assert one(NodePlace(label=None), "4:z:1").text == "MATCH p = (n0) WHERE elementId(n0) = '4:z:1' RETURN p LIMIT 25"


@pytest.mark.neo4j
def test_every_string_is_read_as_itself(fresh_neo4j):
    rng = random.Random(1)
    mixed = ["".join(rng.choice("\\'u0027`\"\n{}5Cc") for _ in range(rng.randint(1, 12))) for _ in range(300)]
    texts = [*NASTY, *mixed]
    with fresh_neo4j.connect() as connection:
        for start in range(0, len(texts), 50):
            part = texts[start : start + 50]
            query = f"RETURN [{', '.join(map(text_literal, part))}] AS found"
            assert connection.read_all(query)[0]["found"] == part


@pytest.mark.neo4j
def test_names_and_values_that_try_to_be_cypher(fresh_neo4j):
    label, key, kind = "A`B\\u0060) //", "k'`\\u0027", "T`]-() DETACH DELETE n //"
    place = NodePlace(label=label, key=(key,), kinds=(("str",),))
    quoted = [name.replace("\\", "\\u005C").replace("`", "``") for name in (label, key, kind)]
    fill = "CREATE (a:`%s`) SET a.`%s` = $x CREATE (b:`%s`) SET b.`%s` = $y CREATE (a)-[:`%s`]->(b)"
    for text in filter(None, NASTY):
        fresh_neo4j.fill("MATCH (n) DETACH DELETE n")
        fresh_neo4j.fill(fill % (quoted[0], quoted[1], quoted[0], quoted[1], quoted[2]), x=text, y=f"{text}!")
        made = cypher_of([PathNode(place, text), PathNode(place, f"{text}!")], [[(kind, False)]])
        with fresh_neo4j.connect() as connection:
            for rows in (connection.read_all(made.text), connection.read_all(made.query, **made.parameters)):
                assert [[node[key] for node in row["p"].nodes] for row in rows] == [[text, f"{text}!"]]
                assert connection.read_all("MATCH (n) RETURN count(n) AS n")[0]["n"] == 2
