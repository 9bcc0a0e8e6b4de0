"""The knowledge graph: immutable and columnar, never one Python object per node or edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .ids import IdMap
from .literals import Literals
from .neighbours import Adjacency, IntArray

if TYPE_CHECKING:
    import networkx as nx
    from torch_geometric.data import HeteroData

__all__ = ["UNTYPED", "KnowledgeGraph"]

UNTYPED = "untyped"
"""The node type of entities that no triple gives a type."""


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """Entities, typed; triples between them, by relation; literals about them.

    Attributes:
        entities: ids (IRIs, or whatever the source uses) of all e entities.
        relations: names of the r relations, as the source spells them.
        head: head entity of each triple, sorted by relation, then head, then tail, shape (t,).
        tail: tail entity of each triple, shape (t,).
        offsets: triples of relation i are rows offsets[i] to offsets[i + 1], shape (r + 1,).
        types: names of the node types.
        type_of: node type of each entity, -1 where it has none, shape (e,).
        literals: the literal table.
        duplicates: how many repeated triples were dropped when the graph was built.
        weight: strength of each triple (a review's rating), NaN where it has none, shape (t,); None where none has one.
        time: seconds since 1970 in UTC of each triple, NaN where unknown, shape (t,); None where none has one.
    """

    entities: IdMap
    relations: tuple[str, ...]
    head: npt.NDArray[np.int32]
    tail: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    types: tuple[str, ...]
    type_of: npt.NDArray[np.int32]
    literals: Literals
    duplicates: int = 0
    weight: npt.NDArray[np.float32] | None = None
    time: npt.NDArray[np.float64] | None = None

    @classmethod
    def build(
        cls,
        entities: IdMap,
        relations: Sequence[str],
        head: IntArray,
        relation: IntArray,
        tail: IntArray,
        *,
        types: Sequence[str] = (),
        type_of: IntArray | None = None,
        literals: Literals | None = None,
        weight: npt.NDArray[np.floating] | None = None,
        time: npt.NDArray[np.floating] | None = None,
        repeated: int = 0,
    ) -> KnowledgeGraph:
        """Make a graph from triples in any order; repeated triples count once: the latest of them, of equals the last.

        Args:
            entities: ids of all entities.
            relations: relation names; a relation without triples is kept.
            head, relation, tail: the triples as numbers, shape (t,) each.
            types: node type names.
            type_of: node type of each entity, -1 for none, shape (e,); all untyped by default.
            literals: the literal table; empty by default.
            weight, time: attributes of the triples, shape (t,) each, NaN where one has none.
            repeated: how many repeated triples were dropped already, to be counted with those found here.
        """
        node_types = np.full(len(entities), -1) if type_of is None else type_of
        if time is not None:
            # NaN sorts last, but an unknown time must not pass for the latest.
            by_time = np.argsort(np.where(np.isnan(time), -np.inf, time), kind="stable")
            head, relation, tail, time = head[by_time], relation[by_time], tail[by_time], time[by_time]
            weight = None if weight is None else weight[by_time]
        n = max(len(entities), 1)
        # Small integers are sorted by radix. Head and tail make one number within a relation, which sorts fastest.
        narrow = np.int16 if len(relations) < np.iinfo(np.int16).max else np.int32
        rows = np.argsort(np.asarray(relation).astype(narrow), kind="stable")
        pair = head[rows].astype(np.int64) * n + tail[rows]
        counts = np.bincount(relation, minlength=len(relations))
        ends = np.cumsum(counts)
        for first, last in zip(ends - counts, ends, strict=True):
            if weight is None and time is None:
                pair[first:last].sort()
            else:
                order = np.argsort(pair[first:last], kind="stable")
                pair[first:last], rows[first:last] = pair[first:last][order], rows[first:last][order]
        number = np.repeat(np.arange(len(relations), dtype=narrow), counts)
        kept = np.ones(len(pair), dtype=bool)
        kept[:-1] = (pair[1:] != pair[:-1]) | (number[1:] != number[:-1])
        h, t = np.divmod(pair[kept], n)
        offsets = np.zeros(len(relations) + 1, dtype=np.int64)
        np.cumsum(np.bincount(number[kept], minlength=len(relations)), out=offsets[1:])
        return cls(
            entities, tuple(relations), h.astype(np.int32), t.astype(np.int32), offsets, tuple(types),
            node_types.astype(np.int32), Literals.empty() if literals is None else literals, repeated + len(pair) - len(h),
            None if weight is None else weight[rows[kept]].astype(np.float32),
            None if time is None else time[rows[kept]].astype(np.float64),
        )  # fmt: skip

    @property
    def n_entities(self) -> int:
        """Number of entities."""
        return len(self.entities)

    @property
    def n_triples(self) -> int:
        """Number of triples between entities; literals not counted."""
        return len(self.head)

    @property
    def relation(self) -> npt.NDArray[np.int32]:
        """Relation number of each triple, shape (t,)."""
        return np.repeat(np.arange(len(self.relations), dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def adjacency(self) -> Adjacency:
        """Neighbours in both directions."""
        return Adjacency.build(self.head, self.relation, self.tail, self.n_entities)

    def type_name(self, entity: int) -> str:
        """Name of an entity's node type."""
        number = int(self.type_of[entity])
        return self.types[number] if number >= 0 else UNTYPED

    def without_relations(self, names: frozenset[str]) -> KnowledgeGraph:
        """The same graph less the relations of these names."""
        keep = np.array([name not in names for name in self.relations], dtype=bool)
        rows = keep[self.relation]
        number = np.cumsum(keep) - 1
        graph = KnowledgeGraph.build(
            self.entities,
            [name for name in self.relations if name not in names],
            self.head[rows],
            number[self.relation[rows]],
            self.tail[rows],
            types=self.types,
            type_of=self.type_of,
            literals=self.literals,
            weight=None if self.weight is None else self.weight[rows],
            time=None if self.time is None else self.time[rows],
        )
        return replace(graph, duplicates=self.duplicates)

    def subgraph(self, entities: IntArray) -> KnowledgeGraph:
        """The graph among some distinct entities, which keep their order; literals go along."""
        number = np.full(self.n_entities, -1, dtype=np.int64)
        number[entities] = np.arange(len(entities))
        rows = (number[self.head] >= 0) & (number[self.tail] >= 0)
        literals = self.literals.take(np.flatnonzero(number[self.literals.entity] >= 0))
        return KnowledgeGraph.build(
            IdMap(self.entities.to_arrow().take(np.asarray(entities, dtype=np.int64))),
            self.relations,
            number[self.head[rows]],
            self.relation[rows],
            number[self.tail[rows]],
            types=self.types,
            type_of=self.type_of[entities],
            literals=replace(literals, entity=number[literals.entity].astype(np.int32)),
            weight=None if self.weight is None else self.weight[rows],
            time=None if self.time is None else self.time[rows],
        )

    def to_networkx(self) -> nx.MultiDiGraph:
        """A networkx graph that holds all of this one: see `kg/networkx_graph.py` for what lies where. For small graphs."""
        from .networkx_graph import to_networkx

        return to_networkx(self)

    @classmethod
    def from_networkx(
        cls, graph: nx.Graph, *, type_attribute: str = "type", relation_attribute: str | None = None
    ) -> KnowledgeGraph:
        """A knowledge graph of any networkx graph: ids are `str(node)`, other attributes of nodes become literals.

        Args:
            graph: Graph (a triple an edge, from the end that comes first), DiGraph, MultiGraph or MultiDiGraph.
            type_attribute: node attribute that names the type of a node.
            relation_attribute: edge attribute that names the relation; by default the edge's key where that is a string,
                or else `relation`, `label` or `type`, or else "linked".

        Raises:
            DataError: if two nodes have the same id as strings, or an attribute cannot be used; it names the node or edge.
        """
        from .networkx_graph import from_networkx

        return from_networkx(graph, type_attribute=type_attribute, relation_attribute=relation_attribute)

    def to_hetero_data(
        self, *, reverse: bool = False, inverse_names: Mapping[str, str] | None = None, entity_ids: bool = False
    ) -> HeteroData:
        """A PyG `HeteroData`: `num_nodes` and `entity` (our entity numbers) per node type, `edge_index` per edge type.

        Edge types are (source type, short relation name, target type), with `relation` the full name, and `edge_weight`
        and `edge_time` (NaN where unknown) where any edge has one; untyped entities form the type "untyped". Literals are
        left out: make features of them.

        Args:
            reverse: add each edge type turned round as well, under the name `rev_NAME`.
            inverse_names: names of relations turned round, by full or short relation name, as `Mapped.inverse_names` has
                them; an IRI is shortened as a relation's is. Implies `reverse`.
            entity_ids: add external ids per node type as `entity_id`, a list.

        Raises:
            ConfigError: if `inverse_names` names no relation of the graph.
            DataError: if a relation turned round would be called like a relation there is.
        """
        from .hetero_data import to_hetero_data

        return to_hetero_data(self, reverse=reverse, inverse_names=inverse_names or {}, entity_ids=entity_ids)

    @classmethod
    def from_hetero_data(cls, data: HeteroData, *, ids: Mapping[str, Sequence[str]] | None = None) -> KnowledgeGraph:
        """A knowledge graph of a PyG `HeteroData`; features, labels and masks have no place in one and are left out.

        Args:
            data: with `num_nodes`, or something to count nodes by, per node type and `edge_index` per edge type;
                `edge_weight` and `edge_time` are taken where they are. Edge types that `to_hetero_data` turned round add
                nothing.
            ids: external ids by node type, distinct over all types. Of other types they are the list `entity_id`, or else
                "TYPE/NUMBER".

        Raises:
            DataError: if ids do not fit the nodes or repeat, or edges lie outside the nodes; it names the type.
        """
        from .hetero_data import from_hetero_data

        return from_hetero_data(data, ids=ids or {})

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({self.n_entities:,} entities, {self.n_triples:,} triples, "
            f"{len(self.relations)} relations, {len(self.literals):,} literals)"
        )
