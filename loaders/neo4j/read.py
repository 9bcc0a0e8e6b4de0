"""A knowledge graph read from a Neo4j database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ConfigDict, Field, PositiveInt, field_validator

from ...kg import DataError, KnowledgeGraph, Update
from ..collector import TripleCollector
from ..graph_options import GraphOptions
from .connection import Connection, Neo4jServer, connected
from .edges import read_edges
from .moments import seconds_of_values, weights_of_values
from .nodes import NodeReading
from .places import NodePlace
from .plans import ReadPlan, plan_of
from .schema import label_counts, notes_count, type_counts

__all__ = ["Neo4jGraph", "keys_of", "read_neo4j"]

Rows = npt.NDArray[np.int32]


class Neo4jGraph(Neo4jServer, GraphOptions):
    """A graph in a Neo4j database.

    Entities are nodes, relations are relationship types, literals are properties. A node with several labels is of the
    first of them in `labels`; without these, of the first that has a stated key, else of the first that has a
    uniqueness constraint, else of the commonest. Its other labels are literals of the predicate `label`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    source: Literal["neo4j"]

    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Only nodes with one of these labels; all if absent."""

    relationships: tuple[str, ...] | None = None
    """Only relationships of these types; all if absent."""

    exclude_relationships: tuple[str, ...] = ()
    """No relationships of these types, such as those that are the interactions."""

    exclude_properties: tuple[str, ...] = ()
    """Properties of nodes that are not read, such as embeddings."""

    keys: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """For a label the property whose value is the id, or several of a composite key; an empty list is the server's own
    element id. Without: the properties of a uniqueness constraint, else one named like an id (id, uri, sku, ...) that
    all nodes of the label have, else the element id, which another database gives another way."""

    separator: str = Field(default="|", min_length=1)
    """Stands between the values of a composite key."""

    id_prefix: bool = False
    """Ids begin with their label, as in Brand/acme: where several labels share values."""

    item_label: str | None = None
    """The label whose ids stay without a prefix, as the interactions have them."""

    weight: str | None = None
    """Property of relationships that is their weight; unknown (NaN) where a relationship lacks it."""

    time: str | None = None
    """Property of relationships that is their time; unknown (NaN) where a relationship lacks it."""

    batch: PositiveInt = 20_000
    """Nodes, and about as many relationships, that are asked for at once."""

    @field_validator("keys", mode="before")
    @classmethod
    def _listed(cls, keys: Any) -> Any:
        return keys_of(keys)

    def paths(self) -> list[Path]:
        """None: the graph comes from a server, and the password's file is not part of it."""
        return []


def keys_of(keys: Any) -> Any:
    """Keys with a single property as a list of one."""
    if isinstance(keys, dict):
        return {label: [key] if isinstance(key, str) else key for label, key in keys.items()}
    return keys


def read_neo4j(
    config: Neo4jGraph,
    *,
    without: Collection[str] = (),
    left_out: list[str] | None = None,
    places: list[NodePlace] | None = None,
    on_progress: Update | None = None,
) -> KnowledgeGraph:
    """Read a graph from a Neo4j database, or another that speaks Bolt and Cypher.

    The server has no snapshot over several queries: what changes meanwhile is noticed by the counts, and told. A page
    whose connection is lost is asked again for `retry_seconds`.

    Args:
        config: what to read and where.
        without: further relationship types that are not read: the interactions.
        left_out: is told what was left out and what may be wrong, a line each, with numbers.
        places: is told how nodes are found by their ids.
        on_progress: told how many nodes and relationships have come, and of how many.

    Raises:
        ConfigError: if user, password, database, a label, type or key do not fit.
        DataError: if the server cannot be reached, there is no node, or an id belongs to several nodes.
    """
    with connected(config) as connection:
        reading = _Reading(connection, config, without, on_progress)
        reading.run()
    if left_out is not None:
        left_out += reading.told
    if places is not None:
        places += reading.places
    return reading.collector.graph()


class _Reading:
    """One reading of a graph."""

    def __init__(
        self, connection: Connection, config: Neo4jGraph, without: Collection[str], on_progress: Update | None
    ) -> None:
        self.collector, self.told, self.places = TripleCollector(), list[str](), list[NodePlace]()
        self._connection, self._config, self._on_progress = connection, config, on_progress
        self._excluded = [*config.exclude_relationships, *without]
        self._properties = [name for name in (config.weight, config.time) if name is not None]
        self._done, self._total = 0, 0
        self._wrong: dict[str, list[Any]] = {}

    def run(self) -> None:
        """Nodes, then relationships; and counts before and after."""
        config = self._config
        plan = self._plan()
        self._total = plan.total
        nodes = NodeReading(
            self._connection,
            self.collector,
            identity=plan.identity,
            separator=config.separator,
            batch=config.batch,
            prefixed=lambda label: config.id_prefix and label != config.item_label,
            advance=lambda n: self._advance(n, "nodes"),
            own=plan.own,
        )
        for label in plan.labels:
            nodes.read(label)
        nodes.check_distinct()
        if not len(nodes.ids()):
            raise DataError(f"{self._connection.where} has no node to read; fill it, or loosen `labels`")
        came, outside = self._read_edges(plan, nodes)
        self.places = nodes.places()
        self._tell_nodes(plan, nodes)
        self._tell_edges(came, outside)
        for kind, n in plan.own_types.items():
            self.told.append(f"{n:,} relationships {kind} are recommendations that plait wrote, and no knowledge")
        self._tell_changes(plan, nodes)

    def _plan(self) -> ReadPlan:
        config = self._config
        return plan_of(
            self._connection,
            labels=config.labels,
            relationships=config.relationships,
            without=self._excluded,
            keys=config.keys,
            exclude=config.exclude_properties,
        )

    def _read_edges(self, plan: ReadPlan, nodes: NodeReading) -> tuple[Counter[str], Counter[str]]:
        names = nodes.ids()

        def tell(kind: str, head: Rows, tail: Rows, values: list[list[Any]]) -> None:
            by_name = dict(zip(self._properties, values, strict=True))
            relation = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(head), dtype=np.int32)), [kind])
            self.collector.add_edges(
                pa.DictionaryArray.from_arrays(pa.array(head), names),
                relation,
                pa.DictionaryArray.from_arrays(pa.array(tail), names),
                weight=self._numbers(self._config.weight, by_name, weights_of_values),
                time=self._numbers(self._config.time, by_name, seconds_of_values),
            )

        return read_edges(
            self._connection,
            nodes.identities(),
            plan.types,
            identity=plan.identity,
            properties=self._properties,
            batch=self._config.batch,
            tell=tell,
            advance=lambda n: self._advance(n, "relationships"),
            own=plan.own,
        )

    def _numbers(self, name: str | None, by_name: dict[str, list[Any]], convert: Any) -> Any:
        if name is None:
            return None
        numbers, bad = convert(by_name[name])
        self._wrong.setdefault(name, []).extend(bad)
        return numbers

    def _advance(self, n: int, note: str) -> None:
        self._done += n
        if self._on_progress is not None:
            self._on_progress(self._done, max(self._total, self._done), note)

    def _tell_nodes(self, plan: ReadPlan, nodes: NodeReading) -> None:
        for label, n in nodes.unkeyed.items():
            self.told.append(
                f"{n:,} nodes :{label} have no key, and are known by the server's element id, which changes with the "
                "database; state a property in `keys`"
            )
        for (label, name, kind), n in nodes.unread.items():
            self.told.append(f"{n:,} values of {name} on :{label} are {kind} values, which are left out")

    def _tell_edges(self, came: Counter[str], outside: Counter[str]) -> None:
        for kind, n in outside.items():
            if n:
                self.told.append(f"{n:,} of {came[kind]:,} relationships {kind} lead to nodes outside `labels`")
        for name, bad in self._wrong.items():
            if bad:
                self.told.append(
                    f"{len(bad):,} values of {name} are no number or time, such as {str(bad[0])!r}: unknown"
                )

    def _tell_changes(self, before: ReadPlan, nodes: NodeReading) -> None:
        own = before.own
        labels, types = label_counts(self._connection, own), type_counts(self._connection, own)
        counts = {
            f"nodes :{plan.label}": (plan.count, labels.get(plan.label, 0)) for plan in before.labels if plan.label
        }
        counts |= {f"relationships {kind}": (n, types.get(kind, 0)) for kind, n in before.types.items()}
        if self._config.labels is None:
            now = int(self._connection.read_all("MATCH (n) RETURN count(n) AS n")[0]["n"])
            counts["nodes"] = (len(nodes.ids()), now - len(own.nodes) - notes_count(self._connection))
        changed = [f"{name} {old:,} then {new:,}" for name, (old, new) in counts.items() if old != new]
        if nodes.vanished:
            changed.append(f"{nodes.vanished:,} nodes deleted")
        if changed:
            self.told.append(
                f"the database changed while it was read ({'; '.join(changed)}); read it again when it rests"
            )
