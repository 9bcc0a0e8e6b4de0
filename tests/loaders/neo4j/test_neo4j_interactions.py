"""Interactions kept as relationships: the same log that a table of them would give."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from plait.kg import ConfigError, DataError
from plait.loaders.logs.interactions import InteractionsConfig, read_interactions
from plait.loaders.neo4j.interactions import Neo4jInteractions, read_neo4j_interactions
from plait.loaders.neo4j.read import Neo4jGraph, read_neo4j

BUYS = """
UNWIND $rows AS row
MERGE (u:User {id: row[0]}) MERGE (p:Product {sku: row[1]})
CREATE (u)-[:BOUGHT {at: row[2], n: row[3]}]->(p)
"""
ROWS = [["u1", "007", 300, 2], ["u2", "7", 100, 1], ["u1", "7", 200, 5], ["u1", "007", 400, 3], ["ü 3", "x'y", 250, 1]]


def options(database, **more):
    unset = {"password_env"} if database.server.password_file else set()
    server = database.server.model_dump(exclude_unset=True, exclude=unset)
    return {"source": "neo4j", **server, **more}


def config(database, **more):
    usual = {"user_label": "User", "item_label": "Product", "relationships": ["BOUGHT"], "keys": {"Product": "sku"}}
    return Neo4jInteractions.model_validate(options(database, **{**usual, **more}))


def rows(log):
    users, items = log.users.to_arrow().to_pylist(), log.items.to_arrow().to_pylist()
    time = np.full(len(log), np.nan) if log.time is None else log.time
    return [
        (users[u], items[i], float(w), float(t))
        for u, i, w, t in zip(log.user, log.item, log.weight, time, strict=True)
    ]


@pytest.mark.parametrize("rule", ["last", "first", "sum", "max"])
def test_the_log_is_that_of_a_table(holding, tmp_path, rule):
    database = holding(BUYS, rows=ROWS)
    (log,), report = read_neo4j_interactions(config(database, weight="n", time="at", duplicates=rule, session_gap=2))
    table = tmp_path / "log.csv"
    table.write_text("user,item,time,weight\n" + "".join(f"{u},{i},{t},{w}\n" for u, i, t, w in ROWS))
    same = InteractionsConfig(path=table, duplicates=rule, session_gap=2)
    (expected,), wanted = read_interactions(same)
    assert rows(log) == rows(expected)
    assert np.array_equal(log.session, expected.session)
    assert (report.rows, report.duplicates) == (wanted.rows, wanted.duplicates) == (5, 1)
    (log,), _ = read_neo4j_interactions(config(database, weight="n", time="at"), deduplicate=False)
    assert sorted(rows(log)) == sorted((u, i, float(n), float(t)) for u, i, t, n in ROWS)


def test_several_relationships_with_weights(holding):
    database = holding(
        "CREATE (u:User {id: 'u'}), (p:Product {sku: 'p'}), (q:Product {sku: 'q'}), (:Product {sku: 'unseen'}), "
        "(u)-[:VIEWED {n: 3}]->(p), (u)-[:BOUGHT]->(q), (u)-[:CARTED {n: 4}]->(q), (q)-[:BOUGHT]->(p)"
    )
    weights = {"VIEWED": 0.5, "BOUGHT": 7}
    (log,), report = read_neo4j_interactions(config(database, relationships=weights, weight="n"))
    # A relationship without the property weighs 1, times its type.
    assert sorted(row[:3] for row in rows(log)) == [("u", "p", 1.5), ("u", "q", 7.0)]
    assert log.time is None and len(log.items) == 2
    assert [(d.rule, d.rows) for d in report.dropped] == [("relationship that does not lead from :User to :Product", 1)]
    assert report.rows == 3


def test_times_of_the_server(holding):
    database = holding(
        "CREATE (u:User {id: 'u'}), (u)-[:BOUGHT {at: datetime('1970-01-02T01:00:00+01:00')}]->(:Product {sku: 'a'}), "
        "(u)-[:BOUGHT {at: date('1970-01-03')}]->(:Product {sku: 'b'}), "
        "(u)-[:BOUGHT {at: '1970-01-01T00:00:10'}]->(:Product {sku: 'c'})"
    )
    (log,), _ = read_neo4j_interactions(config(database, time="at"))
    assert [(item, time) for _, item, _, time in rows(log)] == [("c", 10.0), ("a", 86400.0), ("b", 172800.0)]


def test_people_who_buy_people(holding):
    database = holding("CREATE (a:User {id: 'a'})-[:BOUGHT]->(b:User:Product {id: 'b', sku: 'B'})-[:BOUGHT]->(a)")
    (log,), _ = read_neo4j_interactions(config(database))
    # b is a user by one key and an item by the other.
    assert [row[:2] for row in rows(log)] == [("a", "B")]
    (log,), _ = read_neo4j_interactions(config(database, item_label="User", keys={"User": "id"}))
    assert sorted(row[:2] for row in rows(log)) == [("a", "b"), ("b", "a")]


def test_what_is_held_out_is_not_in_the_graph(holding):
    database = holding(BUYS, rows=ROWS)
    database.fill("MATCH (p:Product {sku: '7'}) CREATE (p)-[:MADE_BY]->(:Brand {id: 'acme'})")
    log = config(database)
    graph = read_neo4j(Neo4jGraph.model_validate(options(database, keys={"Product": "sku"})), without=log.relationships)
    assert graph.relations == ("MADE_BY",) and graph.n_triples == 1
    (interactions,), _ = read_neo4j_interactions(log)
    # Ids of items are those of their entities.
    assert (graph.entities.numbers(interactions.items.to_arrow()) >= 0).all()


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"relationships": ["BOUGTH"]}, ConfigError, "'BOUGHT'"),
        ({"user_label": "Usr"}, ConfigError, "'User'"),
        ({"weight": "word"}, DataError, "4 relationships BOUGHT have a word that is no number, such as 'w'"),
        ({"time": "word"}, DataError, "5 relationships BOUGHT have no time in word"),
        ({"time": "absent"}, DataError, "5 relationships BOUGHT have no time in absent"),
        ({"user_label": "Product", "item_label": "User"}, DataError, "direction"),
        ({"session_gap": 5}, DataError, "needs times"),
    ],
)
def test_what_cannot_be_read_is_told(holding, more, error, message):
    database = holding(BUYS, rows=ROWS)
    database.fill("MATCH (:User {id: 'u1'})-[r]->() SET r.word = 'w'")
    database.fill("MATCH (:User {id: 'u2'})-[r]->() SET r.word = 'w'")
    with pytest.raises(error, match=message):
        read_neo4j_interactions(config(database, **more))


def test_no_relationship_at_all(holding):
    with pytest.raises(ConfigError, match="BOUGHT"):
        read_neo4j_interactions(config(holding("CREATE (:User {id: 'u'}), (:Product {sku: 'p'})")))


def test_relationships_are_stated():
    stated = {"source": "neo4j", "user_label": "U", "item_label": "I"}
    made = Neo4jInteractions.model_validate({**stated, "relationships": ["A", "B"], "keys": {"U": "x"}})
    assert made.relationships == {"A": 1, "B": 1} and made.keys == {"U": ("x",)}
    assert Neo4jInteractions.model_validate({**stated, "relationships": "A"}).relationships == {"A": 1}
    for wrong in ([], {}, {"A": float("nan")}):
        with pytest.raises(ValidationError):
            Neo4jInteractions.model_validate({**stated, "relationships": wrong})
