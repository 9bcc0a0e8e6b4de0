"""Which entity of the graph each item is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ..kg import DataError, IdMap, KnowledgeGraph, Numbers
from .files.tables import find_column, read_table

__all__ = ["LinksConfig", "read_links"]

ITEM_NAMES = ("item_id", "item", "itemid", "product", "product_id", "id")
ENTITY_NAMES = ("entity_id", "entity", "uri", "iri", "node")


class LinksConfig(BaseModel):
    """Where the map from item ids to entity ids lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv, .parquet or .link file with a row an item."""

    item: str | None = None
    """Column of the item's id. Inferred from the usual names."""

    entity: str | None = None
    """Column of the entity's id, an IRI for RDF. Inferred from the usual names; an empty cell is no link."""


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
    catalogue if their entity is in the graph: nobody has met them yet, and the graph can still recommend them.

    Args:
        config: where the map lies.
        items: the items that have interactions.
        graph: the graph.
        may_join: whether items that only the map knows join the catalogue.
        renamed: entity ids that were merged away (`id`) and what each became (`into`): links follow them.

    Returns:
        The catalogue, and each item's entity number, -1 where it has none, shape (items,).

    Raises:
        DataError: if the file or a column is missing, or one item has two entities.
    """
    if config is None:
        return items, graph.entities.numbers(_followed(items.to_arrow(), renamed), missing="negative")
    item, entity = _columns(config, renamed)
    number = graph.entities.numbers(entity, missing="negative")
    catalogue = IdMap.numbering(items.to_arrow(), item.filter(pa.array(number >= 0))) if may_join else items
    linked = np.full(len(catalogue), -1, dtype=np.int64)
    at = catalogue.numbers(item, missing="negative")
    known = (at >= 0) & (number >= 0)
    linked[at[known]] = number[known]
    return catalogue, linked


def _followed(entity: pa.Array, renamed: pa.Table | None) -> pa.Array:
    if renamed is None or len(renamed) == 0:
        return entity
    at = pc.index_in(entity, value_set=renamed.column("id").combine_chunks())
    return pc.coalesce(renamed.column("into").combine_chunks().take(at), entity)


def _columns(config: LinksConfig, renamed: pa.Table | None) -> tuple[pa.Array, pa.Array]:
    """Distinct (item, entity) rows of the file, those with an empty cell left out, merged entities by their new id."""
    table = read_table(config.path)
    item = find_column(table, config.item, ITEM_NAMES, "item", config.path)
    entity = find_column(table, config.entity, ENTITY_NAMES, "entity", config.path)
    others = [name for name in table.column_names if name not in (item, entity)]
    if len(others) < (item is None) + (entity is None) or (item is not None and item == entity):
        raise DataError("two columns are wanted, the item's id and the entity's", path=config.path)
    item = others.pop(0) if item is None else item
    entity = others.pop(0) if entity is None else entity
    pairs = table.select([item, entity]).rename_columns(["item", "entity"]).drop_null()
    words = [pairs.column(c).cast(pa.large_string()).combine_chunks() for c in ("item", "entity")]
    pairs = pa.table({"item": words[0], "entity": _followed(words[1], renamed)})
    pairs = pairs.group_by(["item", "entity"], use_threads=False).aggregate([])
    counts = pc.value_counts(pairs.column("item").combine_chunks())
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise DataError(f"the item {str(twice[0])!r} has more than one entity; keep one row for it", path=config.path)
    return pairs.column("item").combine_chunks(), pairs.column("entity").combine_chunks()
