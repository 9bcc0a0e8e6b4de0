"""What models have written into a database, kept there: a node for each kind of thing, made before the first of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString

from .connection import Connection
from .names import cypher, quoted

__all__ = ["CREATED_BY", "LEDGER", "Entry", "count_of", "entries", "forget", "note", "untouched"]

LEDGER: LiteralString = "PlaitWrite"
"""Label of the ledger's nodes."""
CREATED_BY: LiteralString = "plait_created_by"
"""Property of nodes that a model's recommendations made: its id."""


@dataclass(frozen=True)
class Entry:
    """One kind of thing a model wrote.

    Attributes:
        model: its id.
        kind: embeddings (properties) or recommendations (relationships).
        label: of the nodes that have the embeddings, or that recommendations start from.
        name: of the property, or of the relationships.
        index: name of the vector index made for it; empty where none was.
        at: the model's time, as ISO 8601; empty where the database does not tell it.
    """

    model: str
    kind: Literal["embeddings", "recommendations"]
    label: str
    name: str
    index: str = ""
    at: str = ""


def note(connection: Connection, entry: Entry, at: datetime) -> None:
    """Write an entry down, so that `clean` finds even what was written by half; an index once noted stays noted."""
    connection.write(
        f"MERGE (w:{LEDGER} {{model: $model, kind: $kind, label: $label, name: $name}}) "
        "SET w.index = CASE WHEN $index = '' THEN coalesce(w.index, '') ELSE $index END, w.at = $at",
        model=entry.model, kind=entry.kind, label=entry.label, name=entry.name, index=entry.index, at=at,
    )  # fmt: skip


def entries(connection: Connection) -> list[Entry]:
    """All entries of a database, those of one model together; a node that somebody else calls so is none."""
    ours = " AND ".join(f"w.{name} IS NOT NULL" for name in ("model", "kind", "label", "name"))
    fields = "w.model AS model, w.kind AS kind, w.label AS label, w.name AS name, coalesce(w.index, '') AS `index`, w.at AS at"
    found = [row.data() for row in connection.read_all(f"MATCH (w:{LEDGER}) WHERE {ours} RETURN {fields}")]
    told = [Entry(**{**row, "at": _iso(row["at"])}) for row in found]
    return sorted(told, key=lambda entry: (entry.model, entry.kind, entry.label, entry.name))


def _iso(at: Any) -> str:
    return "" if at is None else str(at.iso_format() if hasattr(at, "iso_format") else at).replace(" ", "T")


def count_of(connection: Connection, entry: Entry) -> int:
    """How many nodes have the embedding of an entry, or how many relationships it is."""
    if entry.kind == "embeddings":
        query = cypher(f"MATCH (n:{quoted(entry.label)}) WHERE n.{quoted(entry.name + '_model')} = $model")
    else:
        query = cypher(f"MATCH (:{quoted(entry.label)})-[r:{quoted(entry.name)}]->() WHERE r.model = $model")
    return int(connection.read_all(cypher(query, "RETURN count(*) AS n"), model=entry.model)[0]["n"])


def untouched(written: Iterable[Entry]) -> LiteralString:
    """Cypher that tells whether a node `n` made for a user has its label and key, what `$own_models` wrote, and no more."""
    names = dict.fromkeys(entry.name for entry in written if entry.kind == "embeddings")
    embedded = (f"+ CASE WHEN n.{quoted(name + '_model')} IN $own_models THEN 3 ELSE 0 END" for name in names)
    # Two properties: the key, and the mark of the model that made it.
    return cypher("size(labels(n)) = 1 AND size(keys(n)) <= 2", *embedded)


def forget(connection: Connection, model: str) -> None:
    """Take a model's entries out."""
    connection.write(f"MATCH (w:{LEDGER} {{model: $model}}) DELETE w", model=model)
