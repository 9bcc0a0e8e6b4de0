"""Where a database keeps what a model knows: what is saved with the model, so that a path can be shown there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ...kg import UNTYPED, KnowledgeGraph, Mapped

if TYPE_CHECKING:
    from .push import PushReport

__all__ = ["Direction", "GraphPlaces", "LogPlaces", "Neo4jPlaces", "NodePlace", "graph_places"]

Direction = tuple[str, bool]
"""A relationship type, and whether its relationships lead against the relation that stands for it."""


class _Saved(BaseModel):
    """What is written as JSON."""

    model_config = ConfigDict(frozen=True)


class NodePlace(_Saved):
    """How ids are made of the nodes with a label: what finds a node by its id."""

    label: str | None
    """The label; None for nodes without any."""

    key: tuple[str, ...] = ()
    """The properties whose values are the id; none where that is the server's element id."""

    kinds: tuple[tuple[str, ...], ...] = ()
    """For each property the Python types of its values: the id "12" may be the text or the number."""

    separator: str = "|"
    """What stands between the values of a composite key."""

    prefix: bool = False
    """Whether ids begin with the label and a slash."""

    unkeyed: bool = False
    """Whether some nodes have no key, and so their element id for an id."""

    def same_nodes(self, other: NodePlace) -> bool:
        """Whether equal ids are ids of one node."""
        return self.model_copy(update={"kinds": ()}) == other.model_copy(update={"kinds": ()})


class GraphPlaces(_Saved):
    """A graph in a database."""

    labels: dict[str, NodePlace] = {}
    """By node type."""

    every: NodePlace | None = None
    """How nodes of all other types are found, if they are."""

    relations: dict[str, tuple[Direction, ...]] = {}
    """By relation, the types of the relationships that it was made of, each triple of one of them. A relation that is
    not here has no relationships of its own: it was made of paths, nodes or properties."""

    merged: tuple[str, ...] = ()
    """Ids of entities that stand for several nodes."""

    def of_type(self, name: str) -> NodePlace | None:
        """Where nodes of a type are; None if that is not known."""
        return self.labels.get(name, self.every)

    @classmethod
    def pushed(cls, report: PushReport, *, label: str = "Entity", key: str = "id") -> Self:
        """The places of a graph that `push_graph` has written with this label and key."""
        every = NodePlace(label=label, key=(key,), kinds=(("str",),))
        return cls(every=every, relations={name: ((kind, False),) for name, kind in report.relationship_types.items()})


class LogPlaces(_Saved):
    """Interactions in a database."""

    user: NodePlace
    item: NodePlace
    types: tuple[str, ...]
    """Types of the relationships from users to items."""


class Neo4jPlaces(_Saved):
    """What of a model is in a database; holds neither address nor password."""

    graph: GraphPlaces | None = None
    """The graph, if it came from there or was pushed there."""

    log: LogPlaces | None = None
    """The interactions, if they came from there."""

    together: bool = False
    """Whether both are in one database."""

    item_type: str = UNTYPED
    """The node type of most items."""

    other_items: dict[str, str] = {}
    """By item id, the node type of an item that has another."""

    def type_of_item(self, item: str) -> str:
        """The node type of an item, by its id."""
        return self.other_items.get(item, self.item_type)

    def with_items(self, items: pa.Array, types: Iterable[str]) -> Neo4jPlaces:
        """The same, knowing the node type of each item.

        Args:
            items: ids of the items that have an entity.
            types: type of each.
        """
        column = pa.array(list(types), pa.large_string())
        if not len(column):
            return self
        coded = column.dictionary_encode()
        most = coded.dictionary[pc.mode(coded.indices)[0]["mode"].as_py()].as_py()
        other = np.flatnonzero(np.asarray(pc.not_equal(column, most)))
        pairs = zip(items.take(pa.array(other)).to_pylist(), column.take(pa.array(other)).to_pylist(), strict=True)
        return self.model_copy(update={"item_type": most, "other_items": dict(pairs)})


def graph_places(nodes: Iterable[NodePlace], read: KnowledgeGraph, mapped: Mapped) -> GraphPlaces:
    """The places of a graph after a mapping.

    Args:
        nodes: how nodes were read.
        read: the graph as read, whose relations are relationship types.
        mapped: what became of it.
    """
    labels = {UNTYPED if place.label is None else place.label: place for place in nodes if place.label != UNTYPED}
    merged = mapped.renamed.column("into").unique().to_pylist()
    if mapped.graph is read:
        return GraphPlaces(labels=labels, relations={name: ((name, False),) for name in read.relations})
    return GraphPlaces(labels=labels, relations=_relations(read, mapped.graph, merged), merged=tuple(merged))


def _relations(read: KnowledgeGraph, graph: KnowledgeGraph, merged: list[str]) -> dict[str, tuple[Direction, ...]]:
    """The relationship types of each relation all of whose triples are relationships, as they are or turned round."""
    number = read.entities.numbers(graph.entities.to_arrow(), missing="negative")
    apart = np.asarray(pc.is_in(graph.entities.to_arrow(), value_set=pa.array(merged, pa.large_string())), dtype=bool)
    # Whatever is in no relation any more may have become part of another one.
    gone = [name for name in read.relations if name not in graph.relations]
    found: dict[str, tuple[Direction, ...]] = {}
    for at, name in enumerate(graph.relations):
        rows = slice(int(graph.offsets[at]), int(graph.offsets[at + 1]))
        head, tail = graph.head[rows], graph.tail[rows]
        # No path through a merged entity is shown, so that its triples need no relationship.
        shown = ~(apart[head] | apart[tail])
        types = _made_of(read, name, gone, number[head[shown]], number[tail[shown]])
        if types:
            found[name] = types
    return found


def _made_of(
    read: KnowledgeGraph, name: str, gone: list[str], head: npt.NDArray[np.int64], tail: npt.NDArray[np.int64]
) -> tuple[Direction, ...]:
    """Which types have all of some pairs among them; none if a pair is of no type."""
    n, open_ = read.n_entities, (head >= 0) & (tail >= 0)
    if not open_.all():
        return ()
    candidates = [(name, False), *((other, way) for other in gone for way in (True, False))]
    types: list[Direction] = []
    for kind, reverse in candidates:
        if kind not in read.relations or (types and not open_.any()):
            continue
        at = read.relations.index(kind)
        rows = slice(int(read.offsets[at]), int(read.offsets[at + 1]))
        first, second = (read.tail, read.head) if reverse else (read.head, read.tail)
        known = np.isin(head * n + tail, first[rows].astype(np.int64) * n + second[rows])
        if (known & open_).any() or (kind == name and not len(head)):
            types.append((kind, reverse))
            open_ &= ~known
    return () if open_.any() else tuple(types)
