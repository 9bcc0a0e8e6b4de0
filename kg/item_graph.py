"""The graph as the recommender sees it: items first, then the entities around them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from .graph import KnowledgeGraph
from .ids import IdMap
from .names import readable_name
from .neighbours import Adjacency
from .schema import Schema

__all__ = ["ItemGraph", "ItemGraphConfig"]


class ItemGraphConfig(BaseModel):
    """How much of the graph around the items is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hops: int = Field(default=2, ge=1, le=6)
    """How far from an item an entity may be, in edges. 1 keeps brands and leaf categories, 2 their parents."""

    unlinked_items: Literal["drop", "keep"] = "drop"
    """What happens to entities of the item type that no item is linked to: products not in the catalogue."""

    min_degree: int = Field(default=2, ge=1)
    """Entities with fewer edges are dropped, again and again until none is left: a leaf joins nothing."""


@dataclass(frozen=True, eq=False)
class ItemGraph:
    """Triples among items and entities. Node v is item v where v < n_items, else entity v - n_items.

    Attributes:
        items: ids of the catalogue, those without an entity in the graph included.
        entities: ids of the entities that are not items.
        relations: relation names.
        head, relation, tail: the triples, shape (t,) each.
        label: display names of the entities, large_string.
        type_name: node type names of the entities, large_string.
        item_entity: id of each item's entity, null where it has none, large_string.
        inverse_names: by relation name, what it is called where it is walked from tail to head; few have one.
    """

    items: IdMap
    entities: IdMap
    relations: tuple[str, ...]
    head: npt.NDArray[np.int32]
    relation: npt.NDArray[np.int32]
    tail: npt.NDArray[np.int32]
    label: pa.Array
    type_name: pa.Array
    item_entity: pa.Array
    inverse_names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        graph: KnowledgeGraph,
        schema: Schema,
        items: IdMap,
        item_entity: npt.NDArray[np.int64],
        entity_labels: pa.Array,
        config: ItemGraphConfig,
        inverse_names: dict[str, str] | None = None,
    ) -> ItemGraph:
        """Put items in the place of their entities and keep what lies around them.

        Several items may share one entity (editions of a film): each gets that entity's triples.

        Args:
            graph: the knowledge graph.
            schema: its schema; the item type says which entities are items outside the catalogue.
            items: the catalogue.
            item_entity: entity number of each item, -1 where it has none, shape (items,).
            entity_labels: display name of each entity of the graph.
            config: how much is kept.
            inverse_names: what relations are called in their other direction.
        """
        keep = _around(graph, schema, item_entity, config)
        near = graph.head[keep], graph.relation[keep], graph.tail[keep]
        head, relation, tail = _as_items(*near, item_entity, graph.n_entities)
        # From here entities are numbered 0 to e-1 and items follow: the numbers of nodes are fixed last.
        head, relation, tail = _without_leaves(head, relation, tail, graph.n_entities, len(items), config.min_degree)
        ends = np.concatenate([head, tail])
        used = np.unique(ends[ends < graph.n_entities])
        number = np.full(graph.n_entities + len(items), -1, dtype=np.int64)
        number[used] = len(items) + np.arange(len(used))
        number[graph.n_entities :] = np.arange(len(items))
        names = np.array([*graph.types, "untyped"], dtype=object)
        linked = pa.array(item_entity, mask=item_entity < 0)
        return cls(
            items,
            IdMap(graph.entities.to_arrow().take(pa.array(used))),
            graph.relations,
            number[head].astype(np.int32),
            relation.astype(np.int32),
            number[tail].astype(np.int32),
            entity_labels.take(pa.array(used)),
            pa.array(names[graph.type_of[used]], type=pa.large_string()),
            graph.entities.to_arrow().take(linked),
            {name: inverse for name, inverse in (inverse_names or {}).items() if name in graph.relations},
        )

    @classmethod
    def without_graph(cls, items: IdMap) -> ItemGraph:
        """Items alone: what a recommender without a knowledge graph has."""
        none = np.empty(0, dtype=np.int32)
        empty = pa.array([], type=pa.large_string())
        return cls(items, IdMap([]), (), none, none, none, empty, empty, pa.nulls(len(items), pa.large_string()))

    def shuffled(self, rng: np.random.Generator) -> ItemGraph:
        """A graph of the same degrees that means nothing: within each relation every triple gets the tail of another.

        Each node keeps how many triples of each relation it begins and ends, so that what a model loses by it is
        what the graph says, not that there is one. A triple may come to stand twice, or to join a node with itself.

        Args:
            rng: draws the order.
        """
        order = np.argsort(self.relation, kind="stable")
        tail = np.empty_like(self.tail)
        tail[order] = self.tail[np.lexsort((rng.random(len(self.tail)), self.relation))]
        return replace(self, tail=tail)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)

    @property
    def n_nodes(self) -> int:
        """Number of items and entities."""
        return len(self.items) + len(self.entities)

    @cached_property
    def adjacency(self) -> Adjacency:
        """Neighbours in both directions."""
        return Adjacency.build(self.head, self.relation, self.tail, self.n_nodes)

    def node_id(self, node: int) -> str:
        """The user's id of a node: item id or entity id."""
        return self.items.id(node) if node < self.n_items else self.entities.id(node - self.n_items)

    def node_label(self, node: int) -> str:
        """Display name of an entity node."""
        if node < self.n_items:
            raise ValueError(f"node {node} is an item: its title is the recommender's to tell")
        return str(self.label[node - self.n_items].as_py()) or readable_name(self.node_id(node))

    def __repr__(self) -> str:
        return f"ItemGraph({self.n_items:,} items, {len(self.entities):,} entities, {len(self.head):,} triples)"


def _around(
    graph: KnowledgeGraph, schema: Schema, item_entity: npt.NDArray[np.int64], config: ItemGraphConfig
) -> npt.NDArray[np.bool_]:
    """Which triples lie within `hops` of a linked entity, shape (t,)."""
    linked = np.zeros(graph.n_entities, dtype=bool)
    linked[item_entity[item_entity >= 0]] = True
    allowed = np.ones(graph.n_entities, dtype=bool)
    if config.unlinked_items == "drop" and schema.item_type in graph.types:
        allowed = (graph.type_of != graph.types.index(str(schema.item_type))) | linked
    open_edge = allowed[graph.head] & allowed[graph.tail]
    reached = linked.copy()
    keep = np.zeros(graph.n_triples, dtype=bool)
    for _ in range(config.hops):
        keep |= open_edge & (reached[graph.head] | reached[graph.tail])
        reached[graph.head[keep]] = True
        reached[graph.tail[keep]] = True
    return keep


def _as_items(
    head: npt.NDArray[np.int32],
    relation: npt.NDArray[np.int32],
    tail: npt.NDArray[np.int32],
    item_entity: npt.NDArray[np.int64],
    n_entities: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Replace linked entities by their items, numbered from n_entities; an entity of several items is repeated."""
    h, t = head.astype(np.int64), tail.astype(np.int64)
    row, h = _expand(h, item_entity, n_entities)
    again, t = _expand(t[row], item_entity, n_entities)
    h, r = h[again], relation[row][again].astype(np.int64)
    different = h != t
    return h[different], r[different], t[different]


def _expand(
    ends: npt.NDArray[np.int64], item_entity: npt.NDArray[np.int64], n_entities: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each end, its items' nodes (or itself): which end each comes from, and the node."""
    by_entity = np.argsort(item_entity, kind="stable")
    by_entity = by_entity[np.searchsorted(item_entity[by_entity], 0) :]
    owner = item_entity[by_entity]
    first, last = np.searchsorted(owner, ends, "left"), np.searchsorted(owner, ends, "right")
    counts = np.maximum(last - first, 1)
    row = np.repeat(np.arange(len(ends)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_item = (last > first)[row]
    node = ends[row]
    node[is_item] = n_entities + by_entity[(first[row] + within)[is_item]]
    return row, node


def _without_leaves(
    head: npt.NDArray[np.int64],
    relation: npt.NDArray[np.int64],
    tail: npt.NDArray[np.int64],
    n_entities: int,
    n_items: int,
    min_degree: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Drop entities of too low a degree until all that are left have enough; items always stay."""
    while True:
        degree = np.bincount(np.concatenate([head, tail]), minlength=n_entities + n_items)
        poor = degree < min_degree
        poor[n_entities:] = False
        keep = ~(poor[head] | poor[tail])
        if keep.all():
            return head, relation, tail
        head, relation, tail = head[keep], relation[keep], tail[keep]
