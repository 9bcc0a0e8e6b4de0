"""The unified graph of users, items and entities that the nets propagate over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..kg import Interactions, ItemGraph

__all__ = ["UnifiedGraph"]


@dataclass(frozen=True, eq=False)
class UnifiedGraph:
    """Edges among users, items and entities, each in both directions, by the node that receives.

    Node v is a user where v < n_users, then come the items, then the entities. Relation 0 is the interaction, the
    knowledge graph's relations follow; a triple walked against its direction has relation + n_relations.

    Attributes:
        n_users, n_items, n_entities: sizes.
        n_relations: number of relations, the interaction included.
        start: where each receiver's edges begin, shape (nodes + 1,).
        sender: the node each edge comes from, shape (edges,).
        relation: relation and direction of each edge, shape (edges,).
        norm: 1 / sqrt(degree of receiver * degree of sender), shape (edges,).
        reverse: position of each edge's opposite, shape (edges,).
    """

    n_users: int
    n_items: int
    n_entities: int
    n_relations: int
    start: npt.NDArray[np.int64]
    sender: npt.NDArray[np.int64]
    relation: npt.NDArray[np.int64]
    norm: npt.NDArray[np.float32]
    reverse: npt.NDArray[np.int64]

    @classmethod
    def build(cls, interactions: Interactions, graph: ItemGraph) -> UnifiedGraph:
        """Join interactions (training positives alone) and the graph around the items.

        A user-item pair that occurs several times is one edge.
        """
        n_users, n_items = len(interactions.users), graph.n_items
        if len(interactions.items) != n_items:
            raise ValueError(f"interactions know {len(interactions.items)} items, the graph {n_items}")
        pairs = interactions.matrix().tocoo()
        head = np.concatenate([pairs.row, n_users + graph.head.astype(np.int64)])
        tail = np.concatenate([n_users + pairs.col.astype(np.int64), n_users + graph.tail.astype(np.int64)])
        relation = np.concatenate([np.zeros(pairs.nnz, dtype=np.int64), 1 + graph.relation.astype(np.int64)])
        return cls._from_edges((n_users, n_items, len(graph.entities)), 1 + len(graph.relations), head, relation, tail)

    @classmethod
    def _from_edges(
        cls,
        sizes: tuple[int, int, int],
        n_relations: int,
        head: npt.NDArray[np.int64],
        relation: npt.NDArray[np.int64],
        tail: npt.NDArray[np.int64],
    ) -> UnifiedGraph:
        edges, nodes = len(head), sum(sizes)
        # News travels both ways: towards the tail along the relation, towards the head against it.
        receiver = np.concatenate([tail, head])
        order = np.argsort(receiver, kind="stable")
        position = np.empty(2 * edges, dtype=np.int64)
        position[order] = np.arange(2 * edges)
        degree = np.bincount(receiver, minlength=nodes)
        start = np.zeros(nodes + 1, dtype=np.int64)
        np.cumsum(degree, out=start[1:])
        sender = np.concatenate([head, tail])[order]
        opposite = np.concatenate([position[edges:], position[:edges]])[order]
        norm = 1 / np.sqrt(degree[receiver[order]].astype(np.float64) * degree[sender])
        both = np.concatenate([relation, relation + n_relations])[order]
        return cls(*sizes, n_relations, start, sender, both, norm.astype(np.float32), opposite)

    @property
    def n_nodes(self) -> int:
        """Number of users, items and entities."""
        return self.n_users + self.n_items + self.n_entities

    @property
    def met(self) -> npt.NDArray[np.bool_]:
        """Which nodes training can tell something about: users and items with an interaction, all entities."""
        met = np.zeros(self.n_nodes, dtype=bool)
        met[self.receiver[self.relation % self.n_relations == 0]] = True
        met[self.n_users + self.n_items :] = True
        return met

    @property
    def receiver(self) -> npt.NDArray[np.int64]:
        """The node each edge goes to, shape (edges,)."""
        return np.repeat(np.arange(self.n_nodes), np.diff(self.start))
