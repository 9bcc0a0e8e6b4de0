"""Embeddings written to nodes: what is stored, what is left alone, taken up after a cut, and the index over them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.kg import ConfigError, DataError
from plait.loaders.neo4j.vector_index import find_index
from plait.loaders.neo4j.write_embeddings import write_embeddings

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
EVIL = "x`}) DETACH DELETE n //"


def table(ids: list[str], matrix: Any) -> pa.Table:
    rows = np.asarray(matrix, dtype=np.float32)
    return pa.table({"id": ids, "embedding": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])})


def stored(database: Any, name: str = "plait_embedding") -> dict[str, tuple[list[float] | None, str | None]]:
    with database.connect() as connection:
        rows = connection.read_all(
            "MATCH (n:Item) RETURN n.id AS id, n[$p] AS v, n[$m] AS m", p=name, m=name + "_model"
        )
    return {str(row["id"]): (row["v"], row["m"]) for row in rows}


def write(database: Any, rows: pa.Table, **more: Any) -> Any:
    told: dict[str, Any] = {"label": "Item", "key": "id", "model_id": "m1", "created": AT, "index": False}
    return write_embeddings(database.server, rows, **(told | more))


def test_every_float_comes_back_as_it_was(fresh: Any) -> None:
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2**32, (7, 5), dtype=np.uint32).view(np.float32)
    matrix = np.where(np.isfinite(bits), bits, np.float32(0.1))
    matrix[0] = [0.1, -0.0, np.finfo(np.float32).tiny, np.finfo(np.float32).max, 1 / 3]
    ids = [f"i{k}" for k in range(7)]
    fresh.fill("UNWIND $ids AS id CREATE (:Item:Other {id: id})", ids=[*ids, "more"])
    report = write(fresh, table(ids, matrix), batch=3)
    found = stored(fresh)
    assert found.pop("more") == (None, None)
    assert {i: np.array(v, dtype=np.float32).tobytes() for i, (v, _) in found.items()} == {
        i: row.tobytes() for i, row in zip(ids, matrix, strict=True)
    }
    assert {m for _, m in found.values()} == {"m1"}
    assert (report.written, report.unchanged, report.unknown, report.foreign) == (7, 0, (0, []), (0, []))
    with fresh.connect() as connection:
        at = connection.read_all("MATCH (n:Item {id: 'i0'}) RETURN n.plait_embedding_at AS at")[0]["at"]
    # ArcadeDB forgets that it is UTC.
    assert at.to_native().replace(tzinfo=UTC) == AT


def test_what_somebody_else_wrote_is_left_alone_and_unknown_ids_are_counted(fresh: Any) -> None:
    fresh.fill(
        "CREATE (:Item {id: 'a'}), (:Item {id: 'b', plait_embedding: [9.0]}), (:Item {id: 'c', plait_embedding_model: 'x'}),"
        "(:Item), (:Else {id: 'd'})"
    )
    report = write(fresh, table(["a", "b", "c", "d", EVIL], np.eye(5)))
    assert report.written == 1
    assert report.foreign == (2, ["b", "c"])
    assert report.unknown == (2, ["d", EVIL])
    found = stored(fresh)
    assert found["a"] == ([1, 0, 0, 0, 0], "m1")
    assert found["b"] == ([9.0], None)
    assert found["c"] == (None, "x")


def test_a_later_model_replaces_an_earlier_and_the_same_is_not_written_twice(fresh: Any) -> None:
    fresh.fill("CREATE (:Item {id: 'a'}), (:Item {id: 'b'})")
    write(fresh, table(["a", "b"], np.eye(2)))
    again = write(fresh, table(["a", "b"], np.eye(2)))
    assert (again.written, again.unchanged) == (0, 2)
    newer = write(fresh, table(["a"], [[5.0, 6.0, 7.0]]), model_id="m2", created=AT + timedelta(days=1))
    assert (newer.written, newer.unchanged) == (1, 0)
    assert stored(fresh) == {"a": ([5, 6, 7], "m2"), "b": ([0, 1], "m1")}


def test_a_cut_write_is_taken_up(fresh: Any) -> None:
    ids = [f"i{k}" for k in range(40)]
    fresh.fill("UNWIND $ids AS id CREATE (:Item {id: id})", ids=ids)
    rows = table(ids, np.arange(120).reshape(40, 3))

    def cut(n: int, total: int | None, note: str) -> None:
        if n >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(fresh, rows, batch=5, on_progress=cut)
    report = write(fresh, rows, batch=5)
    assert report.written + report.unchanged == 40
    assert report.unchanged >= 10
    assert {i: v for i, (v, _) in stored(fresh).items()} == {f"i{k}": [3 * k, 3 * k + 1, 3 * k + 2] for k in range(40)}


def test_dry_run(fresh: Any) -> None:
    fresh.fill("CREATE (:Item {id: 'a'}), (:Item {id: 'b'})")
    report = write(fresh, table(["a", "zz"], np.eye(2)), dry_run=True)
    assert report.preview is not None
    assert (report.written, report.preview.counts) == (0, {"written": 1})
    assert report.preview.rows == [{"id": "a", "plait_embedding": [1.0, 0.0]}]
    assert report.unknown == (1, ["zz"])
    with fresh.connect() as connection:
        assert connection.read_all("MATCH (n) RETURN count(n) AS n")[0]["n"] == 2
    assert stored(fresh) == {"a": (None, None), "b": (None, None)}


def test_integer_and_composite_keys(fresh: Any) -> None:
    fresh.fill("CREATE (:Item {id: 7, shop: 'x'}), (:Item {id: 7, shop: 'y'}), (:Item {id: 8, shop: 'x'})")
    report = write(fresh, table(["x|7", "y|7", "z|7"], np.eye(3)), key=["shop", "id"])
    assert (report.written, report.unknown) == (2, (1, ["z|7"]))
    with pytest.raises(DataError, match="1 ids belong to more than one :Item, such as '7'"):
        write(fresh, table(["7"], [[1.0]]))


@pytest.mark.parametrize("evil", [EVIL, r"\u0060}) MATCH (m) DETACH DELETE m //", "`", "a b", "'"])
def test_names_that_try_to_be_cypher(fresh: Any, evil: str) -> None:
    fresh.fill("CREATE (:Item {id: 'a'}), (:Item {id: 'b'})")
    report = write(fresh, table(["a"], [[1.5]]), name=evil)
    assert report.written == 1
    # ArcadeDB keeps an escaped backslash as it is written.
    name = evil if fresh.kind == "neo4j" else evil.replace("\\u", "\\u005Cu")
    assert stored(fresh, name) == {"a": ([1.5], "m1"), "b": (None, None)}
    assert write(fresh, table(["a"], [[1.5]]), label=evil).unknown == (1, ["a"])


def test_tables_that_cannot_be_used(fresh_arcade: Any) -> None:
    for rows, message in (
        (pa.table({"id": ["a"]}), "no column 'embedding'"),
        (table(["a", "a"], np.eye(2)), "an id twice"),
        (table(["a"], [[np.nan]]), "not finite"),
        (pa.table({"id": ["a", "b"], "embedding": [[1.0], [1.0, 2.0]]}), "differ in length: 1 and 2"),
        (pa.table({"id": ["a"], "embedding": pa.array([None], pa.list_(pa.float32()))}), "without an embedding"),
    ):
        with pytest.raises(DataError, match=message):
            write(fresh_arcade, rows)
    with pytest.raises(ConfigError, match="label"):
        write(fresh_arcade, table(["a"], [[1.0]]), label="")
    assert write(fresh_arcade, table(["a"], [[1.0]])).unknown == (1, ["a"])
    empty = pa.table({"id": pa.array([], pa.string()), "embedding": pa.array([], pa.list_(pa.float32()))})
    assert write(fresh_arcade, empty).written == 0


def test_a_server_without_vector_index_says_so(fresh_arcade: Any) -> None:
    fresh_arcade.fill("CREATE (:Item {id: 'a'})")
    report = write(fresh_arcade, table(["a"], [[1.0, 2.0]]), index=True)
    assert (report.written, report.index) == (1, None)
    assert "no vector index" in report.note


@pytest.mark.neo4j
def test_the_index_answers_and_follows_the_dimension(fresh_neo4j: Any) -> None:
    fresh_neo4j.fill("CREATE (:Item {id: 'a'}), (:Item {id: 'b'}), (:Item {id: 'c'})")
    told: list[str] = []
    matrix = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]
    report = write(fresh_neo4j, table(["a", "b", "c"], matrix), index=True, on_progress=lambda *x: told.append(x[2]))
    assert told[0] == "embeddings"
    assert told[-1] == "vector index"
    search = "CALL db.index.vector.queryNodes($name, 3, $q) YIELD node, score RETURN node.id AS id, score"
    with fresh_neo4j.connect() as connection:
        rows = connection.read_all(search, name=report.index, q=[1.0, 0.0])
        # Neo4j's score of a cosine is (1 + cosine) / 2, of vectors it keeps in 8 bits a number.
        assert [row["id"] for row in rows] == ["a", "b", "c"]
        assert [row["score"] for row in rows] == pytest.approx([1.0, 0.9, 0.5], abs=5e-3)
    wider = write(fresh_neo4j, table(["a", "b"], np.eye(2, 3)), model_id="m2", index=True)
    with fresh_neo4j.connect() as connection:
        index = find_index(connection, "Item", "plait_embedding")
    assert index is not None
    assert (index.name, index.dimension, index.similarity, index.state) == (wider.index, 3, "cosine", "ONLINE")


@pytest.mark.neo4j
def test_somebody_elses_index_that_does_not_fit(fresh_neo4j: Any) -> None:
    fresh_neo4j.fill("CREATE (:Item {id: 'a'})")
    with fresh_neo4j.connect() as connection:
        connection.run(
            "CREATE VECTOR INDEX mine FOR (n:Item) ON n.plait_embedding "
            "OPTIONS {indexConfig: {`vector.dimensions`: 4, `vector.similarity_function`: 'cosine'}}"
        )
    with pytest.raises(DataError, match="'mine' .* 4 dimensions by cosine, and the embeddings have 2"):
        write(fresh_neo4j, table(["a"], [[1.0, 2.0]]), index=True)
    assert stored(fresh_neo4j) == {"a": (None, None)}
