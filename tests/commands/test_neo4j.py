"""`plait neo4j` and `plait graph push`: the whole round through the command line, and what it says when it cannot."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.fusion import load, read_config
from plait.fusion.model_identity import identity_of
from plait.loaders import read_graph

Run = Callable[..., Any]
USERS, ITEMS, BRANDS = 23, 17, 4
FILL = """
UNWIND $rows AS row
MERGE (u:User {id: row[0]}) MERGE (p:Product {sku: row[1]}) MERGE (b:Brand {name: row[2]})
SET p.title = 'Pan ' + row[1]
MERGE (p)-[:MADE_BY]->(b) CREATE (u)-[:BOUGHT {at: row[3]}]->(p)
"""
ROWS = [
    [f"u{u}", f"{(u * 3 + i * i) % ITEMS:03}", f"b`{(u * 3 + i * i) % ITEMS % BRANDS}", 1000 * i + u]
    for u in range(USERS)
    for i in range(6)
]
KEYS = {"User": "id", "Product": "sku", "Brand": "name"}


@pytest.fixture
def database(fresh: Any, named: Any) -> Any:
    """A small shop in an empty database of each server, which the environment names."""
    named(fresh)
    fresh.fill("UNWIND $rows AS row MERGE (:User {id: row[0]})", rows=ROWS)
    fresh.fill(FILL, rows=ROWS)
    return fresh


def configured(folder: Path, database: Any, **interactions: Any) -> Path:
    server = {} if database.server.database is None else {"database": database.server.database}
    log = {"source": "neo4j", **server, "user_label": "User", "item_label": "Product", "relationships": ["BOUGHT"],
           "time": "at", "keys": {"User": "id", "Product": "sku"}, **interactions}  # fmt: skip
    graph = {"source": "neo4j", **server, "keys": KEYS, "item_label": "Product", "around": {"min_degree": 1}}
    values = {
        "data": {"interactions": log, "graph": graph},
        "split": {"strategy": "leave_last_out"}, "text": None, "evaluation": {"ks": [5]}, "threads": 1,
        "gnn": {"epochs": 2, "dimension": 8, "batch_size": 64, "evaluate_every": 1},
        "ease": {"l2": [10], "entity_weight": [1]}, "blend": {"step": 0.5},
    }  # fmt: skip
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def options(database: Any) -> list[str]:
    return [] if database.server.database is None else ["--database", database.server.database]


def everything(database: Any) -> tuple[Counter[str], Counter[str]]:
    """Nodes and relationships with all that is told of them."""
    with database.connect() as connection:
        nodes = connection.read_all("MATCH (n) RETURN labels(n) AS l, properties(n) AS p")
        edges = connection.read_all("MATCH (a)-[r]->(b) RETURN properties(a), type(r), properties(r), properties(b)")
    return (
        Counter(json.dumps([sorted(n["l"]), n["p"]], default=str, sort_keys=True) for n in nodes),
        Counter(json.dumps([*edge.values()], default=str, sort_keys=True) for edge in edges),
    )


def as_read(config: Path) -> tuple[Any, ...]:
    """All that training sees of a graph."""
    data = read_config(config).data
    mapped = read_graph(data.graph, without=data.interaction_relationships)
    graph, names = mapped.graph, mapped.graph.entities.to_arrow().to_pylist()
    lit = graph.literals
    triples = zip((names[h] for h in graph.head), graph.relation, (names[t] for t in graph.tail), strict=True)
    literals = zip((names[e] for e in lit.entity), lit.predicate, lit.value.to_pylist(), strict=True)
    kinds = [graph.types[k] for k in graph.type_of]
    return sorted(zip(names, kinds, strict=True)), graph.relations, sorted(triples), lit.predicates, sorted(literals)


def test_the_whole_round(database: Any, plait: Run, tmp_path: Path) -> None:
    config, here = configured(tmp_path, database), options(database)
    before, knowledge = everything(database), as_read(config)
    plait("train", config, "--out", "model")
    model = identity_of("model").id

    # A dry run changes nothing and says what would be.
    dry = plait("neo4j", "write", "model", *here, "--dry-run").stdout
    assert model in dry and f"nothing was written. It would be: {ITEMS} written" in dry and "elementId" in dry
    dry = plait("neo4j", "recommend", "model", *here, "-k", 3, "--dry-run").stdout
    assert f"{USERS} users, {3 * USERS} relationships" in dry
    assert everything(database) == before

    done = plait("neo4j", "write", "model", *here)
    assert f"Wrote embeddings of {ITEMS} items to :Product by sku, property plait_embedding." in done.stdout
    assert ("The vector index plait_Product_plait_embedding is online" in done.stdout) == (database.kind == "neo4j")
    assert "Next: plait neo4j recommend" in done.stdout
    assert f"of 0 items to :Product by sku, property plait_embedding; {ITEMS} had this model's already" in (
        plait("neo4j", "write", "model", *here).stdout
    )
    plait("neo4j", "write", "model", *here, "--what", "entities", "--label", "Brand")
    with database.connect() as connection:
        found = connection.read_all("MATCH (n:Product) RETURN n.sku AS id, n.plait_embedding AS e")
    ids, matrix = load("model").embedding_tables()["items"]
    for row in found:
        assert row["e"] == pytest.approx(matrix[ids.number(row["id"])].tolist())

    done = plait("neo4j", "recommend", "model", *here, "-k", 3)
    assert f"Wrote {3 * USERS} relationships RECOMMENDED for {USERS} users" in done.stdout
    plait("neo4j", "recommend", "model", *here, "-k", 3)
    with database.connect() as connection:
        listed = connection.read_all(
            "MATCH (:User {id: 'u7'})-[r:RECOMMENDED]->(p) RETURN p.sku AS id, r.model AS m ORDER BY r.rank"
        )
    expected = [found.item_id for found in load("model").recommend(["u7"], 3)]
    assert [(row["id"], row["m"]) for row in listed] == [(item, model) for item in expected]
    # A new user, and one user alone.
    plait("neo4j", "recommend", "model", *here, "-k", 2, "--user", "nobody'", "--create-users")

    # What a model wrote is no knowledge: a training from now on sees the very same graph.
    assert as_read(config) == knowledge
    record = json.loads(plait("neo4j", "schema", config, "--json").stdout)
    assert {label["label"]: label["count"] for label in record["labels"]} == {
        "User": USERS, "Product": ITEMS, "Brand": BRANDS,
    }  # fmt: skip
    assert {p["name"] for label in record["labels"] for p in label["properties"]} == {"id", "sku", "name", "title"}
    assert {r["type"] for r in record["relationships"]} == {"BOUGHT", "MADE_BY"}
    counts = {(w["model"], w["kind"], w["label"]): w["count"] for w in record["written"]}
    assert counts == {
        (model, "embeddings", "Product"): ITEMS, (model, "embeddings", "Brand"): BRANDS,
        (model, "recommendations", "User"): 3 * USERS + 2,
    }  # fmt: skip
    text = plait("neo4j", "schema", config).stdout
    for word in ("← items", "← users", "← interactions", "Written by plait", "17 of 17", "title"):
        assert word in text
    assert model in plait("neo4j", "models", *here).stdout

    assert f"here wrote {model}" in plait("neo4j", "clean", *here, "--model", "plait-other", fails=True)
    written = everything(database)
    assert f"embeddings of {ITEMS + BRANDS} nodes, {3 * USERS + 2} recommendations, 1 nodes made for users" in (
        plait("neo4j", "clean", *here, "--model", model, "--dry-run").stdout
    )
    assert everything(database) == written
    plait("neo4j", "clean", *here, "--model", "model")  # its folder
    assert everything(database) == before
    assert "No model wrote anything" in plait("neo4j", "models", *here).stdout
    assert "no model wrote anything here" in plait("neo4j", "clean", *here, "--model", model, fails=True)


def test_what_others_wrote_under_the_same_names_stays_knowledge(database: Any, plait: Run, tmp_path: Path) -> None:
    # Editors recommend, too, and somebody keeps a text under the name of the embedding.
    database.fill("MATCH (p:Product {sku: '003'}) SET p.plait_embedding_at = 'noon', p.plait_embedding = 'a text'")
    database.fill(
        "MATCH (p:Product {sku: '003'}) MATCH (q:Product {sku: '005'}) "
        "CREATE (p)-[:RECOMMENDED {by: 'an editor'}]->(q) CREATE (q)-[:RECOMMENDED {model: 5}]->(p)"
    )
    config, here = configured(tmp_path, database), options(database)
    knowledge = as_read(config)
    assert "RECOMMENDED" in knowledge[1] and "plait_embedding" in knowledge[3]
    plait("train", config, "--out", "model")
    done = plait("neo4j", "write", "model", *here)
    assert "1 nodes have a property plait_embedding of somebody else's, left alone, such as '003'" in done.stdout
    plait("neo4j", "recommend", "model", *here, "-k", 2)
    assert as_read(config) == knowledge
    mapped = read_graph(read_config(config).data.graph)
    (told,) = [step.text for step in mapped.steps if "recommendations" in str(step)]
    assert told.startswith(f"{2 * USERS:,} relationships RECOMMENDED")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """RDF of the shop model's kind, with a name that a label has to quote."""
    path = tmp_path / "a.ttl"
    path.write_text(
        "@prefix e: <http://e/> . e:pan a e:Pan`s ; e:by e:acme ; e:price 5 .".replace("e:Pan`s", "<http://e/Pan%60s>")
        + " <http://e/pot> <http://e/by> <http://e/acme> ; <http://e/name> 'pot'@en, 'Topf'@de ."
    )
    return path


def test_push(fresh: Any, catalogue: Path, plait: Run, named: Any) -> None:
    named(fresh)
    here = options(fresh)
    assert "No graph" not in plait("graph", "push", catalogue, *here, "--dry-run").stdout
    with fresh.connect() as connection:
        assert not connection.read_all("MATCH (n) RETURN n")
    done = plait("graph", "push", catalogue, *here, "--label", "Th`ing", "--key", "i ri", "--language", "de")
    assert "Created 3 of 3 nodes and 2 of 2 relationships" in done.stdout
    with fresh.connect() as connection:
        rows = connection.read_all("MATCH (n:`Th``ing`) RETURN n.`i ri` AS id, n.name AS name, n.price AS price")
    assert {(r["id"], r["name"], r["price"]) for r in rows} == {
        ("http://e/pan", None, 5), ("http://e/pot", "Topf", None), ("http://e/acme", None, None),
    }  # fmt: skip
    assert "is not empty and nothing was written" in plait("graph", "push", catalogue, *here, fails=True)
    again = plait("graph", "push", catalogue, *here, "--label", "Th`ing", "--key", "i ri", "--existing")
    assert "Created 0 of 3 nodes and 0 of 2 relationships" in again.stdout
    assert "Th`ing" in plait("neo4j", "schema", *here).stdout


def test_push_of_a_configuration_and_a_write_by_entity(
    fresh: Any, shop: Path, shop_model: Path, plait: Run, named: Any
) -> None:
    named(fresh)
    here = [*options(fresh), "--label", "Entity", "--key", "id"]
    graph = read_graph(read_config(shop).data.graph).graph
    text = plait("graph", "push", shop, *options(fresh)).stdout
    assert f"Created {graph.n_entities:,} of {graph.n_entities:,} nodes and {graph.n_triples:,} of" in text
    # The items have ids of the shop, and the nodes those of the graph.
    message = plait("neo4j", "write", shop_model, *here, fails=True)
    assert "none of the 90 ids, such as 'SKU-" in message and "is that of a node :Entity by id" in message
    assert "--by-entity" in message
    recommender = load(shop_model)
    linked = recommender.graph.item_entity.drop_null()
    assert 0 < len(linked) < 90
    plait("neo4j", "write", shop_model, *here, "--by-entity")
    with fresh.connect() as connection:
        found = connection.read_all("MATCH (n:Entity) WHERE n.plait_embedding IS NOT NULL RETURN n.id AS id")
    assert {row["id"] for row in found} == set(linked.to_pylist())
    ids = ["--user-label", "User", "--user-key", "id", "--item-label", "Entity", "--item-key", "id", "--by-entity"]
    fresh.fill("CREATE (:User {id: 'C00007'})")
    done = plait("neo4j", "recommend", shop_model, *options(fresh), *ids, "-k", 4, "-u", "C00007", "-u", "ghost")
    assert "for 1 users" in done.stdout and "1 users have no node, such as 'ghost'" in done.stdout
    # Without a label nothing says which nodes are meant.
    assert "name their label" in plait("neo4j", "write", shop_model, *options(fresh), fails=True)
    assert "nothing with the label 'Entiti'; perhaps 'Entity' is meant" in plait(
        "neo4j", "write", shop_model, *options(fresh), "--label", "Entiti", fails=True
    )


def test_ctrl_c_says_what_stands_and_the_same_command_takes_it_up(
    fresh: Any, plait: Run, tmp_path: Path, named: Any
) -> None:
    named(fresh)
    (tmp_path / "a.nt").write_text("".join(f"<http://e/{i}> <http://e/p> <http://e/{i + 1}> .\n" for i in range(3000)))
    words = ["graph", "push", "a.nt", "--batch", "10", *options(fresh)]
    command = [sys.executable, "-c", "from plait.cli import main; main()", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with fresh.connect() as connection:
        while process.poll() is None and not connection.read_all("MATCH (n:Entity) RETURN n LIMIT 1"):
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in said
    assert "interrupted; what is written is whole, batch by batch: the same command takes it up" in said
    with fresh.connect() as connection:
        assert connection.read_all("MATCH (n:Entity) RETURN count(n) AS n")[0]["n"] > 0
        assert connection.read_all("MATCH ()-[r]->() RETURN count(r) AS n")[0]["n"] < 3000
    assert "a push that was cut, taken up" in plait("graph", "push", "a.nt", *options(fresh)).stdout
    with fresh.connect() as connection:
        assert connection.read_all("MATCH (n:Entity) RETURN count(DISTINCT n.id) AS n, count(n) AS m")[0].values() == [
            3001, 3001,
        ]  # fmt: skip
        assert connection.read_all("MATCH ()-[r]->() RETURN count(r) AS n")[0]["n"] == 3000
