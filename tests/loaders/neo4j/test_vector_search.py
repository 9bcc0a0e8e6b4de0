"""Vectors searched on the server: exact scores, k results after any filter, and what it says where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.kg import ConfigError, DataError
from plait.loaders.neo4j import vector_search
from plait.loaders.neo4j.query_file import CypherFilter
from plait.loaders.neo4j.vector_search import Neo4jVectors
from plait.loaders.neo4j.write_embeddings import write_embeddings

AT = datetime(2024, 5, 6, tzinfo=UTC)
N, D = 700, 6
EVIL = "'}) DETACH DELETE n //"
FORMS = {
    "ids": "UNWIND $ids AS id MATCH (n:Item {sku: id}) WHERE n.stock < $most RETURN id",
    "whole": "MATCH (n:Item) WHERE n.stock < $most RETURN n.sku",
}


def table(ids: list[str], matrix: Any) -> pa.Table:
    rows = np.asarray(matrix, dtype=np.float32)
    return pa.table({"id": ids, "embedding": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])})


def write(database: Any, ids: list[str], matrix: Any, **more: Any) -> None:
    told: dict[str, Any] = {"label": "Item", "key": "sku", "model_id": "m", "created": AT}
    write_embeddings(database.server, table(ids, matrix), **(told | more))


@pytest.fixture(scope="module")
def matrix() -> Any:
    made = np.random.default_rng(5).normal(size=(N, D)).astype(np.float32)
    # Two nodes with the same vector: their scores are equal.
    made[3] = made[4]
    return made


@pytest.fixture(scope="module")
def stocked(neo4j_server: Any, matrix: Any) -> Iterator[Any]:
    """Items with vectors, one of a strange id, one without a vector, one without an id."""
    with neo4j_server.connect() as connection:
        connection.run("MATCH (n) DETACH DELETE n")
    neo4j_server.fill("UNWIND range(0, size($ids) - 1) AS i CREATE (:Item {sku: $ids[i], stock: i % 100})", ids=names())
    neo4j_server.fill("CREATE CONSTRAINT sku IF NOT EXISTS FOR (n:Item) REQUIRE n.sku IS UNIQUE")
    neo4j_server.fill("CREATE (:Item {sku: 'without', stock: 0}), (:Item {stock: 0})")
    write(neo4j_server, names(), matrix)
    with neo4j_server.connect() as connection:
        nameless = matrix[0].tolist()
        connection.write("MATCH (n:Item) WHERE n.sku IS NULL CALL db.create.setNodeVectorProperty(n, $p, $v)",
                         p="plait_embedding", v=nameless)  # fmt: skip
    yield neo4j_server
    with neo4j_server.connect() as connection:
        connection.run("MATCH (n) DETACH DELETE n")
        connection.run("DROP CONSTRAINT sku IF EXISTS")
        connection.run("DROP INDEX plait_Item_plait_embedding IF EXISTS")


def names() -> list[str]:
    return [*(f"i{i:03d}" for i in range(N - 1)), EVIL]


@pytest.fixture
def search(stocked: Any) -> Iterator[Neo4jVectors]:
    with Neo4jVectors(stocked.server, label="Item", key="sku") as vectors:
        yield vectors


@pytest.fixture
def filtered(tmp_path: Path) -> Any:
    def made(form: str, most: Any) -> CypherFilter:
        path = tmp_path / f"{form}.cypher"
        path.write_text(FORMS[form])
        return CypherFilter.read(path, {"most": most})

    return made


def exact(matrix: Any, queries: Any, k: int, allowed: Any) -> list[tuple[int, str, float]]:
    """By comparing everything, in double precision."""
    units = matrix.astype(np.float64) / np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
    found: list[tuple[int, str, float]] = []
    for number, query in enumerate(queries.astype(np.float64)):
        cosine = units @ (query / np.linalg.norm(query))
        best = sorted(
            (i for i in range(len(matrix)) if allowed(i)), key=lambda i: (-cosine[i].astype(np.float32), names()[i])
        )
        found += [(number, names()[i], cosine[i]) for i in best[:k]]
    return found


def same(found: pa.Table, expected: list[tuple[int, str, float]]) -> None:
    assert found.column("query").to_pylist() == [query for query, _, _ in expected]
    assert found.column("id").to_pylist() == [name for _, name, _ in expected]
    np.testing.assert_allclose(found.column("score").to_numpy(), [score for _, _, score in expected], atol=3e-7)
    assert (found.column("query").type, found.column("score").type) == (pa.int32(), pa.float32())


@pytest.mark.neo4j
@pytest.mark.parametrize("form", [None, "ids", "whole"])
@pytest.mark.parametrize("k", [1, 9, 2000])
def test_a_wide_search_is_that_of_comparing_everything(
    search: Neo4jVectors, matrix: Any, filtered: Any, monkeypatch: pytest.MonkeyPatch, form: str | None, k: int
) -> None:
    monkeypatch.setattr(vector_search, "AT_LEAST", N)
    queries = np.concatenate([np.random.default_rng(6).normal(size=(4, D)), matrix[3:4] * 7]).astype(np.float32)
    where = None if form is None else filtered(form, 20)
    found = search.nearest(queries, k, where=where)
    same(found, exact(matrix, queries, k, lambda i: form is None or i % 100 < 20))


@pytest.mark.neo4j
@pytest.mark.parametrize("few", [0, 5000])
@pytest.mark.parametrize("form", ["ids", "whole"])
def test_k_come_back_however_little_passes_and_in_bounded_rounds(
    search: Neo4jVectors, matrix: Any, filtered: Any, monkeypatch: pytest.MonkeyPatch, form: str, few: int
) -> None:
    monkeypatch.setattr(vector_search, "AT_LEAST", 4)
    monkeypatch.setattr(vector_search, "FETCH", 1)
    monkeypatch.setattr(vector_search, "FEW", few)
    asked: list[int] = []
    by_index = vector_search.Target.by_index

    def counted(*arguments: Any) -> Any:
        asked.append(arguments[-1])
        return by_index(*arguments)

    monkeypatch.setattr(vector_search.Target, "by_index", counted)
    queries = np.random.default_rng(7).normal(size=(3, D)).astype(np.float32)
    # Seven items pass, then none.
    found = search.nearest(queries, 5, where=filtered(form, 1))
    same(found, exact(matrix, queries, 5, lambda i: i % 100 < 1))
    same(search.nearest(queries, 50, where=filtered(form, 1)), exact(matrix, queries, 50, lambda i: i % 100 < 1))
    assert search.nearest(queries, 5, where=filtered(form, 0)).num_rows == 0
    assert max(asked, default=0) <= N + 2
    assert len(asked) <= 3 * np.log2(N)
    assert bool(asked) == (form == "ids" or few == 0)


@pytest.mark.neo4j
def test_what_is_left_out_does_not_shorten_the_list(search: Neo4jVectors, matrix: Any, filtered: Any) -> None:
    query = matrix[10:11]
    whole = search.nearest(query, 30).column("id").to_pylist()
    assert whole[0] == "i010"
    assert search.nearest(query, 12, exclude=whole[:18]).column("id").to_pylist() == whole[18:]
    for form in FORMS:
        passing = exact(matrix, query, N, lambda i: i % 100 < 30)
        left = search.nearest(query, 4, where=filtered(form, 30), exclude=[passing[0][1], "unknown"])
        assert left.column("id").to_pylist() == [name for _, name, _ in passing[1:5]]


@pytest.mark.neo4j
def test_parameters_that_try_to_be_cypher_pass_nothing_and_change_nothing(
    search: Neo4jVectors, stocked: Any, filtered: Any, matrix: Any
) -> None:
    assert search.nearest(matrix[:1], 3, where=filtered("ids", EVIL)).num_rows == 0
    assert search.nearest(matrix[-1:], 1).column("id").to_pylist() == [EVIL]
    with stocked.connect() as connection:
        assert connection.read_all("MATCH (n:Item) RETURN count(n) AS n")[0]["n"] == N + 2


@pytest.mark.neo4j
def test_more_vectors_than_fit_one_answer_are_asked_in_turn(
    search: Neo4jVectors, matrix: Any, filtered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = search.nearest(matrix[:23], 4)
    monkeypatch.setattr(vector_search, "ROWS", 500)
    assert search.nearest(matrix[:23], 4).equals(expected)
    assert search.nearest(matrix[:0], 4).num_rows == 0
    assert search.nearest(matrix[:0], 4, where=filtered("whole", 5)).num_rows == 0
    few = search.nearest(matrix[:23], 4, where=filtered("whole", 5))
    same(few, exact(matrix, matrix[:23], 4, lambda i: i % 100 < 5))


@pytest.mark.neo4j
def test_what_cannot_be_searched_is_told(search: Neo4jVectors, stocked: Any) -> None:
    with pytest.raises(DataError, match=r"is for 6 dimensions, and the vectors have 4; .* plait neo4j write"):
        search.nearest(np.ones((1, 4), dtype=np.float32), 1)
    with pytest.raises(ValueError, match="row 1 is zero or not finite"):
        search.nearest(np.eye(2, D, dtype=np.float32) * [[1], [0]], 1)
    with pytest.raises(ValueError, match="row 0 is zero or not finite"):
        search.nearest(np.full((1, D), np.nan, dtype=np.float32), 1)
    with pytest.raises(ValueError, match="k is 0"):
        search.nearest(np.ones((1, D), dtype=np.float32), 0)
    with pytest.raises(ValueError, match=r"shape \(6,\)"):
        search.nearest(np.ones(D, dtype=np.float32), 1)
    with pytest.raises(DataError, match=r"no vector index over :Item\(other\); plait neo4j write makes one"):
        Neo4jVectors(stocked.server, label="Item", key="sku", name="other").__enter__()
    stocked.fill("CREATE VECTOR INDEX far IF NOT EXISTS FOR (n:Item) ON n.far OPTIONS {indexConfig: "
                 "{`vector.dimensions`: 6, `vector.similarity_function`: 'euclidean'}}")  # fmt: skip
    with stocked.connect() as connection:
        connection.run("CALL db.awaitIndexes()")
    with pytest.raises(DataError, match="compares by euclidean"):
        Neo4jVectors(stocked.server, label="Item", key="sku", name="far").__enter__()
    stocked.fill("DROP INDEX far")
    with pytest.raises(ConfigError, match="key"):
        Neo4jVectors(stocked.server, label="Item", key="")


@pytest.mark.neo4j
def test_recall_at_the_usual_reach(fresh_neo4j: Any, filtered: Any) -> None:
    n, d = 2000, 24
    fresh_neo4j.fill("UNWIND range(0, $n - 1) AS i CREATE (:Item {sku: toString(i), stock: i % 100})", n=n)
    made = np.random.default_rng(8).normal(size=(n, d)).astype(np.float32)
    write(fresh_neo4j, [str(i) for i in range(n)], made)
    queries = np.random.default_rng(9).normal(size=(20, d)).astype(np.float32)
    units = made / np.linalg.norm(made, axis=1, keepdims=True)
    cosine = queries @ units.T
    with Neo4jVectors(fresh_neo4j.server, label="Item", key="sku") as search:
        for share, form in ((100, None), (10, "ids")):
            masked = np.where(np.arange(n) % 100 < share, cosine, -np.inf)
            best = np.argsort(-masked, axis=1)[:, :20]
            found = search.nearest(queries, 20, where=None if form is None else filtered(form, share))
            ids = np.array(found.column("id").to_pylist(), dtype=int).reshape(20, 20)
            recall = np.mean([len(set(a) & set(b)) / 20 for a, b in zip(ids.tolist(), best.tolist(), strict=True)])
            assert recall >= 0.95


@pytest.mark.neo4j
def test_composite_keys_and_prefixes_make_the_ids(fresh_neo4j: Any) -> None:
    fresh_neo4j.fill("CREATE (:Item {shop: 's', number: 7}), (:Item {shop: 's', number: 8}), (:Item {shop: 's'})")
    write(fresh_neo4j, ["Item/s|7", "Item/s|8"], [[1, 0, 0], [0, 1, 0]], key=["shop", "number"], id_prefix=True)
    with Neo4jVectors(fresh_neo4j.server, label="Item", key=["shop", "number"], id_prefix=True) as search:
        found = search.nearest(np.array([[3, 4, 0]], dtype=np.float32), 5)
    assert found.column("id").to_pylist() == ["Item/s|8", "Item/s|7"]
    assert found.column("score").to_pylist() == pytest.approx([4 / 5, 3 / 5], abs=2e-7)


@pytest.mark.neo4j
def test_an_id_that_two_nodes_have_comes_once_with_the_better_score(fresh_neo4j: Any) -> None:
    fresh_neo4j.fill(
        "UNWIND [['a', [1.0, 0.0]], ['a', [0.6, 0.8]], ['b', [0.0, 1.0]]] AS row CREATE (n:Item {sku: row[0]})"
        " WITH n, row CALL db.create.setNodeVectorProperty(n, 'v', row[1])"
    )
    with fresh_neo4j.connect() as connection:
        from plait.loaders.neo4j.vector_index import awaited, create_index

        create_index(connection, "Item", "v", 2)
        awaited(connection, "Item", "v")
    with Neo4jVectors(fresh_neo4j.server, label="Item", key="sku", name="v") as search:
        found = search.nearest(np.array([[1, 0]], dtype=np.float32), 5)
    assert found.column("id").to_pylist() == ["a", "b"]
    assert found.column("score").to_pylist() == pytest.approx([1, 0], abs=2e-7)


def test_a_server_without_a_vector_index_is_told(fresh_arcade: Any) -> None:
    with (
        pytest.raises(DataError, match=r"ArcadeDB.* has no vector index; vectors are searched on Neo4j"),
        Neo4jVectors(fresh_arcade.server, label="Item", key="sku"),
    ):
        pass
