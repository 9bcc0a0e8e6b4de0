"""A table of users: what they or others write about them, such as a profile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ..kg import DataError, IdMap
from .files.joined_texts import STOP, joined_texts
from .files.tables import find_column, read_table, words_of

__all__ = ["USER_NAMES", "UserTable", "UsersConfig", "read_users"]

USER_NAMES = ("user_id", "user", "userid", "customer_id", "customer", "reviewer_id", "reviewerid", "id")
"""Usual names of the column of users' ids, those that say more first."""


class UsersConfig(BaseModel):
    """Where a table of users lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv, .json, .parquet or .user file with a row a user; where a user has several rows (one a query), their
    texts are put together in the order of the file."""

    user: str | None = None
    """Column of the user's id. Inferred from the usual names."""

    texts: tuple[str, ...] = Field(min_length=1)
    """Columns to encode, in this order: a profile, queries, what the user says of themselves."""


class UserTable:
    """Texts by user number.

    Attributes:
        texts: the text columns in one string, "" where there is none, one a user.
        unknown: rows of users that the log does not have, which are passed over.
    """

    def __init__(self, texts: list[str], unknown: int = 0) -> None:
        self.texts, self.unknown = texts, unknown


def read_users(config: UsersConfig | None, users: IdMap) -> UserTable:
    """Read the table for the users of a log; rows of other users are counted and passed over.

    Raises:
        DataError: if the file or a column is missing.
    """
    if config is None:
        return UserTable([""] * len(users))
    table = read_table(config.path)
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError("there is no user in the table", path=config.path)
    user = find_column(table, config.user, USER_NAMES, "user", config.path) or table.column_names[0]
    columns = [find_column(table, name, (), "text", config.path) for name in config.texts]
    rows = np.asarray(users.numbers(words_of(table.column(user), "user", config.path), missing="negative"))
    joined = joined_texts([words_of(table.column(name), f"text {name!r}", config.path) for name in columns if name])
    known = np.flatnonzero((rows >= 0) & (np.asarray(pc.binary_length(joined)) > 0))
    known = known[np.argsort(rows[known], kind="stable")]
    first = np.searchsorted(rows[known], np.arange(len(users) + 1))
    told = pc.take(joined, pa.array(known))
    told = told.combine_chunks() if isinstance(told, pa.ChunkedArray) else told
    texts = pc.binary_join(pa.LargeListArray.from_arrays(pa.array(first), told), STOP)
    return UserTable(texts.to_pylist(), int(np.count_nonzero(rows < 0)))
