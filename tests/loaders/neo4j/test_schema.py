"""The schema of a database: counts that stand in the data, and keys."""

from __future__ import annotations

import pytest

from plait.loaders.neo4j.schema import guessed_key, label_counts, label_order, read_schema, type_counts, unique_keys

SHOP = """
CREATE (a:Product {sku: 'a', price: 1.5}), (b:Product {sku: 'b'}), (c:Product {sku: 'c', price: 2}),
       (x:Brand:Company {id: 7}), (y:Company {name: 'y'}),
       (a)-[:MADE_BY {since: 1990}]->(x), (b)-[:MADE_BY]->(x), (c)-[:MADE_BY]->(y), (a)-[:LIKE]->(b)
"""


def test_counts_and_kinds(holding):
    with holding(SHOP).connect() as connection:
        assert label_counts(connection) == {"Product": 3, "Company": 2, "Brand": 1}
        assert type_counts(connection) == {"MADE_BY": 3, "LIKE": 1}
        schema = read_schema(connection)
    facts = {fact.label: fact for fact in schema.labels}
    assert {p.name: (set(p.kinds), p.count) for p in facts["Product"].properties} == {
        "sku": ({"string"}, 3),
        "price": ({"float", "integer"}, 2),
    }
    assert facts["Product"].key == ("sku",)
    assert facts["Brand"].key == ("id",)
    assert facts["Company"].key == ()
    found = {(r.source, r.type, r.target): (r.count, r.exact) for r in schema.relationships}
    # x is of the commoner of its labels, Company.
    assert found == {("Product", "MADE_BY", "Company"): (3, True), ("Product", "LIKE", "Product"): (1, True)}
    made = next(r for r in schema.relationships if r.type == "MADE_BY")
    assert [(p.name, p.count) for p in made.properties] == [("since", 1)]
    text = "\n".join(schema.lines())
    assert "(:Product)-[:MADE_BY]->(:Company)  3" in text and "sku: string, on 3 of 3" in text


def test_a_sample_is_scaled_and_says_so(holding):
    with holding("UNWIND range(1, 40) AS i CREATE (:A {n: i})-[:R]->(:B)").connect() as connection:
        schema = read_schema(connection, sample=10)
    (relationship,) = schema.relationships
    assert (relationship.count, relationship.exact) == (40, False)
    assert [(fact.count, fact.looked_at) for fact in schema.labels] == [(40, 10), (40, 10)]
    assert "about 40" in "\n".join(schema.lines())


def test_names_that_need_quotes(holding):
    database = holding("CREATE (:`od``d \"l'abel` {`p``q`: 1})-[:`t``ype`]->(:`B b`)")
    with database.connect() as connection:
        schema = read_schema(connection)
    assert {fact.label for fact in schema.labels} == {"od`d \"l'abel", "B b"}
    assert [r.type for r in schema.relationships] == ["t`ype"]


def test_an_empty_database(fresh):
    with fresh.connect() as connection:
        schema = read_schema(connection)
    assert schema.lines() == []


def test_uniqueness_constraints_are_keys(holding):
    database = holding("CREATE (:P {sku: 'a', region: 'eu', note: 'x'})")
    with database.connect() as connection:
        connection.write("CREATE CONSTRAINT FOR (n:P) REQUIRE (n.sku, n.region) IS UNIQUE")
        assert unique_keys(connection) == {"P": ("sku", "region")}
        connection.write("CREATE CONSTRAINT FOR (n:P) REQUIRE n.note IS UNIQUE")
        assert unique_keys(connection) == {"P": ("note",)}


@pytest.mark.parametrize(
    ("complete", "key"),
    [(["name", "ID"], ("ID",)), (["sku", "id"], ("id",)), (["movieId", "x"], ("movieId",)), (["title"], ()), ([], ())],
)
def test_a_key_by_its_name(complete, key):
    assert guessed_key("Movie", {}, complete) == key


def test_which_label_is_first():
    counts = {"Common": 9, "Keyed": 5, "Unique": 3, "Rare": 1}
    assert label_order(counts, ["Keyed", "Absent"], ["Unique"]) == ["Keyed", "Unique", "Common", "Rare"]
