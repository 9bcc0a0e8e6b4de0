"""Node and edge tables, each already in columns, put together into one graph: id spaces, checks, numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError, IdMap, KnowledgeGraph, Literals, Numbers
from ..files.tables import line_of
from .cells import Cells

__all__ = ["EdgeColumns", "End", "NodeColumns", "assembled"]

WORD = pa.large_string()


@dataclass(frozen=True, eq=False)
class NodeColumns:
    """One node table: ids of one space, the type of each node (null for none), and its properties by name."""

    path: Path
    space: str
    ids: Any
    kind: Any
    properties: Sequence[tuple[str, Cells]] = ()

    def fault(self, row: int, message: str) -> DataError:
        """The error about a row."""
        return DataError(message, path=self.path, line=line_of(self.path, row))


@dataclass(frozen=True, eq=False)
class End:
    """One end of the edges of a table: the ids, their space, and the column's name for error messages."""

    column: str
    space: str
    ids: Any


@dataclass(frozen=True, eq=False)
class EdgeColumns:
    """Edges of one table.

    Attributes:
        path: the file.
        head, tail: both ends, without nulls, n long.
        relation: the relation of each edge, n long.
        weight, time: attributes of each edge, NaN where unknown; None where the table has none.
        row: row of the table that each edge stands in; None if it is the edge's number.
        create: whether ends that no node table has become nodes without a type.
    """

    path: Path
    head: End
    tail: End
    relation: Any
    weight: npt.NDArray[np.floating] | None = None
    time: npt.NDArray[np.floating] | None = None
    row: Numbers | None = None
    create: bool = False

    def fault(self, edge: int, message: str) -> DataError:
        """The error about an edge."""
        at = edge if self.row is None else int(self.row[edge])
        return DataError(message, path=self.path, line=line_of(self.path, at))


def assembled(nodes: Sequence[NodeColumns], edges: Sequence[EdgeColumns], *, item_space: str = "") -> KnowledgeGraph:
    """The graph of node and edge tables.

    An id of the space S becomes `S/ID` if there is more than one space; those of `item_space` and of no space stay.
    Entities are numbered in the order of the node tables.

    Raises:
        DataError: if no node is there, an id occurs twice, an edge names a space or a node that no table has, or an
            id without a space is spelled as another of a space becomes.
    """
    spaces = _spaces(nodes, edges, item_space)

    def stays(space: str) -> bool:
        return len(spaces) < 2 or not space or space == item_space

    def full(ids: Any, space: str) -> Any:
        if stays(space):
            return ids
        before, slash = (pa.scalar(text, WORD) for text in (space, "/"))
        return pc.binary_join_element_wise(before, ids, slash)

    declared = _declared(nodes, [full(table.ids, table.space) for table in nodes])
    ends = [[_Coded.of(full(end.ids, end.space)) for end in (table.head, table.tail)] for table in edges]
    _refuse_mistakable(declared, nodes, edges, ends, stays)
    entities = _with_created(declared, edges, ends)
    if len(entities) == 0:
        if not nodes:
            raise DataError("the graph is empty: no node in no file given")
        more = "" if len(nodes) == 1 else f" and {len(nodes) - 1:,} further tables"
        raise DataError(f"the graph is empty: no node in this table{more}", path=nodes[0].path)
    numbers = [
        [_found(entities, coded, table, end) for coded, end in zip(pair, (table.head, table.tail), strict=True)]
        for table, pair in zip(edges, ends, strict=True)
    ]
    kinds = _joined([table.kind for table in nodes])
    kind = np.full(len(entities), -1, dtype=np.int32)
    kind[: len(declared)] = np.asarray(kinds.indices.fill_null(-1))
    names = _joined([table.relation for table in edges])
    none = np.empty(0, dtype=np.int64)
    return KnowledgeGraph.build(
        entities,
        names.dictionary.to_pylist(),
        np.concatenate([none, *(head for head, _ in numbers)]),
        np.asarray(names.indices, dtype=np.int64),
        np.concatenate([none, *(tail for _, tail in numbers)]),
        types=kinds.dictionary.to_pylist(),
        type_of=kind,
        literals=_literals(nodes),
        weight=_attribute(edges, lambda table: table.weight),
        time=_attribute(edges, lambda table: table.time),
    )


def _spaces(nodes: Sequence[NodeColumns], edges: Sequence[EdgeColumns], item_space: str) -> set[str]:
    spaces = {table.space for table in nodes}
    spaces |= {end.space for table in edges if table.create for end in (table.head, table.tail)}
    for table in edges:
        for end in (table.head, table.tail):
            if end.space and end.space not in spaces:
                text = f"{end.column} names an id space that no node table has: {end.space!r}"
                raise DataError(text, path=table.path)
    if item_space and item_space not in spaces:
        known = ", ".join(sorted(filter(None, spaces))) or "none"
        raise DataError(f"item_space is {item_space!r}, which no node table has as its id space; there are {known}")
    return spaces


@dataclass(frozen=True, eq=False)
class _Coded:
    """Full ids of one end, each distinct one once."""

    distinct: Any
    code: Numbers

    @classmethod
    def of(cls, ids: Any) -> _Coded:
        encoded = ids.dictionary_encode()
        return cls(encoded.dictionary, np.asarray(encoded.indices, dtype=np.int64))


def _declared(nodes: Sequence[NodeColumns], full: Sequence[Any]) -> IdMap:
    joined = pa.chunked_array(full, WORD).combine_chunks()
    try:
        return IdMap(joined)
    except ValueError:
        code = np.asarray(joined.dictionary_encode().indices)
        first = np.unique(code, return_index=True)[1]
        again = int(np.setdiff1d(np.arange(len(code)), first)[0])
    for table, ids in zip(nodes, full, strict=True):
        if again < len(ids):
            raise table.fault(again, f"the id {ids[again].as_py()!r} has a row already; every node wants one")
        again -= len(ids)
    raise AssertionError


def _refuse_mistakable(
    declared: IdMap,
    nodes: Sequence[NodeColumns],
    edges: Sequence[EdgeColumns],
    ends: Sequence[Sequence[_Coded]],
    stays: Callable[[str], bool],
) -> None:
    """Refuse an id of an edge that stays as it is and equals what another became: the two nodes would be one."""
    sides = [
        (table, end, coded)
        for table, pair in zip(edges, ends, strict=True)
        for end, coded in zip((table.head, table.tail), pair, strict=True)
    ]
    kept = [(table, end, coded) for table, end, coded in sides if table.create and stays(end.space)]
    if not kept or all(stays(space) for space in [t.space for t in nodes] + [end.space for _, end, _ in sides]):
        return
    of_node = np.repeat([not stays(table.space) for table in nodes], [len(table.ids) for table in nodes])
    became = [declared.to_arrow().filter(pa.array(of_node))]
    became += [coded.distinct for _, end, coded in sides if not stays(end.space)]
    longer = pa.chunked_array(became, WORD).combine_chunks()
    for table, end, coded in kept:
        at = pc.index(pc.is_in(coded.distinct, value_set=longer), True).as_py()
        if at >= 0:
            edge, name = int((coded.code == at).argmax()), coded.distinct[at].as_py()
            raise table.fault(
                edge, f"{end.column} {name!r} could be the id of an id space too; state the space of the column"
            )


def _with_created(declared: IdMap, edges: Sequence[EdgeColumns], ends: Sequence[Sequence[_Coded]]) -> IdMap:
    """The declared entities, and after them those that only edges name, where these may."""
    open_ends = [end.distinct for table, pair in zip(edges, ends, strict=True) if table.create for end in pair]
    return IdMap.numbering(declared.to_arrow(), *open_ends) if open_ends else declared


def _found(entities: IdMap, coded: _Coded, table: EdgeColumns, end: End) -> Numbers:
    numbers = entities.numbers(coded.distinct, missing="negative")
    if (numbers < 0).any():
        at = int(np.flatnonzero(numbers[coded.code] < 0)[0])
        name = coded.distinct[int(coded.code[at])].as_py()
        raise table.fault(at, f"{end.column} {name!r} is in no node table")
    return numbers[coded.code]


def _joined(columns: Sequence[Any]) -> Any:
    return pa.chunked_array([column.cast(WORD) for column in columns], WORD).combine_chunks().dictionary_encode()


def _attribute(
    edges: Sequence[EdgeColumns], of: Callable[[EdgeColumns], npt.NDArray[np.floating] | None]
) -> npt.NDArray[np.float64] | None:
    columns = [of(table) for table in edges]
    if all(column is None for column in columns):
        return None
    filled = (
        np.full(len(table.relation), np.nan) if column is None else column
        for table, column in zip(edges, columns, strict=True)
    )
    return np.concatenate([np.asarray(column, dtype=np.float64) for column in filled])


def _literals(nodes: Sequence[NodeColumns]) -> Literals:
    predicates = list(dict.fromkeys(name for table in nodes for name, _ in table.properties))
    number = {name: at for at, name in enumerate(predicates)}
    parts, start = [], 0
    for table in nodes:
        parts += [(start, number[name], cells) for name, cells in table.properties]
        start += len(table.ids)
    if not parts:
        return Literals.empty()
    counts = [len(cells.row) for _, _, cells in parts]
    datatypes = pa.array([cells.datatype for _, _, cells in parts], WORD).dictionary_encode()
    return Literals(
        np.concatenate([start + cells.row for start, _, cells in parts]).astype(np.int32),
        np.repeat(np.array([predicate for _, predicate, _ in parts], dtype=np.int32), counts),
        pa.concat_arrays([cells.value for _, _, cells in parts]),
        pa.nulls(sum(counts), WORD).dictionary_encode(),
        datatypes.take(pa.array(np.repeat(np.arange(len(parts)), counts))),
        tuple(predicates),
    )
