"""Neighbours in both directions, from one compressed sparse row table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

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

    row: npt.NDArray[np.int32]
    relation: npt.NDArray[np.int32]
    inverse: npt.NDArray[np.bool_]
    node: npt.NDArray[np.int32]

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
        n = len(heads)
        leave = np.concatenate([heads, tails])
        # One entry a row, turned to columns: a counting sort, which keeps equal keys in order and takes linear time.
        rows = sp.csr_array((np.ones(2 * n, np.bool_), leave, np.arange(2 * n + 1)), shape=(2 * n, n_nodes)).tocsc()
        order, inverse = rows.indices, rows.indices >= n
        triple = order - n * inverse
        return cls(
            rows.indptr.astype(np.int64),
            np.where(inverse, heads[triple], tails[triple]).astype(np.int32),
            relations[triple].astype(np.int32),
            inverse,
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
        start = self.start[nodes]
        counts = self.start[nodes + 1] - start
        first = np.cumsum(counts) - counts
        n = int(counts.sum())
        narrow = np.int32 if max(n, len(self.node)) < np.iinfo(np.int32).max else np.int64
        # Position among all edges: a running count, shifted in each group to where the node's edges lie.
        at: npt.NDArray[np.integer] = np.arange(n, dtype=narrow)
        at += np.repeat((start - first).astype(narrow), counts)
        row = np.repeat(np.arange(len(nodes), dtype=np.int32), counts)
        return Edges(row, self.relation.take(at), self.inverse.take(at), self.node.take(at))
