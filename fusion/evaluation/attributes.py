"""An attribute of the users, from a table of theirs."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from ...kg import DataError, IdMap
from ...loaders.files.tables import find_column, listed, read_table, words_of
from ...loaders.logs.log_files import USUAL
from .config import SliceConfig
from .groups import Groups

__all__ = ["user_groups"]


def user_groups(config: SliceConfig, users: IdMap) -> Groups | None:
    """Users by the value of their attribute; None where none was named. Who has no value is in no group.

    Raises:
        DataError: if the table cannot be read, has no such column or one of lists, names a user twice, or knows no user at all.
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
    called = words_of(table.column(ids), "user", path).combine_chunks()
    known = pc.index_in(users.to_arrow(), called)
    if known.null_count == len(known):
        theirs = called[0].as_py() if len(table) else None
        raise DataError(
            f"knows none of the users: the log's are called such as {users.id(0)!r}, here {theirs!r}", path=path
        )
    counts = called.drop_null().value_counts()
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise DataError(f"names user {twice[0]['values'].as_py()!r} twice in {ids!r}; leave one row", path=path)
    told = words_of(table.column(str(value)), "attribute", path).combine_chunks()
    values = told.take(known).dictionary_encode()
    names = values.dictionary.to_pylist()
    return Groups.of(names, np.asarray(pc.fill_null(values.indices, -1), dtype=np.int64))
