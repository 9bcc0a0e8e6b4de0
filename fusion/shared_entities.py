"""What two items have in common in the graph."""

from __future__ import annotations

import numpy as np

from ..kg import ItemGraph

__all__ = ["shared_entities"]

MOST = 3
"""How many are told."""


def shared_entities(graph: ItemGraph, one: int, other: int) -> tuple[tuple[str, str], ...]:
    """Relation and name of the entities next to both items, rarest first, three at most."""
    edges = graph.adjacency.neighbours(np.array([one, other]))
    both = np.intersect1d(edges.node[edges.row == 0], edges.node[edges.row == 1])
    both = both[both >= graph.n_items]
    both = both[np.argsort(graph.adjacency.degree(both), kind="stable")][:MOST]
    relation = {int(n): int(r) for n, r in zip(edges.node, edges.relation, strict=True)}
    return tuple((graph.relations[relation[int(n)]], graph.node_label(int(n))) for n in both)
