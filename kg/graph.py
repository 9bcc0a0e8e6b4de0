"""The knowledge graph: immutable and columnar, never one Python object per node or edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .ids import IdMap
from .literals import Literals
from .names import short_names
from .neighbours import Adjacency, IntArray

if TYPE_CHECKING:
    import networkx as nx

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
    ) -> KnowledgeGraph:
        """Make a graph from triples in any order; repeated triples count once.

        Args:
            entities: ids of all entities.
            relations: relation names; a relation without triples is kept.
            head, relation, tail: the triples as numbers, shape (t,) each.
            types: node type names.
            type_of: node type of each entity, -1 for none, shape (e,); all untyped by default.
            literals: the literal table; empty by default.
        """
        node_types = np.full(len(entities), -1) if type_of is None else type_of
        order = np.lexsort((tail, head, relation))
        h, r, t = (np.asarray(column)[order].astype(np.int32) for column in (head, relation, tail))
        fresh = np.ones(len(h), dtype=bool)
        fresh[1:] = (h[1:] != h[:-1]) | (r[1:] != r[:-1]) | (t[1:] != t[:-1])
        offsets = np.zeros(len(relations) + 1, dtype=np.int64)
        np.cumsum(np.bincount(r[fresh], minlength=len(relations)), out=offsets[1:])
        return cls(
            entities, tuple(relations), h[fresh], t[fresh], offsets, tuple(types), node_types.astype(np.int32),
            Literals.empty() if literals is None else literals, int((~fresh).sum()),
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
        )

    def to_networkx(self) -> nx.MultiDiGraph:
        """A networkx view with external ids as nodes and the relation as edge key: for small graphs."""
        import networkx as nx

        graph = nx.MultiDiGraph()
        names = self.entities.to_arrow().to_pylist()
        graph.add_nodes_from((name, {"type": self.type_name(i)}) for i, name in enumerate(names))
        relation = self.relation
        graph.add_edges_from(
            (names[h], names[t], self.relations[r]) for h, r, t in zip(self.head, relation, self.tail, strict=True)
        )
        return graph

    def to_hetero_data(self) -> Any:
        """A PyG `HeteroData`: `num_nodes` and `entity` (our entity numbers) per node type, `edge_index` per relation.

        Edge types are (source type, short relation name, target type); untyped entities form the type "untyped".
        """
        import torch
        from torch_geometric.data import HeteroData

        data = HeteroData()
        # A source may itself name a type "untyped": those are then one node type.
        names = self.types if UNTYPED in self.types else (*self.types, UNTYPED)
        kind = np.where(self.type_of < 0, names.index(UNTYPED), self.type_of)
        position = np.empty(self.n_entities, dtype=np.int64)
        for number, name in enumerate(names):
            members = np.flatnonzero(kind == number)
            position[members] = np.arange(len(members))
            if len(members):
                data[name].num_nodes = len(members)
                data[name].entity = torch.from_numpy(members)
        shorts = short_names(self.relations)
        for r, short in enumerate(shorts):
            head, tail = (column[self.offsets[r] : self.offsets[r + 1]] for column in (self.head, self.tail))
            pair = kind[head].astype(np.int64) * len(names) + kind[tail]
            for code in np.unique(pair):
                rows = pair == code
                edge_type = (names[code // len(names)], short, names[code % len(names)])
                ends = np.stack([position[head[rows]], position[tail[rows]]])
                data[edge_type].edge_index = torch.from_numpy(ends)
        return data

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({self.n_entities:,} entities, {self.n_triples:,} triples, "
            f"{len(self.relations)} relations, {len(self.literals):,} literals)"
        )
