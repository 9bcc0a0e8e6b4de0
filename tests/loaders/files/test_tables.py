"""Tables in every form they come in; what is wrong is named with its line."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import DataError
from plait.loaders import read_table
from plait.loaders.files.tables import ENCODED, find_column, first_rows, line_of, numbers_of

ROWS = [{"id": "a", "title": "Pan, large", "n": "007"}, {"id": "b", "title": None, "n": "1.50"}]
CSV = 'id,title,n\na,"Pan, large",007\nb,,1.50\n'
TSV = "id\ttitle\tn\na\tPan, large\t007\nb\t\t1.50\n"
ATOMIC = "id:token\ttitle:token_seq\tn:float\na\tPan, large\t007\nb\t\t1.50\n"


def written(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def packings(data: str) -> list[tuple[str, bytes]]:
    """Each way to pack a file: its ending and the bytes."""
    raw = data.encode()
    zst = pa.Codec("zstd").compress(raw, asbytes=True)
    return [(".gz", gzip.compress(raw)), (".GZ", gzip.compress(raw)), (".bz2", bz2.compress(raw)), (".zst", zst)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", CSV),
        ("a.CSV", CSV),
        ("a.tsv", TSV),
        ("a.txt", TSV),
        *((f"a.{suffix}", ATOMIC) for suffix in ("inter", "item", "user", "kg", "link")),
        ("a.csv", CSV.rstrip()),
        ("a.csv", "\ufeff" + CSV),
        ("a.csv", CSV.replace("\n", "\r\n")),
        ("a.csv", CSV.replace("\n", "\r")),
        ("a.csv", "\n\n" + CSV + "\n"),
        ("a.item", ATOMIC.replace("\n", "\r\n")),
    ],
)
def test_every_form_has_the_same_cells(tmp_path: Path, name: str, data: str) -> None:
    path = written(tmp_path, name, data)
    assert read_table(path).to_pylist() == read_table(str(path)).to_pylist() == ROWS
    for ending, packed in packings(data):
        assert read_table(written(tmp_path, name + ending, packed)).to_pylist() == ROWS


def test_parquet_keeps_its_types_and_categories_are_what_they_stand_for(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array(["a", "b", "a"]).dictionary_encode(), "n": [1, 2, None]})
    (tmp_path / "part=1").mkdir()
    pq.write_table(table, tmp_path / "part=1" / "a.parquet")
    read = read_table(tmp_path / "part=1" / "a.parquet")
    assert read.schema.names == ["id", "n"]  # the folder's name is no column
    assert read.schema.types == [pa.string(), pa.int64()]
    assert read.column("id").to_pylist() == ["a", "b", "a"]


def test_recbole_files_never_quote(tmp_path: Path) -> None:
    path = written(tmp_path, "a.item", 'item_id:token\ttitle:token_seq\n1\tThe "X\n2\t5" disk\n3\t"A"\n')
    assert read_table(path).column("title").to_pylist() == ['The "X', '5" disk', '"A"']


@given(st.lists(st.tuples(st.text("ab,\"\n ' é", max_size=6), st.text("ab,\"\n ' é", max_size=6)), max_size=8))
def test_what_the_csv_module_writes_is_read_and_its_lines_found(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["x", "y"])
    lines = []
    for row in rows:
        lines.append(file.getvalue().count("\n") + 1)
        writer.writerow(row)
    path = written(tmp_path_factory.getbasetemp(), "any.csv", file.getvalue())
    assert [tuple(r.values()) for r in read_table(path).to_pylist()] == [(x or None, y or None) for x, y in rows]
    assert [line_of(path, n) for n in range(len(rows))] == lines


@pytest.mark.parametrize(
    ("name", "data", "place", "message"),
    [
        ("a.csv", "x,y\n1,2\n3\n", ":3", "Expected 2 columns, got 1: 3"),
        ("a.csv", "x,y\n1,2\n3,4,5\n", ":3", "Expected 2 columns, got 3: 3,4,5"),
        ("a.csv", "x,y\n\n\n1,2\n3\n", ":5", "Expected 2 columns"),  # blank lines are passed over, but they are lines
        ("a.csv", 'x,y\n"two\nlines",2\n3\n', ":4", "Expected 2 columns"),
        ("a.inter", "x:token\ty:token\n1\t2\n3\n", ":3", "Expected 2 columns"),
        ("a.csv", "x,y\n" + "1,2\n" * 600_000 + "3\n", ":600002", "Expected 2 columns"),  # beyond Arrow's first block
        ("a.csv", 'x,y\n1,2\n3,"open\n4,5\n6,7\n', ":3", "a quotation mark is opened and never closed"),
        ("a.csv", 'x,y\n1,2\n3,"open\n4,"five"\n', ":3", "a quotation mark is opened and never closed"),
        ("a.csv", "", "", "the file is empty"),
        ("a.csv", "\n\n", "", "the file is empty"),
        ("a.csv", "x,x\n1,2\n", "", "the column 'x' occurs more than once"),
        ("a.inter", "x:token\tx:float\n1\t2\n", "", "the column 'x' occurs more than once"),
        ("a.csv", "x,y\n1,é\n".encode("latin-1"), ":2", "not UTF-8"),
        ("a.csv", "x,é\n1,2\n".encode("latin-1"), ":1", "not UTF-8"),
        ("a.csv", "x,y\n1,2\n".encode("utf-16"), ":1", "not UTF-8"),
        ("a.csv.gz", "x,y\n1,2\n", "", "cannot be read: "),
        ("a.csv.gz", gzip.compress(bytes(f"x,y\n{CSV * 99}", "utf-8"))[:-30], "", "cannot be read: "),
        ("a.csv.gz", b"", "", "the file is empty"),
        ("a.parquet", b"PAR1 or not", "", "cannot be read: "),
        ("a.xlsx", b"PK", "", "unknown kind of table; known are .csv, .tsv, .txt"),
        ("a.xml.gz", b"", "", "unknown kind of table"),
        ("a.csv.bz2", "x,y\n1,2\n", "", "cannot be read: "),
        ("a.csv.zst", "x,y\n1,2\n", "", "cannot be read: "),
        ("a.csv.bz2", bz2.compress(bytes(f"x,y\n{CSV * 99}", "utf-8"))[:-30], "", "cannot be read: "),
        ("a.csv.bz2", bz2.compress(b"x,y\n1,2\n3\n"), ":3", "Expected 2 columns, got 1: 3"),
        ("a.json.gz", b"", "", "the file is empty; one object a line is wanted"),
        ("a.jsonl", b"\n\n", "", "the file is empty"),
        ("a.jsonl", '{"x": 1}\n{"x": \n', ":2", "cannot be read: JSON parse error"),
        ("a.jsonl", '{"x": 1}\nx\n', ":2", "JSON lines are wanted: one object a line"),
        ("a.jsonl", '[{"x": 1}]\n', "", "a JSON array; JSON lines are wanted"),
        ("a.jsonl", '{"x": 1, "x": 2}\n', "", "was specified twice"),
        (
            "a.jsonl",
            '{"x": 1}\n{"x": "1"}\n',
            "",
            "'x' is a number in some rows and a string in others; write all alike",
        ),
        ("a.jsonl", b'{"x": "\xff"}\n', ":1", "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    tmp_path: Path, name: str, data: str | bytes, place: str, message: str
) -> None:
    path = written(tmp_path, name, data)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}{place}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet", "folder.csv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=f"{name}: no such file"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
def test_a_header_alone_is_a_table_of_no_rows(tmp_path: Path, name: str) -> None:
    data = b"x,y\n" if "csv" in name else b"x\ty\n"
    table = read_table(written(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data))
    assert (table.column_names, len(table)) == (["x", "y"], 0)


def test_quotes_that_end_before_the_file_does_are_fine(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'x,y\n5" disk,1\n2,"two\nlines"\n3,4\n')
    assert [row["x"] for row in read_table(path).to_pylist()] == ['5" disk', "2", "3"]


TABLE = pa.table({"Rating": ["1"], "timestamp": ["2"], "rating": ["3"], "time": ["4"]})
PLACE = Path("log.csv")


@pytest.mark.parametrize(
    ("name", "usual", "found"),
    [
        (None, ("weight", "rating"), "Rating"),  # the first of a name, in any case
        (None, ("time", "timestamp"), "time"),  # by how usual, not by place
        (None, ("weight",), None),
        ("rating", ("time",), "rating"),  # what is named is meant to the letter
        ("time", (), "time"),
    ],
)
def test_columns_are_found(name: str | None, usual: tuple[str, ...], found: str | None) -> None:
    assert find_column(TABLE, name, usual, "weight", PLACE) == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ratings", "log.csv: no column 'ratings' for the weight; there are Rating, timestamp, rating, time; did you mean 'rating'?"),
        ("zzz", "log.csv: no column 'zzz' for the weight; there are Rating, timestamp, rating, time"),
    ],
)  # fmt: skip
def test_a_column_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        find_column(TABLE, name, ("rating",), "weight", PLACE)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", " 2.5 ", "+3", "-.5", "4.", "1e-3", "1E2"], [1, 2.5, 3, -0.5, 4, 0.001, 100]),
        ([1, 2**62], [1, 2.0**62]),
        ([True, False], [1, 0]),
        (pa.array(["1.25", "2"]).cast(pa.decimal128(9, 2)), [1.25, 2]),
        ([], []),
    ],
)
def test_numbers_are_read(cells: Any, numbers: list[float]) -> None:
    column = pa.chunked_array([pa.array(cells)] if len(cells) else [], None if len(cells) else pa.string())
    assert numbers_of(column, "weight", PLACE).to_pylist() == numbers


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "inf", "-inf", "1e999", "1,5", "0x10", "1_000", "x", "1 2", "--1", ".", "e5"]
)
def test_what_is_no_finite_number_is_named_with_its_line(tmp_path: Path, cell: str) -> None:
    path = written(tmp_path, "log.csv", f'w\n1\n\n2\n"{cell}"\nbad too\n')
    with pytest.raises(DataError) as caught:
        numbers_of(read_table(path).column("w"), "weight", path)
    assert str(caught.value) == f"{path}:5: the weight is {cell!r}, not a finite number; correct or remove the row"


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_parquet_rows_count_from_one(tmp_path: Path, bad: float | None) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"w": pa.array([1.0, bad, 3.0])}), path)
    with pytest.raises(DataError, match=r"log\.parquet:2: the weight is (empty|'nan'|'inf')"):
        numbers_of(read_table(path).column("w"), "weight", path)


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.list_(pa.int64()), pa.time32("s")])
def test_a_column_of_another_kind_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(DataError, match="the weight column holds .*, numbers are wanted"):
        numbers_of(pa.chunked_array([pa.nulls(2, kind)]), "weight", PLACE)


@pytest.mark.parametrize("data", ["x,y", "\n\nx,y", "\ufeffx,y", "x,y\r"])
def test_a_header_without_a_line_break_is_a_header(tmp_path: Path, data: str) -> None:
    table = read_table(written(tmp_path, "a.csv", data))
    assert (table.column_names, len(table)) == (["x", "y"], 0)
    assert first_rows(tmp_path / "a.csv").column_names == ["x", "y"]


JSON = """{"id": "007", "n": 5, "day": "2021-01-05", "tags": [], "review": {"by": 1}}

{"n": 9007199254740993, "id": "7", "tags": ["x"], "late": "2021-01-06"}
{"id": "é \\"x\\"", "n": null}
"""


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson", ".json"])
def test_json_lines_keep_numbers_and_the_spelling_of_strings(tmp_path: Path, ending: str) -> None:
    for packing, data in [("", JSON.encode()), *packings(JSON)]:
        path = written(tmp_path, f"a{ending}{packing}", data)
        table = read_table(path)
        assert table.column("id").to_pylist() == ["007", "7", 'é "x"']
        assert table.column("n").to_pylist() == [5, 2**53 + 1, None]
        assert table.column("day").to_pylist() == ["2021-01-05", None, None]  # no date
        assert table.column("late").to_pylist() == [None, "2021-01-06", None]
        assert read_table(path, columns=["late", "id"]).to_pylist() == table.select(["late", "id"]).to_pylist()
    assert [line_of(path, row) for row in range(3)] == [1, 3, 4]


def test_json_lines_beyond_the_first_block_may_hold_more(tmp_path: Path) -> None:
    # Wider than Arrow's first block: there all is whole, and the key `late` unheard of.
    many = '{"id": "1", "n": 1, "pad": "' + "x" * 990 + '"}\n'
    path = written(tmp_path, "a.jsonl", many * 4300 + '{"id": "2021-01-05", "n": 1.5, "late": "2021-01-06"}\n')
    for columns in (None, ["id", "n"], ["id", "n", "late"]):
        last = read_table(path, columns=columns).slice(4300).to_pylist()[0]
        assert (last["id"], last["n"]) == ("2021-01-05", 1.5)
        assert last.get("late") == ("2021-01-06" if columns != ["id", "n"] else None)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.jsonl"])
def test_some_columns_are_those_columns(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.table({"id": ["a", "b"], "a.b": ["x", None], "n": ["007", "1.50"]}), path)
    elif name == "a.jsonl":
        path.write_text('{"id": "a", "a.b": "x", "n": "007"}\n{"id": "b", "n": "1.50"}\n')
    else:
        data = b"id,a.b,n\na,x,007\nb,,1.50\n"
        path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    table = read_table(path, columns=["n", "a.b"])
    assert table.to_pydict() == {"n": ["007", "1.50"], "a.b": ["x", None]}
    assert table.column_names == ["n", "a.b"]
    assert set(first_rows(path).column_names) == {"id", "a.b", "n"}


def test_a_quotation_never_closed_is_found_in_a_column_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'x,y\n1,2\n3,"open\n4,5\n6,7\n')
    with pytest.raises(DataError, match=r"a\.csv:3: a quotation mark is opened and never closed"):
        read_table(path, columns=["x"])


def test_types_hold_where_every_cell_has_one(tmp_path: Path) -> None:
    types = {"id": ENCODED, "n": pa.float64()}
    path = written(tmp_path, "a.csv", "id,n\n007,1e3\n,\n7, 2.5 \n")
    table = read_table(path, types=types)
    assert table.schema.types == [ENCODED, pa.float64()]
    assert table.to_pydict() == {"id": ["007", None, "7"], "n": [1000.0, None, 2.5]}
    written(tmp_path, "a.csv", "id,n\n007,1\n7,+3\n7,x\n")
    table = read_table(path, types=types)
    assert table.schema.types == [ENCODED, pa.large_string()]
    assert table.to_pydict() == {"id": ["007", "7", "7"], "n": ["1", "+3", "x"]}
    pq.write_table(pa.table({"id": ["a", "b", "a"], "n": [1, 2, 3]}), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet", types=types)
    assert pa.types.is_dictionary(table.schema.field("id").type)
    assert table.to_pydict() == {"id": ["a", "b", "a"], "n": [1, 2, 3]}


def test_the_first_rows_of_a_long_file_are_those_it_begins_with(tmp_path: Path) -> None:
    path = written(tmp_path, "a.inter", "user_id:token\tn:float\n" + "".join(f"u{n}\t{n}\n" for n in range(200_000)))
    head = first_rows(path)
    assert head.column_names == ["user_id", "n"]
    assert 0 < len(head) < 200_000
    assert head.slice(0, 2).to_pylist() == [{"user_id": "u0", "n": "0"}, {"user_id": "u1", "n": "1"}]
    assert read_table(path).slice(0, len(head)).equals(head)
    assert len(read_table(path)) == 200_000
