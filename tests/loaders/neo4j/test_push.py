"""Any graph into a server: what is there afterwards, again, after a cut, beside others' data, and with hostile names."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.kg import ConfigError, DataError, IdMap, KnowledgeGraph, Literals
from plait.loaders.neo4j.connection import connected
from plait.loaders.neo4j.faults import RefusedQuery
from plait.loaders.neo4j.push import push_graph
from plait.loaders.neo4j.read import Neo4jGraph, read_neo4j

XSD = "http://www.w3.org/2001/XMLSchema#"
EVIL = "x`}) DETACH DELETE n //"
ESCAPED = r"a\u0060}) MATCH (m) DETACH DELETE m //"


def literals(rows: list[tuple[int, str, str, str | None, str | None]]) -> Literals:
    names = list(dict.fromkeys(row[1] for row in rows))
    return Literals(
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([names.index(row[1]) for row in rows], dtype=np.int32),
        pa.array([row[2] for row in rows], pa.large_string()),
        pa.array([row[3] for row in rows], pa.string()).dictionary_encode(),
        pa.array([row[4] for row in rows], pa.string()).dictionary_encode(),
        tuple(names),
    )


def small() -> KnowledgeGraph:
    """Five entities, two types and one of none; three relations, weights and times on some triples."""
    told = [
        (0, "http://s/name", "Dune", "en", None),
        (0, "http://s/name", "Der Wüstenplanet", "de", None),
        (1, "http://s/name", "Solaris", None, None),
        (0, "http://s/year", "1965", None, XSD + "integer"),
        (0, "http://s/price", "9.5", None, XSD + "decimal"),
        (1, "http://s/price", "1e2", None, XSD + "double"),
        (0, "http://s/out", "1965-08-01", None, XSD + "date"),
        (0, "http://s/new", "false", None, XSD + "boolean"),
        (0, "http://s/isbn", "007", None, None),
        (0, "http://s/tag", "sand", None, None),
        (0, "http://s/tag", "spice", None, None),
        (1, "http://s/tag", "sea", None, None),
        (1, "http://s/pages", "204 or so", None, XSD + "integer"),
        (3, "http://s/id", "its own", None, None),
    ]
    return KnowledgeGraph.build(
        IdMap(["dune", "solaris", "herbert's", "007", "7"]),
        ["http://s/by", "http://s/like", "http://s/none"],
        np.array([0, 0, 1, 3]),
        np.array([0, 1, 1, 1]),
        np.array([2, 1, 0, 4]),
        types=["http://s/Book", "http://s/Author"],
        type_of=np.array([0, 0, 1, -1, -1]),
        literals=literals(told),
        weight=np.array([np.nan, 0.5, 4.0, np.nan]),
        time=np.array([np.nan, 1.5, np.nan, -1000.0]),
    )


def nodes(database: Any, key: str = "id") -> dict[str, tuple[set[str], dict[str, Any]]]:
    with database.connect() as connection:
        rows = connection.read_all("MATCH (n) RETURN labels(n) AS labels, properties(n) AS told")
        return {row["told"][key]: (set(row["labels"]), dict(row["told"])) for row in rows}


def edges(database: Any) -> Counter[tuple[str, str, str]]:
    with database.connect() as connection:
        rows = connection.read_all("MATCH (a)-[r]->(b) RETURN a.id AS a, type(r) AS r, b.id AS b")
        return Counter((row["a"], row["r"], row["b"]) for row in rows)


def expected_edges(graph: KnowledgeGraph, names: dict[str, str]) -> Counter[tuple[str, str, str]]:
    ids = list(graph.entities)
    rows = zip(graph.head, graph.relation, graph.tail, strict=True)
    return Counter((ids[h], names[graph.relations[r]], ids[t]) for h, r, t in rows)


def test_all_of_a_graph_arrives(fresh: Any) -> None:
    report = push_graph(small(), fresh.server)
    found = nodes(fresh)
    assert set(found) == {"dune", "solaris", "herbert's", "007", "7"}
    assert found["dune"][0] == {"Entity", "Book"}
    assert found["herbert's"][0] == {"Entity", "Author"}
    assert found["007"][0] == {"Entity"}
    dune = found["dune"][1]
    assert dune.pop("out").to_native() == date(1965, 8, 1)
    assert dune == {
        "id": "dune", "name": "Dune", "name_en": "Dune", "name_de": "Der Wüstenplanet", "year": 1965, "price": 9.5,
        "new": False, "isbn": "007", "tag": ["sand", "spice"],
    }  # fmt: skip
    assert found["solaris"][1] == {
        "id": "solaris", "name": "Solaris", "name_und": "Solaris", "price": 100.0, "tag": ["sea"], "pages": "204 or so",
    }  # fmt: skip
    assert found["007"][1] == {"id": "007", "http://s/id": "its own"}
    assert edges(fresh) == {
        ("dune", "by", "herbert's"): 1, ("dune", "like", "solaris"): 1, ("solaris", "like", "dune"): 1,
        ("007", "like", "7"): 1,
    }  # fmt: skip
    with fresh.connect() as connection:
        rows = connection.read_all("MATCH (a)-[r]->() RETURN a.id AS a, type(r) AS r, r.weight AS w, r.time AS t")
    told = {(row["a"], row["r"]): (row["w"], row["t"] and row["t"].to_native().timestamp()) for row in rows}
    assert told == {
        ("dune", "by"): (None, None), ("dune", "like"): (0.5, 1.5), ("solaris", "like"): (4.0, None),
        ("007", "like"): (None, -1000.0),
    }  # fmt: skip
    assert (report.nodes_created, report.relationships_created, report.resumed) == (5, 4, False)
    assert report.as_text == {"pages": (1, "204 or so")}


@pytest.mark.parametrize("batch", [1, 2, 5000])
def test_again_changes_nothing(fresh: Any, batch: int) -> None:
    push_graph(small(), fresh.server, batch=batch)
    before = nodes(fresh), edges(fresh)
    with pytest.raises(DataError, match="is not empty and nothing was written"):
        push_graph(small(), fresh.server)
    report = push_graph(small(), fresh.server, into="existing", batch=batch)
    assert (report.nodes_created, report.relationships_created) == (0, 0)
    assert (nodes(fresh), edges(fresh)) == before


def test_others_data_stays(fresh: Any) -> None:
    fresh.fill("CREATE (:Other {id: 'dune', mine: 1})-[:like]->(:Entity {id: 'solaris', own: true})")
    report = push_graph(small(), fresh.server, into="existing")
    assert report.nodes_created == 4
    with fresh.connect() as connection:
        other = connection.read_all("MATCH (a:Other)-[r:like]->(b) RETURN properties(a) AS a, properties(b) AS b")
    assert [dict(row["a"]) for row in other] == [{"id": "dune", "mine": 1}]
    assert other[0]["b"]["own"] is True
    assert other[0]["b"]["name"] == "Solaris"
    assert sum(edges(fresh).values()) == 5


def test_dry_run_writes_nothing_and_shows_what_would_be(fresh: Any) -> None:
    report = push_graph(small(), fresh.server, dry_run=True)
    assert nodes(fresh) == {}
    assert report.preview is not None
    assert report.preview.counts == {"nodes": 5, "relationships": 4, "properties": 15}
    assert [row["id"] for row in report.preview.rows] == ["007", "7", "dune"]
    assert any("CREATE CONSTRAINT" in query for query in report.preview.cypher)
    assert any("`like`" in query for query in report.preview.cypher)


def bystanders(database: Any) -> list[tuple[int, int]]:
    with database.connect() as connection:
        rows = connection.read_all("MATCH (a:Bystander)-[:KNOWS]->(b:Bystander) RETURN a.id AS a, b.id AS b")
    return [(row["a"], row["b"]) for row in rows]


@pytest.mark.parametrize("evil", [EVIL, ESCAPED, "`", "``", "\\", "' OR 1=1 //", "$id", "ключ 🔑", "a\nb"])
def test_names_and_ids_that_try_to_be_cypher(fresh: Any, evil: str) -> None:
    graph = KnowledgeGraph.build(
        IdMap([evil, "plain"]), [evil], np.array([0]), np.array([0]), np.array([1]),
        types=[evil], type_of=np.array([0, -1]), literals=literals([(1, evil, evil, None, None)]),
    )  # fmt: skip
    fresh.fill("CREATE (:Bystander {id: 1})-[:KNOWS]->(:Bystander {id: 2})")
    try:
        push_graph(graph, fresh.server, label="L" + evil, key="k" + evil, into="existing")
    except DataError as error:
        # ArcadeDB does not have all such names; then nothing but ours may have changed. Neo4j takes them all.
        assert fresh.kind == "arcade"
        assert isinstance(error, RefusedQuery) or "does not keep the name" in str(error)
        assert bystanders(fresh) == [(1, 2)]
        return
    assert bystanders(fresh) == [(1, 2)]
    fresh.fill("MATCH (n:Bystander) DETACH DELETE n")
    found = nodes(fresh, "k" + evil)
    assert found == {
        evil: ({"L" + evil, evil}, {"k" + evil: evil}),
        "plain": ({"L" + evil}, {"k" + evil: "plain", evil: evil}),
    }
    with fresh.connect() as connection:
        assert [row["r"] for row in connection.read_all("MATCH ()-[r]->() RETURN type(r) AS r")] == [evil]


def test_an_empty_graph_and_one_without_triples(fresh: Any) -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert push_graph(KnowledgeGraph.build(IdMap([]), [], nothing, nothing, nothing), fresh.server).nodes_created == 0
    report = push_graph(KnowledgeGraph.build(IdMap(["a", "b", "c"]), ["r"], nothing, nothing, nothing), fresh.server)
    assert (report.nodes_created, report.relationships_created) == (3, 0)


def test_a_name_no_server_takes(fresh_arcade: Any) -> None:
    nothing = np.empty(0, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap(["a"]), ["bad\0name"], nothing, nothing, nothing)
    with pytest.raises(DataError, match="the relation 'bad.*name' cannot be written"):
        push_graph(graph, fresh_arcade.server)
    with pytest.raises(ConfigError, match="must not be empty"):
        push_graph(small(), fresh_arcade.server, label="")


class Cut(Exception):
    """The user's interruption."""


def large(n: int, m: int) -> KnowledgeGraph:
    rng = np.random.default_rng(4)
    head, tail = rng.integers(0, n, m), rng.integers(0, n, m)
    ids = IdMap([f"e{i}" for i in range(n)])
    kinds = rng.integers(-1, 2, n)
    return KnowledgeGraph.build(ids, ["r", "s"], head, rng.integers(0, 2, m), tail, types=["A", "B"], type_of=kinds)


@pytest.mark.parametrize("at", [30, 60, 120, 150])
def test_a_cut_push_is_taken_up(fresh: Any, at: int) -> None:
    graph = large(90, 80)
    done = {"nodes": 0, "relationships": 90}

    def cut(n: int, total: int | None, note: str) -> None:
        if done[note] + n >= at:
            raise Cut

    with pytest.raises(Cut):
        push_graph(graph, fresh.server, batch=10, on_progress=cut)
    with pytest.raises(DataError, match="another graph, whose push was cut"):
        push_graph(small(), fresh.server)
    report = push_graph(graph, fresh.server, batch=10)
    assert report.resumed
    assert report.nodes_created + report.relationships_created < 90 + graph.n_triples
    assert set(nodes(fresh)) == set(graph.entities)
    assert edges(fresh) == expected_edges(graph, report.relationship_types)


@pytest.mark.neo4j
def test_a_server_killed_in_mid_write(own_neo4j: Any) -> None:
    graph, database = large(3000, 9000), own_neo4j.database()
    killed = threading.Event()

    def kill(n: int, total: int | None, note: str) -> None:
        if note == "relationships" and n >= 3000 and not killed.is_set():
            killed.set()
            own_neo4j.kill()

    server = database.server.model_copy(update={"retry_seconds": 2.0})
    with pytest.raises(DataError, match="the same call takes it up"):
        push_graph(graph, server, batch=100, on_progress=kill)
    own_neo4j.start()
    with connected(database.server) as connection:
        there = connection.read_all("MATCH ()-[r]->() RETURN count(r) AS n")[0]["n"]
    # Acknowledged batches are there, and no batch by half.
    assert there >= 3000
    report = push_graph(graph, database.server, batch=100)
    assert report.resumed
    assert report.relationships_created == graph.n_triples - there
    assert set(nodes(database)) == set(graph.entities)
    assert edges(database) == expected_edges(graph, report.relationship_types)


def test_what_is_pushed_is_read_again(fresh: Any) -> None:
    graph = large(60, 150)
    push_graph(graph, fresh.server, batch=40)
    labels = ("A", "B", "Entity")
    told = {**fresh.server.model_dump(exclude_unset=True), "labels": labels, "keys": dict.fromkeys(labels, "id")}
    read = read_neo4j(Neo4jGraph(source="neo4j", **told))
    named = dict(zip(read.relations, read.relations, strict=True))
    assert expected_edges(read, named) == expected_edges(graph, {"r": "r", "s": "s"})
    kinds = {name: read.type_name(i) for i, name in enumerate(read.entities)}
    names = {"untyped": "Entity", "A": "A", "B": "B"}
    assert kinds == {name: names[graph.type_name(i)] for i, name in enumerate(graph.entities)}
