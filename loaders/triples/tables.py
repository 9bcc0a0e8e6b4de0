"""Graphs as tables of triples: a row for each head, relation and tail."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ...kg import ConfigError, DataError, KnowledgeGraph, Update
from ..collector import TripleCollector
from ..edge_values import edge_times, edge_weights
from ..files.tables import find_column, line_of, read_table, words_of
from ..graph_options import GraphOptions
from .columns import PARTS, TripleFile, read_triple_columns
from .renames import RenameTable, renamed

__all__ = ["LabelTable", "TripleGraph", "read_triples"]

ColumnChoice = str | Annotated[int, Field(ge=1)]
ID_NAMES = ("id", "entity_id", "entity", "node", "iri", "uri")
LABEL_NAMES = ("label", "name", "title", "entity_label", "entity_name")
TYPE_NAMES = ("type", "kind", "class", "entity_type")


class LabelTable(BaseModel):
    """A table of display names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A table with a header and a row an entity; entities that no triple names join the graph."""

    id: str | None = None
    """Column of the entity's id. Inferred from the usual names: id, entity_id, entity, ..."""

    label: str | None = None
    """Column of the display name. Inferred: label, name, title, ... An empty cell is no label."""

    type: str | None = None
    """Column of the node type. Inferred: type, kind, class; without one, the table says nothing about types."""


class TripleGraph(GraphOptions):
    """A graph in tables of triples."""

    source: Literal["triples"]

    files: tuple[Path, ...] = Field(min_length=1)
    """Tables: .csv, .tsv, .txt, RecBole's .kg (text also packed: .gz, .bz2, .zst) and .parquet."""

    head: ColumnChoice | None = None
    """Column of the head, by name or by number from 1. Inferred: head, head_id, subject, ..., else the first."""

    relation: ColumnChoice | None = None
    """Column of the relation. Inferred: relation, relation_id, predicate, ..., else the second."""

    tail: ColumnChoice | None = None
    """Column of the tail. Inferred: tail, tail_id, object, ..., else the third."""

    weight: ColumnChoice | None = None
    """Column of the strength, a number; an empty cell is unknown. None by default."""

    time: ColumnChoice | None = None
    """Column of the time, seconds since 1970 or ISO 8601; an empty cell is unknown. None by default."""

    header: Literal["auto", True, False] = "auto"
    """Whether text files begin with the names of their columns; auto takes the first line for that if it names the
    usual three, or those that are stated by name."""

    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """What parts the cells of a text file; by default a comma in .csv (a semicolon where its first line has
    semicolons and no comma) and a tab elsewhere."""

    types: dict[str, tuple[str | None, str | None]] = Field(default_factory=dict)
    """Node types of the heads and of the tails of a relation, null where nothing is said. Of several types an entity
    has the commonest."""

    labels: LabelTable | None = None
    """Display names, perhaps with node types."""

    renames: RenameTable | None = None
    """Ids of heads and tails that stand for others, such as numbers of related products for the products."""

    def paths(self) -> list[Path]:
        """All files named."""
        return [*self.files, *(table.path for table in (self.labels, self.renames) if table is not None)]


def read_triples(config: TripleGraph, *, on_progress: Update | None = None) -> KnowledgeGraph:
    """Read a graph from tables of triples; repeated triples count once.

    Raises:
        DataError: if a file or column is missing, a cell is empty or no number where one is wanted, or no triple
            is there.
        ConfigError: if a type is stated for a relation that no triple has.
    """
    collector = TripleCollector()
    wanted = {part: getattr(config, part) for part in ("head", "relation", "tail", "weight", "time")}
    seen: set[str] = set()
    renames, replaced = renamed(config.renames), 0
    for done, path in enumerate(config.files):
        if on_progress is not None:
            on_progress(done, len(config.files), path.name)
        read = read_triple_columns(path, wanted, header=config.header, separator=config.separator)
        columns = {part: read.columns[part].combine_chunks() for part in PARTS}
        if renames is not None:
            for part in ("head", "tail"):
                columns[part], count = renames.applied(columns[part])
                replaced += count
        collector.add_edges(columns["head"], columns["relation"], columns["tail"], **_attributes(read))
        _add_types(collector, columns, config.types)
        seen.update(columns["relation"].dictionary.to_pylist())
    if collector.rows == 0:
        more = "" if len(config.files) == 1 else f" and {len(config.files) - 1:,} further files"
        raise DataError(f"the graph is empty: no triple in this file{more}", path=config.files[0])
    if config.renames is not None and replaced == 0:
        raise DataError("no id of it stands in the triples; look at id_prefix and the column", path=config.renames.path)
    for relation in config.types:
        if relation not in seen:
            raise ConfigError(_unknown(relation, sorted(seen)))
    if config.labels is not None:
        _add_labels(collector, config.labels)
    graph = collector.graph()
    if on_progress is not None:
        on_progress(len(config.files), len(config.files), f"{graph.n_triples:,} triples")
    return graph


def _attributes(read: TripleFile) -> dict[str, Any]:
    kinds = {"weight": edge_weights, "time": edge_times}
    return {
        name: kind(read.columns[name], read.path, headed=read.headed)
        for name, kind in kinds.items()
        if name in read.columns
    }


def _add_types(
    collector: TripleCollector, columns: dict[str, Any], types: dict[str, tuple[str | None, str | None]]
) -> None:
    number = {name: i for i, name in enumerate(columns["relation"].dictionary.to_pylist())}
    relation = np.asarray(columns["relation"].indices)
    for name, ends in types.items():
        rows = np.flatnonzero(relation == number.get(name, -1))
        for column, kind in zip((columns["head"], columns["tail"]), ends, strict=True):
            if kind is not None and len(rows):
                entities = column.dictionary.take(pa.array(np.unique(np.asarray(column.indices)[rows])))
                collector.add_types(entities, pa.repeat(pa.scalar(kind, pa.large_string()), len(entities)))


def _unknown(relation: str, known: list[str]) -> str:
    close = get_close_matches(relation, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known[:12])}"
    return f"types are stated for the relation {relation!r}, which no triple has; {hint}"


def _add_labels(collector: TripleCollector, config: LabelTable) -> None:
    path, table = config.path, read_table(config.path)
    entity = find_column(table, config.id, ID_NAMES, "entity's id", path)
    label = find_column(table, config.label, LABEL_NAMES, "label", path)
    kind = find_column(table, config.type, TYPE_NAMES, "type", path)
    if entity is None or label is None:
        missing = "id" if entity is None else "label"
        raise DataError(f"no column looks like the {missing}; name it as labels.{missing}", path=path)
    ids = words_of(table.column(entity), "entity's id", path)
    at = pc.index(pc.is_null(ids), True).as_py()
    if at >= 0:
        raise DataError("the entity's id is empty; correct or remove the row", path=path, line=line_of(path, at))
    texts = words_of(table.column(label), "label", path)
    filled = pc.is_valid(texts)
    named = ids.filter(filled)
    predicate = pa.repeat(pa.scalar("label", pa.large_string()), len(named))
    collector.add_literals(named, predicate, texts.filter(filled))
    collector.add_entities(ids)
    if kind is not None:
        kinds = words_of(table.column(kind), "type", path)
        typed = pc.is_valid(kinds)
        collector.add_types(ids.filter(typed), kinds.filter(typed))
