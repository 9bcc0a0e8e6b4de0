"""The neighbours of nodes as they are told: by name or category path, the most telling first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import Edges, KnowledgeGraph
from .verbalise_cells import Cells, place_in_group
from .verbalise_path import ancestors, parents_of, path_names
from .verbalise_slots import Slots

__all__ = ["Neighbours"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Chooses the neighbours that are told.

    Forward, those with few edges come first, but after them those that no other node has: "cordless drills" says more
    than "home", and what joins the node to nothing joins its text to nothing. Backward, those with most edges come first:
    of a director's films the best described ones. Equals go by name, then id, so that the source's order is no matter.
    A node without a name is not told, nor one that another told one lies below.

    Attributes:
        graph: the graph.
        slots: the slots.
        names: name of each entity, null where it has none.
    """

    graph: KnowledgeGraph
    slots: Slots
    names: pa.Array

    def cells(self, asked: Numbers) -> Cells:
        """The neighbours told of some entities."""
        edges = self.graph.adjacency.neighbours(asked)
        row, relation, node = edges.row.astype(np.int64), edges.relation, edges.node.astype(np.int64)
        slot, is_path = self._slot(edges)
        told = (slot >= 0) & self._named[node] & (node != asked[row])
        told &= ~self._met_forward(edges) & ~self._above_another(edges)
        kept = np.flatnonzero(told)
        row, slot, node, arrives = row[kept], slot[kept], node[kept], edges.inverse[kept]
        order = self._order(row, slot, node, arrives)
        row, slot, node, arrives, kept = row[order], slot[order], node[order], arrives[order], kept[order]
        config = self.slots.config
        bound = np.where(arrives & ~is_path[kept], config.inverse_neighbours, config.neighbours)
        few = np.flatnonzero(place_in_group(row, slot) < bound)
        kept = kept[few]
        value = self._told(node[few], is_path[kept])
        none = np.full(len(few), -1, dtype=np.int64)
        return Cells(row[few], slot[few], value, none, node[few], relation[kept], edges.inverse[kept])

    def _slot(self, edges: Edges) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """Slot of each edge, -1 where it is not told, and whether it tells a path, shape (m,) each."""
        forward, path, inverse = self.slots.relation
        if len(forward) == 0:
            return np.full(len(edges), -1, dtype=np.int64), np.zeros(len(edges), dtype=bool)
        down = np.array([self.slots.hierarchies.get(number, False) for number in range(len(forward))], dtype=bool)
        to_path = path[edges.relation]
        is_path = (edges.inverse == down[edges.relation]) & (self._parent[edges.node] >= 0) & (to_path >= 0)
        plain = np.where(edges.inverse, inverse[edges.relation], forward[edges.relation])
        return np.where(is_path, to_path, plain), is_path

    def _told(self, node: Numbers, is_path: npt.NDArray[np.bool_]) -> pa.Array:
        """Name or path of nodes."""
        value = self.names.take(pa.array(node))
        if not is_path.any():
            return value
        distinct, at = _distinct(node[is_path], len(self._named))
        paths = path_names(self._parent, distinct, self.names).take(pa.array(at))
        return pc.replace_with_mask(value, pa.array(is_path), paths)

    def _order(self, row: Numbers, slot: Numbers, node: Numbers, arrives: npt.NDArray[np.bool_]) -> Numbers:
        distinct, at = _distinct(node, len(self._named))
        rank, degree = self._rank(distinct), self._degree[distinct]
        place = np.empty((2, len(distinct)), dtype=np.int64)
        place[0, np.lexsort((rank, degree, degree < 2))] = np.arange(len(distinct))
        place[1, np.lexsort((rank, -degree))] = np.arange(len(distinct))
        slots = len(self.slots.slots)
        key = (row * slots + slot) * max(len(distinct), 1) + place[arrives.astype(np.int64), at]
        return np.argsort(key, kind="stable")

    def _met_forward(self, edges: Edges) -> npt.NDArray[np.bool_]:
        """Which edges against the arrow only repeat one along it ("also bought" goes both ways)."""
        found = np.zeros(len(edges), dtype=bool)
        key = (edges.row.astype(np.int64) * max(len(self.graph.relations), 1) + edges.relation) * len(self._named)
        key += edges.node
        back = np.flatnonzero(edges.inverse)
        # The edges of a node are sorted by relation and neighbour, in each direction.
        forward = key[~edges.inverse]
        if len(forward):
            at = np.minimum(np.searchsorted(forward, key[back]), len(forward) - 1)
            found[back] = forward[at] == key[back]
        return found

    def _above_another(self, edges: Edges) -> npt.NDArray[np.bool_]:
        """Which edges lead to an ancestor of another neighbour by the same relation: its path tells it."""
        found = np.zeros(len(edges), dtype=bool)
        group = (edges.row.astype(np.int64) * max(len(self.graph.relations), 1) + edges.relation) * 2 + edges.inverse
        # A node's edges of one relation and direction lie together.
        alone = np.ones(len(edges) + 1, dtype=bool)
        alone[1:-1] = np.diff(group) != 0
        several = ~(alone[:-1] & alone[1:])
        below = np.flatnonzero(several & (self._parent[edges.node] >= 0))
        if len(below) == 0:
            return found
        n = len(self._named)
        above = np.zeros(n, dtype=bool)
        above[self._parent[self._parent >= 0]] = True
        asked = np.flatnonzero(several & above[edges.node])
        key = group[asked] * n + edges.node[asked]
        distinct, at = _distinct(edges.node[below].astype(np.int64), n)
        for up in ancestors(self._parent, distinct):
            met = up[at] >= 0
            found[asked] |= np.isin(key, group[below[met]] * n + up[at[met]])
        return found

    @cached_property
    def _named(self) -> npt.NDArray[np.bool_]:
        return np.asarray(pc.is_valid(self.names), dtype=bool)

    @cached_property
    def _degree(self) -> Numbers:
        return self.graph.adjacency.degree()

    @property
    def _parent(self) -> Numbers:
        return self.parents[0]

    @cached_property
    def parents(self) -> tuple[Numbers, Numbers]:
        """The parent that each entity's path leads over, and the relation to it; -1 for none, shape (entities,) each."""
        hierarchies = self.slots.hierarchies
        ends = [
            (self.graph.head if down else self.graph.tail)[self.graph.offsets[n] : self.graph.offsets[n + 1]]
            for n, down in hierarchies.items()
        ]
        rank = np.full(self.graph.n_entities, -1, dtype=np.int64)
        if ends:
            above = np.unique(np.concatenate(ends)).astype(np.int64)
            rank[above] = np.where(self._named[above], self._rank(above), -1)
        return parents_of(self.graph, hierarchies, rank)

    def _rank(self, nodes: Numbers) -> Numbers:
        """Place of distinct nodes by name, then id, shape (n,)."""
        at = pa.array(nodes)
        table = pa.table({"name": self.names.take(at), "id": self.graph.entities.to_arrow().take(at)})
        rank = np.empty(len(nodes), dtype=np.int64)
        order = pc.sort_indices(table, sort_keys=[("name", "ascending"), ("id", "ascending")])
        rank[np.asarray(order)] = np.arange(len(nodes))
        return rank


def _distinct(nodes: Numbers, n: int) -> tuple[Numbers, Numbers]:
    """The distinct of some numbers below n, ascending, and the place of each among them."""
    met = np.zeros(n, dtype=bool)
    met[nodes] = True
    return np.flatnonzero(met), (np.cumsum(met) - 1)[nodes]
