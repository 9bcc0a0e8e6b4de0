"""Weights and times of relationships: property values as numbers, NaN where there is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["seconds_of_values", "weights_of_values"]

Numbers = npt.NDArray[np.float64]
LONGEST = float(np.finfo(np.float32).max)


def weights_of_values(values: list[Any]) -> tuple[Numbers, list[Any]]:
    """Numbers of a property, NaN where it is absent, shape (n,); and the values that are no finite float32."""
    known = {type(value) for value in values} - {int, float, type(None)}
    if not known:
        numbers = np.array(values, dtype=np.float64)
    else:
        numbers = np.array([v if type(v) in (int, float) else np.nan for v in values], dtype=np.float64)
    wrong = np.abs(numbers) > LONGEST
    bad = [values[row] for row in np.flatnonzero(wrong)]
    bad += [v for v in values if v is not None and type(v) not in (int, float)] if known else []
    numbers[wrong] = np.nan
    return numbers, bad


def seconds_of_values(values: list[Any]) -> tuple[Numbers, list[Any]]:
    """Times in seconds since 1970 in UTC, NaN where absent, shape (n,); and the values that are no time.

    Dates and times of the server, ISO 8601 text, or numbers: seconds, or milli-, micro-, nanoseconds where their median
    is beyond 1e11. A time without a zone is in UTC; a day begins at its midnight.
    """
    if {type(value) for value in values} <= {int, float, type(None)}:
        return _scaled(np.array(values, dtype=np.float64)), []
    bad: list[Any] = []
    seconds = np.full(len(values), np.nan)
    numeric = np.zeros(len(values), dtype=bool)
    for row, value in enumerate(values):
        if type(value) in (int, float):
            seconds[row], numeric[row] = value, True
        elif value is not None and (moment := _moment(value)) is not None:
            seconds[row] = moment
        elif value is not None:
            bad.append(value)
    seconds[numeric] = _scaled(seconds[numeric])
    return seconds, bad


def _scaled(numbers: Numbers) -> Numbers:
    known = numbers[np.isfinite(numbers)]
    middle = float(np.median(known)) if len(known) else 0.0
    # 1e11 seconds is the year 5138, 1e11 milliseconds is 1973: no time is of either by the other reading.
    while middle > 1e11:
        numbers, middle = numbers / 1000, middle / 1000
    return numbers


def _moment(value: Any) -> float | None:
    try:
        native = datetime.fromisoformat(value) if isinstance(value, str) else value.to_native()
        if not isinstance(native, datetime):
            native = datetime.combine(native, time()) if isinstance(native, date) else None
        return None if native is None else (native if native.tzinfo else native.replace(tzinfo=UTC)).timestamp()
    except (ValueError, AttributeError, OverflowError, TypeError):
        return None
