"""Neighbours in both directions, from one compressed sparse row table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Adjacency", "Edges"]

IntArray = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges leaving some nodes, as columns.

    Attributes:
        row: which of the asked nodes (its position in the question) an edge leaves, shape (m,).
        relation: relation number; of the inverse direction if `inverse`, shape (m,).
        inverse: whether the edge is walked from tail to head, shape (m,).
        node: the node it arrives at, shape (m,).
    """

    row: npt.NDArray[np.int64]
    relation: npt.NDArray[np.int32]
    inverse: npt.NDArray[np.bool_]
    node: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, eq=False)
class Adjacency:
    """All edges of a graph by the node they leave, each triple in both directions.

    Attributes:
        start: where each node's edges begin, shape (nodes + 1,).
        node: arrival nodes, shape (2 * triples,).
        relation: relation numbers, shape (2 * triples,).
        inverse: True where the triple is walked from tail to head, shape (2 * triples,).
    """

    start: npt.NDArray[np.int64]
    node: npt.NDArray[np.int32]
    relation: npt.NDArray[np.int32]
    inverse: npt.NDArray[np.bool_]

    @classmethod
    def build(cls, heads: IntArray, relations: IntArray, tails: IntArray, n_nodes: int) -> Adjacency:
        """Index triples by both of their ends."""
        leave = np.concatenate([heads, tails])
        order = np.argsort(leave, kind="stable")
        start = np.zeros(n_nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(leave, minlength=n_nodes), out=start[1:])
        return cls(
            start,
            np.concatenate([tails, heads])[order].astype(np.int32),
            np.concatenate([relations, relations])[order].astype(np.int32),
            order >= len(heads),
        )

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.start) - 1

    def degree(self, nodes: IntArray | None = None) -> npt.NDArray[np.int64]:
        """Number of edges at nodes (all of them by default), both directions counted."""
        if nodes is None:
            return np.diff(self.start)
        return np.asarray(self.start[nodes + 1] - self.start[nodes])

    def neighbours(self, nodes: IntArray) -> Edges:
        """All edges that leave the given nodes, grouped by node in the order asked."""
        counts = self.degree(nodes)
        row = np.repeat(np.arange(len(nodes)), counts)
        # Position inside each group: a running count minus where the group began.
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        at = self.start[nodes][row] + within
        return Edges(row, self.relation[at], self.inverse[at], self.node[at].astype(np.int64))
