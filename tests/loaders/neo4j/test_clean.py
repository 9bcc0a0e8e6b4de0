"""Taking out what one model wrote: exactly that, with others' properties, relationships, nodes and indexes beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.loaders.neo4j.clean import clean
from plait.loaders.neo4j.ledger import Entry, entries, note
from plait.loaders.neo4j.own import own_writings
from plait.loaders.neo4j.vector_index import find_index
from plait.loaders.neo4j.write_embeddings import write_embeddings
from plait.loaders.neo4j.write_recommendations import write_recommendations

AT = datetime(2024, 5, 6, tzinfo=UTC)
FILL = (
    "CREATE (u:User {uid: 'u1'}), (:User {uid: 'u2'}), (a:Item {id: 'a', plait_embedding: [7.0]}), "
    "(b:Item {id: 'b', plait_created_by: 'm1'}), (:Item {id: 'c'}), (u)-[:RECOMMENDED {score: 0.1}]->(a), "
    "(u)-[:RECOMMENDED {model: 'theirs'}]->(b), (u)-[:BOUGHT {model: 'm1'}]->(b)"
)


def everything(database: Any) -> tuple[list[str], list[str]]:
    """Nodes and relationships, with all that is told of them."""
    with database.connect() as connection:
        nodes = connection.read_all("MATCH (n) RETURN labels(n) AS l, properties(n) AS p")
        edges = connection.read_all(
            "MATCH (a)-[r]->(b) RETURN properties(a) AS a, type(r) AS t, properties(r) AS p, properties(b) AS b"
        )
    return (
        sorted(json.dumps([sorted(n["l"]), n["p"]], default=str, sort_keys=True) for n in nodes),
        sorted(json.dumps(list(e.values()), default=str, sort_keys=True) for e in edges),
    )


def embed(database: Any, model: str, ids: list[str], *, index: bool = False, **more: Any) -> Any:
    rows = pa.table({"id": ids, "embedding": pa.array(np.eye(len(ids), 3).tolist(), pa.list_(pa.float32()))})
    return write_embeddings(
        database.server, rows, label="Item", key="id", model_id=model, created=AT, index=index, **more
    )


def recommend(database: Any, model: str, *pairs: tuple[str, str]) -> Any:
    users, items = zip(*pairs, strict=True)
    rows = pa.table({"user_id": users, "item_id": items, "score": [0.5] * len(pairs), "rank": [1] * len(pairs)})
    return write_recommendations(
        database.server, rows, user_label="User", item_label="Item", user_key="uid", item_key="id", model_id=model,
        created=AT, create_users=True,
    )  # fmt: skip


def test_the_database_is_as_it_was(fresh: Any) -> None:
    fresh.fill(FILL)
    before = everything(fresh)
    embed(fresh, "m1", ["a", "b", "c"])
    recommend(fresh, "m1", ("u1", "a"), ("new", "b"), ("u2", "c"))
    written = everything(fresh)
    would = clean(fresh.server, "m1", dry_run=True)
    assert everything(fresh) == written
    report = clean(fresh.server, "m1")
    assert (report.known, report.embeddings, report.recommendations, report.nodes, report.kept) == (True, 2, 3, 1, 0)
    assert (would.embeddings, would.recommendations, would.nodes, would.kept) == (2, 3, 1, 0)
    assert everything(fresh) == before
    again = clean(fresh.server, "m1")
    assert (again.known, again.embeddings) == (False, 0)


def test_another_models_things_stay(fresh: Any) -> None:
    fresh.fill(FILL)
    embed(fresh, "m2", ["b"])
    recommend(fresh, "m2", ("u1", "a"), ("u2", "b"))
    before = everything(fresh)
    embed(fresh, "m1", ["c"])
    recommend(fresh, "m1", ("u1", "a"), ("u1", "b"), ("x", "a"))
    clean(fresh.server, "m1")
    assert everything(fresh) == before


def test_a_model_that_wrote_nothing(fresh: Any) -> None:
    fresh.fill(FILL)
    before = everything(fresh)
    assert clean(fresh.server, "m1").known is False
    assert clean(fresh.server, "x' OR 1=1 //`").known is False
    assert everything(fresh) == before


def test_a_made_user_in_use_stays(fresh: Any) -> None:
    fresh.fill("CREATE (:Item {id: 'a'}), (:Item {id: 'b'})")
    recommend(fresh, "m1", ("new", "a"), ("newer", "a"), ("newest", "a"))
    recommend(fresh, "m2", ("newer", "b"))
    fresh.fill("MATCH (u:User {uid: 'new'}), (i:Item {id: 'b'}) CREATE (u)-[:BOUGHT]->(i)")
    assert (clean(fresh.server, "m1", dry_run=True).nodes, clean(fresh.server, "m1", dry_run=True).kept) == (1, 2)
    report = clean(fresh.server, "m1")
    assert (report.nodes, report.kept, report.recommendations) == (1, 2, 3)
    with fresh.connect() as connection:
        rows = connection.read_all("MATCH (u:User) RETURN u.uid AS u, u.plait_created_by AS m")
    # The customer belongs to whoever sold to them, and the other to the model that still recommends.
    assert {(row["u"], row["m"]) for row in rows} == {("new", None), ("newer", "m2")}
    clean(fresh.server, "m2")
    with fresh.connect() as connection:
        assert [row["u"] for row in connection.read_all("MATCH (u:User) RETURN u.uid AS u")] == ["new"]


def test_what_somebody_told_of_a_made_user_stays(fresh: Any) -> None:
    fresh.fill("CREATE (:Item {id: 'a'})")
    recommend(fresh, "m1", ("new", "a"), ("newer", "a"))
    # What a model wrote to it is nobody's telling.
    rows = pa.table({"id": ["new", "newer"], "embedding": [[1.0, 0.0], [0.0, 1.0]]})
    write_embeddings(fresh.server, rows, label="User", key="uid", model_id="m1", created=AT, index=False)
    fresh.fill("MATCH (u:User {uid: 'new'}) SET u.email = 'new@example.org'")
    with fresh.connect() as connection:
        own = own_writings(connection)
        made = connection.read_all("MATCH (u:User {uid: 'newer'}) RETURN elementId(u) AS id")
        assert own.nodes == (made[0]["id"],)
    would, report = clean(fresh.server, "m1", dry_run=True), clean(fresh.server, "m1")
    assert (would.nodes, would.kept) == (report.nodes, report.kept) == (1, 1)
    with fresh.connect() as connection:
        rows = connection.read_all("MATCH (u:User) RETURN properties(u) AS p")
        assert [row["p"] for row in rows] == [{"uid": "new", "email": "new@example.org"}]


def test_an_index_stays_noted_if_a_later_write_makes_none(fresh: Any) -> None:
    with fresh.connect() as connection:
        for index in ("plait_Item_x", ""):
            note(connection, Entry("m1", "embeddings", "Item", "x", index), AT)
        assert [entry.index for entry in entries(connection)] == ["plait_Item_x"]


def test_what_was_written_by_half_is_found(fresh: Any) -> None:
    fresh.fill(FILL)
    before = everything(fresh)

    def cut(n: int, total: int | None, note: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(fresh, "m1", ["b", "c"], batch=1, on_progress=cut)
    assert clean(fresh.server, "m1").embeddings >= 1
    assert everything(fresh) == before


@pytest.mark.parametrize("evil", ["x`}) DETACH DELETE n //", r"\u0060) MATCH (m) DETACH DELETE m //", "'"])
def test_names_that_try_to_be_cypher(fresh: Any, evil: str) -> None:
    fresh.fill(FILL)
    before = everything(fresh)
    assert embed(fresh, evil, ["b"], name=evil).written == 1
    assert clean(fresh.server, evil).embeddings == 1
    assert everything(fresh) == before


@pytest.mark.neo4j
def test_the_index_goes_with_its_last_model(fresh_neo4j: Any) -> None:
    fresh_neo4j.fill("CREATE (:Item {id: 'a'}), (:Item {id: 'b'}), (:Item {id: 'c'})")
    for model, ids in (("m1", ["a"]), ("m2", ["b"])):
        embed(fresh_neo4j, model, ids, index=True)
    assert clean(fresh_neo4j.server, "m1").indexes == []
    with fresh_neo4j.connect() as connection:
        assert find_index(connection, "Item", "plait_embedding") is not None
    assert clean(fresh_neo4j.server, "m2").indexes == ["plait_Item_plait_embedding"]
    with fresh_neo4j.connect() as connection:
        assert find_index(connection, "Item", "plait_embedding") is None


@pytest.mark.neo4j
def test_somebody_elses_index_stays(fresh_neo4j: Any) -> None:
    fresh_neo4j.fill("CREATE (:Item {id: 'a'})")
    with fresh_neo4j.connect() as connection:
        connection.run(
            "CREATE VECTOR INDEX mine FOR (n:Item) ON n.plait_embedding "
            "OPTIONS {indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}"
        )
    assert embed(fresh_neo4j, "m1", ["a"], index=True).index == "mine"
    assert clean(fresh_neo4j.server, "m1").indexes == []
    with fresh_neo4j.connect() as connection:
        assert find_index(connection, "Item", "plait_embedding") is not None
