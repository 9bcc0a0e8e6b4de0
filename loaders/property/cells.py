"""Cells of property tables: single values and arrays as strings, with the datatype that a header or a column states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError
from ..files.tables import NUMBER, is_bytes
from ..files.whole_numbers import inexact, whole_numbers
from .headers import Header

__all__ = ["Cells", "Fault", "ids_of", "is_vector", "listed_ids", "literal_cells"]

Fault = Callable[[int, str], DataError]
"""The error about one row: given the row, counted from 0, and what is wrong with it."""

WORD = pa.large_string()
_XSD = "http://www.w3.org/2001/XMLSchema#"
NUMERIC = frozenset(_XSD + name for name in ("int", "long", "short", "byte", "float", "double"))


@dataclass(frozen=True, eq=False)
class Cells:
    """Values of a column that are there, and the row of each; several in one row come from an array.

    Attributes:
        row: row of each value, counted from 0, shape (n,).
        value: the values, large_string, n long.
        datatype: datatype IRI of all of them; None for text.
    """

    row: npt.NDArray[np.int64]
    value: Any
    datatype: str | None = None


def ids_of(column: Any, name: str, fault: Fault) -> Any:
    """Ids as strings, none missing.

    Raises:
        DataError: if a cell is empty or holds several values.
    """
    _refuse_nested(column, name, fault)
    _refuse_inexact(column, name, fault)
    ids = whole_numbers(column).cast(WORD)
    at = pc.index(pc.is_null(ids), True).as_py()
    if at >= 0:
        raise fault(at, f"{name} is empty")
    return ids.combine_chunks()


def listed_ids(column: Any, name: str, separator: str | None, fault: Fault) -> Cells:
    """Ids in cells that may be empty or hold several: lists, or text with a separator."""
    _refuse_inexact(column, name, fault)
    return _cells(column, name, separator, fault)


def literal_cells(column: Any, header: Header, separator: str, fault: Fault) -> Cells:
    """The values of a property.

    Raises:
        DataError: if a cell is no number although the header says so, or the column holds vectors or structures.
    """
    if is_vector(column.type):
        raise fault(
            0, f"the column {header.column!r} holds {column.type}, vectors of numbers; leave it out of `columns`"
        )
    cells = _cells(column, header.column, separator if header.many else None, fault)
    datatype = header.datatype if header.declared else _datatype(column.type)
    if datatype in NUMERIC:
        bad = pc.invert(pc.match_substring_regex(cells.value, rf"^\s*{NUMBER}\s*$"))
        at = pc.index(bad, True).as_py()
        if at >= 0:
            raise fault(int(cells.row[at]), f"{header.column} is {cells.value[at].as_py()[:40]!r}, a number is wanted")
    value = pc.utf8_trim_whitespace(cells.value) if datatype in NUMERIC else cells.value
    if datatype == _XSD + "dateTime":
        value = pc.replace_substring_regex(value, r"^(\d{4}-\d\d-\d\d) ", r"\1T")
    return Cells(cells.row, value, datatype)


def is_vector(kind: Any) -> bool:
    """Whether a column's cells are vectors of floating-point numbers (or of vectors)."""
    if not _is_list(kind):
        return False
    return bool(pa.types.is_floating(kind.value_type) or pa.types.is_nested(kind.value_type))


def _cells(column: Any, name: str, separator: str | None, fault: Fault) -> Cells:
    if _is_list(column.type) and not (pa.types.is_nested(column.type.value_type) or is_bytes(column.type.value_type)):
        lists = column.combine_chunks()
    elif separator is not None and not pa.types.is_nested(column.type) and not is_bytes(column.type):
        lists = pc.split_pattern(whole_numbers(column).cast(WORD).combine_chunks(), separator)
    else:
        _refuse_nested(column, name, fault)
        value = whole_numbers(column).cast(WORD).combine_chunks()
        return Cells(np.flatnonzero(np.asarray(pc.is_valid(value))), value.drop_null())
    row, value = (
        np.asarray(pc.list_parent_indices(lists), dtype=np.int64),
        whole_numbers(pc.list_flatten(lists)).cast(WORD),
    )
    value = pc.utf8_trim_whitespace(value) if separator is not None else value
    filled = pc.fill_null(pc.not_equal(value, ""), False)
    return Cells(row[np.asarray(filled)], value.filter(filled))


def _refuse_nested(column: Any, name: str, fault: Fault) -> None:
    if pa.types.is_nested(column.type) or is_bytes(column.type):
        raise fault(0, f"the column {name!r} holds {column.type}, single values of text or numbers are wanted")


def _refuse_inexact(column: Any, name: str, fault: Fault) -> None:
    if inexact(column):
        raise fault(
            0, f"the column {name!r} holds numbers too large to be exact as {column.type}; store ids as strings"
        )


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _datatype(kind: Any) -> str | None:
    """The datatype of a typed column (Parquet)."""
    kind = kind.value_type if _is_list(kind) else kind
    if pa.types.is_integer(kind):
        return _XSD + "long"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _XSD + "double"
    if pa.types.is_boolean(kind):
        return _XSD + "boolean"
    if pa.types.is_date(kind):
        return _XSD + "date"
    return _XSD + "dateTime" if pa.types.is_timestamp(kind) else None
