"""Which entity of the graph each item is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, model_validator

from ..kg import DataError, IdMap, KnowledgeGraph, Numbers
from ..kg.terms import find_term
from .files.tables import find_column, read_table, words_of
from .items import ITEM_NAMES

__all__ = ["LinksConfig", "followed", "read_links"]

ENTITY_NAMES = ("entity_id", "entity", "uri", "iri", "node")


class LinksConfig(BaseModel):
    """Which entities of the graph the items are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    """The map from item ids to entity ids: a .csv, .tsv, .parquet or .link file with a row an item. Without one an
    item's entity is the one of the same id."""

    item: str | None = None
    """Column of the item's id. Inferred from the usual names."""

    entity: str | None = None
    """Column of the entity's id, an IRI for RDF. Inferred from the usual names; an empty cell is no link."""

    join_type: str | None = None
    """Node type, by full or short name, whose entities all are items, under their own ids: those that nobody has met
    join the catalogue too, and the graph can still recommend them. Instead of a map, which says so by itself."""

    prefix: str = ""
    """What stands before an item's id in the id of its entity, instead of a map: product_ where item 7 is product_7."""

    @model_validator(mode="after")
    def _map_or_type(self) -> LinksConfig:
        if sum((self.path is not None, self.join_type is not None, self.prefix != "")) != 1:
            raise ValueError(
                "one of three: path names a map, join_type a node type whose entities are the items, prefix what "
                "stands before an item's id in its entity's"
            )
        if self.path is None and (self.item or self.entity):
            raise ValueError("item and entity are columns of a map: name it under path")
        return self


def read_links(
    config: LinksConfig | None,
    items: IdMap,
    graph: KnowledgeGraph,
    *,
    renamed: pa.Table | None = None,
    may_join: bool = True,
) -> tuple[IdMap, Numbers]:
    """Link the catalogue to the graph.

    Without a map an item's entity is the one of the same id. With one, items that only the map knows join the
    catalogue if their entity is in the graph: nobody has met them yet, and the graph can still recommend them; without
    one, those of `join_type` do.

    Args:
        config: the map, or the type of the items.
        items: the items that have interactions.
        graph: the graph.
        may_join: whether items that only the map knows join the catalogue.
        renamed: entity ids that were merged away (`id`) and what each became (`into`): links follow them.

    Returns:
        The catalogue, and each item's entity number, -1 where it has none, shape (items,).

    Raises:
        DataError: if the file or a column is missing, or one item has two entities.
        ConfigError: if the graph has no such type.
    """
    if config is None or config.path is None:
        if config is not None and config.join_type is not None and may_join:
            kind = find_term(config.join_type, graph.types, "node type")
            items = IdMap.numbering(items.to_arrow(), graph.entities.to_arrow().filter(pa.array(graph.type_of == kind)))
        ids = items.to_arrow()
        if config is not None and config.prefix:
            ids = pc.binary_join_element_wise(pa.scalar(config.prefix, ids.type), ids, pa.scalar("", ids.type))
        return items, graph.entities.numbers(followed(ids, renamed), missing="negative")
    item, entity = _columns(config, config.path, renamed)
    number = graph.entities.numbers(entity, missing="negative")
    catalogue = IdMap.numbering(items.to_arrow(), item.filter(pa.array(number >= 0))) if may_join else items
    linked = np.full(len(catalogue), -1, dtype=np.int64)
    at = catalogue.numbers(item, missing="negative")
    known = (at >= 0) & (number >= 0)
    linked[at[known]] = number[known]
    return catalogue, linked


def followed(entity: pa.Array, renamed: pa.Table | None) -> pa.Array:
    """Entity ids with those that were merged away (`id`) replaced by what each became (`into`)."""
    if renamed is None or len(renamed) == 0:
        return entity
    at = pc.index_in(entity, value_set=renamed.column("id").combine_chunks())
    return pc.coalesce(renamed.column("into").combine_chunks().take(at), entity)


def _columns(config: LinksConfig, path: Path, renamed: pa.Table | None) -> tuple[pa.Array, pa.Array]:
    """Distinct (item, entity) rows of the file, those with an empty cell left out, merged entities by their new id."""
    table = read_table(path)
    item = find_column(table, config.item, ITEM_NAMES, "item", path)
    entity = find_column(table, config.entity, ENTITY_NAMES, "entity", path)
    others = [name for name in table.column_names if name not in (item, entity)]
    if len(others) < (item is None) + (entity is None) or (item is not None and item == entity):
        raise DataError("two columns are wanted, the item's id and the entity's", path=path)
    item = others.pop(0) if item is None else item
    entity = others.pop(0) if entity is None else entity
    if len(table) == 0:
        raise DataError("there is no link in the file, only a header", path=path)
    words = [words_of(table.column(c), c, path) for c in (item, entity)]
    pairs = pa.table(words, ["item", "entity"]).drop_null()
    words = [pairs.column(c).combine_chunks() for c in ("item", "entity")]
    pairs = pa.table({"item": words[0], "entity": followed(words[1], renamed)})
    pairs = pairs.group_by(["item", "entity"], use_threads=False).aggregate([])
    counts = pc.value_counts(pairs.column("item").combine_chunks())
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise DataError(f"the item {str(twice[0])!r} has more than one entity; keep one row for it", path=path)
    return pairs.column("item").combine_chunks(), pairs.column("entity").combine_chunks()
