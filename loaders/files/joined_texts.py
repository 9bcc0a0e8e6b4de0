"""Text columns of a table as one text a row."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["STOP", "joined_texts"]

STOP = pa.scalar(". ", pa.large_string())
"""Stands between texts."""


def joined_texts(columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Array | pa.ChunkedArray:
    """The texts of each row with a stop between them, blank ones left out: large_string, "" where a row has none.

    Args:
        columns: at least one, of strings, of one length.
    """
    none = pa.scalar(None, pa.large_string())
    trimmed = [pc.utf8_trim_whitespace(column.cast(pa.large_string())) for column in columns]
    filled = [pc.if_else(pc.equal(column, ""), none, column) for column in trimmed]
    # Arrow, told to skip nulls, leaves out a row that has nothing else (26.0): one column of such a row must be "".
    empty = functools.reduce(pc.and_, map(pc.is_null, filled))
    first = pc.if_else(empty, pa.scalar("", pa.large_string()), filled[0])
    return pc.binary_join_element_wise(first, *filled[1:], STOP, null_handling="skip")
