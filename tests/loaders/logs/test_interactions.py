"""Interaction logs: the same log in every form, times and weights as they were meant, and what is wrong by its line."""

from __future__ import annotations

import bz2
import gzip
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import DataError, Interactions
from plait.loaders import InteractionsConfig, InteractionsReport, read_interactions

Row = tuple[str, str, float, float | None]
HEADER = "user_id,item_id,rating,timestamp\n"
CSV = HEADER + "u2,i9,3,300\nu1,i9,4.5,100\nu2,i7,1,200\nu3,i8,2,100\n"
JSON = """{"user_id": "u2", "item_id": "i9", "rating": 3, "timestamp": 300, "text": ["x"]}
{"item_id": "i9", "user_id": "u1", "rating": 4.5, "timestamp": 100, "text": []}
{"user_id": "u2", "item_id": "i7", "rating": 1, "timestamp": 200}
{"user_id": "u3", "item_id": "i8", "rating": 2, "timestamp": 100}
"""
BY_TIME: list[Row] = [
    ("u1", "i9", 4.5, 100.0),
    ("u3", "i8", 2.0, 100.0),
    ("u2", "i7", 1.0, 200.0),
    ("u2", "i9", 3.0, 300.0),
]


def written(folder: Path, data: str | bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def listed(log: Interactions) -> list[Row]:
    times = [None] * len(log) if log.time is None else log.time.tolist()
    return list(zip(log.users.ids(log.user), log.items.ids(log.item), log.weight.tolist(), times, strict=True))


def read(path: Path, **options: Any) -> tuple[list[Row], InteractionsReport]:
    (log,), report = read_interactions(InteractionsConfig(path=path, **options))
    return listed(log), report


def stored(folder: Path, **columns: Any) -> Path:
    path = folder / "log.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("log.csv", CSV),
        ("log.tsv", CSV.replace(",", "\t")),
        ("log.inter", CSV.replace(",", "\t").replace("\n", "\r\n")),
        ("log.inter", CSV.replace(",", "\t").replace(HEADER.replace(",", "\t"), "user_id:token\titem_id:token\trating:float\ttimestamp:float\n")),
        ("log.csv.gz", gzip.compress(CSV.encode())),
        ("log.csv", "\ufeff" + CSV),
        ("log.csv", "extra," + CSV.replace("\n", "\nx,").removesuffix("x,")),
        ("log.csv.bz2", bz2.compress(CSV.encode())),
        ("log.csv.zst", pa.Codec("zstd").compress(CSV.encode(), asbytes=True)),
        ("log.jsonl", JSON),
        ("log.json.gz", gzip.compress(JSON.encode())),
        ("log.csv", CSV.replace("4.5", "+4.5 ")),  # numbers that are parsed only cell by cell
        ("log.csv", CSV.replace("u1,i9,4.5,100", '"u1",i9," 4.5","1e2"')),
    ],
)  # fmt: skip
def test_every_form_gives_the_same_log(tmp_path: Path, name: str, data: str | bytes) -> None:
    (log,), report = read_interactions(InteractionsConfig(path=written(tmp_path, data, name)))
    assert listed(log) == BY_TIME
    # Numbered by first appearance in the file, which is not the order of time.
    assert (list(log.users), list(log.items)) == (["u2", "u1", "u3"], ["i9", "i7", "i8"])
    names: dict[str, str | None] = {"user": "user_id", "item": "item_id", "weight": "rating", "time": "timestamp"}
    assert report == InteractionsReport(rows=4, duplicates=0, columns=names)


def test_parquet_gives_the_same_log(tmp_path: Path) -> None:
    users, items, weights = ["u2", "u1", "u2", "u3"], ["i9", "i9", "i7", "i8"], [3, 4.5, 1, 2]
    for kind in (pa.int32(), pa.float64(), pa.timestamp("s"), pa.timestamp("ns", tz="Europe/Paris")):
        times = pa.array([300, 100, 200, 100]).cast(pa.int32())
        if pa.types.is_timestamp(kind):
            times = times.cast(pa.int64()).cast(pa.timestamp("s")).cast(kind)
        path = stored(tmp_path, user_id=users, item_id=items, rating=weights, timestamp=times.cast(kind))
        assert read(path)[0] == BY_TIME, kind


def test_numbers_as_ids_are_strings(tmp_path: Path) -> None:
    assert read(stored(tmp_path, user=[10, 9], item=pa.array(["007", "7"])))[0] == [
        ("10", "007", 1, None), ("9", "7", 1, None),
    ]  # fmt: skip
    assert read(written(tmp_path, "user,item\n007,7\n7,007\n"))[0] == [("007", "7", 1, None), ("7", "007", 1, None)]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("reviewerID,asin,overall,unixReviewTime", ("reviewerID", "asin", "overall", "unixReviewTime")),
        ("a,CUSTOMER,product,quantity", ("CUSTOMER", "product", "quantity", None)),
        ("userId,movieId,b,c", ("userId", "movieId", None, None)),
        ("user,user_id,item_id,item", ("user_id", "item_id", None, None)),
    ],
)
def test_usual_names_are_known(tmp_path: Path, header: str, columns: tuple[str | None, ...]) -> None:
    found = read(written(tmp_path, header + "\n1,2,3,4\n"))[1].columns
    assert tuple(found[what] for what in ("user", "item", "weight", "time")) == columns


def test_named_columns_come_before_usual_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "who,user_id,what,item_id,stars,rating,when,time\na,b,c,d,1,2,3,4\n")
    rows, report = read(path, user="who", item="what", weight="stars", time="when")
    assert rows == [("a", "c", 1, 3)]
    assert report.columns == {"user": "who", "item": "what", "weight": "stars", "time": "when"}
    assert read(path)[0] == [("b", "d", 2, 4)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": "usr_id"}, "no column 'usr_id' for the user; there are user_id, item_id, rating, timestamp; did you mean 'user_id'?"),
        ({"time": "rank"}, "no column 'rank' for the time; there are"),
    ],
)  # fmt: skip
def test_a_wrong_column_is_refused(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(written(tmp_path, CSV), **options)
    assert message in str(caught.value)


def test_a_log_without_an_id_column_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the item's id among user, sku; name it under data.interactions.item"):
        read(written(tmp_path, "user,sku\n1,2\n"))
    with pytest.raises(DataError, match="the user's id among x; name it under data.interactions.user"):
        read(written(tmp_path, "x\n1\n"))


DAY = 86_400.0
NOON = 1_609_848_000.0  # 2021-01-05 12:00 UTC


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("2021-01-05", NOON - DAY / 2),
        ("2021-01-05T12:00", NOON),
        ("2021-01-05 12:00:00", NOON),
        (" 2021-01-05 12:00:00 ", NOON),
        ("2021-01-05T12:00:00Z", NOON),
        ("2021-01-05T14:00:00+02:00", NOON),
        ("2021-01-05T06:30:00-0530", NOON),
        ("2021-01-05T14:00:00+02", NOON),
        ("2021-01-05T12:00:00.25", NOON + 0.25),
        ("2021-01-05T12:00:00.250000999Z", NOON + 0.25),
        ("1969-12-31T23:59:59Z", -1.0),
        ("1609848000", NOON),
        ("1609848000.5", NOON + 0.5),
        (" 1.609848e9 ", NOON),
        ("1609848000000", NOON),  # milli-,
        ("915192000000", 915_192_000.0),
        ("99999999999", 99_999_999_999.0),
        ("1609848000000000", NOON),  # micro-,
        ("1609848000000000000", NOON),  # nanoseconds
        ("-5", -5.0),
        ("0", 0.0),
    ],
)
def test_a_time_is_seconds_since_1970_in_utc(tmp_path: Path, cell: str, seconds: float) -> None:
    rows, _ = read(written(tmp_path, f"user,item,time\nu,i,{cell}\nu,j,{cell}\n"))
    assert [row[3] for row in rows] == [seconds, seconds]


moments = st.datetimes(datetime(1902, 1, 1), datetime(2200, 1, 1))
zones = st.one_of(st.none(), st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))))


@given(st.lists(st.tuples(moments, zones), min_size=1, max_size=6))
def test_iso_times_are_those_of_datetime(
    tmp_path_factory: pytest.TempPathFactory, times: list[tuple[datetime, timezone | None]]
) -> None:
    # Zones may differ from row to row; those without one are UTC, wherever the machine is.
    stamped = [moment.replace(tzinfo=zone) for moment, zone in times]
    lines = "".join(f"u,i{n},{moment.isoformat()}\n" for n, moment in enumerate(stamped))
    rows, _ = read(written(tmp_path_factory.getbasetemp(), "user,item,time\n" + lines))
    found = {item: time for _, item, _, time in rows}
    for n, moment in enumerate(stamped):
        utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        assert found[f"i{n}"] == pytest.approx(utc.timestamp(), abs=2e-6)
    assert [row[3] for row in rows] == sorted(found.values())  # type: ignore[type-var]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([NOON * 1e9 + 250_000_999, NOON * 1e9]).cast(pa.int64()).cast(pa.timestamp("ns")),
        pa.array([NOON * 1e3 + 250, NOON * 1e3]).cast(pa.int64()).cast(pa.timestamp("ms", tz="America/New_York")),
        pa.array(["2021-01-05T12:00:00.25", "2021-01-05T13:00:00+01:00"]),
        pa.array(["2021-01-05T12:00:00.25", "2021-01-05T13:00:00+01:00"]).dictionary_encode(),
    ],
)
def test_parquet_times_with_and_without_zone(tmp_path: Path, times: pa.Array) -> None:
    rows, _ = read(stored(tmp_path, user=["u", "u"], item=["late", "early"], time=times))
    assert [row[1] for row in rows] == ["early", "late"]
    assert [row[3] for row in rows] == pytest.approx([NOON, NOON + 0.25], abs=1e-5)


def test_parquet_dates_begin_at_midnight(tmp_path: Path) -> None:
    path = stored(tmp_path, user=["u"], item=["i"], date=pa.array([18_632]).cast(pa.int32()).cast(pa.date32()))
    assert read(path)[0] == [("u", "i", 1, NOON - DAY / 2)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("u,i,nan,1", "the weight is 'nan', not a finite number"),
        ("u,i,,1", "the weight is empty"),
        ("u,i,inf,1", "the weight is 'inf', not a finite number"),
        ("u,i,1e39,1", "the weight 1e+39 is too large"),
        ("u,i,good,1", "the weight is 'good', not a finite number"),
        (",i,1,1", "the user's id is empty"),
        ("u,,1,1", "the item's id is empty"),
        ("u,  ,1,1", "the item's id is empty"),
        ("u,i,1,", "the time is empty"),
        ("u,i,1,2021-01-05", "the time is '2021-01-05', not a finite number"),
        ("u,i,1,nan", "the time is 'nan', not a finite number"),
        ("u,i,1", "Expected 4 columns, got 3"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, f"{HEADER}u,a,1,1\n\nu,b,1,1\n{line}\nu,c,1,1\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:5: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("cell", ["05/01/2021", "2021-13-01", "2021-01-05 noon", "2021-01-05 12:00:00 UTC", "soon"])
@pytest.mark.parametrize("first", ["2021-01-05", None])
def test_a_bad_time_is_named(tmp_path: Path, cell: str, first: str | None) -> None:
    path = written(tmp_path, f"user,item,time\nu,a,{first or cell}\nu,b,2021-01-06\nu,c,{cell}\n")
    with pytest.raises(DataError) as caught:
        read(path)
    line = 4 if first else 2
    assert str(caught.value) == f"{path}:{line}: the time {cell!r} is neither seconds since 1970 nor ISO 8601"


def test_a_missing_iso_time_is_named(tmp_path: Path) -> None:
    for cells, line in ((("", "2021-01-05"), 2), (("2021-01-05", ""), 3), (("", ""), 2)):
        path = written(tmp_path, f"user,item,time\nu,a,{cells[0]}\nu,b,{cells[1]}\n")
        with pytest.raises(DataError, match=f"log.csv:{line}: the time is empty"):
            read(path)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("user", [[1]], "the user column holds list"),
        ("rating", [datetime(2021, 1, 5)], "the weight column holds timestamp"),
        ("time", [timedelta(1)], "the time column holds duration"),
        ("rating", [None], r"log\.parquet:1: the weight is empty"),
        ("time", [None], r"log\.parquet:1: the time is empty"),
        ("user", [None], r"log\.parquet:1: the user's id is empty"),
    ],
)
def test_a_parquet_column_of_another_kind_is_refused(
    tmp_path: Path, column: str, values: list[Any], message: str
) -> None:
    path = stored(tmp_path, **{"user": ["u"], "item": ["i"], "rating": [1.0], "time": [1.0], column: values})
    with pytest.raises(DataError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (HEADER, "there is no interaction in the file, only a header"),
        (HEADER.rstrip(), "there is no interaction in the file, only a header"),
        ("", "the file is empty"),
    ],
)
def test_a_log_of_nothing_is_refused(tmp_path: Path, data: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(written(tmp_path, data))


REPEATED = HEADER + "u,i,1,300\nv,i,9,5\nu,j,2,50\nu,i,4,100\nu,i,2,300\n"


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        # The last in time, and of equal times the last in the file; the first likewise.
        ("last", [("v", "i", 9, 5), ("u", "j", 2, 50), ("u", "i", 2, 300)]),
        ("first", [("v", "i", 9, 5), ("u", "j", 2, 50), ("u", "i", 4, 100)]),
        ("sum", [("v", "i", 9, 5), ("u", "j", 2, 50), ("u", "i", 1 + 4 + 2, 100)]),
        ("max", [("v", "i", 9, 5), ("u", "j", 2, 50), ("u", "i", 4, 100)]),
    ],
)
def test_a_pair_met_again_is_one_row(tmp_path: Path, rule: str, rows: list[Row]) -> None:
    found, report = read(written(tmp_path, REPEATED), duplicates=rule)
    assert found == rows
    assert (report.rows, report.duplicates) == (5, 2)
    (entry,) = report.dropped
    assert (entry.rows, entry.users, entry.items, entry.example) == (2, 0, 0, "user u, item i")
    assert {"sum": "sum of the weights", "max": "heaviest"}.get(rule, f"the {rule} row stays") in entry.rule


pairs = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from("ijkl"), st.integers(1, 9)), min_size=1, max_size=15)


@given(pairs, st.sampled_from(["last", "first", "sum", "max"]))
def test_repeats_in_an_untimed_log_go_by_file_order(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, int]],
    rule: Literal["last", "first", "sum", "max"],
) -> None:
    lines = "".join(f"{u},{i},{w}\n" for u, i, w in rows)
    found, _ = read(written(tmp_path_factory.getbasetemp(), "user,item,count\n" + lines), duplicates=rule)
    kept: dict[tuple[str, str], float] = {}
    for user, item, weight in rows:
        before = kept.get((user, item))
        if rule == "last" or (rule == "max" and before is not None and weight >= before):
            kept.pop((user, item), None)  # stands where its last row stood
        if rule == "sum" and before is not None:
            kept[user, item] = before + weight
        elif rule == "last" or (user, item) not in kept:
            kept[user, item] = weight
    assert found == [(u, i, float(w), None) for (u, i), w in kept.items()]


def test_further_files_share_the_id_maps(tmp_path: Path) -> None:
    train = written(tmp_path, "user,item\nu1,i1\nu2,i1\n", "train.csv")
    test = written(tmp_path, "user,item\nu3,i2\nu1,i1\nu3,i2\n", "test.csv")
    logs, report = read_interactions(InteractionsConfig(path=train), more=[test])
    assert [listed(log) for log in logs] == [
        [("u1", "i1", 1, None), ("u2", "i1", 1, None)],
        [("u1", "i1", 1, None), ("u3", "i2", 1, None)],
    ]
    assert logs[0].users is logs[1].users
    assert (list(logs[0].users), list(logs[0].items)) == (["u1", "u2", "u3"], ["i1", "i2"])
    assert (report.rows, report.duplicates) == (5, 1)
    broken = written(tmp_path, "user,item\nu1,\n", "broken.csv")
    with pytest.raises(DataError, match=r"broken\.csv:2: the item's id is empty"):
        read_interactions(InteractionsConfig(path=train), more=[broken])


def test_one_user_one_item(tmp_path: Path) -> None:
    (log,), _ = read_interactions(InteractionsConfig(path=written(tmp_path, "user,item\nu,i\n")))
    np.testing.assert_array_equal(log.matrix().toarray(), [[1]])


def test_unknown_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="usr"):
        InteractionsConfig(path=tmp_path, usr="x")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="duplicates"):
        InteractionsConfig(path=tmp_path, duplicates="mean")  # type: ignore[arg-type]


REVIEWS = """{"reviewerID": "A1", "asin": "0007", "overall": 5.0, "unixReviewTime": 1609848000, "helpful": [0, 1]}
{"reviewerID": "A2", "asin": "7", "overall": 3, "reviewText": "2021-01-05", "unixReviewTime": 1609848001}
"""


def test_amazon_reviews_are_read_as_they_come(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(REVIEWS.encode()), "reviews.json.gz")
    assert read(path)[0] == [("A1", "0007", 5, NOON), ("A2", "7", 3, NOON + 1)]
    with pytest.raises(DataError, match="the weight column holds list"):
        read(path, weight="helpful")
    broken = written(tmp_path, REVIEWS.replace('"asin": "7", ', ""), "reviews.jsonl")
    with pytest.raises(DataError, match=r"reviews\.jsonl:2: the item's id is empty"):
        read(broken)


def test_json_ids_that_are_numbers_are_their_digits(tmp_path: Path) -> None:
    path = written(tmp_path, '{"user": 12, "item": 9007199254740993}\n{"user": 7, "item": 1}\n', "log.jsonl")
    assert read(path)[0] == [("12", "9007199254740993", 1, None), ("7", "1", 1, None)]
    large = written(tmp_path, '{"user": 12, "item": 12345678901234567890}\n', "large.jsonl")
    with pytest.raises(DataError, match="too large to be exact as double; store the ids as strings"):
        read(large)


def test_rows_enough_for_several_threads_are_all_there(tmp_path: Path) -> None:
    # More than one of Arrow's blocks, so that each brings a dictionary of its own.
    rng = np.random.default_rng(0)
    n = 400_000
    user, item, time = rng.integers(0, 900, n), rng.integers(0, 5000, n), rng.integers(0, 10**9, n)
    table = pa.table({"user": pa.array(user).cast(pa.string()), "item": pa.array(item).cast(pa.string()), "time": time})
    path = tmp_path / "log.csv"
    pacsv.write_csv(table, path)
    assert path.stat().st_size > 4 << 20
    (log,), report = read_interactions(InteractionsConfig(path=path), deduplicate=False)
    order = np.argsort(time, kind="stable")
    assert log.time is not None
    np.testing.assert_array_equal(log.time, time[order])
    np.testing.assert_array_equal(np.array(log.users.ids(log.user), dtype=np.int64), user[order])
    np.testing.assert_array_equal(np.array(log.items.ids(log.item), dtype=np.int64), item[order])
    assert report.rows == n
