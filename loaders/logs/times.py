"""Times in every form logs have them, as seconds since 1970 in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError
from ...kg.unix_times import seconds_of_counts, written_days
from ..files.streams import line_of
from ..files.tables import NUMBER, numbers_of, row_of

__all__ = ["TIME_NUMBER", "checked_zone", "seconds_of"]

TIME_NUMBER = re.compile(rf"\s*{NUMBER}\s*")
"""A time that is a number."""
LOCAL, INSTANT = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
Rows = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


def checked_zone(name: str) -> str:
    """A name of the IANA time zone database.

    Raises:
        ValueError: if there is no such zone.
    """
    if name != "UTC" and name not in available_timezones():
        raise ValueError(f"no time zone {name!r}; a name such as Europe/Berlin or UTC is wanted")
    return name


def seconds_of(column: pa.ChunkedArray, path: Path, zone: str = "UTC", rows: Rows | None = None) -> Seconds:
    """A time column as seconds since 1970 in UTC, shape (n,).

    Numbers are seconds, or milli-, micro- or nanoseconds where their median is beyond 1e11, or days written 20210105
    where more than half of them are days of 1900 to 2100. Text is ISO 8601. A day begins at its midnight.

    Args:
        column: numbers, strings, timestamps or dates.
        path: the file, for messages.
        zone: zone of days and of times that state none. An hour that comes twice, when summer time ends, is the
            first of the two; an hour that is left out, when it begins, is the moment of the change.
        rows: the row of the file that each cell stands in, where they are not all of them.

    Raises:
        DataError: if a time is empty or unreadable.
    """
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        first = next((cell.as_py() for cell in column if cell.is_valid), "")
        if TIME_NUMBER.fullmatch(first) is None:
            column = _from_text(pc.utf8_trim_whitespace(column.cast(pa.large_string())), path, zone, rows)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        if column.null_count:
            line = line_of(path, row_of(pc.index(pc.is_null(column), True).as_py(), rows))
            raise DataError("the time is empty; correct or remove the row", path=path, line=line)
        stated = pa.types.is_timestamp(column.type) and column.type.tz is not None
        column = column.cast(INSTANT if stated else LOCAL, safe=False)
        return _epoch(column if stated else _instants(column, zone))
    numbers = np.asarray(numbers_of(column, "time", path, rows), dtype=np.float64)
    days = written_days(numbers)
    return seconds_of_counts(numbers) if days is None else _of_days(days, numbers, path, zone, rows)


def _epoch(instants: Any) -> Seconds:
    return np.asarray(instants.cast(pa.int64()), dtype=np.float64) / 1e6


def _instants(local: Any, zone: str) -> Any:
    """Local times of a zone as instants."""
    if zone == "UTC":
        return local.cast(INSTANT)  # Wants no database of zones, which a small system may lack.
    try:
        return pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest").cast(INSTANT)
    except pa.ArrowInvalid as error:
        if "timezone" not in str(error):
            raise
        text = f"the system has no time zone {zone}; install its time zone database (tzdata), or give times in UTC"
        raise DataError(text) from error


def _of_days(days: npt.NDArray[np.datetime64], numbers: Seconds, path: Path, zone: str, rows: Rows | None) -> Seconds:
    bad = np.isnat(days)
    if bad.any():
        at = int(bad.argmax())
        raise DataError(
            f"the time {numbers[at]:.15g} is no day from 1900 to 2100 written as year, month, day, as the others are",
            path=path,
            line=line_of(path, row_of(at, rows)),
        )
    return _epoch(_instants(pa.array(days).cast(LOCAL), zone))


def _from_text(text: pa.ChunkedArray, path: Path, zone: str, rows: Rows | None) -> Any:
    """ISO 8601 strings as instants; nulls stay."""
    for kind in (LOCAL, INSTANT):  # Arrow's own reading: all without a zone, or all with one.
        try:
            moments = text.cast(kind)
        except pa.ArrowInvalid:
            continue
        return _instants(moments, zone) if kind == LOCAL else moments
    try:
        return _mixed(text, zone)
    except pa.ArrowInvalid:
        at = _first_bad(text, lambda cells: _mixed(cells, zone))
        cell = text[at].as_py()
        problem = f"{cell[:40]!r} is neither seconds since 1970 nor ISO 8601" if cell else "is empty"
        raise DataError(f"the time {problem}", path=path, line=line_of(path, row_of(at, rows))) from None


def _mixed(text: Any, zone: str) -> Any:
    """ISO 8601 strings, with and without a time of day, a zone, or digits beyond the microsecond, as instants."""
    text = pc.replace_substring_regex(text, r"^(\d{4}-\d\d-\d\d)$", r"\1T00:00")
    text = pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")
    local = pc.match_substring_regex(text, r"[T ]\d\d(:\d\d){0,2}(\.\d+)?$")
    none = pa.scalar(None, text.type)
    of_zone = _instants(pc.if_else(local, text, none).cast(LOCAL), zone)
    return pc.if_else(local, of_zone, pc.if_else(local, none, text).cast(INSTANT))


def _first_bad(cells: Any, read: Callable[[Any], Any]) -> int:
    """Position of the first cell that cannot be read, by halving."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            read(cells.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low
