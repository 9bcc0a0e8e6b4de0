"""The Cypher of a push. What varies in it are names, each of which went through `quoted`."""

from __future__ import annotations

from typing import LiteralString

from .names import cypher, quoted

__all__ = ["MARK", "constraint", "create_nodes", "find_nodes", "labelled", "relate", "update_nodes"]

MARK: LiteralString = "PlaitPush"
"""Label of the node that stands in a database while a push into it is not complete."""


def labelled(*labels: str) -> LiteralString:
    """Labels as a pattern has them, each once: :`A`:`B`."""
    return "".join(":" + quoted(label) for label in dict.fromkeys(labels))


def constraint(label: str, key: str) -> LiteralString:
    """No two nodes of a label share a key; this is their index, too."""
    return f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{quoted(label)}) REQUIRE n.{quoted(key)} IS UNIQUE"


def create_nodes(labels: LiteralString) -> LiteralString:
    """Nodes of $rows, each a map of properties; gives their element ids in order."""
    return cypher("UNWIND $rows AS row", f"CREATE (n{labels}) SET n = row", "RETURN collect(elementId(n)) AS made")


def find_nodes(label: str, key: str) -> LiteralString:
    """Element ids of the nodes there are with the keys $ids: pairs."""
    return cypher(
        "UNWIND $ids AS id",
        f"MATCH (n:{quoted(label)} {{{quoted(key)}: id}})",
        "RETURN collect([id, elementId(n)]) AS found",
    )


def update_nodes(labels: LiteralString) -> LiteralString:
    """Properties and labels of nodes that are there already, with the element ids $nodes."""
    return cypher(
        "UNWIND range(0, size($nodes) - 1) AS i",
        "MATCH (n) WHERE elementId(n) = $nodes[i]",
        f"SET n += $rows[i] SET n{labels}",
    )


def relate(name: str, *, merge: bool, weight: bool, time: bool) -> LiteralString:
    """Relationships between the element ids $head and $tail, with $weight and $time (milliseconds since 1970) if any."""
    values: list[LiteralString] = []
    if weight:
        values.append("r.weight = $weight[i]")
    if time:
        values.append(
            "r.time = CASE WHEN $time[i] IS NULL THEN null ELSE datetime({epochMillis: toInteger($time[i])}) END"
        )
    return cypher(
        "UNWIND range(0, size($head) - 1) AS i",
        "MATCH (a) WHERE elementId(a) = $head[i]",
        "MATCH (b) WHERE elementId(b) = $tail[i]",
        "MERGE" if merge else "CREATE",
        f"(a)-[r:{quoted(name)}]->(b)",
        *(["SET " + ", ".join(values)] if values else []),
    )
