"""The triples that texts came from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import KnowledgeGraph
from .verbalise_cells import Cells
from .verbalise_path import ancestors

__all__ = ["RDF_TYPE", "Triple", "triples_of"]

Triple = tuple[str, str, str]
"""Subject, predicate and object as they stand in the source."""

RDF_TYPE = "rdf:type"
"""The predicate of a node's type, which a graph keeps apart from its relations."""

Numbers = npt.NDArray[np.int64]


def triples_of(
    graph: KnowledgeGraph,
    cells: Cells,
    asked: Numbers,
    kept: npt.NDArray[np.bool_],
    is_path: npt.NDArray[np.bool_],
    parents: tuple[Numbers, Numbers],
    down: dict[int, bool],
) -> list[tuple[Triple, ...]]:
    """The triples behind the cells of each asked node, in the order in which they are told; each once.

    Args:
        graph: the graph.
        cells: the cells, the first of each row its title.
        asked: the nodes.
        kept: which cells are told, shape (cells,).
        is_path: which of them tell a path, shape (cells,).
        parents: the parent of each entity, and the relation to it.
        down: whether a relation leads down, by its number.
    """
    at = np.flatnonzero(kept)
    row, own = cells.row[at].astype(np.int64), asked[cells.row[at]]
    said = _Statements.joined(
        [
            _of_cells(cells, at, row, own, graph),
            _of_types(cells, at, row, own, graph),
            _of_paths(np.where(is_path, cells.node, -1)[at].astype(np.int64), row, parents, down),
        ]
    )
    listed = said.triples(graph)
    first = np.searchsorted(said.row, np.arange(len(asked) + 1)).tolist()
    return [tuple(listed[start:stop]) for start, stop in pairwise(first)]


@dataclass(frozen=True, eq=False)
class _Statements:
    """Triples in columns, by the cell after which they come.

    Attributes:
        row: which of the asked nodes.
        order: place among all.
        subject: entity.
        predicate: 0 for the type, then the relations, then the literal predicates.
        target: entity, -1 for none.
        literal: row in the literal table, -1 for none.
        kind: node type, -1 for none.
    """

    row: Numbers
    order: Numbers
    subject: Numbers
    predicate: Numbers
    target: Numbers
    literal: Numbers
    kind: Numbers

    @classmethod
    def joined(cls, tables: list[_Statements]) -> _Statements:
        """Several tables as one, in order."""
        columns = [np.concatenate(same) for same in zip(*(vars(table).values() for table in tables), strict=True)]
        order = np.argsort(columns[1], kind="stable")
        return cls(*(column[order] for column in columns))

    def triples(self, graph: KnowledgeGraph) -> list[Triple]:
        """The triples as strings."""
        ids, large = graph.entities.to_arrow(), pa.large_string()
        names = pa.array([RDF_TYPE, *graph.relations, *graph.literals.predicates], large)
        value = ids.take(_or_null(self.target))
        if (self.literal >= 0).any():
            value = pc.coalesce(graph.literals.value.take(_or_null(self.literal)), value)
        value = pc.coalesce(value, pa.array(graph.types, large).take(_or_null(self.kind)))
        columns = (ids.take(pa.array(self.subject)), names.take(pa.array(self.predicate)), value)
        return list(zip(*(column.to_pylist() for column in columns), strict=True))


_STEP = 128
"""Places between two cells: more than there are triples in a path."""


def _of_cells(cells: Cells, at: Numbers, row: Numbers, own: Numbers, graph: KnowledgeGraph) -> _Statements:
    """The triple of each cell that comes from one."""
    from_one = np.flatnonzero((cells.literal[at] >= 0) | (cells.node[at] >= 0))
    at, row, own, place = at[from_one], row[from_one], own[from_one], from_one * _STEP
    literal, node, inverse = cells.literal[at].astype(np.int64), cells.node[at].astype(np.int64), cells.inverse[at]
    predicate = 1 + cells.relation[at].astype(np.int64)
    is_literal = literal >= 0
    predicate[is_literal] = 1 + len(graph.relations) + graph.literals.predicate[literal[is_literal]]
    subject, target = np.where(inverse, node, own), np.where(is_literal, -1, np.where(inverse, own, node))
    return _Statements(row, place, subject, predicate, target, literal, np.full(len(at), -1))


def _of_types(cells: Cells, at: Numbers, row: Numbers, own: Numbers, graph: KnowledgeGraph) -> _Statements:
    """The type of each node that has one, after its title."""
    title = np.flatnonzero((cells.slot[at] == 0) & (graph.type_of[own] >= 0))
    kind, none = graph.type_of[own[title]].astype(np.int64), np.full(len(title), -1)
    return _Statements(row[title], title * _STEP + 1, own[title], np.zeros(len(title), np.int64), none, none, kind)


def _of_paths(node: Numbers, row: Numbers, parents: tuple[Numbers, Numbers], down: dict[int, bool]) -> _Statements:
    """The triples from the nodes of paths up to their roots, each once a row; `node` is -1 where there is no path."""
    parent, via = parents
    at = np.flatnonzero(node >= 0)
    columns: list[tuple[Numbers, ...]] = []
    below = node[at]
    for level, above in enumerate(ancestors(parent, below), start=1):
        met = above >= 0
        columns.append((row[at[met]], at[met] * _STEP + level, below[met], above[met]))
        below = above
    if not columns:
        none = np.empty(0, dtype=np.int64)
        return _Statements(none, none, none, none, none, none, none)
    rows, order, child, up = (np.concatenate(same) for same in zip(*columns, strict=True))
    by_order = np.argsort(order, kind="stable")
    _, once = np.unique(rows[by_order] * len(parent) + child[by_order], return_index=True)
    once = by_order[once]
    rows, order, child, up = rows[once], order[once], child[once], up[once]
    is_down = np.isin(via[child], [number for number, leads_down in down.items() if leads_down])
    none = np.full(len(rows), -1)
    ends = np.where(is_down, up, child), np.where(is_down, child, up)
    return _Statements(rows, order, ends[0], 1 + via[child], ends[1], none, none)


def _or_null(numbers: Numbers) -> pa.Array:
    return pa.array(numbers, mask=numbers < 0)
