"""Relationships of a database, page by page of the nodes they begin at, as columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .connection import Connection
from .names import any_of, cypher, quoted
from .own import NOTHING, Own

__all__ = ["Ends", "read_edges", "read_ends"]

Column = Any
"""A `pa.Array`; pyarrow ships no types."""
PENDING = 1_000_000


@dataclass(frozen=True, eq=False)
class Ends:
    """Relationships of one type, n of them.

    Attributes:
        type: the type.
        head: the server's ids of the nodes they begin at.
        tail: the server's ids of the nodes they end at.
        properties: for each property asked for its values, None where it is absent.
    """

    type: str
    head: Column
    tail: Column
    properties: list[list[Any]]


def read_edges(
    connection: Connection,
    identities: Column,
    counts: dict[str, int],
    *,
    identity: str,
    properties: Collection[str] = (),
    batch: int,
    tell: Callable[[str, npt.NDArray[np.int32], npt.NDArray[np.int32], list[list[Any]]], None],
    advance: Callable[[int], None],
    ends: Column | None = None,
    own: Own = NOTHING,
) -> tuple[Counter[str], Counter[str]]:
    """Read the relationships that begin at some nodes.

    Args:
        connection: to the database.
        identities: the server's ids of the nodes.
        counts: types to read, and about how many there are of each.
        identity: the server's function that numbers nodes.
        properties: names of the properties to read with them.
        batch: relationships a page, about.
        tell: given type, rows of the head nodes among `identities` and of the tail nodes among `ends`, and values of the
            properties.
        advance: told how many relationships have come.
        ends: the server's ids of the nodes where they may end; by default `identities`.
        own: what is plait's own, and so not read.

    Returns:
        How many of each type came, and how many of them end outside the nodes, and so are not told.
    """
    came, outside = Counter[str](), Counter[str]()
    pending: dict[str, list[Ends]] = {}
    tails = identities if ends is None else ends

    def flush(kind: str) -> None:
        parts = pending.pop(kind)
        head, tail = (
            np.asarray(pc.index_in(pa.concat_arrays(column), value_set=known).fill_null(-1), dtype=np.int32)
            for column, known in (([p.head for p in parts], identities), ([p.tail for p in parts], tails))
        )
        values = [[v for part in parts for v in part.properties[i]] for i in range(len(properties))]
        inside = tail >= 0
        outside[kind] += int((~inside).sum())
        if not inside.all():
            kept = np.flatnonzero(inside)
            head, tail, values = head[kept], tail[kept], [[v[i] for i in kept.tolist()] for v in values]
        tell(kind, head, tail, values)

    for page in read_ends(
        connection, identities, counts, identity=identity, properties=properties, batch=batch, own=own
    ):
        came[page.type] += len(page.head)
        advance(len(page.head))
        parts = pending.setdefault(page.type, [])
        parts.append(page)
        if sum(len(part.head) for part in parts) >= PENDING:
            flush(page.type)
    # Not in the order of arrival, which the server is free in: relations are numbered as they are told.
    for kind in sorted(pending, key=[*counts].index):
        flush(kind)
    return came, outside


def read_ends(
    connection: Connection,
    identities: Column,
    counts: dict[str, int],
    *,
    identity: str,
    properties: Collection[str],
    batch: int,
    own: Own = NOTHING,
) -> Iterator[Ends]:
    """The relationships of some types that begin at some nodes, a part a page and type.

    A page is asked for by the nodes it begins at, and again if the connection is lost: nothing comes twice.
    """
    if not counts or not len(identities):
        return
    degree = sum(counts.values()) / len(identities)
    size = max(int(batch / max(degree, 1.0)), 1)
    query = _query(counts, identity, properties, own)
    for start in range(0, len(identities), size):
        page = identities.slice(start, size)
        for record in connection.read_all(query, ids=page.to_pylist(), **own.parameters):
            kind, head, tail, *values = record.values()
            yield Ends(kind, pa.array(head, identities.type), pa.array(tail, identities.type), values)


def _query(counts: dict[str, int], identity: str, properties: Collection[str], own: Own) -> str:
    return cypher(
        f"MATCH (a) WHERE {identity}(a) IN $ids MATCH (a)-[r:{any_of(counts)}]->(b)",
        own.edges("r", *counts),
        f"WITH type(r) AS kind, collect({identity}(a)) AS head, collect({identity}(b)) AS tail",
        # A list of values would lose those that are absent.
        ", collect(r) AS rs" if properties else "",
        "RETURN kind, head, tail",
        *(f", [r IN rs | r.{quoted(name)}]" for name in properties),
    )
