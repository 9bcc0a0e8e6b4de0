"""Times and numbers written as text."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg.times import numbers_in, seconds_in
from plait.loaders.logs.times import seconds_of

DAY = 86400.0


def seconds(*values: str | None) -> list[float]:
    return seconds_in(pa.array(values, pa.large_string())).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970", 0.0),
        ("1971", 365 * DAY),
        ("1970-02", 31 * DAY),
        ("1972-03-01", (2 * 365 + 31 + 29) * DAY),  # after the leap day of 1972
        ("1969-12-31", -DAY),
        ("1970-01-02Z", DAY),
        ("1970-01-02+02:00", DAY - 7200),
        ("1970-01-01T01:00:00", 3600.0),
        ("1970-01-01 01:00", 3600.0),
        ("1970-01-01T01:00:00.25Z", 3600.25),
        ("1970-01-01T01:00:00-0130", 3600.0 + 5400),
        ("1970-01-01T24:00:00", DAY),
        (" 1970-01-02\n", DAY),
        ("86400", DAY),
        ("86400.5", DAY + 0.5),
        ("1000000000000", 1e9),  # milliseconds
        ("1577836800000000", 1577836800.0),  # microseconds
        ("1577836800000000000", 1577836800.0),  # nanoseconds
        ("-1000000000000", -1e9),
        ("20200101", 1577836800.0),
        ("19691231", -DAY),
        ("20201301", 20201301.0),  # no thirteenth month, and so no day
        ("-5", -5.0),
    ],
)
def test_a_time_by_hand(text: str, expected: float) -> None:
    assert seconds("bad", text, None)[1] == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "soon", "1970-13", "1970-00-01", "1971-02-29", "1970-01-01T25:00", "1970-01-01T24:01", "1970-01-01T10:60",
     "1970-1-1", "01/02/1970", "12345-01-01", "nan", "inf", "1e999", "1970-01-01T10", "1970-01-01X"],
)  # fmt: skip
def test_what_is_no_time_is_nan(text: str) -> None:
    assert math.isnan(seconds(text)[0])


@given(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
    st.sampled_from([None, UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))]),
)
def test_it_reads_what_datetime_writes(moment: datetime, zone: timezone | None) -> None:
    stamped = moment.replace(tzinfo=zone)
    exact = stamped.replace(tzinfo=zone or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert seconds(stamped.isoformat())[0] == pytest.approx(exact.total_seconds(), abs=1e-4)


def test_numbers() -> None:
    texts = ["007", " 4.5 ", "-1e3", ".5", "4,5", "five", "", None, "1e999", "NaN", "0x10"]
    expected = [7, 4.5, -1000, 0.5, *[math.nan] * 7]
    np.testing.assert_array_equal(numbers_in(pa.array(texts, pa.large_string())), expected)


def test_none_of_either() -> None:
    assert (len(seconds()), len(numbers_in(pa.array([], pa.large_string())))) == (0, 0)


def test_what_numbers_are_the_most_of_them_decide() -> None:
    # The year is read by itself; of the three others two are days, and 86400 is none.
    found = seconds("1971", "20200101", "19700102", "86400")
    np.testing.assert_array_equal(found, [365 * DAY, 1577836800.0, DAY, math.nan])
    # Milliseconds by their median: the one of January 1970 too.
    assert seconds("1577836800000", "1577836801000", "50000") == [1577836800.0, 1577836801.0, 50.0]


@pytest.mark.parametrize("unit", [1, 1000, 10**6, 10**9])
@given(moments=st.lists(st.integers(10**9, 2 * 10**9), min_size=1, max_size=5))
def test_both_readers_of_times_agree_on_numbers(unit: int, moments: list[int]) -> None:
    texts = pa.array([str(moment * unit) for moment in moments])
    expected = pytest.approx(moments, rel=1e-12)
    assert seconds_in(texts).tolist() == expected
    assert seconds_of(pa.chunked_array([texts.cast(pa.float64())]), Path("log.csv")).tolist() == expected


@given(st.lists(st.dates(datetime(1900, 1, 1).date(), datetime(2100, 12, 31).date()), min_size=1, max_size=5))
def test_both_readers_of_times_agree_on_days(days: list[date]) -> None:
    written = [f"{day:%Y%m%d}" for day in days]
    assert seconds(*written) == seconds(*map(str, days))
    assert seconds(*written) == seconds_of(pa.chunked_array([written]), Path("log.csv")).tolist()
