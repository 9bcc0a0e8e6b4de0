"""Vector indexes of a Neo4j server: found, made, awaited, dropped."""

from __future__ import annotations

from dataclasses import dataclass
from time import sleep

from ...kg import DataError, Update
from .connection import Connection
from .names import cypher, quoted

__all__ = [
    "VectorIndex",
    "awaited",
    "create_index",
    "drop_index",
    "find_index",
    "fitting_index",
    "index_name",
    "index_query",
]

FIELDS = "name, state, populationPercent, labelsOrTypes, properties, options, entityType"


@dataclass(frozen=True)
class VectorIndex:
    """An index over one property of a label; percent tells how far it has come."""

    name: str
    state: str
    percent: float
    dimension: int | None
    similarity: str | None


def index_name(label: str, name: str) -> str:
    """What an index of ours is called."""
    return f"plait_{label}_{name}"


def find_index(connection: Connection, label: str, name: str) -> VectorIndex | None:
    """The vector index over a property, whoever made it; None if there is none."""
    for row in connection.read_all(cypher("SHOW VECTOR INDEXES YIELD", FIELDS, "RETURN", FIELDS)):
        if row["entityType"] == "NODE" and row["labelsOrTypes"] == [label] and row["properties"] == [name]:
            config = (row["options"] or {}).get("indexConfig", {})
            similarity = config.get("vector.similarity_function")
            return VectorIndex(
                row["name"], row["state"], float(row["populationPercent"]), config.get("vector.dimensions"),
                None if similarity is None else str(similarity).lower(),
            )  # fmt: skip
    return None


def index_query(label: str, name: str, dimension: int) -> str:
    """The Cypher that makes an index of ours, by cosine."""
    return cypher(
        f"CREATE VECTOR INDEX {quoted(index_name(label, name))} IF NOT EXISTS FOR (n:{quoted(label)}) ON n.{quoted(name)}",
        f"OPTIONS {{indexConfig: {{`vector.dimensions`: {int(dimension)}, `vector.similarity_function`: 'cosine'}}}}",
    )


def fitting_index(connection: Connection, label: str, name: str, dimension: int) -> str:
    """See that an index may be over a property; one of ours for another dimension is dropped.

    Returns:
        The name of the index that is there, or will be made.

    Raises:
        DataError: if somebody else's index does not fit.
    """
    ours = index_name(label, name)
    found = find_index(connection, label, name)
    if found is None or (found.dimension == dimension and found.similarity == "cosine"):
        return ours if found is None else found.name
    if found.name != ours:
        raise DataError(
            f"the vector index {found.name!r} over :{label}({name}) is for {found.dimension} dimensions by "
            f"{found.similarity}, and the embeddings have {dimension} and are compared by cosine; write them to "
            "another property"
        )
    drop_index(connection, found.name)
    return ours


def create_index(connection: Connection, label: str, name: str, dimension: int) -> None:
    """Make the index over a property if it has none.

    Raises:
        DataError: if its name is taken.
    """
    if find_index(connection, label, name) is None:
        connection.run(index_query(label, name, dimension))
        if find_index(connection, label, name) is None:
            raise DataError(
                f"the name {index_name(label, name)!r} is taken by another index; write to another property"
            )


def drop_index(connection: Connection, name: str) -> None:
    """Drop an index by its name, if it is there."""
    connection.run(f"DROP INDEX {quoted(name)} IF EXISTS")


def awaited(connection: Connection, label: str, name: str, on_progress: Update | None = None) -> VectorIndex:
    """Wait until the index over a property answers, telling how many percent of it are done.

    Raises:
        DataError: if the server fails to make it.
    """
    while True:
        found = find_index(connection, label, name)
        if found is None or found.state == "FAILED":
            raise DataError(f"the server failed to make the vector index over :{label}({name}); its log says why")
        if on_progress is not None:
            on_progress(int(found.percent), 100, "vector index")
        if found.state == "ONLINE":
            return found
        sleep(0.25)
