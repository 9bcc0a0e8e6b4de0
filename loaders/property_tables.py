"""Property graphs in tables: node and edge files with the headers that neo4j-admin's import uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import DataError, IdMap, KnowledgeGraph, Literals, Numbers
from .tables import line_of, read_table

__all__ = ["read_property_tables"]


@dataclass(frozen=True, eq=False)
class _Nodes:
    """A node table: full ids, the label of each, and the property columns, as strings."""

    path: Path
    ids: pa.ChunkedArray
    label: pa.Array
    properties: dict[str, pa.ChunkedArray]


def read_property_tables(nodes: Sequence[Path], edges: Sequence[Path]) -> KnowledgeGraph:
    """Read node and edge tables (.csv, .tsv, .parquet, text also .gz).

    A node table has a column `:ID` (or `productId:ID(Product)`), perhaps `:LABEL`, and properties (`name`,
    `price:float`). An edge table has `:START_ID`, `:END_ID` and perhaps `:TYPE`. Where `:LABEL` or `:TYPE` is
    missing, the file's name stands for it. Ids in an id space (`:ID(Brand)`) become `Brand/ID`, unless the whole
    graph has one space only. Of several labels `A;B` the first counts.

    Raises:
        DataError: if a file or column is missing, an id occurs twice, or an edge names a node that no table has.
    """
    read = [(path, read_table(path)) for path in nodes]
    spaces = {_space(_column(table, "ID", path)) for path, table in read}
    tables = [_nodes(table, path, prefixed=len(spaces) > 1) for path, table in read]
    if not tables or sum(len(t.ids) for t in tables) == 0:
        raise DataError(f"the graph is empty: no node in {', '.join(map(str, nodes)) or 'no file given'}")
    entities = _entities(tables)
    labels = pa.concat_arrays([t.label for t in tables]).dictionary_encode()
    parts = [_edges(path, entities, spaces) for path in edges]
    names = pa.concat_arrays([name for name, _, _ in parts] or [pa.array([], pa.large_string())]).dictionary_encode()
    none = np.empty(0, dtype=np.int64)
    return KnowledgeGraph.build(
        entities,
        names.dictionary.to_pylist(),
        np.concatenate([none, *(start for _, start, _ in parts)]),
        np.asarray(names.indices, dtype=np.int64),
        np.concatenate([none, *(end for _, _, end in parts)]),
        types=labels.dictionary.to_pylist(),
        type_of=np.asarray(labels.indices, dtype=np.int32),
        literals=_literals(tables, entities),
    )


def _column(table: pa.Table, role: str, path: Path) -> str:
    for name in table.column_names:
        if name.split("(")[0].endswith(f":{role}"):
            return str(name)
    raise DataError(f"no :{role} column among {', '.join(table.column_names)}", path=path)


def _entities(tables: Sequence[_Nodes]) -> IdMap:
    seen: set[str] = set()
    try:
        return IdMap(pa.chunked_array([c for t in tables for c in t.ids.chunks]).combine_chunks())
    except ValueError:
        for table in tables:
            for row, name in enumerate(table.ids.to_pylist()):
                if name in seen:
                    line = line_of(table.path, row)
                    raise DataError(
                        f"the id {name!r} has a row already; every node wants one", path=table.path, line=line
                    ) from None
                seen.add(name)
        raise


def _space(column: str) -> str:
    return column[column.index("(") + 1 :].rstrip(")") if "(" in column else ""


def _full_ids(table: pa.Table, column: str, path: Path, *, prefixed: bool) -> pa.ChunkedArray:
    ids = _strings(table, column, path)
    at = pc.index(pc.is_null(ids), True).as_py()
    if at >= 0:
        raise DataError(f"{column} is empty", path=path, line=line_of(path, at))
    space = _space(column)
    before, slash = (pa.scalar(text, pa.large_string()) for text in (space, "/"))
    return pc.binary_join_element_wise(before, ids, slash) if prefixed and space else ids


def _strings(table: pa.Table, column: str, path: Path) -> pa.ChunkedArray:
    try:
        return table.column(column).cast(pa.large_string())
    except pa.ArrowNotImplementedError:
        kind = table.schema.field(column).type
        raise DataError(f"the column {column!r} holds {kind}, single values are wanted", path=path) from None


def _nodes(table: pa.Table, path: Path, *, prefixed: bool) -> _Nodes:
    id_column = _column(table, "ID", path)
    ids = _full_ids(table, id_column, path, prefixed=prefixed)
    if ":LABEL" in table.column_names:
        label = pc.fill_null(table.column(":LABEL").cast(pa.large_string()), _stem(path))
        label = pc.list_element(pc.split_pattern(label, ";"), 0)
    else:
        label = pa.chunked_array([pa.array([_stem(path)] * len(table), type=pa.large_string())])
    own = id_column.split(":")[0]
    properties = {own: _strings(table, id_column, path)} if own else {}
    for name in table.column_names:
        if name not in (id_column, ":LABEL") and not name.endswith(":IGNORE"):
            properties[name.split(":")[0]] = _strings(table, name, path)
    return _Nodes(path, ids, label.combine_chunks().cast(pa.large_string()), properties)


def _edges(path: Path, entities: IdMap, spaces: set[str]) -> tuple[pa.Array, Numbers, Numbers]:
    """Relation name, head and tail of each edge of one file."""
    table = read_table(path)
    ends = []
    for role in ("START_ID", "END_ID"):
        column = _column(table, role, path)
        if _space(column) and _space(column) not in spaces:
            raise DataError(f"{column} names an id space that no node table has", path=path)
        ids = _full_ids(table, column, path, prefixed=len(spaces) > 1)
        numbers = entities.numbers(ids, missing="negative")
        if (numbers < 0).any():
            at = int(np.flatnonzero(numbers < 0)[0])
            raise DataError(f"{column} {ids[at].as_py()!r} is in no node table", path=path, line=line_of(path, at))
        ends.append(numbers)
    if ":TYPE" in table.column_names:
        name = pc.fill_null(table.column(":TYPE").cast(pa.large_string()), _stem(path)).combine_chunks()
    else:
        name = pa.array([_stem(path)] * len(table), type=pa.large_string())
    return name, ends[0], ends[1]


def _literals(tables: Sequence[_Nodes], entities: IdMap) -> Literals:
    """Every non-empty property cell as a literal; arrays `a;b` are left as they are."""
    predicates = list(dict.fromkeys(name for t in tables for name in t.properties))
    entity, predicate, value = [], [], []
    for table in tables:
        numbers = entities.numbers(table.ids)
        for name, column in table.properties.items():
            filled = np.asarray(pc.is_valid(column))
            entity.append(numbers[filled])
            predicate.append(np.full(int(filled.sum()), predicates.index(name)))
            value.append(column.drop_null().combine_chunks())
    if not value:
        return Literals.empty()
    values = pa.concat_arrays(value)
    none = pa.nulls(len(values), pa.large_string()).dictionary_encode()
    return Literals(
        np.concatenate(entity).astype(np.int32),
        np.concatenate(predicate).astype(np.int32),
        values,
        none,
        none,
        tuple(predicates),
    )


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
