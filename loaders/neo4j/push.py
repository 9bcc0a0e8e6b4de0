"""Any graph into Neo4j: the constraint first, then nodes, then relationships, in batches over two connections."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal, LiteralString

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...kg import DataError, KnowledgeGraph, Update
from . import push_queries as queries
from .batches import CONNECTIONS, Preview, send, slices
from .connection import Connection, Neo4jServer, connected
from .names import quoted
from .node_properties import NodeProperties
from .push_names import GraphNames, names_of

__all__ = ["Into", "PushReport", "push_graph"]

Into = Literal["empty", "existing"]
"""What database a push goes into: an empty one, or one with nodes, among which those with the same key are the same."""

BATCH = 5000


@dataclass(frozen=True)
class PushReport:
    """What a push wrote.

    Attributes:
        nodes, relationships: of the graph.
        nodes_created, relationships_created: those that were not there before.
        resumed: whether a push of the same graph that was cut was taken up.
        labels, relationship_types, properties: names in Neo4j by the graph's own.
        as_text: values that are not what their datatype says: how many by property, with an example.
        preview: what would be written, if nothing was.
    """

    nodes: int
    relationships: int
    nodes_created: int
    relationships_created: int
    resumed: bool
    labels: dict[str, str]
    relationship_types: dict[str, str]
    properties: dict[str, str]
    as_text: dict[str, tuple[int, str]] = field(default_factory=dict)
    preview: Preview | None = None


def push_graph(
    graph: KnowledgeGraph,
    server: Neo4jServer,
    *,
    label: str = "Entity",
    key: str = "id",
    language: str = "en",
    into: Into = "empty",
    batch: int = BATCH,
    dry_run: bool = False,
    on_progress: Update | None = None,
) -> PushReport:
    """Write a graph into a Neo4j database.

    Each entity becomes a node with two labels, `label` and its type's short name, its id in the property `key`, which a
    constraint keeps unique, and its literals as properties (`NodeProperties`). Each triple becomes a relationship called
    like its relation, with `weight` and `time` (a datetime, to the millisecond) where it has them. What is there is left
    as it is, so the same push again changes nothing, and one that was cut is taken up by calling it again.

    Args:
        graph: what to write.
        server: where to.
        label: label of all nodes.
        key: property of the id.
        language: language preferred where a literal comes in several.
        into: "empty" refuses a database with nodes in it, unless they come from a push of this graph that was cut;
            "existing" takes nodes with `label` and the same key for the same, and sets their properties.
        batch: nodes or relationships a transaction.
        dry_run: write nothing, and report what would be.
        on_progress: told how many nodes and relationships are done.

    Raises:
        DataError: if the database is not empty, or a name or an id cannot be written.
    """
    names = names_of(graph, key=key, label=label)
    with connected(server) as connection:
        push = _Push(connection, graph, names, label, key, language, batch, on_progress)
        if dry_run:
            return push.report(preview=push.preview())
        push.begin(into)
        try:
            nodes = push.nodes()
            related = push.relationships()
        except DataError as error:
            raise type(error)(f"{error}; the push is not complete: the same call takes it up") from error
        push.end()
        return push.report(nodes, related)


class _Push:
    """One push under way."""

    def __init__(
        self,
        connection: Connection,
        graph: KnowledgeGraph,
        names: GraphNames,
        label: str,
        key: str,
        language: str,
        batch: int,
        on_progress: Update | None,
    ) -> None:
        self.connection, self.graph, self.names, self.label, self.key = connection, graph, names, label, key
        self.batch, self.on_progress = batch, on_progress
        # Nodes are written type after type, since the labels of a batch are part of its query.
        self.order = np.argsort(graph.type_of, kind="stable")
        self.place = np.empty(graph.n_entities, dtype=np.int64)
        self.place[self.order] = np.arange(graph.n_entities)
        self.ids = graph.entities.to_arrow().take(pa.array(self.order))
        self.properties = NodeProperties.of(graph, names.properties, self.place, language)
        self.resumed = self.merge = False
        self.made: dict[int, pa.Array] = {}
        # Other servers take conflicting writes of two connections for an error.
        self.connections = CONNECTIONS if connection.about.is_neo4j else 1

    def begin(self, into: Into) -> None:
        """See that the database is fit, mark it, and set the constraint."""
        graph = _fingerprint(self.graph, self.names, self.label, self.key)
        marks = [row["graph"] for row in self.connection.read_all(f"MATCH (m:{queries.MARK}) RETURN m.graph AS graph")]
        filled = bool(self.connection.read_all(f"MATCH (n) WHERE NOT n:{queries.MARK} RETURN 1 AS one LIMIT 1"))
        self.resumed = graph in marks
        if filled and not self.resumed and into == "empty":
            other = "holds another graph, whose push was cut," if marks else "is not empty"
            raise DataError(
                f"{self.connection.where}: the database {other} and nothing was written; empty it, or push into it as it "
                "is with into: existing"
            )
        self.merge = filled
        self.connection.write(
            f"MERGE (m:{queries.MARK} {{graph: $graph}}) SET m.at = $at", graph=graph, at=datetime.now(UTC)
        )
        self.connection.run(queries.constraint(self.label, self.key))

    def end(self) -> None:
        """Take the mark away: all is there."""
        graph = _fingerprint(self.graph, self.names, self.label, self.key)
        self.connection.write(f"MATCH (m:{queries.MARK} {{graph: $graph}}) DELETE m", graph=graph)

    def nodes(self) -> int:
        """Write the nodes and keep their element ids; how many are new."""
        created: list[int] = []

        def work(part: tuple[LiteralString, slice]) -> int:
            labels, rows = part
            maps, new = self.rows(rows), 0
            if self.merge:
                found, new = self._merged(labels, maps)
            else:
                written = self.connection.write(queries.create_nodes(labels), rows=maps)
                found, new = written.records[0]["made"], len(maps)
            self.made[rows.start] = pa.array(found, pa.large_string())
            created.append(new)
            return len(maps)

        n = self.graph.n_entities
        send(work, self._node_batches(), n, "nodes", self.on_progress, connections=self.connections)
        return sum(created)

    def _merged(self, labels: LiteralString, maps: list[dict[str, Any]]) -> tuple[list[str], int]:
        """Element ids of nodes that may be there already, and how many were not."""
        ids = [row[self.key] for row in maps]

        def together(run: Any) -> tuple[list[str], int]:
            there = dict(run(queries.find_nodes(self.label, self.key), ids=ids).records[0]["found"])
            old = [row for row in maps if row[self.key] in there]
            new = [row for row in maps if row[self.key] not in there]
            if old:
                run(queries.update_nodes(labels), nodes=[there[row[self.key]] for row in old], rows=old)
            if new:
                run(queries.create_nodes(labels), rows=new)
            # Asked again, since on some servers a node with one label more is another node.
            there = dict(run(queries.find_nodes(self.label, self.key), ids=ids).records[0]["found"])
            if len(there) < len(ids):
                raise DataError(f"{self.connection.where} does not keep the name {self.key!r}; choose another key")
            return [there[i] for i in ids], len(new)

        return self.connection.write_together(together)

    def _node_batches(self) -> Iterator[tuple[LiteralString, slice]]:
        ends = np.searchsorted(self.graph.type_of[self.order], np.arange(-1, len(self.names.labels) + 1)).tolist()
        for number, (start, end) in enumerate(pairwise(ends)):
            kinds = () if number == 0 else (self.names.labels[number - 1],)
            for rows in slices(end, self.batch, start):
                yield queries.labelled(self.label, *kinds), rows

    def rows(self, rows: slice) -> list[dict[str, Any]]:
        """Nodes as maps of properties, the key among them."""
        maps = self.properties.rows(rows)
        for row, name in zip(maps, self.ids[rows.start : rows.stop].to_pylist(), strict=True):
            row[self.key] = name
        return maps

    def relationships(self) -> int:
        """Write the relationships; how many are new."""
        node = pa.concat_arrays([self.made[start] for start in sorted(self.made)] or [pa.array([], pa.large_string())])
        created: list[int] = []

        def work(part: tuple[LiteralString, slice]) -> int:
            query, rows = part
            ends = (
                node.take(pa.array(self.place[end[rows]])).to_pylist() for end in (self.graph.head, self.graph.tail)
            )
            head, tail = ends
            written = self.connection.write(query, head=head, tail=tail, **self.attributes(rows))
            created.append(written.counters.get("relationships_created", 0))
            return len(head)

        n = self.graph.n_triples
        send(work, self._edge_batches(), n, "relationships", self.on_progress, connections=self.connections)
        return sum(created)

    def _edge_batches(self) -> Iterator[tuple[LiteralString, slice]]:
        for number, name in enumerate(self.names.relationships):
            start, end = self.graph.offsets[number : number + 2].tolist()
            if start == end:
                continue
            count: LiteralString = f"MATCH ()-[r:{quoted(name)}]->() RETURN count(r) AS n"
            query = self.relate(name, merge=self.merge and self.connection.read_all(count)[0]["n"] > 0)
            for rows in slices(end, self.batch, start):
                yield query, rows

    def relate(self, name: str, *, merge: bool) -> LiteralString:
        """The query that writes relationships of a type."""
        weight, time = self.graph.weight is not None, self.graph.time is not None
        return queries.relate(name, merge=merge, weight=weight, time=time)

    def attributes(self, rows: slice) -> dict[str, list[float | None]]:
        """Weights, and times in milliseconds, null where there is none."""
        found = {}
        if self.graph.weight is not None:
            found["weight"] = _nullable(self.graph.weight[rows].astype(np.float64))
        if self.graph.time is not None:
            found["time"] = _nullable(np.round(self.graph.time[rows] * 1000))
        return found

    def preview(self) -> Preview:
        """What would be written."""
        first = [query for query, _ in zip(self._node_batches(), range(3), strict=False)]
        names = self.names.relationships[:3]
        return Preview(
            {
                "nodes": self.graph.n_entities,
                "relationships": self.graph.n_triples,
                "properties": sum(len(column.node) for column in self.properties.columns),
            },
            self.rows(slice(0, min(3, self.graph.n_entities))),
            [
                queries.constraint(self.label, self.key),
                *dict.fromkeys(queries.create_nodes(labels) for labels, _ in first),
                *(self.relate(name, merge=False) for name in names),
            ],
        )

    def report(self, nodes: int = 0, related: int = 0, preview: Preview | None = None) -> PushReport:
        """What was written."""
        graph, names = self.graph, self.names
        return PushReport(
            graph.n_entities, graph.n_triples, nodes, related, self.resumed,
            dict(zip(graph.types, names.labels, strict=True)),
            dict(zip(graph.relations, names.relationships, strict=True)),
            dict(zip(graph.literals.predicates, names.properties, strict=True)),
            self.properties.as_text, preview,
        )  # fmt: skip


def _nullable(values: npt.NDArray[np.float64]) -> list[float | None]:
    listed: list[float | None] = pa.array(values, from_pandas=True).to_pylist()
    return listed


def _fingerprint(graph: KnowledgeGraph, names: GraphNames, label: str, key: str) -> str:
    """The same for the same graph under the same names."""
    digest = hashlib.sha256(repr((label, key, names, len(graph.literals))).encode(errors="surrogatepass"))
    for column in (graph.head, graph.tail, graph.offsets, graph.type_of):
        digest.update(np.ascontiguousarray(column).data)
    for buffer in graph.entities.to_arrow().buffers()[1:]:
        digest.update(b"" if buffer is None else buffer)
    return digest.hexdigest()
