"""Where everything comes from: interactions, graph, links, item table; and one call that reads them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from ..kg import (
    UNTYPED,
    ConfigError,
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
from .logs.duplicates import deduplicated
from .logs.filters import FiltersConfig, filtered_parts
from .logs.interactions import InteractionsConfig, InteractionsReport, read_interactions
from .logs.splits import Split, SplitConfig, assembled, given_parts, parts_of
from .neo4j.interactions import Neo4jInteractions, read_neo4j_interactions
from .neo4j.places import GraphPlaces, Neo4jPlaces
from .reviews import ReviewsConfig
from .users import UsersConfig

__all__ = ["Catalogue", "DataConfig", "before_mapping", "read_catalogue", "read_log", "read_split"]


def _log_kind(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return "neo4j" if source == "neo4j" else "files"


LogConfig = Annotated[
    Annotated[InteractionsConfig, Tag("files")] | Annotated[Neo4jInteractions, Tag("neo4j")], Discriminator(_log_kind)
]


class DataConfig(BaseModel):
    """Where the data lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interactions: LogConfig
    """The interaction log, in a file or, with source: neo4j, in a database."""

    filters: FiltersConfig = Field(default_factory=FiltersConfig)
    """Which interactions are left out from the start. With a filter the catalogue is the items it leaves: none joins it
    because the graph knows it."""

    graph: GraphConfig | None = None
    """The knowledge graph; without one the recommender is purely collaborative."""

    user_prefix: str = ""
    """Where the graph knows the users: what stands before a user's id in the id of the user's entity, such as
    http://shop.example/user/. What is held out of training is found by it, and taken out of the graph."""

    links: LinksConfig | None = None
    """Which entities the items are; without it, an item's entity is the one of the same id."""

    items: ItemsConfig | None = None
    """Table of titles, for items that the graph does not know."""

    users: UsersConfig | None = None
    """Table of texts of the users' own: a profile, queries."""

    reviews: ReviewsConfig | None = None
    """What is made of the reviews in the log, if anything is."""

    def files(self) -> list[Path]:
        """All files named."""
        graph = [] if self.graph is None else self.graph.paths()
        sections = (self.interactions, self.links, self.items, self.users)
        single: list[Path | None] = [*(getattr(section, "path", None) for section in sections), self.filters.items]
        return [*(path for path in single if path is not None), *graph]

    @property
    def interaction_relationships(self) -> tuple[str, ...]:
        """Relationships of a database that are the interactions: the graph is read without them."""
        return tuple(self.interactions.relationships) if isinstance(self.interactions, Neo4jInteractions) else ()

    @model_validator(mode="after")
    def _links_want_a_graph(self) -> DataConfig:
        if self.links is not None and self.graph is None:
            raise ValueError("links lead to the entities of a graph: name one under data.graph, or leave links out")
        return self

    @model_validator(mode="after")
    def _reviews_change_something(self) -> DataConfig:
        if self.reviews is None:
            return self
        from_database = isinstance(self.interactions, Neo4jInteractions)
        if from_database:
            raise ValueError("reviews are read from a log in a file; leave reviews out, or export the interactions")
        if self.reviews.polarity == "none" and (self.graph is None or not self.reviews.aspects):
            raise ValueError("reviews would change nothing: say polarity: weight, or name a graph for their aspects")
        return self


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
        places: where a database has the graph and the interactions, if one has.
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
    places: Neo4jPlaces | None = None

    @property
    def titles(self) -> pa.Array:
        """Display name of each item: the item table's, else the entity's label, else null."""
        at = pa.array(self.item_entity, mask=self.item_entity < 0)
        by_label = self.labels.take(at) if len(self.labels) else pa.nulls(len(self.items), pa.large_string())
        return pc.coalesce(self.table.titles, by_label)


def _read_log(
    data: DataConfig, split: SplitConfig, *, deduplicate: bool
) -> tuple[list[Interactions], InteractionsReport]:
    if not isinstance(data.interactions, Neo4jInteractions):
        return read_interactions(data.interactions, more=split.files(), deduplicate=deduplicate)
    if split.strategy == "given":
        raise ConfigError(
            "split.strategy given goes with a log in files; a database has one log, to be split otherwise"
        )
    return read_neo4j_interactions(data.interactions, deduplicate=deduplicate)


def read_log(data: DataConfig, split: SplitConfig) -> tuple[Interactions, InteractionsReport]:
    """Read all interactions, split or not, as one log with one row a pair: what a description wants."""
    logs, report = _read_log(data, split, deduplicate=True)
    logs, dropped = filtered_parts(logs, data.filters)
    whole = logs[0]
    for log in logs[1:]:
        whole = whole.joined(log)
    # A pair may stand in train and in a held-out file.
    single = deduplicated(whole, data.interactions.duplicates)
    return single, report.with_dropped(dropped).with_repeated(whole, single, data.interactions.duplicates)


def read_split(data: DataConfig, split: SplitConfig, rng: np.random.Generator) -> tuple[Split, InteractionsReport]:
    """Read the interactions, filter and split them; then repeated pairs become one row within each part.

    Returns:
        The split, and what was read and dropped; `duplicates` are the rows that the split has less than the log.
    """
    interactions = data.interactions
    logs, report = _read_log(data, split, deduplicate=False)
    logs, dropped = filtered_parts(logs, data.filters)
    raw = given_parts(logs, split, rng) if split.strategy == "given" else parts_of(logs[0], split, rng)
    train, valid, test = (deduplicated(part, interactions.duplicates) for part in raw)
    result = assembled(train, valid, test, min_weight=interactions.min_weight)
    repeated = sum(map(len, logs)) - sum(map(len, (result.train, result.valid, result.test)))
    return result, replace(report.with_dropped(dropped), duplicates=repeated)


def before_mapping(data: DataConfig, split: Split) -> Callable[[KnowledgeGraph], KnowledgeGraph]:
    """What is done to a graph before it is shaped: whatever a mapping makes of it is made without what is held out."""

    def without(graph: KnowledgeGraph) -> KnowledgeGraph:
        by_map = data.links if data.links is not None and data.links.path is not None else None
        items, linked = read_links(by_map, split.items, graph)
        return without_held_out(graph, split, items, linked, user_prefix=data.user_prefix)[0]

    return without


def read_catalogue(data: DataConfig, items: IdMap, mapped: Mapped | None, split: Split | None = None) -> Catalogue:
    """Link items to the graph and cut out what lies around them.

    Args:
        data: links, item table, and what is stated about the schema.
        items: the items that have interactions.
        mapped: the graph, as `read_graph` gives it.
        split: what is held out of training, and so must not be told by a triple of the graph either.
            See also `before_mapping`.
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
    told = 0
    if split is not None:
        # Once more after the mapping, which may have made a user and an entity of another name one.
        knowledge, told = without_held_out(
            knowledge, split, items, linked, user_prefix=data.user_prefix, renamed=mapped.renamed
        )
    names = labels(knowledge, schema)
    graph = ItemGraph.build(knowledge, schema, items, linked, names, data.graph.around, mapped.inverse_names)
    table, places = read_items(data.items, items), _places(mapped, knowledge, schema, items, linked)
    return Catalogue(items, knowledge, schema, names, linked, graph, table, mapped, told, places)


def _places(
    mapped: Mapped, knowledge: KnowledgeGraph, schema: Schema, items: IdMap, linked: Numbers
) -> Neo4jPlaces | None:
    """Where a database has the graph, if it comes from one."""
    if not isinstance(mapped.stored, GraphPlaces):
        return None
    # A relation that has triples made of properties is none of the database's.
    made = set(schema.predicates("category"))
    relations = {name: types for name, types in mapped.stored.relations.items() if name not in made}
    known = np.flatnonzero(linked >= 0)
    names = [*knowledge.types, UNTYPED]
    types = [names[kind] for kind in knowledge.type_of[linked[known]].tolist()]
    places = Neo4jPlaces(graph=mapped.stored.model_copy(update={"relations": relations}))
    return places.with_items(items.to_arrow().take(pa.array(known)), types)
