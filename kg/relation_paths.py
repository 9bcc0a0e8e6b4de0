"""Paths of relations, walked as products of sparse boolean matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .errors import ConfigError
from .graph import KnowledgeGraph
from .terms import find_term

__all__ = ["Hop", "bounded_product", "find_hop", "follow", "hop_matrix", "row_matrix"]

INVERSE = "^"
"""What stands before a relation that is walked from tail to head."""


@dataclass(frozen=True)
class Hop:
    """One step of a path: a relation by its number, and whether it is walked from tail to head."""

    relation: int
    inverse: bool

    def ends(self, graph: KnowledgeGraph) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Where the step's edges leave and where they arrive, shape (edges,) each, in the order of the triples."""
        rows = self.rows(graph)
        head, tail = graph.head[rows], graph.tail[rows]
        return (tail, head) if self.inverse else (head, tail)

    def rows(self, graph: KnowledgeGraph) -> slice:
        """The rows of its triples."""
        return slice(int(graph.offsets[self.relation]), int(graph.offsets[self.relation + 1]))


def find_hop(graph: KnowledgeGraph, name: str) -> Hop:
    """The step that a name means: a relation, by full or short name, after `^` if it is walked from tail to head.

    Raises:
        ConfigError: if the graph has no such relation, or two of that short name.
    """
    if name.startswith(INVERSE) and name not in graph.relations:
        return Hop(find_term(name[len(INVERSE) :], graph.relations, "relation"), True)
    return Hop(find_term(name, graph.relations, "relation"), False)


def hop_matrix(graph: KnowledgeGraph, hop: Hop, *, closed: npt.NDArray[np.bool_] | None = None) -> sparse.csr_array:
    """The edges of one step, shape (entities, entities), True where an edge leads from row to column.

    Args:
        graph: the graph.
        hop: the step.
        closed: entities that no edge may leave, shape (e,).
    """
    leave, arrive = hop.ends(graph)
    if closed is not None:
        leave, arrive = leave[~closed[leave]], arrive[~closed[leave]]
    n = graph.n_entities
    return sparse.csr_array((np.ones(len(leave), dtype=bool), (leave, arrive)), shape=(n, n))


def row_matrix(nodes: npt.NDArray[np.integer], n: int) -> sparse.csr_array:
    """The matrix that picks rows, shape (nodes, n): row i is True at nodes[i] alone."""
    start = np.arange(len(nodes) + 1)
    return sparse.csr_array((np.ones(len(nodes), dtype=bool), nodes, start), shape=(len(nodes), n))


def bounded_product(first: sparse.csr_array, second: sparse.csr_array, limit: int, what: str) -> sparse.csr_array:
    """The boolean product of two matrices, unless it would be too large.

    Raises:
        ConfigError: if it may have more entries than the limit: a row has at most as many as there are ways through
            it, and as many as the second matrix has columns in use.
    """
    degree = np.diff(second.indptr).astype(np.int64)
    ways = np.concatenate([[0], np.cumsum(degree[first.indices])])
    per_row = ways[first.indptr[1:]] - ways[first.indptr[:-1]]
    most = int(np.minimum(per_row, len(np.unique(second.indices))).sum())
    if most > limit:
        raise ConfigError(
            f"{what} may give up to {most:,} pairs, more than max_triples, {limit:,}; set a max_fanout that leaves out "
            "the hubs, choose a narrower path, or raise max_triples"
        )
    return sparse.csr_array(first @ second)


def follow(
    graph: KnowledgeGraph, path: Sequence[Hop], nodes: npt.NDArray[np.integer], limit: int, what: str
) -> list[sparse.csr_array]:
    """What is reached from some nodes after no hop, after one, and so on: path + 1 matrices of shape (nodes, entities).

    Raises:
        ConfigError: if more pairs may be reached than the limit.
    """
    reached = [row_matrix(nodes, graph.n_entities)]
    for hop in path:
        reached.append(bounded_product(reached[-1], hop_matrix(graph, hop), limit, what))
    return reached
