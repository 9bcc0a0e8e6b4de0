"""Where everything comes from: interactions, graph, links, item table; and one call that reads them all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ..kg import (
    IdMap,
    Interactions,
    ItemGraph,
    KnowledgeGraph,
    Mapped,
    Numbers,
    Schema,
    labels,
    with_category_nodes,
)
from .graph_sources import GraphConfig
from .held_out import without_held_out
from .items import ItemsConfig, ItemTable, read_items
from .links import LinksConfig, read_links
from .logs.filters import FiltersConfig, filtered_parts
from .logs.interactions import InteractionsConfig, InteractionsReport, deduplicated, read_interactions
from .logs.splits import Split, SplitConfig, assembled, given_parts, parts_of

__all__ = ["Catalogue", "DataConfig", "read_catalogue", "read_log", "read_split"]


class DataConfig(BaseModel):
    """Where the data lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interactions: InteractionsConfig
    """The interaction log."""

    filters: FiltersConfig = Field(default_factory=FiltersConfig)
    """Which interactions are left out from the start. With a filter the catalogue is the items it leaves: none joins it
    because the graph knows it."""

    graph: GraphConfig | None = None
    """The knowledge graph; without one the recommender is purely collaborative."""

    links: LinksConfig | None = None
    """Map from item ids to entity ids; without one, an item's entity is the one of the same id."""

    items: ItemsConfig | None = None
    """Table of titles, for items that the graph does not know."""

    def files(self) -> list[Path]:
        """All files named."""
        graph = [] if self.graph is None else self.graph.paths()
        single = (self.interactions, self.links, self.items)
        subset = [] if self.filters.items is None else [self.filters.items]
        return [*(part.path for part in single if part is not None), *subset, *graph]


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
        mapped: what was done to the graph after it was read; None where there is none.
        held_out_triples: how many triples told of a held-out interaction, and were taken out of the graph.
    """

    items: IdMap
    knowledge: KnowledgeGraph | None
    schema: Schema | None
    labels: pa.Array
    item_entity: Numbers
    graph: ItemGraph
    table: ItemTable
    mapped: Mapped | None = None
    held_out_triples: int = 0

    @property
    def titles(self) -> pa.Array:
        """Display name of each item: the item table's, else the entity's label, else null."""
        at = pa.array(self.item_entity, mask=self.item_entity < 0)
        by_label = self.labels.take(at) if len(self.labels) else pa.nulls(len(self.items), pa.large_string())
        return pc.coalesce(self.table.titles, by_label)


def read_log(data: DataConfig, split: SplitConfig) -> tuple[Interactions, InteractionsReport]:
    """Read all interactions, split or not, as one log with one row a pair: what a description wants."""
    logs, report = read_interactions(data.interactions, more=split.files())
    logs, dropped = filtered_parts(logs, data.filters)
    whole = logs[0]
    for log in logs[1:]:
        whole = whole.joined(log)
    return whole, report.with_dropped(dropped)


def read_split(data: DataConfig, split: SplitConfig, rng: np.random.Generator) -> tuple[Split, InteractionsReport]:
    """Read the interactions, filter and split them; then repeated pairs become one row within each part.

    Returns:
        The split, and what was read and dropped; `duplicates` are the rows that the split has less than the log.
    """
    interactions = data.interactions
    logs, report = read_interactions(interactions, more=split.files(), deduplicate=False)
    logs, dropped = filtered_parts(logs, data.filters)
    raw = given_parts(logs, split, rng) if split.strategy == "given" else parts_of(logs[0], split, rng)
    train, valid, test = (deduplicated(part, interactions.duplicates) for part in raw)
    result = assembled(train, valid, test, min_weight=interactions.min_weight)
    repeated = sum(map(len, logs)) - sum(map(len, (result.train, result.valid, result.test)))
    return result, replace(report.with_dropped(dropped), duplicates=repeated)


def read_catalogue(data: DataConfig, items: IdMap, mapped: Mapped | None, split: Split | None = None) -> Catalogue:
    """Link items to the graph and cut out what lies around them.

    Args:
        data: links, item table, and what is stated about the schema.
        items: the items that have interactions.
        mapped: the graph, as `read_graph` gives it.
        split: what is held out of training, and so must not be told by a triple of the graph either.
    """
    if mapped is None or data.graph is None:
        none = np.full(len(items), -1, dtype=np.int64)
        empty = pa.array([], type=pa.large_string())
        table = read_items(data.items, items)
        return Catalogue(items, None, None, empty, none, ItemGraph.without_graph(items), table)
    schema = Schema.infer(mapped.graph).override(data.graph.schema_)
    knowledge = with_category_nodes(mapped.graph, schema)
    # What a filter has left out must not come in again by the map of links.
    may_join = data.filters == FiltersConfig()
    items, linked = read_links(data.links, items, knowledge, renamed=mapped.renamed, may_join=may_join)
    schema = schema.with_item_type(knowledge, linked[linked >= 0])
    knowledge, told = (knowledge, 0) if split is None else without_held_out(knowledge, split, items, linked)
    names = labels(knowledge, schema)
    graph = ItemGraph.build(knowledge, schema, items, linked, names, data.graph.around, mapped.inverse_names)
    return Catalogue(items, knowledge, schema, names, linked, graph, read_items(data.items, items), mapped, told)
