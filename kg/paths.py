"""Paths between nodes: walks from both ends, joined where they meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .neighbours import Adjacency, IntArray

__all__ = ["GraphPath", "Step", "find_paths"]


@dataclass(frozen=True)
class Step:
    """One edge of a path: `relation` walked to `node`, against its direction if `inverse`."""

    relation: int
    inverse: bool
    node: int


@dataclass(frozen=True)
class GraphPath:
    """A path: the node it starts from and the steps taken."""

    source: int
    steps: tuple[Step, ...]

    @property
    def nodes(self) -> tuple[int, ...]:
        """All nodes in order, source and target included."""
        return (self.source, *(step.node for step in self.steps))


@dataclass(frozen=True, eq=False)
class _Walks:
    """Walks as columns: `nodes` (walks, length + 1), `relations` and `inverse` (walks, length)."""

    nodes: npt.NDArray[np.int64]
    relations: npt.NDArray[np.int32]
    inverse: npt.NDArray[np.bool_]

    @classmethod
    def standing(cls, nodes: IntArray) -> _Walks:
        n = len(nodes)
        return cls(
            np.asarray(nodes, np.int64)[:, None], np.empty((n, 0), dtype=np.int32), np.empty((n, 0), dtype=np.bool_)
        )

    def extend(self, adjacency: Adjacency, max_degree: int) -> _Walks:
        """All walks one step longer that do not turn back to a node they have been at.

        A node of more than `max_degree` edges ends a walk: what is linked through a hub says little, and walking
        on from hubs is what makes path search slow. The first node of a walk may have any degree.
        """
        here = self.nodes[:, -1]
        open_ends = np.flatnonzero(adjacency.degree(here) <= max_degree) if self.relations.shape[1] else slice(None)
        base = _Walks(self.nodes[open_ends], self.relations[open_ends], self.inverse[open_ends])
        edges = adjacency.neighbours(base.nodes[:, -1])
        fresh = (base.nodes[edges.row] != edges.node[:, None]).all(axis=1)
        row, node = edges.row[fresh], edges.node[fresh]
        return _Walks(
            np.column_stack([base.nodes[row], node]),
            np.column_stack([base.relations[row], edges.relation[fresh]]),
            np.column_stack([base.inverse[row], edges.inverse[fresh]]),
        )


def find_paths(
    adjacency: Adjacency, sources: IntArray, target: int, *, max_length: int = 2, max_degree: int = 2000
) -> list[GraphPath]:
    """Simple paths of 1 to `max_length` edges from any of the sources to the target, shortest first.

    No path passes through another source. Half of each length is walked from either end, so that a path of four
    edges costs two expansions a side.

    Args:
        adjacency: the graph.
        sources: distinct node numbers, shape (s,).
        target: node number.
        max_length: most edges in a path.
        max_degree: nodes with more edges are not walked through on the way to a meeting point.
    """
    starts = np.setdiff1d(np.asarray(sources, dtype=np.int64), [target])
    if len(starts) == 0:
        return []
    ahead = {0: _Walks.standing(starts)}
    back = {0: _Walks.standing(np.array([target]))}
    found: list[GraphPath] = []
    for length in range(1, max_length + 1):
        near, far = length // 2, length - length // 2
        if near not in ahead:
            ahead[near] = ahead[near - 1].extend(adjacency, max_degree)
        if far not in back:
            back[far] = back[far - 1].extend(adjacency, max_degree)
        found.extend(_join(ahead[near], back[far], starts))
    return found


def _join(ahead: _Walks, back: _Walks, sources: npt.NDArray[np.int64]) -> list[GraphPath]:
    """Paths made of a walk from a source and a walk from the target that end on the same node."""
    left, right = _matches(ahead.nodes[:, -1], back.nodes[:, -1])
    nodes = np.column_stack([ahead.nodes[left], back.nodes[right, :-1][:, ::-1]])
    relations = np.column_stack([ahead.relations[left], back.relations[right][:, ::-1]])
    # The target's walk is read backwards, so each of its edges is walked the other way round.
    inverse = np.column_stack([ahead.inverse[left], ~back.inverse[right][:, ::-1]])
    ordered = np.sort(nodes, axis=1)
    simple = (ordered[:, 1:] != ordered[:, :-1]).all(axis=1)
    simple &= ~np.isin(nodes[:, 1:-1], sources).any(axis=1)
    return [
        GraphPath(int(n[0]), tuple(Step(int(r), bool(i), int(t)) for r, i, t in zip(rs, ins, n[1:], strict=True)))
        for n, rs, ins in zip(nodes[simple], relations[simple], inverse[simple], strict=True)
    ]


def _matches(left: IntArray, right: IntArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All pairs of positions (i, j) with left[i] == right[j], by a sorted join."""
    order = np.argsort(right, kind="stable")
    ranked = right[order]
    first, last = np.searchsorted(ranked, left, "left"), np.searchsorted(ranked, left, "right")
    counts = last - first
    rows = np.repeat(np.arange(len(left)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[first[rows] + within]
