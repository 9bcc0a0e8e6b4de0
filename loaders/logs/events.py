"""Event types of a log (view, cart, buy) as weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...kg import DataError
from .dropped import Dropped
from .id_columns import id_column

__all__ = ["weights_of_events"]

SHOWN = 5


def weights_of_events(
    column: pa.ChunkedArray, events: Mapping[str, float], path: Path
) -> tuple[npt.NDArray[np.float64], Dropped | None]:
    """What each row weighs by its event type, NaN where the type is not listed, shape (n,); and how many those are.

    Raises:
        DataError: if no row is of a listed type.
    """
    found = id_column(column, "event", path)
    names = found.values.to_pylist()
    by_code = np.array([*(events.get(name, np.nan) for name in names), np.nan])
    weights = by_code[found.codes]
    unlisted = np.flatnonzero(np.isnan(weights))
    if len(unlisted) == 0:
        return weights, None
    if len(unlisted) == len(weights):
        there = ", ".join(repr(name) for name in dict.fromkeys(names[:SHOWN]))
        raise DataError(f"no row is of an event in data.interactions.events; the file has {there}", path=path)
    example = column[int(unlisted[0])].as_py()
    rule = "event not in data.interactions.events"
    return weights, Dropped(rule, len(unlisted), example=str(example) if example not in (None, "") else "(empty)")
