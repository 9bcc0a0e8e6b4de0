"""The triples of a graph as loose columns: changed at will, then built into a graph again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .graph import KnowledgeGraph

__all__ = ["TripleColumns", "without_emptied", "without_entities"]

IntColumn = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class TripleColumns:
    """Triples in any order, repeats allowed.

    Attributes:
        head, relation, tail: the triples as numbers, shape (t,) each.
        weight, time: their attributes, NaN where one has none, shape (t,); None where none has one.
    """

    head: IntColumn
    relation: IntColumn
    tail: IntColumn
    weight: npt.NDArray[np.floating] | None = None
    time: npt.NDArray[np.floating] | None = None

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> TripleColumns:
        """The triples of a graph."""
        return cls(graph.head, graph.relation, graph.tail, graph.weight, graph.time)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> TripleColumns:
        """The triples of some rows: those marked, shape (t,), or those numbered, in that order."""
        return TripleColumns(
            self.head[rows],
            self.relation[rows],
            self.tail[rows],
            None if self.weight is None else self.weight[rows],
            None if self.time is None else self.time[rows],
        )

    def joined(self, more: TripleColumns) -> TripleColumns:
        """These triples and more."""
        return TripleColumns(
            np.concatenate([self.head, more.head]),
            np.concatenate([self.relation, more.relation]),
            np.concatenate([self.tail, more.tail]),
            _joined(self.weight, len(self.head), more.weight, len(more.head)),
            _joined(self.time, len(self.head), more.time, len(more.head)),
        )

    def repeated_by(self, more: TripleColumns, n_entities: int) -> npt.NDArray[np.bool_]:
        """Which of more triples, all of one relation, are here already or repeat an earlier one of them, shape (more,)."""
        if len(more.head) == 0:
            return np.zeros(0, dtype=bool)
        rows = self.relation == more.relation[0]
        here, new = (
            head.astype(np.int64) * n_entities + tail
            for head, tail in ((self.head[rows], self.tail[rows]), (more.head, more.tail))
        )
        again = np.ones(len(new), dtype=bool)
        again[np.unique(new, return_index=True)[1]] = False
        return again | np.isin(new, here)

    def graph(self, like: KnowledgeGraph, relations: Sequence[str] | None = None) -> KnowledgeGraph:
        """A graph with these triples and all else as another has it.

        Of triples that repeat one another the latest stays, of equals the heaviest, whatever their order.

        Args:
            like: the graph the triples came from.
            relations: relation names, those of `like` first; the same ones by default.
        """
        columns = self
        if self.weight is not None:
            # The graph keeps the last of equal triples: the heaviest comes last, one without a weight first.
            order = np.argsort(np.where(np.isnan(self.weight), -np.inf, self.weight), kind="stable")
            columns = self.select(order)
        built = KnowledgeGraph.build(
            like.entities,
            like.relations if relations is None else relations,
            columns.head,
            columns.relation,
            columns.tail,
            types=like.types,
            type_of=like.type_of,
            literals=like.literals,
            weight=columns.weight,
            time=columns.time,
        )
        return replace(built, duplicates=like.duplicates)


def without_entities(graph: KnowledgeGraph, gone: npt.NDArray[np.bool_]) -> KnowledgeGraph:
    """The graph less some entities, with their triples and literals; every relation keeps its name.

    Args:
        graph: the graph.
        gone: True for each entity that leaves, shape (e,).
    """
    if not gone.any():
        return graph
    part = graph.subgraph(np.flatnonzero(~gone))
    return replace(part, duplicates=graph.duplicates)


def without_emptied(graph: KnowledgeGraph, before: KnowledgeGraph) -> KnowledgeGraph:
    """The graph less the names of relations that have no triple, save those that had none in another graph before."""
    counts = np.diff(graph.offsets)
    empty = {name for name, count in zip(before.relations, np.diff(before.offsets), strict=True) if not count}
    kept = (counts > 0) | np.array([name in empty for name in graph.relations], dtype=bool)
    if kept.all():
        return graph
    # A relation without triples has no rows: only the table of offsets changes.
    return replace(
        graph,
        relations=tuple(name for name, keep in zip(graph.relations, kept, strict=True) if keep),
        offsets=np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64),
    )


def _joined(
    first: npt.NDArray[np.floating] | None, n: int, second: npt.NDArray[np.floating] | None, m: int
) -> npt.NDArray[np.floating] | None:
    if first is None and second is None:
        return None
    return np.concatenate(
        [
            np.full(n, np.nan) if first is None else first,
            np.full(m, np.nan) if second is None else second,
        ]
    )
