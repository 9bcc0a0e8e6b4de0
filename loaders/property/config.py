"""What a user states about a property graph in tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..graph_options import GraphOptions

__all__ = ["EdgeTable", "ForeignKey", "NodeTable", "TableGraph"]


class ForeignKey(BaseModel):
    """A column of a node table that refers to other nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the relation from the row's node to the other."""

    space: str = ""
    """Id space of the nodes referred to."""

    separator: str | None = Field(default=";", min_length=1)
    """What parts several ids in one cell of text; null where ids may hold it and a cell holds one."""

    create: bool = False
    """Whether ids that no node table has become nodes without a type; otherwise they are an error."""


class NodeTable(BaseModel):
    """A table with a row a node. What is not stated is read off a header of neo4j-admin's form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv or .parquet file, or whatever else tables may be."""

    id: str | None = None
    """Column of the id; by default the one headed `:ID` or `name:ID(Space)`."""

    id_space: str | None = None
    """Name of the id space, where ids are unique within one kind of node only; by default the header's."""

    type: str | None = None
    """Node type of all rows, or of those whose label is empty; by default the file's name."""

    label: str | None = None
    """Column of the node type; by default `:LABEL`. Of several, `A;B`, the first counts."""

    columns: dict[str, str] | None = None
    """Columns to keep as literals, each with the name it gets; by default all, under their own names, but
    those of vectors of numbers, which are left out and told of."""

    relations: dict[str, ForeignKey] = Field(default_factory=dict)
    """Columns that refer to other nodes, and so are edges instead of literals."""


class EdgeTable(BaseModel):
    """A table with a row an edge. What is not stated is read off a header of neo4j-admin's form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv or .parquet file, or whatever else tables may be."""

    source: str | None = None
    """Column of the head's id; by default `:START_ID`."""

    target: str | None = None
    """Column of the tail's id; by default `:END_ID`."""

    relation: str | None = None
    """Relation of all edges, or of those whose relation column is empty; by default the file's name."""

    relation_column: str | None = None
    """Column of the relation; by default `:TYPE`."""

    weight: str | None = None
    """Column of the strength; by default one headed `weight` with a type of numbers. An empty cell is unknown."""

    time: str | None = None
    """Column of the time, seconds since 1970 or ISO 8601; by default one headed `time` or `timestamp` with a type."""

    source_space: str | None = None
    """Id space of the heads; by default the header's."""

    target_space: str | None = None
    """Id space of the tails; by default the header's."""

    create: bool = False
    """Whether ids that no node table has become nodes without a type; otherwise they are an error."""


def _as_table(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | Path) else value


class TableGraph(GraphOptions):
    """A property graph in node and edge tables."""

    source: Literal["tables"]

    nodes: tuple[Annotated[NodeTable, BeforeValidator(_as_table)], ...] = Field(min_length=1)
    """Node tables: paths, or what is in which column."""

    edges: tuple[Annotated[EdgeTable, BeforeValidator(_as_table)], ...] = ()
    """Edge tables: paths, or what is in which column. All other columns of an edge table are left out."""

    item_space: str = ""
    """Id space whose ids stay as they are, where those of other spaces become `SPACE/ID`: that of the items, so that
    interactions link without a map."""

    array_separator: str = Field(default=";", min_length=1)
    """What parts the values of an array in text: `tags:string[]`."""

    def paths(self) -> list[Path]:
        """All files named."""
        return [*(table.path for table in self.nodes), *(table.path for table in self.edges)]
