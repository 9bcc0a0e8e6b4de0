"""Times: days written as one number, zones, and the two hours of the year that are no plain hours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import DataError
from plait.loaders import InteractionsConfig, read_interactions
from plait.loaders.logs.times import seconds_of

PATH = Path("log.csv")
DAY = 86_400.0
FIFTH = 1_609_804_800.0  # 2021-01-05 00:00 UTC


def seconds(cells: list[object] | pa.Array, zone: str = "UTC") -> list[float]:
    column = cells if isinstance(cells, pa.Array) else pa.array(cells)
    return seconds_of(pa.chunked_array([column]), PATH, zone).tolist()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.int64(), pa.int32(), pa.float64()])
def test_eight_digits_are_a_day(kind: pa.DataType) -> None:
    days = pa.array([20210105, 20210106, 19691231, 20240229]).cast(kind)
    wanted = [FIFTH, FIFTH + DAY, -DAY, datetime(2024, 2, 29, tzinfo=UTC).timestamp()]
    assert seconds(days) == wanted
    # Berlin's midnight is 23:00 UTC in winter.
    assert seconds(days.slice(0, 2), "Europe/Berlin") == [FIFTH - 3600, FIFTH + DAY - 3600]


@given(st.lists(st.dates(datetime(1900, 1, 1).date(), datetime(2100, 12, 31).date()), min_size=1, max_size=9))
def test_every_day_is_that_day(days: list[object]) -> None:
    wanted = [(np.datetime64(day, "s")).astype(np.int64) for day in days]  # type: ignore[call-overload]
    assert seconds([int(str(day).replace("-", "")) for day in days]) == wanted


@pytest.mark.parametrize(
    ("cells", "at", "cell"),
    [
        ([20210105, 20210106, 20211301], 2, "20211301"),  # no thirteenth month
        ([20210105, 20210229, 20210106], 1, "20210229"),  # no 29 February
        ([0, 20210105, 20210106], 0, "0"),  # a missing time in disguise
        ([20210105, 20210106, 1609848000], 2, "1609848000"),
        ([20210105, 20210106.5, 20210107], 1, "20210106.5"),
    ],
)
def test_a_number_that_is_no_day_among_days_is_named(tmp_path: Path, cells: list[float], at: int, cell: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,time\n" + "".join(f"u,i,{c}\n" for c in cells))
    with pytest.raises(DataError) as caught:
        seconds_of(pa.chunked_array([pa.array(cells, pa.float64())]), path)
    assert str(caught.value) == (
        f"{path}:{at + 2}: the time {cell} is no day from 1900 to 2100 written as year, month, day, as the others are"
    )


@pytest.mark.parametrize(
    "cells",
    [
        [19_000_000.0, 20_000_000.0, 20_990_000.0],  # within the range, but no days
        [0.0, 20_210_105.0, 40_000_000.0],  # seconds of a log that begins at 0
        [0.0, 1e7, 2e7, 20_210_105.0],
    ],
)
def test_seconds_that_are_not_mostly_days_stay_seconds(cells: list[object]) -> None:
    assert seconds(cells) == cells


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        ("2021-07-05 12:00", "2021-07-05 10:00"),  # summer: two hours ahead
        ("2021-01-05 12:00", "2021-01-05 11:00"),  # winter: one
        ("2021-01-05", "2021-01-04 23:00"),
        ("2021-01-05T12:00:00Z", "2021-01-05 12:00"),  # says for itself
        ("2021-01-05T12:00:00-05:00", "2021-01-05 17:00"),
        # The clock goes from 3:00 back to 2:00: 2:30 comes twice, and the first is meant.
        ("2021-10-31 01:59", "2021-10-30 23:59"),
        ("2021-10-31 02:30", "2021-10-31 00:30"),
        ("2021-10-31 03:00", "2021-10-31 02:00"),
        # The clock goes from 2:00 on to 3:00: 2:30 is left out, and the moment of the change is meant.
        ("2021-03-28 01:59", "2021-03-28 00:59"),
        ("2021-03-28 02:30", "2021-03-28 01:00"),
        ("2021-03-28 03:00", "2021-03-28 01:00"),
    ],
)
def test_a_time_without_a_zone_is_one_of_the_zone_named(cell: str, utc: str) -> None:
    wanted = [datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()]
    assert seconds([cell], "Europe/Berlin") == wanted
    # Beside a row with a zone of its own, and one of many digits, it means the same.
    mixed = seconds([cell, "2021-01-05T12:00:00+01:00", "2021-01-05T12:00:00.2500009"], "Europe/Berlin")
    assert mixed == [*wanted, FIFTH + 11 * 3600, FIFTH + 11 * 3600 + 0.25]
    if cell[-1] != "Z" and len(cell) > 10 and cell[-3:] != ":00":
        stamp = pa.array([datetime.fromisoformat(cell)], pa.timestamp("ms"))
        assert seconds(stamp, "Europe/Berlin") == wanted


moments = st.datetimes(datetime(1970, 1, 1), datetime(2037, 1, 1))


@given(
    st.lists(moments, min_size=1, max_size=5), st.sampled_from(["America/New_York", "Asia/Kolkata", "Europe/Berlin"])
)
def test_local_times_are_those_of_zoneinfo(times: list[datetime], zone: str) -> None:
    times = [time.replace(microsecond=0) for time in times]
    found = seconds([time.isoformat() for time in times], zone)
    for time, at in zip(times, found, strict=True):
        stamp = time.replace(tzinfo=ZoneInfo(zone)).timestamp()
        # In the hour that is left out zoneinfo counts on; no such hour begins before the change.
        left_out = datetime.fromtimestamp(stamp, ZoneInfo(zone)).replace(tzinfo=None) != time
        assert at <= stamp and stamp - at <= 3600 if left_out else at == stamp


def test_numbers_and_stated_zones_are_instants_in_any_zone() -> None:
    stamp = pa.array([datetime(2021, 1, 5)], pa.timestamp("s", tz="Asia/Tokyo"))
    assert seconds([FIFTH], "Europe/Berlin") == [FIFTH]
    assert seconds(stamp, "Europe/Berlin") == seconds(stamp) == [FIFTH]
    assert seconds(pa.array([18_632], pa.int32()).cast(pa.date32()), "Europe/Berlin") == [FIFTH - 3600]


@pytest.mark.parametrize("zone", ["Europe/Berln", "../../etc/passwd", "Europe", "", "CEST"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="no time zone .*Europe/Berlin or UTC is wanted"):
        InteractionsConfig(path=PATH, time_zone=zone)
    assert InteractionsConfig(path=PATH, time_zone="Europe/Berlin").time_zone == "Europe/Berlin"


def test_the_first_bad_time_of_many_is_named(tmp_path: Path) -> None:
    cells = ["2021-01-05 10:00"] * 4000
    for at in (0, 1999, 3999):
        wrong = [*cells[:at], "noon", *cells[at + 1 :]]
        if at < 3000:
            wrong[3500] = "midnight"
        with pytest.raises(DataError, match=r"the time 'noon' is neither") as caught:
            seconds_of(pa.chunked_array([wrong[:1000], wrong[1000:]]), tmp_path / "a.parquet")
        assert caught.value.line == at + 1


def test_utc_wants_no_database_of_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object, **__: object) -> None:
        raise pa.ArrowInvalid("Cannot locate or parse timezone 'UTC': Timezone database not found")

    cells: list[object] = ["2021-01-05", "2021-01-06 00:00", "2021-01-05T01:00:00+01:00"]
    wanted = [FIFTH, FIFTH + DAY, FIFTH]
    assert seconds(cells) == wanted
    monkeypatch.setattr("plait.loaders.logs.times.pc.assume_timezone", without)
    assert seconds(cells) == wanted
    assert seconds([20210105, 20210106]) == wanted[:2]
    with pytest.raises(DataError, match="the system has no time zone Europe/Berlin; install its time zone database"):
        seconds(cells, "Europe/Berlin")


@pytest.mark.parametrize("cell", ["2021.01.05", "03.01.2025", "1.2.3"])
def test_a_date_with_dots_is_called_no_date_rather_than_no_number(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"user,item,time\nu,i,{cell}\n")
    with pytest.raises(DataError, match=rf"log\.csv:2: the time '{cell}' is neither seconds since 1970 nor ISO 8601"):
        read_interactions(InteractionsConfig(path=path))
