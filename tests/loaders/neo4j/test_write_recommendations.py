"""Recommendations as relationships: replaced user by user, others' left alone, unknown ids counted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from plait.kg import ConfigError, DataError
from plait.loaders.neo4j.write_recommendations import write_recommendations

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
Row = tuple[str, str, float, int]


def table(*rows: Row) -> pa.Table:
    users, items, scores, ranks = zip(*rows, strict=True)
    return pa.table({"user_id": users, "item_id": items, "score": scores, "rank": ranks})


def write(database: Any, rows: pa.Table, **more: Any) -> Any:
    told: dict[str, Any] = {
        "user_label": "User", "item_label": "Item", "user_key": "uid", "item_key": "id", "model_id": "m1", "created": AT,
    }  # fmt: skip
    return write_recommendations(database.server, rows, **(told | more))


def related(database: Any) -> set[tuple[str, str, float | None, int | None, str | None]]:
    query = "MATCH (u)-[r:RECOMMENDED]->(i) RETURN u.uid AS u, i.id AS i, r.score AS s, r.rank AS k, r.model AS m"
    with database.connect() as connection:
        rows = connection.read_all(query)
    found = [(row["u"], row["i"], row["s"], row["k"], row["m"]) for row in rows]
    assert max(Counter(found).values(), default=1) == 1
    return set(found)


@pytest.fixture
def shop(fresh: Any) -> Any:
    """Three users, four items; somebody's own recommendation, and another model's."""
    fresh.fill(
        "CREATE (u:User {uid: 'u1'}), (:User {uid: 'u2'}), (:User {uid: 'u3'}), (a:Item {id: 'a'}), (b:Item {id: 'b'}), "
        "(:Item {id: 'c'}), (:Item {id: 'd'}), (u)-[:RECOMMENDED {score: 0.1}]->(a), "
        "(u)-[:RECOMMENDED {score: 0.2, rank: 1, model: 'other'}]->(b), (u)-[:BOUGHT {model: 'm1'}]->(a)"
    )
    return fresh


THEIRS = {("u1", "a", 0.1, None, None), ("u1", "b", 0.2, 1, "other")}


@pytest.mark.parametrize("batch", [1, 2, 5000])
def test_lists_are_replaced_user_by_user(shop: Any, batch: int) -> None:
    first = table(
        ("u2", "a", 0.5, 2), ("u1", "a", 0.9, 1), ("u2", "c", 0.7, 1), ("u1", "b", 0.8, 2), ("u1", "d", 0.3, 3)
    )
    report = write(shop, first, batch=batch)
    ours = {
        ("u1", "a", 0.9, 1, "m1"), ("u1", "b", 0.8, 2, "m1"), ("u1", "d", 0.3, 3, "m1"), ("u2", "c", 0.7, 1, "m1"),
        ("u2", "a", 0.5, 2, "m1"),
    }  # fmt: skip
    assert related(shop) == THEIRS | ours
    assert (report.users, report.created, report.deleted) == (2, 5, 0)
    again = write(shop, first, batch=batch)
    assert (again.created, again.deleted) == (5, 5)
    assert related(shop) == THEIRS | ours
    # u1 anew: u2, whom the table does not name, keeps what was written.
    newer = write(shop, table(("u1", "c", 0.4, 1)), batch=batch)
    assert (newer.users, newer.created, newer.deleted) == (1, 1, 3)
    kept = {row for row in ours if row[0] == "u2"}
    assert related(shop) == THEIRS | kept | {("u1", "c", 0.4, 1, "m1")}
    with shop.connect() as connection:
        at = connection.read_all("MATCH ()-[r:RECOMMENDED {rank: 1, model: 'm1'}]->(:Item {id: 'c'}) RETURN r.at AS at")
        # ArcadeDB forgets that it is UTC.
        assert {row["at"].to_native().replace(tzinfo=UTC) for row in at} == {AT}
        assert connection.read_all("MATCH ()-[r:BOUGHT]->() RETURN count(r) AS n")[0]["n"] == 1


def test_unknown_ids_are_counted(shop: Any) -> None:
    rows = table(("u1", "nope`", 0.5, 1), ("u1", "c", 0.4, 2), ("who'", "a", 0.3, 1), ("u2", "nope`", 0.2, 1))
    report = write(shop, rows)
    assert report.unknown_items == (1, ["nope`"])
    assert report.unknown_users == (1, ["who'"])
    assert (report.users, report.created) == (2, 1)
    assert related(shop) == THEIRS | {("u1", "c", 0.4, 2, "m1")}


def test_missing_users_are_made_and_marked(shop: Any) -> None:
    rows = table(("new", "a", 0.5, 1), ("new2", "b", 0.4, 1), ("u2", "b", 0.3, 1))
    report = write(shop, rows, create_users=True)
    assert (report.users, report.users_created, report.unknown_users) == (3, 2, (0, []))
    assert related(shop) - THEIRS == {
        ("new", "a", 0.5, 1, "m1"),
        ("new2", "b", 0.4, 1, "m1"),
        ("u2", "b", 0.3, 1, "m1"),
    }
    assert write(shop, rows, create_users=True).users_created == 0
    with shop.connect() as connection:
        made = connection.read_all("MATCH (u:User) WHERE u.plait_created_by = 'm1' RETURN u.uid AS u")
    assert {row["u"] for row in made} == {"new", "new2"}
    with pytest.raises(ConfigError, match="cannot be created of a key of 2 properties"):
        write(shop, rows, create_users=True, user_key=["uid", "shop"])


def test_ids_that_begin_with_their_label(shop: Any) -> None:
    rows = table(("User/u2", "c", 0.5, 1), ("u3", "c", 0.5, 1))
    report = write(shop, rows, user_id_prefix=True)
    assert report.unknown_users == (1, ["u3"]) and related(shop) == THEIRS | {("u2", "c", 0.5, 1, "m1")}
    rows = table(("u2", "Item/d", 0.5, 1), ("u2", "d", 0.5, 2))
    report = write(shop, rows, item_id_prefix=True)
    assert report.unknown_items == (1, ["d"]) and related(shop) == THEIRS | {("u2", "d", 0.5, 1, "m1")}
    # A user that is called User/u9 would be nobody's.
    with pytest.raises(ConfigError, match="cannot be created of ids that begin with User/"):
        write(shop, rows, create_users=True, user_id_prefix=True)


def test_made_users_have_keys_like_the_others(fresh: Any) -> None:
    fresh.fill("CREATE (:User {uid: 1}), (:Item {id: 'a'})")
    write(fresh, table(("2", "a", 0.5, 1), ("007", "a", 0.5, 1)), create_users=True)
    with fresh.connect() as connection:
        found = connection.read_all("MATCH (u:User) RETURN u.uid AS u")
    assert {row["u"] for row in found} == {1, 2, "007"}


def test_dry_run(shop: Any) -> None:
    rows = table(("u1", "c", 0.5, 1), ("new", "a", 0.4, 1), ("u1", "zz", 0.1, 2))
    report = write(shop, rows, dry_run=True)
    assert report.preview is not None
    assert report.preview.counts == {"users": 1, "relationships": 1, "users created": 0}
    assert report.preview.rows == [{"user_id": "u1", "item_id": "c", "score": 0.5, "rank": 1}]
    assert (report.created, report.unknown_users) == (0, (1, ["new"]))
    assert related(shop) == THEIRS
    preview = write(shop, rows, dry_run=True, create_users=True).preview
    assert preview.counts == {"users": 2, "relationships": 2, "users created": 1}
    with shop.connect() as connection:
        assert connection.read_all("MATCH (n) RETURN count(n) AS n")[0]["n"] == 7


def test_tables_that_cannot_be_used(fresh_arcade: Any) -> None:
    good = table(("u", "a", 0.5, 1))
    for rows, message in (
        (good.drop_columns(["rank"]), "no column 'rank'"),
        (table(("u", "a", 0.5, 1), ("u", "a", 0.4, 2)), "the item 'a' is recommended to the user 'u' twice"),
        (table(("u", "a", float("nan"), 1)), "not finite"),
        (
            pa.table({"user_id": ["u"], "item_id": pa.array([None], pa.string()), "score": [1.0], "rank": [1]}),
            "no item_id",
        ),
    ):
        with pytest.raises(DataError, match=message):
            write(fresh_arcade, rows)
    nobody = write(fresh_arcade, good)
    assert (nobody.unknown_users, nobody.unknown_items, nobody.created) == ((1, ["u"]), (1, ["a"]), 0)
    assert write(fresh_arcade, good.slice(0, 0)).users == 0


EVIL = ["x`}) DETACH DELETE n //", r"\u0060]->() MATCH (m) DETACH DELETE m //", "'", "$model"]


@pytest.mark.parametrize("evil", EVIL)
def test_strings_that_try_to_be_cypher(fresh: Any, evil: str) -> None:
    fresh.fill("CREATE (:Bystander {id: 1}), (:U {k: $e}), (:I {k: $e})", e=evil)
    write(
        fresh, table((evil, evil, 0.5, 1)), user_label="U", item_label="I", user_key="k", item_key="k", model_id=evil,
        name=evil,
    )  # fmt: skip
    with fresh.connect() as connection:
        rows = connection.read_all("MATCH (u:U)-[r]->(i:I) RETURN type(r) AS t, r.model AS m")
        # ArcadeDB keeps an escaped backslash as it is written.
        name = evil if fresh.kind == "neo4j" else evil.replace("\\u", "\\u005Cu")
        assert [(row["t"], row["m"]) for row in rows] == [(name, evil)]
        assert connection.read_all("MATCH (n:Bystander) RETURN count(n) AS n")[0]["n"] == 1
