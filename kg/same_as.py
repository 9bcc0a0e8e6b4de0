"""Entities that are said to be the same, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from scipy.sparse import csgraph

from .graph import KnowledgeGraph
from .literals import Literals
from .mapping_step import MappingStep
from .terms import find_terms
from .triple_columns import TripleColumns, without_entities
from .type_choice import UNIVERSAL_TYPES, type_ranks

__all__ = ["OWL_SAME_AS", "merged"]

OWL_SAME_AS = "http://www.w3.org/2002/07/owl#sameAs"
_SHOWN = 5
Numbers = npt.NDArray[np.int64]


def merged(
    graph: KnowledgeGraph, *, relations: Sequence[str] = (), prefer: str | None = None, large: int = 20
) -> tuple[KnowledgeGraph, MappingStep, pa.Table]:
    """The graph with entities joined by owl:sameAs, directly or through others, merged into one.

    The id that stays is, in this order: one that begins with `prefer`; no blank node; the one with the most triples;
    the first by the alphabet. It keeps its type; without one, or with one that holds for everything (owl:Thing), it
    takes the commonest in the graph among the others' types. Triples and literals move to it, those that are then
    equal count once, and triples among the merged, sameAs itself included, leave.

    Args:
        graph: the graph.
        relations: further relations that say the same, by full or short name.
        prefer: how ids begin that shall stay.
        large: groups of more entities than this are named in the step's text: one wrong link joins two worlds.

    Returns:
        The graph, what was done, and a table of the ids that are gone (`id`) with the id each became (`into`).

    Raises:
        ConfigError: if the graph has no relation of a given name.
    """
    chosen = np.zeros(len(graph.relations), dtype=bool)
    chosen[find_terms(relations, graph.relations, "relation")] = True
    chosen |= np.array([name == OWL_SAME_AS for name in graph.relations], dtype=bool)
    links = chosen[graph.relation]
    group = _groups(graph.head[links], graph.tail[links], graph.n_entities)
    member = np.bincount(group, minlength=1)[group] > 1
    rows = np.flatnonzero(member)
    if not links.any():
        return graph, MappingStep("same_as", "no two entities are said to be the same"), _renamed(graph, rows, rows)
    into = np.arange(graph.n_entities)
    into[rows] = _kept(graph, rows, group, links, prefer)
    gone = into != np.arange(graph.n_entities)
    columns = TripleColumns.of(graph).select(~links)
    inner = (columns.head != columns.tail) & (into[columns.head] == into[columns.tail])
    columns = columns.select(~inner)
    moved = replace(
        graph,
        type_of=_types(graph, rows, into),
        literals=_moved_literals(graph.literals, into, member),
    )
    joined = replace(columns, head=into[columns.head], tail=into[columns.tail]).graph(moved)
    text, example = _told(graph, group, rows, gone, into, large)
    text += f"; {int(inner.sum()):,} other triples among them left out" if inner.any() else ""
    step = MappingStep("same_as", text, int(gone.sum()) + int(inner.sum()), example)
    return without_entities(joined, gone), step, _renamed(graph, np.flatnonzero(gone), into[gone])


def _groups(head: npt.NDArray[np.int32], tail: npt.NDArray[np.int32], n: int) -> Numbers:
    """Number of the connected component each entity is in, shape (n,)."""
    if n == 0:
        return np.empty(0, dtype=np.int64)
    matrix = sparse.csr_array((np.ones(len(head), dtype=bool), (head, tail)), shape=(n, n))
    _, group = csgraph.connected_components(matrix, directed=False)
    return np.asarray(group, dtype=np.int64)


def _kept(
    graph: KnowledgeGraph, rows: Numbers, group: Numbers, links: npt.NDArray[np.bool_], prefer: str | None
) -> Numbers:
    """The entity that stays of each member's group, shape (members,)."""
    ids = graph.entities.to_arrow().take(pa.array(rows))
    ends = np.concatenate([graph.head[~links], graph.tail[~links]])
    degree = np.bincount(ends, minlength=graph.n_entities)[rows]
    wanted = np.asarray(pc.starts_with(ids, prefer or ""), dtype=bool)
    blank = np.asarray(pc.starts_with(ids, "_:"), dtype=bool)
    alphabet = np.empty(len(rows), dtype=np.int64)
    alphabet[np.asarray(pc.sort_indices(ids))] = np.arange(len(rows))
    order = np.lexsort((alphabet, -degree, blank, ~wanted, group[rows]))
    best = np.full(graph.n_entities, -1, dtype=np.int64)
    # Written from the last to the first, so that the first of each group is what stays.
    best[group[rows[order[::-1]]]] = rows[order[::-1]]
    return np.asarray(best[group[rows]])


def _types(graph: KnowledgeGraph, rows: Numbers, into: Numbers) -> npt.NDArray[np.int32]:
    """Node types with those of the entities that stay settled, shape (e,)."""
    rows = rows[graph.type_of[rows] >= 0]
    kind = graph.type_of[rows]
    universal = np.array([name in UNIVERSAL_TYPES for name in graph.types], dtype=bool)
    counts = np.bincount(graph.type_of[graph.type_of >= 0], minlength=len(graph.types))
    # An own type that says something goes before any other. Written from the last to the first: the first stays.
    order = np.lexsort((type_ranks(graph.types, counts)[kind], into[rows] != rows, universal[kind]))[::-1]
    type_of = graph.type_of.copy()
    type_of[into[rows[order]]] = kind[order]
    return type_of


def _moved_literals(literals: Literals, into: Numbers, member: npt.NDArray[np.bool_]) -> Literals:
    """Literals at the entities that stay; of equal ones at one entity the first."""
    moved = replace(literals, entity=into[literals.entity].astype(np.int32))
    rows = np.flatnonzero(member[literals.entity])
    if len(rows) == 0:
        return moved
    part = moved.take(rows)
    codes = (part.value.dictionary_encode().indices, part.language.indices, part.datatype.indices)
    keys = [part.entity, part.predicate, *(np.asarray(code.fill_null(-1)) for code in codes)]
    order = np.lexsort(keys)
    repeated = np.zeros(len(rows), dtype=bool)
    repeated[order[1:]] = np.all([key[order[1:]] == key[order[:-1]] for key in keys], axis=0)
    keep = np.ones(len(literals), dtype=bool)
    keep[rows[repeated]] = False
    return moved.take(np.flatnonzero(keep))


def _told(
    graph: KnowledgeGraph, group: Numbers, rows: Numbers, gone: npt.NDArray[np.bool_], into: Numbers, large: int
) -> tuple[str, str | None]:
    names = graph.entities
    kept = np.unique(into[rows])
    text = f"{len(rows):,} entities became {len(kept):,}"
    sizes = np.bincount(group)[group[kept]]
    suspicious = kept[sizes > large]
    if len(suspicious):
        largest = sorted(
            zip(names.ids(suspicious), sizes[sizes > large].tolist(), strict=True), key=lambda one: (-one[1], one[0])
        )[:_SHOWN]
        shown = ", ".join(f"{name} of {size:,}" for name, size in largest)
        text += f"; {len(suspicious):,} groups of more than {large} entities, check their links: {shown}"
    if not gone.any():
        return text, None
    first = min(names.ids(kept))
    others = names.ids(np.flatnonzero(gone & (into == names.number(first))))
    return text, f"{', '.join(sorted(others)[:_SHOWN])} became {first}"


def _renamed(graph: KnowledgeGraph, old: Numbers, new: Numbers) -> pa.Table:
    ids = graph.entities.to_arrow()
    return pa.table({"id": ids.take(pa.array(old)), "into": ids.take(pa.array(new))})
