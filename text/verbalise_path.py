"""Category paths: the chain from the broadest to the narrower, "Tools > Power tools > Drills"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import KnowledgeGraph, local_name
from ..kg.terms import find_term
from .verbalise_names import spoken

__all__ = ["DEEPEST", "ancestors", "hierarchy_relations", "parents_of", "path_names"]

DEEPEST = 6
"""Names in a path at most: its root, and the nearest ones."""

_UP = frozenset(
    (
        "broader", "sub class of", "subclass of", "p279", "parent", "parent category", "category parent", "parent taxon",
        "sub category of", "subcategory of", "child of", "parent class", "parent node", "narrower than", "sub genre of",
    )
)  # fmt: skip
_DOWN = frozenset(("narrower", "sub category", "subcategory", "child", "children", "child category"))
Numbers = npt.NDArray[np.int64]


def hierarchy_relations(graph: KnowledgeGraph, names: Sequence[str]) -> dict[int, bool]:
    """The relations between the narrower and the broader: whether each leads down, against its arrow up.

    Args:
        graph: the graph.
        names: relations besides those of the usual names; `^hasPart` leads down.

    Raises:
        ConfigError: if the graph has no relation of a given name.
    """
    words = [spoken(local_name(name)).lower() for name in graph.relations]
    found = {number: word in _DOWN for number, word in enumerate(words) if word in _UP or word in _DOWN}
    stated = {find_term(name.removeprefix("^"), graph.relations, "relation"): name.startswith("^") for name in names}
    return found | stated


def parents_of(graph: KnowledgeGraph, hierarchies: dict[int, bool], rank: Numbers) -> tuple[Numbers, Numbers]:
    """The one parent of each entity that its path leads over, and the relation to it; -1 for none, shape (entities,) each.

    Args:
        graph: the graph.
        hierarchies: relations that lead up, and whether against their arrow.
        rank: of several parents the one of the lowest rank is taken, shape (entities,); negative ones cannot be told.
    """
    parent, via = np.full((2, graph.n_entities), -1, dtype=np.int64)
    best = np.full(graph.n_entities, np.iinfo(np.int64).max)
    for number, down in hierarchies.items():
        rows = slice(graph.offsets[number], graph.offsets[number + 1])
        child, above = (graph.tail[rows], graph.head[rows]) if down else (graph.head[rows], graph.tail[rows])
        kept = (child != above) & (rank[above] >= 0)
        child, above = child[kept], above[kept]
        np.minimum.at(best, child, rank[above])
        chosen = rank[above] == best[child]
        parent[child[chosen]], via[child[chosen]] = above[chosen], number
    return parent, via


def ancestors(parent: Numbers, nodes: Numbers) -> list[Numbers]:
    """Each node's parent, the parent's parent and so on, -1 beyond the root or where a cycle closes; shape (n,) each."""
    chain: list[Numbers] = []
    at = nodes
    while len(chain) < 64:
        up = np.where(at < 0, -1, parent[at])
        for met in (nodes, *chain):
            up = np.where(up == met, -1, up)
        if (up < 0).all():
            break
        chain.append(up)
        at = up
    return chain


def path_names(parent: Numbers, nodes: Numbers, names: pa.Array) -> pa.Array:
    """The path of each node from its root, large_string, n long; "…" stands for what is left out of a deep one."""
    chain = ancestors(parent, nodes)
    depth = np.sum([up >= 0 for up in chain], axis=0) if chain else np.zeros(len(nodes), dtype=np.int64)
    told = [names.take(pa.array(nodes))]
    for level, up in enumerate(chain, start=1):
        # Of a deep path: the nearest names, then the root.
        shown = (up >= 0) & ((level < DEEPEST - 1) | (depth == level))
        name = names.take(pa.array(np.where(shown, up, 0)))
        gap = (up >= 0) & (level == DEEPEST - 1) & (depth > level)
        told.insert(0, _where(shown, name, _where(gap, pa.array(["…"] * len(nodes), pa.large_string()), None)))
    return pc.binary_join_element_wise(*told, pa.scalar(" > ", pa.large_string()), null_handling="skip")


def _where(mask: npt.NDArray[np.bool_], value: pa.Array, other: pa.Array | None) -> pa.Array:
    return pc.if_else(pa.array(mask), value, pa.scalar(None, pa.large_string()) if other is None else other)
