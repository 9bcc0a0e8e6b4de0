"""Delimited text and Parquet into Arrow tables of strings."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ..kg import DataError

__all__ = ["find_column", "line_of", "numbers_of", "read_table"]

RECBOLE = (".inter", ".item", ".user", ".kg", ".link")
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t", **dict.fromkeys(RECBOLE, "\t")}
NOT_TEXT = "the file is not UTF-8 text; convert it, for example with iconv"


def read_table(path: str | Path) -> pa.Table:
    """Read a CSV, TSV, Parquet or RecBole atomic file, gzipped text too; all columns of text files are strings.

    RecBole's typed headers (`user_id:token`) lose their type. An empty cell is null.

    Raises:
        DataError: if the file is missing, damaged, of an unknown kind, empty or no UTF-8, a column name occurs twice,
            a row has the wrong number of cells or a quotation mark is never closed.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("no such file", path=path)
    suffix = _suffix(path)
    if suffix not in (*DELIMITERS, ".parquet"):
        raise DataError(f"unknown kind of table; known are {', '.join((*DELIMITERS, '.parquet'))}", path=path)
    try:
        table = pq.read_table(path) if suffix == ".parquet" else _read_text(path, suffix)
    except UnicodeDecodeError as error:
        raise DataError(NOT_TEXT, path=path) from error
    except (pa.ArrowException, OSError) as error:
        raise _translated(error, path) from error
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise DataError(f"the column {twice[0]!r} occurs more than once; rename one", path=path)
    return _plain(table)


def _suffix(path: Path) -> str:
    return Path(path.stem).suffix.lower() if _packed(path) else path.suffix.lower()


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _read_text(path: Path, suffix: str) -> pa.Table:
    # RecBole files never quote, and their titles hold stray quotation marks.
    recbole = suffix in RECBOLE
    parse = pacsv.ParseOptions(
        delimiter=DELIMITERS[suffix], quote_char=False if recbole else '"', newlines_in_values=not recbole
    )
    # One thread where it costs little: only then does Arrow name the row of an error.
    read = pacsv.ReadOptions(use_threads=path.stat().st_size > 50_000_000)
    with _stream(path) as raw, pacsv.open_csv(raw, read_options=read, parse_options=parse) as stream:
        names = stream.schema.names
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=True, null_values=[""]
    )
    with _stream(path) as raw:
        table = pacsv.read_csv(raw, read_options=read, parse_options=parse, convert_options=convert)
    if not recbole:
        _check_quotes(table, path)
    return table.rename_columns([n.split(":")[0] for n in names]) if recbole else table


def _stream(path: Path) -> pa.NativeFile:
    return pa.input_stream(str(path), compression="gzip" if _packed(path) else None)


def _check_quotes(table: pa.Table, path: Path) -> None:
    """Refuse a file whose end is all inside one quotation: Arrow takes the lost rows for one long cell."""
    last = table.slice(max(0, len(table) - 1)).to_pylist()
    if last and any("\n" in cell for cell in last[0].values() if cell):
        with _opened(path) as file:
            quotes = sum(block.count(b'"') for block in iter(lambda: file.read(1 << 20), b""))
        if quotes % 2:
            line = line_of(path, len(table) - 1)
            raise DataError("a quotation mark is opened and never closed; correct the row", path=path, line=line)


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if _packed(path) else path.open("rb")


def _plain(table: pa.Table) -> pa.Table:
    """The table with dictionary-encoded columns (categories of pandas and polars) as the values they stand for."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(field.type.value_type))
    return table


def _translated(error: Exception, path: Path) -> DataError:
    message = str(error)
    if "Empty CSV" in message:
        return DataError("the file is empty; a header line and rows are wanted", path=path)
    if "invalid UTF8" in message or "\x00" in message:
        return DataError(NOT_TEXT, path=path)
    row = re.search(r"Row #(\d+)", message)
    brief = re.sub(r"^.*Row #\d+: ", "", message).splitlines()[0][:200]
    # Arrow counts from 1 and the header with it.
    return DataError(f"cannot be read: {brief}", path=path, line=line_of(path, int(row[1]) - 2) if row else None)


def line_of(path: Path, row: int) -> int:
    """The line of a text file on which a row begins, for error messages: blank lines and quoted line breaks count.

    Args:
        path: a file that `read_table` reads; a Parquet file has no lines, there it is the row counted from 1.
        row: the row, counted from 0 after the header.
    """
    suffix = _suffix(path)
    if suffix == ".parquet":
        return row + 1
    with _opened(path) as raw, io.TextIOWrapper(raw, "utf-8", errors="replace", newline="") as file:
        reader = csv.reader(
            file, delimiter=DELIMITERS[suffix], quoting=csv.QUOTE_NONE if suffix in RECBOLE else csv.QUOTE_MINIMAL
        )
        left, begun = row + 1, 1
        try:
            for cells in reader:
                if cells and left == 0:
                    return begun
                left -= bool(cells)
                begun = reader.line_num + 1
        except csv.Error:
            pass
    return row + 2


def find_column(table: pa.Table, name: str | None, usual: Sequence[str], what: str, path: Path) -> str | None:
    """The column to use for something: the one named, else the first that bears a usual name, else None.

    Raises:
        DataError: if a column is named that the table lacks.
    """
    if name is None:
        folded = {c.lower(): c for c in reversed(table.column_names)}
        return next((folded[u] for u in usual if u in folded), None)
    if name not in table.column_names:
        close = get_close_matches(name, table.column_names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(
            f"no column {name!r} for the {what}; there are {', '.join(table.column_names)}{hint}", path=path
        )
    return name


def numbers_of(column: pa.ChunkedArray, what: str, path: Path) -> pa.ChunkedArray:
    """A column as float64.

    Raises:
        DataError: if a cell is empty, no number, infinite or NaN; the line and the cell are named.
    """
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        good = pc.match_substring_regex(text, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
        numbers = pc.if_else(good, text, pa.scalar(None, text.type)).cast(pa.float64())
    elif pa.types.is_temporal(column.type) or pa.types.is_nested(column.type):
        raise DataError(f"the {what} column holds {column.type}, numbers are wanted", path=path)
    else:
        numbers = column.cast(pa.float64(), safe=False)
    at = pc.index(pc.fill_null(pc.is_finite(numbers), False), False).as_py()
    if at >= 0:
        cell = column[at].as_py()
        problem = "is empty" if cell is None else f"is {str(cell)[:40]!r}, not a finite number"
        raise DataError(f"the {what} {problem}; correct or remove the row", path=path, line=line_of(path, at))
    return numbers
