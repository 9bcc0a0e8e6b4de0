"""How a Neo4j database, and what is written into one, looks on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from ..loaders.neo4j.batches import Preview
    from ..loaders.neo4j.connection import ServerFacts
    from ..loaders.neo4j.ledger import Entry
    from ..loaders.neo4j.schema import GraphSchema, PropertyFacts

__all__ = ["left_alone", "preview_lines", "schema_record", "schema_tables", "written_table"]

WIDEST = 6
"""Numbers of a vector that are shown."""


def schema_tables(
    schema: GraphSchema,
    *,
    keys: dict[str, tuple[str, ...]],
    items: Collection[str] = (),
    users: Collection[str] = (),
    interactions: Collection[str] = (),
) -> Iterator[Table]:
    """Labels, relationships, properties, and apart from them what plait wrote.

    Args:
        schema: the database's.
        keys: keys that a configuration states; they stand where a guess would.
        items, users: labels that it says are items, and users.
        interactions: relationship types that it says are interactions.
    """
    labels = Table("label", "nodes", "key", "", title="Nodes", title_justify="left")
    labels.columns[1].justify = "right"
    roles = {**dict.fromkeys(users, "← users"), **dict.fromkeys(items, "← items")}
    for label in schema.labels:
        stated = keys.get(label.label)
        guess = " + ".join(label.key) or "[dim]none: the server's own id[/]"
        key = escape(" + ".join(stated)) if stated else escape(guess) if label.key else guess
        labels.add_row(escape(label.label), f"{label.count:,}", key, roles.get(label.label, ""))
    yield labels
    if schema.relationships:
        yield _relationships(schema, interactions)
    properties = Table("on", "property", "values", "count", title="Properties", title_justify="left")
    properties.columns[3].justify = "right"
    for label in schema.labels:
        _add(properties, f":{label.label}", label.properties, label.looked_at)
    shown: set[str] = set()
    for relationship in schema.relationships:
        # Its properties are those of the whole type, between whatever labels.
        if relationship.type not in shown:
            shown.add(relationship.type)
            _add(properties, relationship.type, relationship.properties, None)
    if properties.row_count:
        yield properties
    if schema.written:
        yield written_table(schema.written)


def _relationships(schema: GraphSchema, interactions: Collection[str]) -> Table:
    table = Table("from", "relationship", "to", "count", "", title="Relationships", title_justify="left")
    table.columns[3].justify = "right"
    for found in schema.relationships:
        count = f"{found.count:,}" if found.exact else f"about {found.count:,}"
        role = "← interactions" if found.type in interactions else ""
        table.add_row(escape(found.source or ""), escape(found.type), escape(found.target or ""), count, role)
    return table


def _add(table: Table, owner: str, properties: Sequence[PropertyFacts], of: int | None) -> None:
    for found in properties:
        count = f"{found.count:,}" if of is None else f"{found.count:,} of {of:,}"
        table.add_row(escape(owner), escape(found.name), " or ".join(found.kinds), count)


def written_table(written: Sequence[tuple[Entry, int]]) -> Table:
    """What models wrote into a database, a row each."""
    table = Table(title="Written by plait, and never read back as knowledge", title_justify="left")
    for column in ("model", "its time", "what", "on", "count", "vector index"):
        table.add_column(column, justify="right" if column == "count" else "left", overflow="fold")
    for entry, count in written:
        what = f"{entry.kind} {entry.name}"
        when = entry.at[:19].replace("T", " ")
        table.add_row(
            escape(entry.model), when, escape(what), escape(f":{entry.label}"), f"{count:,}", escape(entry.index)
        )
    return table


def schema_record(schema: GraphSchema, about: ServerFacts) -> dict[str, Any]:
    """The same for programs, ready for JSON."""
    record = asdict(schema)
    record["written"] = [{**asdict(entry), "count": count} for entry, count in schema.written]
    return {"server": asdict(about), **record}


def preview_lines(preview: Preview) -> Iterator[str]:
    """What a dry run would write: counts, the first rows, the Cypher."""
    counts = ", ".join(f"{count:,} {name}" for name, count in preview.counts.items())
    yield f"[bold]Dry run:[/] nothing was written. It would be: {escape(counts)}."
    for row in preview.rows:
        yield "  " + escape(", ".join(f"{name}: {_short(value)}" for name, value in row.items()))
    for query in preview.cypher:
        yield f"[dim]  {escape(query)}[/]"


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > WIDEST:
        return f"[{', '.join(_short(part) for part in value[:WIDEST])}, ... {len(value)} in all]"
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def left_alone(what: str, found: tuple[int, list[str]]) -> str:
    """How many ids something is true of, with some of them; empty where there is none."""
    count, some = found
    return f"; {count:,} {what}, such as {', '.join(map(repr, some))}" if count else ""
