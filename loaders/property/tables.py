"""Property graphs in tables: node and edge files with neo4j-admin's headers, or with columns that are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError, KnowledgeGraph, Update
from ..edge_values import edge_times, edge_weights
from ..files.tables import line_of, read_table, words_of
from .assembly import EdgeColumns, End, NodeColumns, assembled
from .cells import ids_of, is_vector, listed_ids, literal_cells
from .config import EdgeTable, NodeTable, TableGraph
from .headers import Header, column_with_role, parse_headers, stated_column

__all__ = ["read_property_tables", "read_table_graph"]

WORD = pa.large_string()
TYPED_TIMES = ("time", "timestamp")


def read_table_graph(
    config: TableGraph, *, left_out: list[str] | None = None, on_progress: Update | None = None
) -> KnowledgeGraph:
    """Read the graph a config describes; see `read_property_tables`."""
    return read_property_tables(
        config.nodes,
        config.edges,
        item_space=config.item_space,
        array_separator=config.array_separator,
        left_out=left_out,
        on_progress=on_progress,
    )


def read_property_tables(
    nodes: Sequence[Path | NodeTable],
    edges: Sequence[Path | EdgeTable] = (),
    *,
    item_space: str = "",
    array_separator: str = ";",
    left_out: list[str] | None = None,
    on_progress: Update | None = None,
) -> KnowledgeGraph:
    """Read node and edge tables.

    A node table has a column `:ID` (or `productId:ID(Product)`), perhaps `:LABEL`, and properties (`name`,
    `price:float`, `tags:string[]`): literals of the declared type, one for each element of an array. An edge table
    has `:START_ID`, `:END_ID` and perhaps `:TYPE`, `weight:float`, `time:datetime`. Where a type or relation is
    missing, the file's name stands for it. Ids in an id space (`:ID(Brand)`) become `Brand/ID`, unless the whole
    graph has one space only.

    Columns of vectors of numbers are left out where no columns are stated, and told in `left_out`, a line each.

    Raises:
        DataError: if a file or column is missing, a cell is not of its type, an id is empty or occurs twice, or an
            edge names a node that no table has; file and line are named.
    """
    total = len(nodes) + len(edges)

    def told(done: int, path: Path) -> None:
        if on_progress is not None:
            on_progress(done, total, path.name)

    node_columns, edge_columns = [], []
    for done, node in enumerate(nodes):
        node = node if isinstance(node, NodeTable) else NodeTable(path=node)
        told(done, node.path)
        read, references, vectors = _nodes(node, array_separator)
        if left_out is not None:
            left_out += [f"the column {name} ({node.path.name}) holds vectors, which are left out" for name in vectors]
        node_columns.append(read)
        edge_columns += references
    for done, edge in enumerate(edges, len(nodes)):
        edge = edge if isinstance(edge, EdgeTable) else EdgeTable(path=edge)
        told(done, edge.path)
        edge_columns.append(_edges(edge))
    return assembled(node_columns, edge_columns, item_space=item_space)


def _nodes(config: NodeTable, array_separator: str) -> tuple[NodeColumns, list[EdgeColumns], list[str]]:
    """A node table, the edges that its foreign keys are, and the columns left out as vectors."""
    path, table = config.path, read_table(config.path)
    headers = parse_headers(table.column_names)
    id_header = column_with_role(headers, "ID", config.id, "id", path)
    label = _optional(headers, "LABEL", config.label, "label", path)
    space = id_header.space if config.id_space is None else config.id_space
    keys = [(stated_column(headers, name, "relations", path), key) for name, key in config.relations.items()]

    def fault(row: int, message: str) -> DataError:
        return DataError(message, path=path, line=line_of(path, row))

    ids = ids_of(table.column(id_header.column), id_header.column, fault)
    used = {header.column for header, _ in keys} | ({id_header.column} if config.id or not id_header.name else set())
    kept = _kept(headers, config.columns, used | ({label.column} if label else set()), path)
    vectors = [h.column for h, _ in kept if config.columns is None and is_vector(table.column(h.column).type)]
    properties = [
        (name, literal_cells(table.column(header.column), header, array_separator, fault))
        for header, name in kept
        if header.column not in vectors
    ]
    kind = _names(table, label, config.type or _stem(path), path)
    kind = pc.utf8_trim_whitespace(pc.list_element(pc.split_pattern(kind, ";"), 0)) if len(kind) else kind
    edges = []
    for header, key in keys:
        cells = listed_ids(table.column(header.column), header.column, key.separator, fault)
        head, tail = (
            End(id_header.column, space, ids.take(pa.array(cells.row))),
            End(header.column, key.space, cells.value),
        )
        relation = pa.repeat(pa.scalar(key.name, WORD), len(cells.row))
        edges.append(EdgeColumns(path, head, tail, relation, row=cells.row, create=key.create))
    return NodeColumns(path, space, ids, kind, properties), edges, vectors


def _kept(
    headers: Sequence[Header], columns: Mapping[str, str] | None, used: set[str], path: Path
) -> list[tuple[Header, str]]:
    """The columns that become literals, and the name of each."""
    if columns is not None:
        return [(stated_column(headers, column, "columns", path), name) for column, name in columns.items()]
    # An id with a name is a property as well.
    return [(header, header.name) for header in headers if header.role in (None, "ID") and header.column not in used]


def _edges(config: EdgeTable) -> EdgeColumns:
    path, table = config.path, read_table(config.path)
    headers = parse_headers(table.column_names)

    def fault(row: int, message: str) -> DataError:
        return DataError(message, path=path, line=line_of(path, row))

    def end(role: str, stated: str | None, key: str, space: str | None) -> End:
        header = column_with_role(headers, role, stated, key, path)
        ids = ids_of(table.column(header.column), header.column, fault)
        return End(header.column, header.space if space is None else space, ids)

    kind = _optional(headers, "TYPE", config.relation_column, "relation_column", path)
    weight = _attribute(table, headers, config.weight, "weight", ("weight",), path)
    time = _attribute(table, headers, config.time, "time", TYPED_TIMES, path)
    return EdgeColumns(
        path,
        end("START_ID", config.source, "source", config.source_space),
        end("END_ID", config.target, "target", config.target_space),
        _names(table, kind, config.relation or _stem(path), path),
        None if weight is None else edge_weights(weight, path),
        None if time is None else edge_times(time, path),
        create=config.create,
    )


def _attribute(
    table: pa.Table, headers: Sequence[Header], stated: str | None, key: str, usual: Sequence[str], path: Path
) -> Any:
    """The column stated, else one of a usual name that is typed, by its header or as a column."""
    if stated is not None:
        return table.column(stated_column(headers, stated, key, path).column)
    for header in headers:
        column = table.column(header.column)
        text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if header.role is None and header.name in usual and (header.datatype is not None or not text):
            return column
    return None


def _optional(headers: Sequence[Header], role: str, stated: str | None, key: str, path: Path) -> Header | None:
    if stated is None and not any(header.role == role for header in headers):
        return None
    return column_with_role(headers, role, stated, key, path)


def _names(table: pa.Table, header: Header | None, otherwise: str, path: Path) -> Any:
    """A name a row, from a column if there is one."""
    if header is None:
        return pa.repeat(pa.scalar(otherwise, WORD), len(table))
    return pc.fill_null(words_of(table.column(header.column), header.column, path), otherwise).combine_chunks()


def _stem(path: Path) -> str:
    return path.name.split(".")[0]
