"""Embeddings into a Neo4j database: a property of the nodes that are there, and a vector index over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import LiteralString

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError, Update
from .batches import CONNECTIONS, Preview, send, slices
from .connection import Neo4jServer, connected
from .ledger import Entry, note
from .names import cypher, quoted
from .node_ids import NodeIds, checked_names, examples
from .vector_index import awaited, create_index, fitting_index, index_name, index_query

__all__ = ["EmbeddingReport", "write_embeddings"]

BATCH = 2000
FREE, SAME, OURS, FOREIGN = range(4)
NO_INDEX = "the server has no vector index: the embeddings are properties alone"


@dataclass(frozen=True)
class EmbeddingReport:
    """What a write-back of embeddings did.

    Attributes:
        written: nodes that got an embedding.
        unchanged: nodes that had the same model's of the same time already.
        unknown: ids that no node has: how many, and some.
        foreign: nodes whose property somebody else wrote, which was left alone: how many, and some.
        index: name of the vector index; None if there is none.
        note: why there is none, if it was wanted.
        preview: what would be written, if nothing was.
    """

    written: int
    unchanged: int
    unknown: tuple[int, list[str]]
    foreign: tuple[int, list[str]]
    index: str | None = None
    note: str = ""
    preview: Preview | None = None


def write_embeddings(
    server: Neo4jServer,
    table: pa.Table,
    *,
    label: str,
    key: str | Sequence[str],
    model_id: str,
    created: datetime,
    name: str = "plait_embedding",
    index: bool = True,
    separator: str = "|",
    id_prefix: bool = False,
    batch: int = BATCH,
    dry_run: bool = False,
    must_match: bool = False,
    on_progress: Update | None = None,
) -> EmbeddingReport:
    """Write an embedding to each node of a label whose id the table has.

    Beside the property NAME stand NAME_model and NAME_at, the model's id and time. A property NAME without them is
    somebody else's and is left alone. The same call again writes what is missing, so one that was cut is taken up by it.

    Args:
        server: where to.
        table: columns `id` (string) and `embedding` (list of d floats), as `export` writes them.
        label: of the nodes.
        key: property, or properties, that make the id.
        model_id: the model's id.
        created: the model's time, with a time zone.
        name: of the property.
        index: whether to make a vector index over it, by cosine, and wait for it.
        separator: between the parts of a composite key.
        id_prefix: whether the ids begin with the label, as LABEL/ID.
        batch: nodes a transaction.
        dry_run: write nothing, and report what would be.
        must_match: take it for an error if there are ids, and no node has any of them.
        on_progress: told how many nodes are done, then how many percent of the index.

    Raises:
        DataError: if the table, a key, or an index that is there cannot be used.
    """
    keys = [key] if isinstance(key, str) else [*key]
    checked_names(label=label, property=name, **{f"key {part}": part for part in keys})
    ids, matrix = _columns(table)
    at = created.astimezone(UTC)
    with connected(server) as connection:
        nodes = NodeIds.read(
            connection, label, keys, separator=separator, prefix=id_prefix, state=_state(name), model=model_id, at=at
        )
        found = nodes.find(ids)
        known = np.asarray(found.is_valid(), dtype=bool)
        if must_match and len(ids):
            nodes.must_have(found, ids, label, keys)
        state = np.full(len(ids), FREE)
        state[known] = np.asarray(nodes.state.take(found.drop_null()), dtype=np.int64)
        rows = np.flatnonzero(known & ((state == FREE) | (state == OURS)))
        query = _query(name, connection.about.vector_index)
        wanted = index and connection.about.vector_index and matrix.shape[1] > 0
        lacking = NO_INDEX if index and not wanted else ""
        report = EmbeddingReport(
            len(rows),
            int((known & (state == SAME)).sum()),
            examples(ids, ~known),
            examples(ids, known & (state == FOREIGN)),
            note=lacking,
        )
        if dry_run:
            first = [{"id": ids[row].as_py(), name: matrix[row].tolist()} for row in rows[:3].tolist()]
            queries = [query, *([index_query(label, name, matrix.shape[1])] if wanted else [])]
            return replace(report, written=0, preview=Preview({"written": len(rows)}, first, queries))
        made = fitting_index(connection, label, name, matrix.shape[1]) if wanted else ""
        ours = made if made == index_name(label, name) else ""
        note(connection, Entry(model_id, "embeddings", label, name, ours), at)
        place = nodes.node.take(found.take(pa.array(rows)))

        def work(part: slice) -> int:
            names: list[str] = place[part].to_pylist()
            vector = _as_text(matrix[rows[part]])
            connection.write(query, node=names, vector=vector, name=name, model=model_id, at=at)
            return len(names)

        sessions = CONNECTIONS if connection.about.is_neo4j else 1
        send(work, slices(len(rows), batch), len(rows), "embeddings", on_progress, connections=sessions)
        if not wanted:
            return report
        # After the writing: an index that is there already takes in each batch, which is slower.
        create_index(connection, label, name, matrix.shape[1])
        return replace(report, index=awaited(connection, label, name, on_progress).name)


def _columns(table: pa.Table) -> tuple[pa.Array, npt.NDArray[np.float32]]:
    """Ids and matrix of a table, checked."""
    lacking = {"id", "embedding"} - set(table.column_names)
    if lacking:
        raise DataError(f"the table of embeddings has no column {min(lacking)!r}; it is to have `id` and `embedding`")
    ids, lists = (table.column(c).combine_chunks() for c in ("id", "embedding"))
    if ids.null_count or lists.null_count:
        raise DataError("the table of embeddings has a row without an id or without an embedding")
    if pc.count_distinct(ids).as_py() != len(ids):
        raise DataError("the table of embeddings has an id twice")
    widths = pc.unique(pc.list_value_length(lists)).to_pylist()
    if len(widths) > 1:
        raise DataError(f"the embeddings differ in length: {widths[0]} and {widths[1]} numbers")
    flat = np.asarray(lists.flatten(), dtype=np.float32)
    if not np.isfinite(flat).all():
        raise DataError("an embedding holds a number that is not finite; a vector index takes none such")
    return ids.cast(pa.large_string()), flat.reshape(len(ids), widths[0] if widths else 0)


def _state(name: str) -> LiteralString:
    """Cypher that tells whose embedding a node `n` has."""
    value, model, at = (f"n.{quoted(name + suffix)}" for suffix in ("", "_model", "_at"))
    return (
        f"CASE WHEN {value} IS NULL AND {model} IS NULL AND {at} IS NULL THEN {FREE} "
        f"WHEN {value} IS NULL OR {model} IS NULL OR {at} IS NULL THEN {FOREIGN} "
        f"WHEN {model} = $model AND {at} = $at THEN {SAME} ELSE {OURS} END"
    )


def _query(name: str, vectors: bool) -> LiteralString:
    numbers = "[x IN split($vector[i], ',') | toFloat(x)]"
    # The procedure keeps 32 bits a number, half of what a list has.
    stored = f"CALL db.create.setNodeVectorProperty(n, $name, {numbers}) " if vectors else ""
    alone = "" if vectors else f"n.{quoted(name)} = {numbers}, "
    return cypher(
        "UNWIND range(0, size($node) - 1) AS i MATCH (n) WHERE elementId(n) = $node[i]",
        f"{stored}SET {alone}n.{quoted(name + '_model')} = $model, n.{quoted(name + '_at')} = $at",
    )


def _as_text(matrix: npt.NDArray[np.float32]) -> list[str]:
    """A row as one string: the driver packs a number in a microsecond or two, and a string whatever its length in one.

    Arrow writes the shortest decimal that is this float32 and no other, so nothing is lost.
    """
    flat = pa.array(np.ascontiguousarray(matrix).ravel()).cast(pa.string())
    offsets = pa.array(np.arange(0, matrix.size + 1, max(matrix.shape[1], 1), dtype=np.int32))
    texts: list[str] = pc.binary_join(pa.ListArray.from_arrays(offsets, flat), ",").to_pylist()
    return texts
