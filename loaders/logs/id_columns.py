"""Columns of ids: strings kept once each, and numbered over several files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError, IdMap
from ..files.streams import line_of
from ..files.tables import row_of
from ..files.whole_numbers import inexact, whole_numbers

__all__ = ["IdColumn", "id_column", "ids_of", "numbered"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class IdColumn:
    """A column of ids.

    Attributes:
        codes: position of each row's id among the values, -1 for null, shape (n,).
        values: the ids as large_string; may hold some that no row has, and one more than once.
    """

    codes: npt.NDArray[np.int32]
    values: Any

    def __len__(self) -> int:
        return len(self.codes)


def ids_of(column: pa.ChunkedArray, what: str, path: Path, rows: Rows | None = None) -> IdColumn:
    """A column of strings or whole numbers as ids, none of them empty.

    Args:
        column: the column as read.
        what: what it identifies, for messages.
        path: the file, for messages.
        rows: the row of the file that each cell stands in, where they are not all of them.

    Raises:
        DataError: if an id is empty, or the column holds no ids.
    """
    ids = id_column(column, what, path)
    blank = np.append(np.asarray(pc.equal(pc.utf8_trim_whitespace(ids.values), "").fill_null(True)), True)
    empty = blank[ids.codes]
    if empty.any():
        line = line_of(path, row_of(int(empty.argmax()), rows))
        raise DataError(f"the {what}'s id is empty; correct or remove the row", path=path, line=line)
    return ids


def id_column(column: pa.ChunkedArray, what: str, path: Path) -> IdColumn:
    """As `ids_of`, but ids may be empty."""
    if pa.types.is_nested(column.type):
        raise DataError(f"the {what} column holds {column.type}, ids are wanted", path=path)
    if inexact(column):
        text = f"the {what} column holds numbers too large to be exact as {column.type}; store the ids as strings"
        raise DataError(text, path=path)
    column = whole_numbers(column)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    try:
        values = [chunk.dictionary.cast(pa.large_string()) for chunk in chunks]
    except pa.ArrowInvalid as error:
        raise DataError(f"the {what} column holds {column.type.value_type} that is no text", path=path) from error
    if all(chunk.dictionary.equals(chunks[0].dictionary) for chunk in chunks[1:]):
        values, starts = values[:1], [0] * len(chunks)
    else:
        starts = [0, *np.cumsum([len(value) for value in values])]
    codes = [_codes(chunk, int(start)) for chunk, start in zip(chunks, starts, strict=False)]
    none = np.empty(0, dtype=np.int32)
    return IdColumn(np.concatenate([none, *codes]), pa.concat_arrays([pa.array([], pa.large_string()), *values]))


def _codes(chunk: Any, start: int) -> npt.NDArray[np.int32]:
    if chunk.null_count == 0:
        return np.asarray(chunk.indices).astype(np.int32) + np.int32(start)
    codes = np.asarray(chunk.indices.fill_null(-1)).astype(np.int32)
    return np.where(codes < 0, codes, codes + np.int32(start))


def numbered(columns: Sequence[IdColumn]) -> tuple[IdMap, list[npt.NDArray[np.int32]]]:
    """Number the ids of some columns together, in order of first appearance; and each column in these numbers.

    No id may be null.
    """
    encoded = pa.concat_arrays([column.values for column in columns]).dictionary_encode()
    distinct, of_value = encoded.dictionary, np.asarray(encoded.indices.fill_null(-1)).astype(np.int32)
    ends = np.cumsum([len(column.values) for column in columns])
    found = [of_value[end - len(c.values) : end][c.codes] for c, end in zip(columns, ends, strict=True)]
    first = np.full(len(distinct), np.iinfo(np.int64).max)
    begun = sum(map(len, found))
    # Written from the last row to the first, so that each id's first row is written last.
    for numbers in reversed(found):
        begun -= len(numbers)
        first[numbers[::-1]] = np.arange(begun + len(numbers) - 1, begun - 1, -1)
    order = np.argsort(first)[: int((first < np.iinfo(np.int64).max).sum())]
    number = np.empty(len(distinct), dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return IdMap.of_distinct(distinct.take(pa.array(order))), [number[numbers] for numbers in found]
