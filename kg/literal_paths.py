"""Literals at the end of a path of relations: the rating of a review, one node further on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from .graph import KnowledgeGraph
from .relation_paths import bounded_product, find_hop, follow
from .terms import find_term

__all__ = ["PathValues", "path_values"]

Read = Callable[[pa.Array], npt.NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class PathValues:
    """What some nodes have at the end of a literal path.

    Attributes:
        value: the largest value that could be read, NaN where none, shape (nodes,).
        unreadable: whether a node has literals there of which none could be read, shape (nodes,).
        example: the first such literal by the alphabet.
        between: which entities lie on the way after one hop, two, and so on, each of shape (nodes, entities).
    """

    value: npt.NDArray[np.float64]
    unreadable: npt.NDArray[np.bool_]
    example: str | None
    between: list[sparse.csr_array]


def path_values(
    graph: KnowledgeGraph, path: Sequence[str], nodes: npt.NDArray[np.int64], read: Read, limit: int
) -> PathValues:
    """The values of some nodes at the end of a path whose last part is a literal predicate.

    Args:
        graph: the graph.
        path: relations, then a literal predicate, by full or short name.
        nodes: entity numbers.
        read: turns literals into values, NaN where it cannot.
        limit: how many pairs the path may give.

    Raises:
        ConfigError: if a relation or predicate is not in the graph, or the path gives too many pairs.
    """
    literals = graph.literals
    predicate = find_term(path[-1], literals.predicates, "literal")
    rows = np.flatnonzero(literals.predicate == predicate)
    what = f"the path {' / '.join(path)}"
    reached = follow(graph, [find_hop(graph, name) for name in path[:-1]], nodes, limit, what)
    shape = (graph.n_entities, len(rows))
    owners = sparse.csr_array(
        (np.ones(len(rows), dtype=bool), (literals.entity[rows], np.arange(len(rows)))), shape=shape
    )
    found = bounded_product(reached[-1], owners, limit, what)
    node, at = np.repeat(np.arange(len(nodes)), np.diff(found.indptr)), found.indices
    # Read once each, however many nodes share a literal.
    used, place = np.unique(at, return_inverse=True)
    texts = literals.value.take(pa.array(rows[used]))
    values = read(texts)[place]
    largest = np.full(len(nodes), np.nan)
    np.fmax.at(largest, node, values)
    has = np.zeros(len(nodes), dtype=bool)
    has[node] = True
    unreadable = has & np.isnan(largest)
    wrong = np.unique(place[unreadable[node]])
    example = min(texts.take(pa.array(wrong)).to_pylist()) if len(wrong) else None
    return PathValues(largest, unreadable, example, reached[1:])
