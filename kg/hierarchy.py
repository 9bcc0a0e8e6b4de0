"""Trees in a graph: which relations lead from the narrower to the broader, and how deep each entity lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from .graph import KnowledgeGraph
from .mapping_step import MappingStep
from .relation_paths import Hop, find_hop

__all__ = ["Hierarchy", "find_hierarchies"]

_SKOS = "http://www.w3.org/2004/02/skos/core#"
# From child to parent, one list a hierarchy. broaderTransitive is left out: it skips levels.
_WELL_KNOWN: tuple[tuple[str, ...], ...] = (
    ("http://www.w3.org/2000/01/rdf-schema#subClassOf",),
    (f"{_SKOS}broader", f"^{_SKOS}narrower"),
    ("http://www.wikidata.org/prop/direct/P279",),
)
_SHOWN_CYCLES, _SHOWN_IDS = 20, 10
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The tree, or rather the directed graph, that a relation from child to parent spans.

    Entities on a cycle count as one place: they share one depth, and are a root if no parent lies outside.

    Attributes:
        relation: full name of the relation, after `^` if it leads from parent to child.
        nodes: how many entities are in it.
        roots: entities without a parent outside their cycle, shape (roots,).
        depth: the fewest steps from each entity up to a root, 0 at a root, -1 where not in the hierarchy, shape (e,).
        max_depth: the largest depth.
        n_cycles: how many cycles (strongly connected parts) there are, an entity that is its own parent included.
        cycles: ids in the largest of them, at most 20, of each at most 10 ids by the alphabet.
    """

    relation: str
    nodes: int
    roots: npt.NDArray[np.int32]
    depth: npt.NDArray[np.int32]
    max_depth: int
    n_cycles: int
    cycles: tuple[tuple[str, ...], ...]

    def step(self) -> MappingStep:
        """What is to be reported about it."""
        text = f"{self.relation}: {self.nodes:,} entities, {len(self.roots):,} roots, at most {self.max_depth} deep" + (
            f", {self.n_cycles:,} cycles" if self.n_cycles else ""
        )
        example = " -> ".join(self.cycles[0]) if self.cycles else None
        return MappingStep("hierarchies", text, 0, example)


def find_hierarchies(graph: KnowledgeGraph, names: Sequence[str] = ()) -> tuple[Hierarchy, ...]:
    """The hierarchies of a graph: rdfs:subClassOf, skos:broader and narrower as one, Wikidata's P279, and the named.

    Args:
        graph: the graph.
        names: further relations from child to parent, by full or short name; `^hasPart` leads from parent to child.

    Raises:
        ConfigError: if the graph has no relation of a given name.
    """
    there = set(graph.relations)
    wanted = [[find_hop(graph, name) for name in group if name.removeprefix("^") in there] for group in _WELL_KNOWN]
    known = {hop for hops in wanted for hop in hops}
    wanted += [[hop] for hop in dict.fromkeys(find_hop(graph, name) for name in names) if hop not in known]
    found = (_hierarchy(graph, hops) for hops in wanted if hops)
    return tuple(hierarchy for hierarchy in found if hierarchy.nodes)


def _hierarchy(graph: KnowledgeGraph, hops: Sequence[Hop]) -> Hierarchy:
    child, parent = (np.concatenate(ends) for ends in zip(*(hop.ends(graph) for hop in hops), strict=True))
    name = ("^" if hops[0].inverse else "") + graph.relations[hops[0].relation]
    nodes, place = np.unique(np.concatenate([child, parent]), return_inverse=True)
    if len(nodes) == 0:
        none = np.empty(0, dtype=np.int32)
        return Hierarchy(name, 0, none, np.full(graph.n_entities, -1, dtype=np.int32), -1, 0, ())
    below, above = place[: len(child)], place[len(child) :]
    part = _strong_parts(below, above, len(nodes))
    upward = part[below] != part[above]
    has_parent = np.zeros(part.max() + 1, dtype=bool)
    has_parent[part[below[upward]]] = True
    depths = _depths(part[above[upward]], part[below[upward]], has_parent)[part]
    depth = np.full(graph.n_entities, -1, dtype=np.int32)
    depth[nodes] = depths
    cyclic = np.bincount(part)
    cyclic[part[below[below == above]]] += 1
    n_cycles, shown = _cycles(graph, nodes, part, cyclic > 1)
    roots = nodes[~has_parent[part]].astype(np.int32)
    return Hierarchy(name, len(nodes), roots, depth, int(depths.max()), n_cycles, shown)


def _strong_parts(tail: Numbers, head: Numbers, n: int) -> Numbers:
    """Number of the strongly connected component of each node, shape (n,)."""
    matrix = sparse.csr_array((np.ones(len(tail), dtype=bool), (tail, head)), shape=(n, n))
    return np.asarray(csgraph.connected_components(matrix, directed=True, connection="strong")[1], dtype=np.int64)


def _depths(parent: Numbers, child: Numbers, has_parent: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Fewest steps from a root in a graph without cycles, shape (n,)."""
    n = len(has_parent)
    roots = np.flatnonzero(~has_parent)
    # One node above all roots, so that one search in breadth reaches everything.
    leave, arrive = np.concatenate([parent, np.full(len(roots), n)]), np.concatenate([child, roots])
    matrix = sparse.csr_array((np.ones(len(leave), dtype=bool), (leave, arrive)), shape=(n + 1, n + 1))
    _, before = csgraph.breadth_first_order(matrix, n, directed=True, return_predecessors=True)
    # Each round doubles how far a node looks up, so that a chain of 100,000 takes 17 rounds.
    up = np.where(before < 0, n, before).astype(np.int64)
    depth = np.where(np.arange(n + 1) < n, 1, 0).astype(np.int32)
    while (up != n).any():
        depth += depth[up]
        up = up[up]
    return depth[:n] - 1


def _cycles(
    graph: KnowledgeGraph, nodes: Numbers, part: Numbers, cyclic: npt.NDArray[np.bool_]
) -> tuple[int, tuple[tuple[str, ...], ...]]:
    """How many cycles there are, and the ids of the largest."""
    rows = np.flatnonzero(cyclic[part])
    rows = rows[np.argsort(part[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(part[rows], prepend=-1))
    sizes = np.diff(starts, append=len(rows))
    # Of the many equally small ones those are named whose first id comes first in the graph.
    largest = np.argsort(-sizes, kind="stable")[:_SHOWN_CYCLES]
    shown = [
        tuple(sorted(graph.entities.ids(nodes[rows[starts[i] : starts[i] + sizes[i]]]))[:_SHOWN_IDS]) for i in largest
    ]
    return len(starts), tuple(sorted(shown, key=lambda ids: (-len(ids), ids)))
