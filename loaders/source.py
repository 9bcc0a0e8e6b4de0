"""Where everything comes from: interactions, graph, links, item table; and one call that reads them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ..kg import (
    IdMap,
    Interactions,
    ItemGraph,
    ItemGraphConfig,
    KnowledgeGraph,
    Numbers,
    Schema,
    SchemaConfig,
    labels,
    with_category_nodes,
)
from .interactions import InteractionsConfig, InteractionsReport, deduplicated, read_interactions
from .items import ItemsConfig, ItemTable, read_items
from .links import LinksConfig, read_links
from .property_tables import read_property_tables
from .rdf import read_rdf
from .splits import Split, SplitConfig, assembled, parts_of

__all__ = [
    "Catalogue",
    "DataConfig",
    "GraphConfig",
    "RdfGraph",
    "TableGraph",
    "read_catalogue",
    "read_graph",
    "read_log",
    "read_split",
]


class _GraphOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: SchemaConfig = Field(default=SchemaConfig(), alias="schema")
    """What is stated about the graph's schema; the rest is inferred."""

    around: ItemGraphConfig = Field(default_factory=ItemGraphConfig)
    """How much of the graph around the items is kept."""


class RdfGraph(_GraphOptions):
    """A graph in RDF files."""

    source: Literal["rdf"]

    files: tuple[Path, ...] = Field(min_length=1)
    """N-Triples (.nt) and Turtle (.ttl) files, each perhaps with .gz."""


class TableGraph(_GraphOptions):
    """A property graph in node and edge tables with neo4j-admin headers."""

    source: Literal["tables"]

    nodes: tuple[Path, ...] = Field(min_length=1)
    """Node tables: an :ID column, perhaps :LABEL, and properties."""

    edges: tuple[Path, ...] = ()
    """Edge tables: :START_ID, :END_ID, perhaps :TYPE."""


GraphConfig = Annotated[RdfGraph | TableGraph, Field(discriminator="source")]


class DataConfig(BaseModel):
    """Where the data lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interactions: InteractionsConfig
    """The interaction log."""

    graph: GraphConfig | None = None
    """The knowledge graph; without one the recommender is purely collaborative."""

    links: LinksConfig | None = None
    """Map from item ids to entity ids; without one, an item's entity is the one of the same id."""

    items: ItemsConfig | None = None
    """Table of titles, for items that the graph does not know."""

    def files(self) -> list[Path]:
        """All files named."""
        graph: tuple[Path, ...] = ()
        if isinstance(self.graph, RdfGraph):
            graph = self.graph.files
        elif isinstance(self.graph, TableGraph):
            graph = (*self.graph.nodes, *self.graph.edges)
        single = (self.interactions, self.links, self.items)
        return [*(part.path for part in single if part is not None), *graph]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items, and what the graph knows about them.

    Attributes:
        items: ids, those included that only the graph knows.
        knowledge: the whole graph, category values as nodes; None where there is none.
        schema: its schema.
        labels: display names of its entities.
        item_entity: entity number of each item, -1 for none, shape (items,).
        graph: the part of it around the items.
        table: titles and texts from the item table.
    """

    items: IdMap
    knowledge: KnowledgeGraph | None
    schema: Schema | None
    labels: pa.Array
    item_entity: Numbers
    graph: ItemGraph
    table: ItemTable

    @property
    def titles(self) -> pa.Array:
        """Display name of each item: the item table's, else the entity's label, else null."""
        at = pa.array(self.item_entity, mask=self.item_entity < 0)
        by_label = self.labels.take(at) if len(self.labels) else pa.nulls(len(self.items), pa.large_string())
        return pc.coalesce(self.table.titles, by_label)


def read_graph(config: GraphConfig, *, on_progress: Callable[[str, int], None] | None = None) -> KnowledgeGraph:
    """Read the graph a config describes."""
    if isinstance(config, RdfGraph):
        return read_rdf(config.files, on_progress=on_progress)
    return read_property_tables(config.nodes, config.edges)


def read_log(data: DataConfig, split: SplitConfig) -> tuple[Interactions, InteractionsReport]:
    """Read all interactions, split or not, as one log with one row a pair: what a description wants."""
    logs, report = read_interactions(data.interactions, more=split.files())
    whole = logs[0]
    for log in logs[1:]:
        whole = whole.joined(log)
    return whole, report


def read_split(data: DataConfig, split: SplitConfig, rng: np.random.Generator) -> tuple[Split, int]:
    """Read the interactions and split them; then repeated pairs become one row within each part.

    Returns:
        The split, and how many rows were dropped as repeated.
    """
    interactions = data.interactions
    logs, report = read_interactions(interactions, more=split.files(), deduplicate=False)
    raw = logs if split.strategy == "given" else parts_of(logs[0], split, rng)
    train, valid, test = (deduplicated(part, interactions.duplicates) for part in raw)
    result = assembled(train, valid, test, min_weight=interactions.min_weight)
    return result, report.rows - sum(map(len, (result.train, result.valid, result.test)))


def read_catalogue(data: DataConfig, items: IdMap, knowledge: KnowledgeGraph | None) -> Catalogue:
    """Link items to the graph and cut out what lies around them.

    Args:
        data: links, item table, and what is stated about the schema.
        items: the items that have interactions.
        knowledge: the graph as read.
    """
    if knowledge is None or data.graph is None:
        none = np.full(len(items), -1, dtype=np.int64)
        empty = pa.array([], type=pa.large_string())
        table = read_items(data.items, items)
        return Catalogue(items, None, None, empty, none, ItemGraph.without_graph(items), table)
    schema = Schema.infer(knowledge).override(data.graph.schema_)
    excluded = data.graph.schema_.exclude_relations
    if excluded:
        kept = {relation.relation for relation in schema.relations}
        knowledge = knowledge.without_relations(frozenset(knowledge.relations) - kept)
    knowledge = with_category_nodes(knowledge, schema)
    items, linked = read_links(data.links, items, knowledge)
    schema = schema.with_item_type(knowledge, linked[linked >= 0])
    names = labels(knowledge, schema)
    graph = ItemGraph.build(knowledge, schema, items, linked, names, data.graph.around)
    return Catalogue(items, knowledge, schema, names, linked, graph, read_items(data.items, items))
