"""Floating-point columns that hold whole numbers: how pandas writes a column of integers with gaps."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["inexact", "whole_numbers"]

EXACT = {"halffloat": 2.0**11, "float": 2.0**24, "double": 2.0**53}
"""Below these every whole number has a floating-point number of its own."""


def whole_numbers(column: Any) -> Any:
    """A column of floats as what it stands for: NaN is null, and where all others are whole they are integers.

    So 12345678901.0 is spelled 12345678901, as the same id is in a column of integers, and not 1.2345678901e+10.
    Columns of other types, and those with fractions or numbers too large to be exact, stay.

    Args:
        column: an Arrow array or chunked array.
    """
    if not pa.types.is_floating(column.type):
        return column
    wide = column.cast(pa.float64())
    missing = pc.is_nan(wide)
    if pc.any(missing).as_py():
        column, wide = (pc.if_else(missing, pa.scalar(None, each.type), each) for each in (column, wide))
    whole = pc.all(pc.equal(pc.floor(wide), wide)).as_py()
    return wide.cast(pa.int64()) if whole and not inexact(column) else column


def inexact(column: Any) -> bool:
    """Whether a column holds floats so large that two whole numbers may have become one."""
    if not pa.types.is_floating(column.type):
        return False
    return bool(pc.any(pc.greater_equal(pc.abs(column.cast(pa.float64())), EXACT[str(column.type)])).as_py())
