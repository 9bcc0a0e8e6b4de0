"""From an entity that a query names to the items that have it, and the way there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..kg import ItemGraph, local_name, short_names
from ..kg.neighbours import Edges
from .explain import Hop

__all__ = ["Reached", "Way", "reached"]

DEPTH = 3
"""Most edges from an entity to an item: a product, its category, the one above, and the one above that."""
MOST_EDGES = 2_000_000
"""Entities below others are followed as long as they have fewer edges than this together."""


@dataclass(frozen=True)
class Way:
    """The triples from an item to an entity, item first, and the same in one line, entity first."""

    hops: tuple[Hop, ...]
    text: str


@dataclass(frozen=True, eq=False)
class Reached:
    """The items that have an entity.

    Attributes:
        share: 1 for items next to the entity, 1/2 by way of one that belongs to it, 1/3 of two, else 0, shape (items,).
        levels: nodes left and edges walked, from the entity outwards.
    """

    share: npt.NDArray[np.float32]
    levels: tuple[tuple[npt.NDArray[np.int64], Edges], ...]

    def way(self, graph: ItemGraph, item: int, title: str) -> Way | None:
        """How an item has the entity; None where it does not."""
        if self.share[item] == 0:
            return None
        level = next(at for at, (_, edges) in enumerate(self.levels) if (edges.node == item).any())
        node, hops, text = item, [], title
        for left, edges in reversed(self.levels[: level + 1]):
            at = int(np.flatnonzero(edges.node == node)[0])
            before, relation, inverse = int(left[edges.row[at]]), int(edges.relation[at]), bool(edges.inverse[at])
            hop, arrow = _walked(graph, before, relation, inverse, node, title if node == item else None)
            hops.append(hop)
            text = f"{arrow} {text}"
            node = before
            text = f"{graph.node_label(node)} {text}"
        return Way(tuple(hops), text)


def reached(graph: ItemGraph, entity: int) -> Reached:
    """The items next to an entity, whichever way the edge points, and next to entities that point at it.

    So a product of a leaf category has the categories above it too, and a film of a director has the director's country;
    what an entity itself points at is not what its items are.
    """
    share = np.zeros(graph.n_items, dtype=np.float32)
    visited = np.zeros(graph.n_nodes, dtype=bool)
    visited[entity] = True
    frontier, levels = np.array([entity], dtype=np.int64), []
    for depth in range(1, DEPTH + 1):
        edges = graph.adjacency.neighbours(frontier)
        levels.append((frontier, edges))
        items = edges.node[edges.node < graph.n_items]
        share[items] = np.maximum(share[items], np.float32(1 / depth))
        below = np.unique(edges.node[(edges.node >= graph.n_items) & edges.inverse]).astype(np.int64)
        frontier = below[~visited[below]]
        visited[frontier] = True
        if len(frontier) == 0 or graph.adjacency.degree(frontier).sum() > MOST_EDGES:
            break
    return Reached(share, tuple(levels))


def _walked(
    graph: ItemGraph, before: int, relation: int, inverse: bool, node: int, title: str | None
) -> tuple[Hop, str]:
    """One edge walked from `before` to `node`: the triple, and its arrow."""
    named = title if title is not None else graph.node_label(node)
    ends = [(graph.node_id(before), graph.node_label(before)), (graph.node_id(node), named)]
    (head, head_label), (tail, tail_label) = ends[::-1] if inverse else ends
    name = graph.relations[relation]
    short = short_names(graph.relations)[relation]
    other = graph.inverse_names.get(name)
    arrow = f"─{short}→" if not inverse else f"←{short}─" if other is None else f"─{local_name(other)}→"
    return Hop(head, name, tail, head_label, tail_label, inverse), arrow
