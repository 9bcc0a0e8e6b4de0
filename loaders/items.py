"""A table of items: titles and texts for those that the graph does not know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ..kg import DataError, IdMap
from .files.joined_texts import joined_texts
from .files.tables import find_column, read_table, words_of

__all__ = ["ITEM_NAMES", "ItemTable", "ItemsConfig", "read_items"]

ITEM_NAMES = ("item_id", "item", "itemid", "product_id", "product", "asin", "id")
"""Usual names of the column of items' ids, those that say more first; tables of links have the same."""
TITLE_NAMES = ("title", "movie_title", "name", "label")


class ItemsConfig(BaseModel):
    """Where a table of items lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv, .parquet or .item file with a row an item."""

    item: str | None = None
    """Column of the item's id. Inferred from the usual names."""

    title: str | None = None
    """Column of the display name. Inferred from the usual names: title, name, ..."""

    text: tuple[str, ...] = ()
    """Further columns to encode, for items without an entity in the graph."""


class ItemTable:
    """Titles and texts by item number.

    Attributes:
        titles: null where the table has none, large_string, one an item.
        texts: title and text columns in one string, empty where there is none, one an item.
    """

    def __init__(self, titles: pa.Array, texts: list[str]) -> None:
        self.titles, self.texts = titles, texts


def read_items(config: ItemsConfig | None, items: IdMap) -> ItemTable:
    """Read the table for the items of a catalogue; rows of other items are passed over.

    Raises:
        DataError: if the file or a column is missing, or an item has two rows.
    """
    if config is None:
        return ItemTable(pa.nulls(len(items), pa.large_string()), [""] * len(items))
    table = read_table(config.path)
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError("there is no item in the table", path=config.path)
    item = find_column(table, config.item, ITEM_NAMES, "item", config.path) or table.column_names[0]
    title = find_column(table, config.title, TITLE_NAMES, "title", config.path)
    columns = [c for c in (title, *(find_column(table, t, (), "text", config.path) for t in config.text)) if c]
    rows = np.asarray(items.numbers(words_of(table.column(item), "item", config.path), missing="negative"))
    known = np.flatnonzero(rows >= 0)
    numbers, counts = np.unique(rows[known], return_counts=True)
    if (counts > 1).any():
        twice = items.id(int(numbers[counts > 1][0]))
        raise DataError(f"the item {twice!r} has more than one row; keep one", path=config.path)
    at = np.full(len(items), -1, dtype=np.int64)
    at[rows[known]] = known
    take = pa.array(at, mask=at < 0)
    texts = [words_of(table.column(c), f"text {c!r}", config.path).combine_chunks().take(take) for c in columns]
    titles = texts[0] if title else pa.nulls(len(items), pa.large_string())
    return ItemTable(titles, joined_texts(texts).to_pylist() if texts else [""] * len(items))
