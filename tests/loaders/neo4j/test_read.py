"""A graph out of a database: nothing lost, nothing injected, all that is odd is told."""

from __future__ import annotations

import math
from collections import Counter
from threading import Timer

import numpy as np
import pytest
from pydantic import ValidationError

from plait.kg import ConfigError, DataError
from plait.loaders.neo4j import read as module
from plait.loaders.neo4j.faults import LostConnection
from plait.loaders.neo4j.read import Neo4jGraph, read_neo4j

XSD = "http://www.w3.org/2001/XMLSchema#"


def config(database, **options):
    server = database.server.model_dump(
        exclude_unset=True, exclude={"password_env"} if database.server.password_file else set()
    )
    return Neo4jGraph.model_validate({"source": "neo4j", **server, **options})


def said(graph):
    """Triples with weight and time, literals and types, by name."""
    names = graph.entities.to_arrow().to_pylist()
    lit = graph.literals
    weight = graph.weight if graph.weight is not None else np.full(graph.n_triples, np.nan)
    time = graph.time if graph.time is not None else np.full(graph.n_triples, np.nan)
    triples = Counter(
        (
            names[h],
            graph.relations[r],
            names[t],
            None if math.isnan(w) else float(w),
            None if math.isnan(m) else float(m),
        )
        for h, r, t, w, m in zip(graph.head, graph.relation, graph.tail, weight, time, strict=True)
    )
    rows = zip(lit.entity, lit.predicate, lit.value.to_pylist(), lit.datatype.to_pylist(), strict=True)
    literals = Counter((names[e], lit.predicates[p], v, d and d.removeprefix(XSD)) for e, p, v, d in rows)
    types = {name: graph.types[k] if k >= 0 else None for name, k in zip(names, graph.type_of, strict=True)}
    return triples, literals, types


def test_all_of_it_by_hand(holding):
    database = holding(
        """
        CREATE (a:Product {sku: '007', price: 1.5, stock: 3, sold: true, made: date('2020-02-03'),
                           at: datetime('2020-02-03T04:05:06Z'), tags: ['x', 'y'], vector: [0.5, 1.0]}),
               (b:Product {sku: '7', price: 2}), (c:Brand {name: 'acme'}),
               (a)-[:MADE_BY {w: 2.5, since: 1600000000}]->(c), (b)-[:MADE_BY]->(c), (a)-[:LIKE {w: 1}]->(b),
               (b)-[:LIKE {w: 4}]->(b)
        """
    )
    told, progress = [], []
    graph = read_neo4j(
        config(database, keys={"Brand": "name", "Product": ["sku"]}, weight="w", time="since"),
        left_out=told,
        on_progress=lambda *update: progress.append(update),
    )
    triples, literals, types = said(graph)
    assert triples == Counter(
        [
            ("007", "MADE_BY", "acme", 2.5, 1.6e9),
            ("7", "MADE_BY", "acme", None, None),
            ("007", "LIKE", "7", 1, None),
            ("7", "LIKE", "7", 4, None),
        ]
    )
    stamp = next(value for _, name, value, _ in literals if name == "at")
    assert stamp.startswith("2020-02-03T04:05:06") and stamp.endswith(("Z", "+00:00"))
    assert literals == Counter(
        [
            ("007", "sku", "007", None),
            ("007", "price", "1.5", "double"),
            ("007", "stock", "3", "integer"),
            ("007", "sold", "true", "boolean"),
            ("007", "made", "2020-02-03", "date"),
            ("007", "at", stamp, "dateTime"),
            ("007", "tags", "x", None),
            ("007", "tags", "y", None),
            ("7", "sku", "7", None),
            ("7", "price", "2", "integer"),
            ("acme", "name", "acme", None),
        ]
    )
    assert types == {"007": "Product", "7": "Product", "acme": "Brand"}
    assert told == ["1 values of vector on :Product are vector values, which are left out"]
    assert progress[-1][:2] == (3 + 4, 3 + 4)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_pages_change_nothing(holding, batch):
    database = holding(
        """
        UNWIND range(0, 22) AS i CREATE (n:N {id: i, even: i % 2 = 0})
        WITH collect(n) AS ns UNWIND range(0, 22) AS i UNWIND range(0, i % 4) AS j
        WITH ns[i] AS a, ns[(i * 5 + j) % 23] AS b, i, j CREATE (a)-[:R {w: i + j / 8.0}]->(b)
        """
    )
    triples, literals, types = said(read_neo4j(config(database, batch=batch, weight="w")))
    expected = ((i, (i * 5 + j) % 23, i + j / 8) for i in range(23) for j in range(i % 4 + 1))
    assert triples == Counter((str(i), "R", str(t), w, None) for i, t, w in expected)
    assert sum(literals.values()) == 2 * 23 and set(types.values()) == {"N"}


def test_strings_that_try_to_be_cypher(holding):
    evil = ["'}) MATCH (n) DETACH DELETE n //", "`) DETACH DELETE n //", "\\u0060", "$ids", "{{x}}", "a\nb", 'é "q"']
    database = holding(
        "UNWIND range(0, size($evil) - 1) AS i CREATE (n:`L``) //` {id: $evil[i], `p'}```: $evil[i]}) "
        "WITH collect(n) AS ns UNWIND ns AS n WITH ns[0] AS first, n CREATE (first)-[:`T``]->() DELETE n //`]->(n)",
        evil=evil,
    )
    triples, literals, types = said(read_neo4j(config(database)))
    assert triples == Counter((evil[0], "T`]->() DELETE n //", text, None, None) for text in evil)
    assert literals == Counter((text, name, text, None) for text in evil for name in ("id", "p'}`"))
    assert types == dict.fromkeys(evil, "L`) //")


def test_a_node_with_two_labels_is_one_entity(holding):
    database = holding(
        "CREATE (:Product:New {id: 'a'}), (:Product {id: 'b'}), (:New {id: 'c'}), (:Product:Sale:New {id: 'd'}), ({id: 'e'})"
    )
    told = []
    _, literals, types = said(read_neo4j(config(database, keys={"New": "id"}), left_out=told))
    bare = next(name for name in types if name not in "abcd")
    # New has a stated key, and so comes first; e has no label, and its properties are kept.
    assert types == {"a": "New", "b": "Product", "c": "New", "d": "New", bare: None}
    assert {(e, v) for e, name, v, _ in literals if name == "label"} == {
        ("a", "Product"),
        ("d", "Product"),
        ("d", "Sale"),
    }
    assert (bare, "id", "e", None) in literals
    assert told == []
    _, literals, types = said(read_neo4j(config(database, labels=["Product", "New"])))
    assert types == {"a": "Product", "b": "Product", "c": "New", "d": "Product"}
    assert {(e, v) for e, name, v, _ in literals if name == "label"} == {("a", "New"), ("d", "New")}


@pytest.mark.parametrize("batch", [2, 1000])
def test_vectors_are_left_out_and_counted_whatever_stands_among_them(holding, batch):
    database = holding(
        "UNWIND range(1, 6) AS i CREATE (n:N {id: i, embedding: [i + 0.5, 0.25]}) "
        "WITH n, i WHERE i IN [4, 6] SET n.embedding = CASE i WHEN 4 THEN 'none' ELSE null END"
    )
    told = []
    _, literals, _ = said(read_neo4j(config(database, batch=batch, keys={"N": "id"}), left_out=told))
    assert literals == Counter(
        [*((str(i), "id", str(i), "integer") for i in range(1, 7)), ("4", "embedding", "none", None)]
    )
    assert told == ["4 values of embedding on :N are vector values, which are left out"]
    told.clear()
    read_neo4j(config(database, exclude_properties=["embedding"]), left_out=told)
    assert told == []


def test_points_are_left_out_and_told(holding):
    told = []
    read_neo4j(
        config(holding("CREATE (:N {id: 1, at: point({x: 1.0, y: 2.0})}), (:N {id: 2, at: 'here'})")), left_out=told
    )
    assert told == ["1 values of at on :N are point values, which are left out"]


def test_numbers_that_are_none(holding):
    _, literals, _ = said(
        read_neo4j(
            config(holding("CREATE (:N {id: 1, a: 0.0/0.0, b: 1.0/0.0, c: -1.0/0.0, d: 1e300, e: [1, 2, 2], f: 0.1})"))
        )
    )
    found = {name: (value, kind) for _, name, value, kind in literals if name in "abcdf"}
    assert {n: v for n, (v, _) in found.items() if n in "abc"} == {"a": "NaN", "b": "INF", "c": "-INF"}
    assert float(found["d"][0]) == 1e300 and float(found["f"][0]) == 0.1
    assert {kind for _, kind in found.values()} == {"double"}
    assert {value for _, name, value, _ in literals if name == "e"} == {"1", "2"}


def test_some_labels_and_relationships_only(holding):
    database = holding(
        "CREATE (a:A {id: 'a'})-[:R]->(b:B {id: 'b'}), (a)-[:S]->(b), (a)-[:R]->(:C {id: 'c'}), (:C)-[:R]->(a)"
    )
    told = []
    triples, _, types = said(read_neo4j(config(database, labels=["A", "B"], relationships=["R"]), left_out=told))
    assert triples == Counter([("a", "R", "b", None, None)])
    assert types == {"a": "A", "b": "B"}
    assert told == ["1 of 2 relationships R lead to nodes outside `labels`"]
    triples, *_ = said(read_neo4j(config(database, exclude_relationships=["R"], exclude_properties=["id"])))
    assert {kind for _, kind, *_ in triples} == {"S"}
    assert read_neo4j(config(database), without=["R", "S"]).n_triples == 0


def test_composite_keys(holding):
    database = holding(
        "CREATE (:Offer {shop: 'x', number: 1})-[:R]->(:Offer {shop: 'x', number: 2}), (:Offer {shop: 'y', number: 1})"
    )
    graph = read_neo4j(config(database, keys={"Offer": ["shop", "number"]}))
    assert set(graph.entities.to_arrow().to_pylist()) == {"x|1", "x|2", "y|1"}
    graph = read_neo4j(config(database, keys={"Offer": ["number", "shop"]}, separator=" of "))
    assert set(graph.entities.to_arrow().to_pylist()) == {"1 of x", "2 of x", "1 of y"}
    with pytest.raises(DataError, match="2 ids|1 ids"):
        read_neo4j(config(database, keys={"Offer": "number"}))


def test_a_unique_constraint_is_the_key(holding):
    database = holding("CREATE (:P {id: 'one', isbn: 'i1'}), (:P {id: 'one', isbn: 'i2'})")
    with pytest.raises(DataError, match="'one' of :P .key id.; state the right key"):
        read_neo4j(config(database))
    database.fill("CREATE CONSTRAINT FOR (n:P) REQUIRE n.isbn IS UNIQUE")
    assert set(read_neo4j(config(database)).entities.to_arrow().to_pylist()) == {"i1", "i2"}


def test_labels_that_share_ids(holding):
    database = holding("CREATE (:Item {id: '1'})-[:R]->(:Brand {id: '1'}), (:Shop {id: 1})")
    with pytest.raises(DataError, match="id_prefix"):
        read_neo4j(config(database))
    triples, _, types = said(read_neo4j(config(database, id_prefix=True, item_label="Item")))
    assert triples == Counter([("1", "R", "Brand/1", None, None)])
    assert types == {"1": "Item", "Brand/1": "Brand", "Shop/1": "Shop"}


def test_nodes_without_a_key_are_kept_and_told(holding):
    database = holding("CREATE (:A {id: 'a'})-[:R]->(:A {name: 'no id'}), (:B {x: 1}), (:A {id: ''})")
    told = []
    graph = read_neo4j(config(database, keys={"A": "id"}), left_out=told)
    assert (graph.n_entities, graph.n_triples) == (4, 1)
    assert sorted(line[:14] for line in told) == ["1 nodes :B hav", "2 nodes :A hav"]
    told.clear()
    read_neo4j(config(database, keys={"A": []}), left_out=told)
    assert sorted(line[:14] for line in told) == ["1 nodes :B hav", "3 nodes :A hav"]


def test_a_key_that_is_a_list(holding):
    with pytest.raises(DataError, match="no id"):
        read_neo4j(config(holding("CREATE (:A {id: ['x', 'y']})"), keys={"A": "id"}))


def test_weights_that_are_none(holding):
    database = holding(
        "CREATE (a:A {id: 'a'}), (b:A {id: 'b'}), (a)-[:R {w: 'heavy', t: '2020-01-01'}]->(b), (b)-[:R {w: 2, t: 'soon'}]->(a)"
    )
    told = []
    triples, *_ = said(read_neo4j(config(database, weight="w", time="t"), left_out=told))
    assert triples == Counter([("a", "R", "b", None, 1577836800.0), ("b", "R", "a", 2, None)])
    assert len(told) == 2 and "'heavy'" in told[0] and "'soon'" in told[1]


def test_an_empty_database(fresh):
    with pytest.raises(DataError, match="no node to read"):
        read_neo4j(config(fresh))


def test_nodes_without_relationships(holding):
    graph = read_neo4j(config(holding("CREATE (:A {id: 'a'})"), weight="w"))
    assert (graph.n_entities, graph.n_triples) == (1, 0)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"labels": ["Prodct"]}, "'Product'"),
        ({"relationships": ["LIKES"]}, "'LIKE'"),
        ({"keys": {"Producto": "id"}}, "'Product'"),
        ({"keys": {"Product": "ean"}}, "id"),
    ],
)
def test_names_that_are_not_there(holding, options, hint):
    with pytest.raises(ConfigError, match=hint):
        read_neo4j(config(holding("CREATE (a:Product {id: 'a'})-[:LIKE]->(a)"), **options))


def test_the_config_repeats_no_secret():
    with pytest.raises(ValidationError) as caught:
        Neo4jGraph.model_validate({"source": "neo4j", "uri": "bolt://a:secret@b", "password": "secret"})
    assert "secret" not in str(caught.value)


def test_a_change_in_mid_reading_is_told(holding, monkeypatch):
    database = holding("UNWIND range(1, 9) AS i CREATE (:A {id: i})-[:R]->(:B {id: 'b' + i})")
    whole = module.read_edges

    def disturbed(*args, **options):
        database.fill("MATCH (n:B {id: 'b3'}) DETACH DELETE n")
        database.fill("CREATE (:C {id: 'late'})")
        return whole(*args, **options)

    monkeypatch.setattr(module, "read_edges", disturbed)
    told = []
    graph = read_neo4j(config(database), left_out=told)
    assert graph.n_triples == 8
    assert len(told) == 1 and "nodes :B 9 then 8" in told[0] and "relationships R 9 then 8" in told[0]


def _killed_in_mid_read(server, database, then, **options):
    """Read while the server dies after some pages; `then` is done at that moment."""
    seen = []

    def progress(done, total, note):
        seen.append(done)
        if len(seen) == 6:
            server.kill()
            then()

    return read_neo4j(config(database, batch=50, **options), on_progress=progress)


@pytest.mark.neo4j
def test_a_server_killed_in_mid_read_resumes_or_fails_in_one_sentence(own_neo4j):
    database = own_neo4j.database()
    database.fill("UNWIND range(0, 499) AS i CREATE (:A {id: i})")
    database.fill("MATCH (a:A) MATCH (b:A {id: (a.id * 7 + 1) % 500}) CREATE (a)-[:R]->(b)")
    again = Timer(0.5, own_neo4j.start)
    graph = _killed_in_mid_read(own_neo4j, database, again.start, retry_seconds=90)
    again.join()
    names = graph.entities.to_arrow().to_pylist()
    found = Counter((names[h], names[t]) for h, t in zip(graph.head, graph.tail, strict=True))
    assert found == Counter((str(i), str((i * 7 + 1) % 500)) for i in range(500))
    with pytest.raises(LostConnection, match="cannot be reached, or went away") as caught:
        _killed_in_mid_read(own_neo4j, database, lambda: None, retry_seconds=1)
    assert "\n" not in str(caught.value)
