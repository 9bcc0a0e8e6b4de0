"""An attribute of the users, from a table of theirs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError, IdMap
from ...loaders.files.tables import find_column, listed, read_table
from ...loaders.logs.log_files import USUAL
from .config import SliceConfig
from .groups import Groups

__all__ = ["user_groups"]


def user_groups(config: SliceConfig, users: IdMap) -> Groups | None:
    """Users by the value of their attribute; None where none was named. Who has no value is in no group.

    Raises:
        DataError: if the table cannot be read, has no such column, names a user twice, or knows no user at all.
    """
    if config.users is None or config.attribute is None:
        return None
    path = config.users
    table = read_table(path)
    ids = find_column(table, config.user, (*USUAL["user"], "id"), "user ids of evaluation.slices", path)
    if ids is None:
        raise DataError(
            f"no column of user ids; name it as evaluation.slices.user, one of {listed(table.column_names)}", path=path
        )
    value = find_column(table, config.attribute, (), "attribute of evaluation.slices", path)
    known = pc.index_in(users.to_arrow(), pc.cast(table.column(ids), pa.large_string()).combine_chunks())
    if known.null_count == len(known):
        theirs = table.column(ids)[0].as_py() if len(table) else None
        raise DataError(
            f"knows none of the users: the log's are called such as {users.id(0)!r}, here {theirs!r}", path=path
        )
    if len(table) > pc.count_distinct(table.column(ids)).as_py():
        raise DataError(f"names a user twice in {ids!r}; leave one row for each", path=path)
    values = pc.cast(table.column(value), pa.large_string()).combine_chunks().take(known).dictionary_encode()
    names = values.dictionary.to_pylist()
    return Groups.of(names, np.asarray(pc.fill_null(values.indices, -1), dtype=np.int64))
