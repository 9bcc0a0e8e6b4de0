"""A user's query in a file: values as parameters alone, reading alone, and what it says of each mistake."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import ConfigError, DataError
from plait.loaders.neo4j.query_file import CypherFilter
from plait.loaders.neo4j.query_parameters import parameters_of

EVIL = "x' OR 1=1 }) DETACH DELETE n //"
SHOP = (
    "CREATE (t:Category {name: 'tea'}), (c:Category {name: $evil})"
    " CREATE (:Product {sku: 'a', stock: 5})-[:IN]->(t), (:Product {sku: 'b', stock: 1})-[:IN]->(t),"
    " (:Product {sku: 'c', stock: 9})-[:IN]->(c), (:Product {sku: $evil, stock: 7})-[:IN]->(t), (:Product {stock: 8})-[:IN]->(t)"
)
AMONG = """\
// which of $ids are in '$stock'
UNWIND $ids AS id
MATCH (item:Product {sku: id})-[:IN]->(:Category {name: $category})
WHERE item.stock >= $min_stock AND item.sku <> "$other"
RETURN id, item.stock
"""
WHOLE = "MATCH (p:Product) WHERE p.stock >= $min_stock RETURN p.sku"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def made(text: str, **parameters: Any) -> CypherFilter:
        path = tmp_path / "filter.cypher"
        path.write_text(text, "utf-8")
        return CypherFilter.read(path, parameters)

    return made


@pytest.fixture
def shop(fresh: Any) -> Any:
    fresh.fill(SHOP, evil=EVIL)
    return fresh


def state(database: Any) -> list[Any]:
    with database.connect() as connection:
        rows = connection.read_all("MATCH (n) RETURN labels(n)[0] AS l, n.sku AS sku, n.stock AS stock")
        return sorted(map(str, rows))


def test_the_ids_that_pass_come_back_whichever_form_the_query_has(shop: Any, write: Any) -> None:
    with shop.connect() as connection:
        among = write(AMONG, category="tea", min_stock=2).on(connection)
        assert among.whole() is None
        assert set(among.among(["a", "b", "c", EVIL, "unknown", "a"])) == {"a", EVIL}
        assert set(among.among([])) == set()
        whole = write(WHOLE, min_stock=2).on(connection)
        assert sorted(whole.whole().to_pylist()) == ["a", "c", EVIL]
        assert set(whole.among(["a", "b", "unknown"])) == {"a"}
        assert write(WHOLE, min_stock=100).on(connection).whole().to_pylist() == []


def test_strings_that_try_to_be_cypher_are_values(shop: Any, write: Any) -> None:
    before = state(shop)
    with shop.connect() as connection:
        assert set(write(AMONG, category=EVIL, min_stock=0).on(connection).among(["a", "c", EVIL])) == {"c"}
        for evil in ("tea'", "`tea`", "\\u0027 RETURN 1", "$min_stock", "tea\0", '"}'):
            assert not write(AMONG, category=evil, min_stock=0).on(connection).among(["a", evil])
    assert state(shop) == before


def test_many_ids_go_in_batches(fresh: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.loaders.neo4j.query_file.BATCH", 3)
    fresh.fill("UNWIND range(0, 10) AS i CREATE (:Product {sku: 'p' + toString(i), stock: i})")
    where = write("UNWIND $ids AS id MATCH (p:Product {sku: id}) WHERE p.stock % 2 = 0 RETURN id")
    with fresh.connect() as connection:
        ids = [f"p{i}" for i in range(11)]
        assert set(where.on(connection).among(ids)) == set(ids[::2])


def test_other_values_than_strings_are_ids_as_the_graph_reader_writes_them(fresh: Any, write: Any) -> None:
    fresh.fill(
        "CREATE (:Product {sku: 7}), (:Product {sku: '007'}), (:Product {sku: true}), (:Product {sku: ''}), (:Product)"
    )
    with fresh.connect() as connection:
        assert sorted(write("MATCH (p:Product) RETURN p.sku").on(connection).whole().to_pylist()) == [
            "007",
            "7",
            "true",
        ]
        numbers = write("UNWIND $ids AS id MATCH (p:Product {sku: toInteger(id)}) RETURN p.sku")
        assert set(numbers.on(connection).among(["7", "8"])) == {"7"}


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (n:Product {sku: 'new'}) RETURN n.sku",
        "MATCH (n:Product) SET n.stock = 0 RETURN n.sku",
        "MATCH (n) DETACH DELETE n RETURN 'a'",
        "UNWIND $ids AS id MERGE (n:Product {sku: id}) RETURN id",
    ],
)
def test_a_query_that_writes_is_refused_and_nothing_is_written(shop: Any, write: Any, text: str) -> None:
    before = state(shop)
    with shop.connect() as connection:
        where = write(text).on(connection)
        with pytest.raises(DataError, match=r"filter\.cypher: the query writes, and a filter may only read"):
            where.among(["a", "new"])
    assert state(shop) == before


@pytest.mark.neo4j
@pytest.mark.parametrize(
    "text", ["CREATE INDEX made FOR (n:Product) ON (n.stock)", "MATCH (n:Product) CALL (n) { SET n.stock = 0 } IN TRANSACTIONS RETURN n.sku"]
)  # fmt: skip
def test_neo4j_refuses_other_ways_to_write(fresh_neo4j: Any, write: Any, text: str) -> None:
    fresh_neo4j.fill("CREATE (:Product {sku: 'a', stock: 5})")
    before = state(fresh_neo4j)
    with fresh_neo4j.connect() as connection:
        with pytest.raises(DataError, match=r"filter\.cypher"):
            write(text).on(connection).whole()
        assert not connection.read_all("SHOW INDEXES YIELD name WHERE name = 'made' RETURN name")
    assert state(fresh_neo4j) == before


def test_a_syntax_error_is_told_with_its_line(shop: Any, write: Any) -> None:
    with shop.connect() as connection:
        with pytest.raises(
            DataError, match=r"filter\.cypher:3: the server refuses the query: .*\(column \d+\)"
        ) as caught:
            write("MATCH (p:Product)\nWHERE p.stock >\n RETURN p.sku").on(connection).whole()
        assert caught.value.line == 3
        assert "\n" not in str(caught.value)


def test_a_column_that_is_no_id_is_told(shop: Any, write: Any) -> None:
    with shop.connect() as connection:
        for text, kind in (
            ("MATCH (p:Product) RETURN collect(p.sku) AS skus", "list"),
            ("MATCH (p:Product) RETURN p AS skus", "Node"),
        ):
            with pytest.raises(DataError, match=f"'skus' of the query holds a .*, which is no id|{kind}"):
                write(text).on(connection).whole()
        with pytest.raises(DataError, match=r"returns 'a!', which is not among the \$ids .*'a'"):
            write("UNWIND $ids AS id RETURN id + '!'").on(connection).among(["a"])


@pytest.mark.neo4j
def test_a_query_without_a_column_is_told(fresh_neo4j: Any, write: Any) -> None:
    with fresh_neo4j.connect() as connection, pytest.raises(DataError, match="returns no column"):
        write("MATCH (p:Product) FINISH").on(connection).whole()


def test_what_looks_like_a_parameter_in_strings_comments_and_names_is_none(write: Any) -> None:
    where = write(
        "// $a\n/* $b\n$c */ MATCH (n:`$d`) WHERE n.x = '$e \\' $f' OR n.y = \"$g\" OR n.z = $`odd ``name` RETURN n.$i", i=1,
        **{"odd `name": 2},
    )  # fmt: skip
    assert where.mentioned == {"odd `name", "i"}
    assert not where.takes_ids


def test_parameters_and_the_file_must_agree(write: Any, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"filter\.cypher: the parameter \$min_stock has no value; .* \$category, \$min_stock"
    ):
        write(AMONG, category="tea")
    with pytest.raises(ConfigError, match=r"no parameter \$min_stok; it has \$min_stock"):
        write(WHOLE, min_stock=1, min_stok=2)
    with pytest.raises(ConfigError, match=r"no parameter \$x; it has none"):
        write("MATCH (n) RETURN n.sku", x=1)
    with pytest.raises(ConfigError, match=r"\$ids is filled in"):
        write(AMONG, category="tea", min_stock=1, ids=[])
    with pytest.raises(DataError, match="no such file"):
        CypherFilter.read(tmp_path / "none.cypher")
    with pytest.raises(DataError, match="it is a folder"):
        CypherFilter.read(tmp_path)
    for text, said in (("// $x\n", "no query"), ("explain RETURN 1", "EXPLAIN"), ("x" * 2_000_000, "1 MiB")):
        with pytest.raises(DataError, match=said):
            write(text)
    (tmp_path / "filter.cypher").write_bytes(b"RETURN 1\nAS \xff")
    with pytest.raises(DataError, match=r"filter\.cypher:2: .*UTF-8"):
        CypherFilter.read(tmp_path / "filter.cypher")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("n=3", 3), ("n=3.5", 3.5), ('n="3"', "3"), ("n=007", "007"), ("n=tea", "tea"), ("n=", ""), ("n=true", True),
        ("n=null", None), ("n=[1, \"b\"]", [1, "b"]), ("n={\"a\": 1}", {"a": 1}), ("n=a=b", "a=b"), ("n=NaN", "NaN"),
        (f"n={EVIL}", EVIL), ("n= 5 ", 5), ("n=grüner Tee", "grüner Tee"),
    ],
)  # fmt: skip
def test_a_value_is_json_or_a_string(word: str, value: Any) -> None:
    found = parameters_of([word])["n"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["n"], "NAME=VALUE"),
        (["=3"], "NAME=VALUE"),
        (["n=1", "n=2"], "twice"),
        (["n=[1, 2"], "begins as JSON"),
        ([f"n={2**63}"], "64-bit"),
        (["n=" + "[" * 50 + "]" * 50], "nested"),
        (["n=" + "[" * 100_000], "nested"),
        (['n="\\ud800"'], "surrogate"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parameters_of(words)


def test_values_from_python_are_checked(write: Any) -> None:
    write(WHOLE, min_stock=date(2024, 1, 2))
    for value in ({1, 2}, object(), {1: 2}, b"x"):
        with pytest.raises(ConfigError, match=r"'min_stock' is \w+, which a server cannot be given"):
            write(WHOLE, min_stock=value)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_is_one_string_when_quoted(text: str) -> None:
    import json

    assert parameters_of([f"n={json.dumps(text)}"]) == {"n": text}
