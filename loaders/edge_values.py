"""Weights and times of edges: cells of a table as numbers, NaN where a cell is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import DataError
from .files.tables import line_of, numbers_of
from .logs.times import seconds_of

__all__ = ["edge_times", "edge_weights"]


def edge_weights(column: Any, path: Path, *, headed: bool = True) -> npt.NDArray[np.float32]:
    """Strengths of edges, NaN where the cell is empty, shape (rows,).

    Args:
        column: a chunked array of text or numbers.
        path: the file, for messages.
        headed: whether its first line is a header, for messages.

    Raises:
        DataError: if a cell is no number, infinite, or too large for float32.
    """
    known, rows = _known(column, headed=headed)
    weights = np.full(len(column), np.nan, dtype=np.float64)
    weights[np.asarray(known)] = np.asarray(numbers_of(column.filter(known), "weight", path, rows))
    beyond = np.flatnonzero(np.abs(weights) > np.finfo(np.float32).max)
    if len(beyond):
        text = f"the weight {weights[beyond[0]]:g} is too large; scale the weights"
        raise DataError(text, path=path, line=line_of(path, int(beyond[0]) - (not headed)))
    return weights.astype(np.float32)


def edge_times(column: Any, path: Path, *, headed: bool = True) -> npt.NDArray[np.float64]:
    """Times of edges in seconds since 1970 UTC, NaN where the cell is empty, shape (rows,); forms as in `seconds_of`.

    Raises:
        DataError: if a cell is no time.
    """
    known, rows = _known(column, headed=headed)
    times = np.full(len(column), np.nan, dtype=np.float64)
    times[np.asarray(known)] = seconds_of(column.filter(known), path, rows=rows)
    return times


def _known(column: Any, *, headed: bool) -> tuple[Any, npt.NDArray[np.int64]]:
    """Which cells hold something, and the rows they stand in, as `line_of` counts them: after a header."""
    known = pc.is_valid(column)
    if pa.types.is_floating(column.type):
        # pandas writes NaN for what is missing.
        known = pc.and_(known, pc.invert(pc.fill_null(pc.is_nan(column), True)))
    return known, np.flatnonzero(np.asarray(known)) - (not headed)
