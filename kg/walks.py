"""Walks over a graph as columns: many at a time, none back to a node it has been at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .neighbours import Adjacency, IntArray

__all__ = ["Walks"]


@dataclass(frozen=True, eq=False)
class Walks:
    """Equally long walks from some nodes.

    Attributes:
        row: which of the starting nodes (its position) a walk leaves, shape (w,).
        nodes: the nodes walked to, one column of shape (w,) each, the start first.
        relations: relation number of each step, one column each.
        inverse: whether each step is taken from tail to head, one column each.
    """

    row: npt.NDArray[np.int32]
    nodes: tuple[npt.NDArray[np.int32], ...]
    relations: tuple[npt.NDArray[np.int32], ...] = ()
    inverse: tuple[npt.NDArray[np.bool_], ...] = ()

    @classmethod
    def standing(cls, nodes: IntArray) -> Walks:
        """A walk of no step from each node."""
        return cls(np.arange(len(nodes), dtype=np.int32), (nodes.astype(np.int32),))

    @property
    def end(self) -> npt.NDArray[np.int32]:
        """The node each walk has arrived at, shape (w,)."""
        return self.nodes[-1]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, at: IntArray) -> Walks:
        """Some of the walks, by position."""
        return Walks(
            self.row.take(at),
            tuple(column.take(at) for column in self.nodes),
            tuple(column.take(at) for column in self.relations),
            tuple(column.take(at) for column in self.inverse),
        )

    def outside(self, blocked: npt.NDArray[np.bool_]) -> Walks:
        """The walks that do not end on a blocked node; `blocked` has shape (nodes,)."""
        return self.take(np.flatnonzero(~blocked[self.end]))

    def extend(self, adjacency: Adjacency, max_degree: int) -> Walks:
        """All walks one step longer that do not turn back to a node they have been at.

        A node of more than `max_degree` edges ends a walk: what is linked through a hub says little, and walking
        on from hubs is what makes path search slow. The first node of a walk may have any degree.
        """
        base = self.take(np.flatnonzero(adjacency.degree(self.end) <= max_degree)) if self.relations else self
        edges = adjacency.neighbours(base.end)
        fresh = np.ones(len(edges), dtype=bool)
        for column in base.nodes:
            fresh &= column.take(edges.row) != edges.node
        at = np.flatnonzero(fresh)
        walked = base.take(edges.row.take(at))
        return Walks(
            walked.row,
            (*walked.nodes, edges.node.take(at)),
            (*walked.relations, edges.relation.take(at)),
            (*walked.inverse, edges.inverse.take(at)),
        )
