"""The literals of a graph as properties of nodes: a column a property, numbers as numbers, repeated ones as lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import KnowledgeGraph, Numbers
from .property_values import typed_values

__all__ = ["NodeProperties", "PropertyColumn"]


@dataclass(frozen=True, eq=False)
class PropertyColumn:
    """One property: the nodes that have it, ascending, and the value of each, a list where any node has several."""

    name: str
    node: npt.NDArray[np.int64]
    value: pa.Array


@dataclass(frozen=True, eq=False)
class NodeProperties:
    """All properties of all nodes.

    Attributes:
        columns: one a property.
        as_text: values that are not what their datatype says, and so remain text: how many by property, with an example.
    """

    columns: tuple[PropertyColumn, ...]
    as_text: dict[str, tuple[int, str]]

    @classmethod
    def of(cls, graph: KnowledgeGraph, names: Sequence[str], place: Numbers, language: str) -> NodeProperties:
        """Make them of a graph's literals.

        A predicate with language tags gives NAME, the text in the preferred language or the best there is, and NAME_TAG
        with those of each language (NAME_und for those without one), so that nothing is lost.

        Args:
            graph: the graph.
            names: name of each predicate's property.
            place: the node that each entity is, shape (e,).
            language: the preferred one.
        """
        literals = graph.literals
        rank = literals.language_rank(language)
        columns: list[PropertyColumn] = []
        as_text: dict[str, tuple[int, str]] = {}
        order = np.lexsort((np.arange(len(literals)), place[literals.entity], literals.predicate))
        ends = np.searchsorted(literals.predicate[order], np.arange(len(names) + 1))
        taken = set(names)
        for number, name in enumerate(names):
            rows = order[ends[number] : ends[number + 1]]
            if len(rows) == 0:
                continue
            node = place[literals.entity[rows]]
            part = literals.take(rows)
            if len(part.language) == part.language.null_count:
                values, faults = typed_values(part.value, part.datatype)
                if faults is not None:
                    as_text[name] = faults
                columns.append(_column(name, node, values))
            else:
                columns.extend(_by_language(name, node, part.value, part.language, rank[rows], taken))
        return cls(tuple(columns), as_text)

    def rows(self, nodes: slice) -> list[dict[str, Any]]:
        """The properties of some nodes, each as a map; values that are null are left out."""
        found: list[dict[str, Any]] = [{} for _ in range(nodes.stop - nodes.start)]
        for column in self.columns:
            first, last = np.searchsorted(column.node, (nodes.start, nodes.stop))
            at = (column.node[first:last] - nodes.start).tolist()
            for place, value in zip(at, column.value[first:last].to_pylist(), strict=True):
                found[place][column.name] = value
        return found


def _by_language(
    name: str, node: Numbers, value: pa.Array, language: pa.Array, rank: npt.NDArray[np.int8], taken: set[str]
) -> Iterator[PropertyColumn]:
    best = np.lexsort((np.arange(len(node)), rank, node))
    first = best[np.flatnonzero(np.diff(node[best], prepend=-1))]
    yield PropertyColumn(name, node[first], value.take(pa.array(first)))
    tags = language.dictionary.to_pylist()
    codes = np.asarray(language.indices.fill_null(len(tags)))
    for code in np.unique(codes).tolist():
        tag = f"{name}_{(tags[code] if code < len(tags) else 'und').lower().replace('-', '_')}"
        while tag in taken:
            tag += "_"
        taken.add(tag)
        rows = np.flatnonzero(codes == code)
        yield _column(tag, node[rows], value.take(pa.array(rows)))


def _column(name: str, node: Numbers, values: pa.Array) -> PropertyColumn:
    """A column of ascending nodes, lists if any occurs twice; a value said twice of a node counts once."""
    codes = np.asarray(pc.dictionary_encode(values).indices)
    order = np.lexsort((np.arange(len(node)), codes, node))
    new = np.r_[True, (np.diff(node[order]) != 0) | (np.diff(codes[order]) != 0)][: len(order)]
    kept = np.sort(order[new])
    node, values = node[kept], values.take(pa.array(kept))
    starts = np.flatnonzero(np.diff(node, prepend=-1))
    if len(starts) == len(node):
        return PropertyColumn(name, node, values)
    offsets = pa.array(np.r_[starts, len(node)], type=pa.int64())
    return PropertyColumn(name, node[starts], pa.LargeListArray.from_arrays(offsets, values))
