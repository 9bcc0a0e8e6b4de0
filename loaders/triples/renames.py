"""Ids that stand for other ids: a table that says which, applied to the triples as they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ...kg import DataError
from ..files.streams import suffix_of
from ..files.tables import listed, read_table, words_of
from .columns import read_headless

__all__ = ["RenameTable", "renamed"]

WORD = pa.large_string()


class RenameTable(BaseModel):
    """A table of ids that stand for others: where a triple has the one, the other is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A table with a row an id: .csv, .tsv, .txt (also packed) or .parquet."""

    id: str | Annotated[int, Field(ge=1)] = 1
    """Column of the id that the triples have, by name or by number from 1."""

    into: str | Annotated[int, Field(ge=1)] = 2
    """Column of the id that is meant; where its cell is empty the id stays."""

    id_prefix: str = ""
    """What stands before the id in the triples, where the table leaves it out."""

    into_prefix: str = ""
    """What is put before the id that is meant."""

    header: bool = True
    """Whether the first line of a text file names the columns."""


class _Renames:
    """The table as two columns, no id twice."""

    def __init__(self, config: RenameTable) -> None:
        pairs = pa.table(_columns(config), ["id", "into"]).drop_null()
        pairs = pairs.group_by(["id", "into"], use_threads=False).aggregate([])
        counts = pc.value_counts(pairs.column("id").combine_chunks())
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
        if len(twice):
            raise DataError(f"the id {str(twice[0])!r} stands for two others; keep one row for it", path=config.path)
        prefixes = (config.id_prefix, config.into_prefix)
        self.id, self.into = (
            pc.binary_join_element_wise(
                pa.scalar(prefix, WORD), pairs.column(name).combine_chunks().cast(WORD), pa.scalar("", WORD)
            )
            for prefix, name in zip(prefixes, ("id", "into"), strict=True)
        )

    def applied(self, column: Any) -> tuple[Any, int]:
        """A dictionary-encoded column with the ids put in, and how many of its distinct ids were replaced."""
        words = column.dictionary.cast(WORD)
        new = self.into.take(pc.index_in(words, value_set=self.id))
        # Two ids may have become one: the column is encoded anew.
        meant = pc.coalesce(new, words).take(column.indices)
        return meant.dictionary_encode(), len(new) - new.null_count


def renamed(config: RenameTable | None) -> _Renames | None:
    """The renames of a table; None for none.

    Raises:
        DataError: if the table or a column is missing, or an id stands for two others.
    """
    return None if config is None else _Renames(config)


def _columns(config: RenameTable) -> list[Any]:
    """The ids, and what they stand for, as strings."""
    if config.header or suffix_of(config.path) == ".parquet":
        table = read_table(config.path)
        return [_column(table, choice, config) for choice in (config.id, config.into)]
    if isinstance(config.id, str) or isinstance(config.into, str):
        raise DataError(
            "without a header there are no names; number the columns `id` and `into` from 1", path=config.path
        )
    read = read_headless(config.path, {"id": config.id, "into": config.into})
    return [read["id"], read["into"]]


def _column(table: pa.Table, choice: str | int, config: RenameTable) -> Any:
    names = table.column_names
    if isinstance(choice, int):
        if choice > len(names):
            raise DataError(f"column {choice} is asked for, and the table has {len(names)}", path=config.path)
        choice = names[choice - 1]
    if choice not in names:
        raise DataError(f"no column {choice!r}; there are {listed(names)}", path=config.path)
    return words_of(table.column(str(choice)), str(choice), config.path)
