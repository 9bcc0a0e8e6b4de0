"""What models have written into a database, kept there: a node for each kind of thing, made before the first of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString

from .connection import Connection

__all__ = ["CREATED_BY", "LEDGER", "Entry", "entries", "forget", "note"]

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
    """

    model: str
    kind: Literal["embeddings", "recommendations"]
    label: str
    name: str
    index: str = ""


def note(connection: Connection, entry: Entry, at: datetime) -> None:
    """Write an entry down, so that `clean` finds even what was written by half."""
    connection.write(
        f"MERGE (w:{LEDGER} {{model: $model, kind: $kind, label: $label, name: $name}}) SET w.index = $index, w.at = $at",
        model=entry.model, kind=entry.kind, label=entry.label, name=entry.name, index=entry.index, at=at,
    )  # fmt: skip


def entries(connection: Connection) -> list[Entry]:
    """All entries of a database."""
    fields = "w.model AS model, w.kind AS kind, w.label AS label, w.name AS name, w.index AS `index`"
    return [Entry(**row.data()) for row in connection.read_all(f"MATCH (w:{LEDGER}) RETURN {fields}")]


def forget(connection: Connection, model: str) -> None:
    """Take a model's entries out."""
    connection.write(f"MATCH (w:{LEDGER} {{model: $model}}) DELETE w", model=model)
