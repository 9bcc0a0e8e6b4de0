"""A model trained from a server explains by paths, and the Cypher of each path finds it there, node for node."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import plait
from plait.cli import app
from plait.fusion import Config, read_config
from plait.fusion.neo4j_paths import tell_pushed
from plait.fusion.storage import read_record
from plait.loaders import read_graph
from plait.loaders.neo4j.push import push_graph

pytestmark = pytest.mark.neo4j

BRANDS = ["it's", "'}) DETACH DELETE n //", "\\u0027 a\\", 'q"`$p0']
# `told` is each node's id as it should be, by which the test knows a node again.
FILL = """
UNWIND $users AS i MERGE (:User {id: i, told: toString(i)});
UNWIND $items AS i MERGE (:Product {shop: 's|' + (i % 2), number: i, told: 's|' + (i % 2) + '|' + i});
UNWIND range(0, size($brands) - 1) AS i MERGE (:Brand {name: $brands[i], told: $brands[i]});
UNWIND range(0, 2) AS i MERGE (:Year {year: 2000 + i, told: toString(2000 + i)});
UNWIND range(0, 1) AS i CREATE (m:`Ma``ker\\u005Cu0060 x` {note: i}) SET m.told = elementId(m);
UNWIND $items AS i MATCH (p:Product {number: i}), (b:Brand {name: $brands[i % 4]}) CREATE (p)-[:`MADE ``BY` ]->(b);
UNWIND $items AS i MATCH (p:Product {number: i}), (y:Year {year: 2000 + i % 3}) CREATE (y)-[:YEAR_OF]->(p);
UNWIND $items AS i MATCH (p:Product {number: i}), (m {note: i % 5 % 2}) CREATE (p)-[:MAKER]->(m);
UNWIND $log AS row MATCH (u:User {id: row[0]}), (p:Product {number: row[1]})
CREATE (u)-[:BOUGHT {at: row[2]}]->(p) CREATE (u)-[:VIEWED {at: row[2] - 1}]->(p)
"""
N_ITEMS, N_USERS = 18, 12
LOG = [[u, (3 * u + i * i) % N_ITEMS, 100 * i + u] for u in range(N_USERS) for i in range(5)]
LABELS = {"Product": ["shop", "number"], "Brand": "name", "Year": "year", "Ma`ker\\u0060 x": []}


@pytest.fixture
def filled(fresh_neo4j):
    for query in FILL.split(";\n"):
        fresh_neo4j.fill(query, users=list(range(N_USERS)), items=list(range(N_ITEMS)), brands=BRANDS, log=LOG)
    return fresh_neo4j


def configured(database, **graph):
    unset = {"password_env"} if database.server.password_file else set()
    server = {"source": "neo4j", **database.server.model_dump(mode="json", exclude_unset=True, exclude=unset)}
    log = {"user_label": "User", "item_label": "Product", "relationships": ["BOUGHT", "VIEWED"], "time": "at"}
    return Config.model_validate(
        {
            "data": {
                "interactions": {**server, **log, "keys": {"User": "id", "Product": ["shop", "number"]}},
                "graph": {
                    **server, "labels": list(LABELS), "keys": LABELS, "exclude_properties": ["told", "note", "shop", "year"],
                    "schema": {"item_type": "Product"}, **graph,
                },
            },
            "text": None, "gnn": {"epochs": 1, "dimension": 4}, "ease": {"l2": [1], "entity_weight": [1]}, "threads": 1,
            "blend": {"step": 0.5}, "evaluation": {"ks": [3], "ablations": False},
        }
    )  # fmt: skip


def explained(model, history=()):
    """Paths from some users to all items."""
    for user in model.users.ids([0, 5, 7]):
        for item in model.items:
            yield from model.explain(user, item, n=4, history=history)


def nodes_of(found, prefix=""):
    """Ids of a path's nodes in order, without the user."""
    _, *hops = found.hops
    starts = [hop.tail if hop.reverse else hop.head for hop in hops]
    return [name.removeprefix(prefix) for name in (*starts, hops[-1].head if hops[-1].reverse else hops[-1].tail)]


def check(database, model, *, user=True):
    """Run the Cypher of every path; how many there were, and which relations they went by."""
    n, relations = 0, set()
    with database.connect() as connection:
        for found in explained(model):
            if found.kind != "graph" or found.cypher is None:
                continue
            wanted = [*([found.hops[0].head] if user else []), *nodes_of(found)]
            rows = connection.read_all(found.cypher)
            assert rows, found.cypher
            for row in (*rows, *connection.read_all(found.in_neo4j.query, **found.in_neo4j.parameters)):
                assert [node["told"] for node in row["p"].nodes] == wanted
            n, relations = n + 1, relations | {hop.relation for hop in found.hops[1:]}
            assert found.as_record()["cypher"] == found.cypher
    return n, relations


def test_every_path_is_found(filled, tmp_path):
    trained = plait.train(configured(filled))
    trained.save(tmp_path / "model")
    model = plait.load(tmp_path / "model")
    n, relations = check(filled, model)
    assert n > 50
    assert relations == {"MADE `BY", "YEAR_OF", "MAKER"}
    assert [found.text for found in explained(model) if found.kind == "graph" and not found.cypher] == []
    assert "bolt" not in (tmp_path / "model" / "neo4j.json").read_text()
    printed = CliRunner().invoke(
        app, ["explain", str(tmp_path / "model"), "-u", "0", "-i", model.items.id(0), "--cypher"]
    )
    assert [line for line in printed.stdout.splitlines() if line.startswith("MATCH p")] == [
        found.cypher for found in model.explain("0", model.items.id(0), n=5)
    ]
    text = next(found.cypher for found in explained(model) if "it's" in str(found.hops))
    start = "MATCH p = (n0:`User` {`id`: 0})-[:`BOUGHT`|`VIEWED`]->(n1:`Product` {`shop`: 's|0', `number`: "
    assert text.startswith(start)
    assert "})-[:`MADE ``BY`]->(n2:`Brand` {`name`: 'it\\'s'})<-[:`MADE ``BY`]-(n3:`Product` {`shop`: 's|" in text


def test_what_the_caller_tells_is_no_relationship(filled):
    model = plait.train(configured(filled)).recommender
    item = model.items.id(0)
    paths = [found for found in model.explain("nobody", model.items.id(1), history=[item]) if found.kind == "graph"]
    assert paths
    with filled.connect() as connection:
        for found in paths:
            rows = connection.read_all(found.cypher)
            assert [[node["told"] for node in row["p"].nodes] for row in rows] == [nodes_of(found)]


def test_prefixed_ids_and_a_relation_made_of_two(filled):
    filled.fill("MATCH (p:Product)-[:MAKER]->(m) WHERE p.number % 2 = 0 CREATE (m)-[:MAKES]->(p)")
    filled.fill("MATCH (p:Product)-[r:MAKER]->(m) WHERE p.number % 2 = 0 DELETE r")
    mapping = {"inverse": {"MAKER": "MAKES"}}
    config = configured(filled, id_prefix=True, item_label="Product", mapping=mapping)
    model = plait.train(config).recommender
    n = 0
    with filled.connect() as connection:
        for found in explained(model):
            if found.kind == "graph" and any(hop.relation == "MAKER" for hop in found.hops):
                told = [node["told"] for node in connection.read_all(found.cypher)[0]["p"].nodes]
                plain = [
                    name.partition("/")[2] if "/" in name and not name.startswith("4:") else name
                    for name in nodes_of(found)
                ]
                assert told == [found.hops[0].head, *plain]
                n += 1
    assert n > 10


@pytest.mark.parametrize("name", ["same_brand", "shop"])
def test_a_relation_that_is_no_relationship_has_no_cypher(filled, name):
    """One made of a path, and one made of the values of a property."""
    made_of = {"mapping": {"collapse": [{"name": name, "path": ["MADE `BY", "^MADE `BY"]}]}}
    graph = made_of if name == "same_brand" else {"exclude_properties": ["told", "note"]}
    model = plait.train(configured(filled, **graph)).recommender
    n, relations = check(filled, model)
    assert n
    assert name not in relations
    made = [f for f in explained(model) if any(hop.relation == name for hop in f.hops)]
    assert made
    assert {found.cypher for found in made} == {None}


def test_people_stand_in_by_cypher_too(filled):
    model = plait.train(configured(filled, relationships=[])).recommender
    found = [f for f in explained(model) if f.kind == "co-interaction"]
    assert found
    with filled.connect() as connection:
        for explanation in found:
            rows = connection.read_all(explanation.cypher)
            source = explanation.hops[0].tail
            assert rows
            assert {tuple(node["told"] for node in row["p"].nodes)[:2] for row in rows} == {
                (explanation.hops[0].head, source)
            }


def test_a_pushed_graph(shop, shop_model, fresh_neo4j, tmp_path):
    """A graph of files: no Cypher, until it is pushed and the model told so."""
    model = plait.load(shop_model)
    user, item = model.users.id(0), model.items.id(1)
    assert {found.cypher for found in model.explain(user, item)} == {None}
    assert (
        "No Cypher" in CliRunner().invoke(app, ["explain", str(shop_model), "-u", user, "-i", item, "--cypher"]).stderr
    )
    report = push_graph(read_graph(read_config(shop).data.graph).graph, fresh_neo4j.server)
    model_folder = tmp_path / "model"
    plait.fusion.storage.save(model, read_record(shop_model), model_folder)
    tell_pushed(model_folder, report)
    told = plait.load(model_folder)
    n = 0
    with fresh_neo4j.connect() as connection:
        for user in told.users.ids(np.arange(5)):
            for best in told.recommend([user], 5, explain=True):
                record = json.loads(json.dumps(best.as_record()))
                for found, path in zip(best.paths, record["paths"], strict=True):
                    assert path["cypher"] == found.cypher
                    if found.cypher is not None:
                        (row,) = connection.read_all(found.cypher)
                        entity = dict(zip(told.items, told.graph.item_entity.to_pylist(), strict=True))
                        assert [node["id"] for node in row["p"].nodes] == [entity.get(i, i) for i in nodes_of(found)]
                        n += 1
    assert n > 10
