"""Graphs described for GraphStorm (gconstruct JSON): node and edge tables in Parquet, CSV or JSON lines.

The format: https://graphstorm.readthedocs.io/en/latest/cli/graph-construction/single-machine-gconstruct.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...kg import ConfigError, DataError, KnowledgeGraph, Update
from ..edge_values import edge_times, edge_weights
from ..files.streams import JSON, suffix_of
from ..files.tables import line_of, read_table
from ..graph_options import GraphOptions
from .assembly import EdgeColumns, End, NodeColumns, assembled
from .cells import Cells, ids_of, is_vector, literal_cells
from .graphstorm_schema import Block, EdgeBlock, NodeBlock, files_of, read_schema
from .headers import Header, stated_column

__all__ = ["GraphStormGraph", "read_graphstorm"]

WORD = pa.large_string()
SUFFIXES = {"parquet": (".parquet",), "csv": (".csv", ".tsv", ".txt"), "json": JSON}


class GraphStormGraph(GraphOptions):
    """A graph that a JSON file describes for GraphStorm's gconstruct."""

    source: Literal["graphstorm"]

    path: Path
    """The JSON file. Columns that it names as features or labels of nodes become literals, except vectors of numbers,
    which are left out and told of."""

    root: Path | None = None
    """Folder that the file paths in it start from, and below which all files lie; by default the JSON file's."""

    item_space: str = ""
    """Node type whose ids stay as they are, where those of the others become `TYPE/ID`: the items' type, so that
    interactions link without a map. A graph of one node type keeps all ids."""

    weight: dict[str, str] = Field(default_factory=dict)
    """Column of the strength in the tables of a relation, by the relation's name."""

    time: dict[str, str] = Field(default_factory=dict)
    """Column of the time in the tables of a relation, by the relation's name."""

    def paths(self) -> list[Path]:
        """The JSON file and all files that it names."""
        schema = read_schema(self.path)
        named = [*_keyed(schema.nodes, "nodes"), *_keyed(schema.edges, "edges")]
        return [self.path, *(file for key, block in named for file in files_of(block, key, self.path, self.folder))]

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self.path.parent if self.root is None else self.root


@dataclass(frozen=True, eq=False)
class _Table:
    """One file of a block."""

    path: Path
    columns: pa.Table

    def fault(self, row: int, message: str) -> DataError:
        return DataError(message, path=self.path, line=line_of(self.path, row))

    def column(self, name: str, key: str) -> Any:
        headers = [Header(column, column) for column in self.columns.column_names]
        return self.columns.column(stated_column(headers, name, key, self.path).column)


def read_graphstorm(
    config: GraphStormGraph, *, left_out: list[str] | None = None, on_progress: Update | None = None
) -> KnowledgeGraph:
    """Read the graph that a JSON file describes.

    Columns of vectors, and features and labels of edges but for those stated as weight or time, are left out, and told
    in `left_out`, a line each.

    Node types are those of the file. A type that only edges mention has the nodes they name; every other end of an
    edge must have a row. Tables of a type without ids of their own go by row with those that have ids; where none
    has, a row's number from 0 is its id.

    Raises:
        ConfigError: if the description is wrong; the field is named.
        DataError: if a file or column is missing, an id is empty or occurs twice, or an edge names a node without
            a row.
    """
    schema = read_schema(config.path)
    reader = _Reader(config, on_progress, len(schema.nodes) + len(schema.edges))
    nodes: list[NodeColumns] = []
    for kind in dict.fromkeys(block.node_type for block in schema.nodes):
        nodes += reader.nodes(kind, [(k, b) for k, b in _keyed(schema.nodes, "nodes") if b.node_type == kind])
    edges = [table for key, block in _keyed(schema.edges, "edges") for table in reader.edges(key, block)]
    relations = {block.relation[1] for block in schema.edges}
    for name in (*config.weight, *config.time):
        if name not in relations:
            raise ConfigError(f"no relation {name!r}; there are {', '.join(sorted(relations))}", path=config.path)
    nodes += _mentioned(edges, {table.space for table in nodes})
    graph = assembled(nodes, edges, item_space=config.item_space)
    if left_out is not None:
        left_out += [f"the column {name} holds vectors, which are left out" for name in reader.vectors]
        left_out += [
            f"the column {name} is left out: edges have no literals; give it as `weight` or `time`, if it is one"
            for name in reader.of_edges
        ]
    reader.told(f"{graph.n_triples:,} triples")
    return graph


def _keyed(blocks: Sequence[Any], key: str) -> list[tuple[str, Any]]:
    return [(f"{key}.{at}", block) for at, block in enumerate(blocks)]


class _Reader:
    """Reads blocks, and remembers what was left out."""

    def __init__(self, config: GraphStormGraph, on_progress: Update | None, total: int) -> None:
        self.config, self.on_progress, self.total = config, on_progress, total
        self.done = 0
        self.vectors: dict[str, None] = {}
        self.of_edges: dict[str, None] = {}

    def told(self, note: str) -> None:
        if self.on_progress is not None:
            self.on_progress(self.done, self.total, note)

    def nodes(self, kind: str, blocks: Sequence[tuple[str, NodeBlock]]) -> list[NodeColumns]:
        """The tables of one node type, those with ids first."""
        tables = [(key, block, list(self._tables(key, block))) for key, block in blocks]
        with_ids = [entry for entry in tables if entry[1].node_id_col is not None]
        columns = [
            self._with_ids(kind, table, block, key) for key, block, read in with_ids for table in read
        ]  # fmt: skip
        n = sum(len(table.ids) for table in columns)
        for key, block, read in tables:
            if block.node_id_col is None:
                rows = sum(len(table.columns) for table in read)
                if not columns:
                    numbers = pa.array(np.arange(rows)).cast(WORD)
                    columns, n = [_node_columns(read[0].path, kind, numbers, [])], rows
                if rows != n:
                    text = (
                        f"{key}: {rows:,} rows for {n:,} nodes of the type {kind!r}; without ids, rows must correspond"
                    )
                    raise DataError(text, path=self.config.path)
                columns.append(_node_columns(read[0].path, kind, pa.array([], WORD), self._by_row(read, block, key, n)))
        return columns

    def _with_ids(self, kind: str, table: _Table, block: NodeBlock, key: str) -> NodeColumns:
        name = block.node_id_col or ""
        ids = ids_of(table.column(name, f"{key}.node_id_col"), name, table.fault)
        return _node_columns(table.path, kind, ids, self._properties(table, block, key))

    def _by_row(self, tables: Sequence[_Table], block: Block, key: str, n: int) -> list[tuple[str, Cells]]:
        """Properties of rows that correspond to n nodes before: their rows count back from here."""
        properties, start = [], -n
        for table in tables:
            for name, cells in self._properties(table, block, key):
                properties.append((name, Cells(cells.row + start, cells.value, cells.datatype)))
            start += len(table.columns)
        return properties

    def _properties(self, table: _Table, block: Block, key: str) -> list[tuple[str, Cells]]:
        wanted: dict[str, str | None] = {label.label_col: None for label in block.labels if label.label_col is not None}
        wanted |= {name: feature.separator for feature in block.features for name in feature.columns}
        properties = []
        for name, separator in wanted.items():
            column = table.column(name, f"{key}.features")
            if is_vector(column.type):
                self.vectors[f"{name} ({table.path.name})"] = None
                continue
            header = Header(name, name, many=separator is not None)
            properties.append((name, literal_cells(column, header, separator or ";", table.fault)))
        return properties

    def edges(self, key: str, block: EdgeBlock) -> Iterator[EdgeColumns]:
        """The edges of a block, file by file."""
        if block.source_id_col is None or block.dest_id_col is None:
            missing = "source_id_col" if block.source_id_col is None else "dest_id_col"
            raise ConfigError(f"{key}.{missing}: the column of the ids is missing", path=self.config.path)
        source, relation, target = block.relation
        weight, time = self.config.weight.get(relation), self.config.time.get(relation)
        named = [*block.columns, *(label.label_col for label in block.labels if label.label_col is not None)]
        for table in self._tables(key, block):
            self.of_edges |= dict.fromkeys(
                f"{name} ({table.path.name})" for name in named if name not in (weight, time)
            )
            ends = [
                End(name, kind, ids_of(table.column(name, f"{key}.{field}"), name, table.fault))
                for field, name, kind in (
                    ("source_id_col", block.source_id_col, source),
                    ("dest_id_col", block.dest_id_col, target),
                )
            ]
            yield EdgeColumns(
                table.path, ends[0], ends[1], pa.repeat(pa.scalar(relation, WORD), len(table.columns)),
                None if weight is None else edge_weights(table.column(weight, "weight"), table.path),
                None if time is None else edge_times(table.column(time, "time"), table.path),
            )  # fmt: skip

    def _tables(self, key: str, block: Block) -> Iterator[_Table]:
        self.told(key)
        for file in files_of(block, key, self.config.path, self.config.folder):
            yield _Table(file, self._read(file, block, key))
        self.done += 1

    def _read(self, path: Path, block: Block, key: str) -> pa.Table:
        suffix, form = suffix_of(path), block.format
        if form is not None and suffix not in SUFFIXES[form.name]:
            text = f"{key}.format: {form.name} files end in {' or '.join(SUFFIXES[form.name])}; rename {path.name}"
            raise ConfigError(text, path=self.config.path)
        return read_table(path, separator=form.separator if form is not None and form.name == "csv" else None)


def _node_columns(path: Path, kind: str, ids: Any, properties: list[tuple[str, Cells]]) -> NodeColumns:
    return NodeColumns(path, kind, ids, pa.repeat(pa.scalar(kind, WORD), len(ids)), properties)


def _mentioned(edges: Sequence[EdgeColumns], declared: set[str]) -> list[NodeColumns]:
    """Nodes of the types that no table declares: those that edges name."""
    found: dict[str, list[EdgeColumns]] = {}
    for table in edges:
        for end in (table.head, table.tail):
            if end.space not in declared:
                found.setdefault(end.space, []).append(table)
    return [
        _node_columns(tables[0].path, kind, _ends_of(tables, kind), [])
        for kind, tables in found.items()
    ]  # fmt: skip


def _ends_of(tables: Sequence[EdgeColumns], kind: str) -> Any:
    ids = [end.ids for table in tables for end in (table.head, table.tail) if end.space == kind]
    return pc.unique(pa.chunked_array(ids, WORD))
