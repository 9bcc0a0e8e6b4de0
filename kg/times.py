"""Times as text into seconds since 1970."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .unix_times import seconds_of_counts, written_days

__all__ = ["numbers_in", "seconds_in"]

_NUMBER = r"^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$"
_ISO = (
    r"^(?P<year>-?\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d+)?))?)?)?)?"
    r"(?P<zone>Z|[-+]\d\d:?\d\d)?$"
)


def numbers_in(values: pa.Array) -> npt.NDArray[np.float64]:
    """Decimal numbers written as text, NaN where a value is none, or not finite, shape (n,)."""
    text = pc.utf8_trim_whitespace(values)
    good = pc.match_substring_regex(text, _NUMBER)
    numbers = pc.if_else(good, text, pa.scalar(None, text.type)).cast(pa.float64())
    found = np.array(pc.fill_null(numbers, np.nan), dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


def seconds_in(values: pa.Array) -> npt.NDArray[np.float64]:
    """Seconds since 1970 in UTC of times written as text, NaN where a value is no time, shape (n,).

    Read are what xsd:gYear, gYearMonth, date and dateTime allow with years of four digits (the beginning of what
    a value leaves open; UTC where it names no zone), and numbers. Four digits are always a year. What all other numbers
    are, the most of them decide: days written 20210105, or seconds since 1970, or, where their median is beyond 1e11,
    milli-, micro- or nanoseconds. Among days, a number that is none is no time.
    """
    text = pc.utf8_trim_whitespace(values).cast(pa.large_string())
    seconds = _iso(text)
    numbers = np.where(np.isnan(seconds), numbers_in(text), np.nan)
    days = written_days(numbers)
    if days is None:
        read = seconds_of_counts(numbers)
    else:
        read = np.where(np.isnat(days), np.nan, days.astype("datetime64[s]").astype(np.float64))
    return np.where(np.isnan(seconds), read, seconds)


def _iso(text: pa.Array) -> npt.NDArray[np.float64]:
    found = pc.extract_regex(text, _ISO)
    part = {name: found.field(name) for name in ("year", "month", "day", "hour", "minute", "second", "zone")}
    read = np.asarray(found.is_valid())
    year, month, day, hour, minute = (
        _field(part[name], first, read) for name, first in (("year", 0), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0))
    )  # fmt: skip
    second = _field(part["second"], 0, read)
    good = read & (month >= 1) & (month <= 12) & (day >= 1) & (minute < 60) & (second < 61)
    # xsd allows 24:00:00 for the end of a day, and no other time in that hour.
    good &= (hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))
    months = (np.where(good, year, 1970) - 1970).astype(np.int64) * 12 + np.where(good, month - 1, 0).astype(np.int64)
    first_day = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    good &= day <= (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - first_day
    seconds = (first_day + day - 1) * 86400 + hour * 3600 + minute * 60 + second - _offset(part["zone"], read)
    return np.where(good, seconds, np.nan)


def _field(text: pa.Array, missing: int, read: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """One field as numbers; what a time leaves open is an empty match."""
    there = pc.and_(pa.array(read), pc.not_equal(text, ""))
    numbers = pc.if_else(there, text, pa.scalar(None, text.type)).cast(pa.float64())
    return np.asarray(pc.fill_null(numbers, float(missing)), dtype=np.float64)


def _offset(zone: pa.Array, read: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Seconds that each zone is ahead of UTC."""
    plain = pc.replace_substring(zone, ":", "")
    given = np.asarray(pc.fill_null(pc.match_substring_regex(plain, r"^[-+]"), False), dtype=bool) & read
    digits = _field(pc.utf8_slice_codeunits(plain, 1, 5), 0, given)
    behind = np.asarray(pc.fill_null(pc.starts_with(plain, "-"), False), dtype=bool)
    return np.where(behind, -1, 1) * (digits // 100 * 3600 + digits % 100 * 60)
