"""Delimited text and Parquet into Arrow tables of strings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ..kg import DataError

__all__ = ["find_column", "numbers_of", "read_table"]

DELIMITERS = {
    ".csv": ",",
    ".tsv": "\t",
    ".txt": "\t",
    **dict.fromkeys((".inter", ".item", ".user", ".kg", ".link"), "\t"),
}


def read_table(path: str | Path) -> pa.Table:
    """Read a CSV, TSV, Parquet or RecBole atomic file, gzipped text too; all columns of text files are strings.

    RecBole's typed headers (`user_id:token`) lose their type. An empty cell is null.

    Raises:
        DataError: if the file is missing, of an unknown kind, empty, or a row has the wrong number of cells.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("no such file", path=path)
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    try:
        if suffix == ".parquet":
            return pq.read_table(path)
        if suffix not in DELIMITERS:
            raise DataError(f"unknown kind of table; known are {', '.join((*DELIMITERS, '.parquet'))}", path=path)
        return _read_text(path, DELIMITERS[suffix], recbole=suffix in (".inter", ".item", ".user", ".kg", ".link"))
    except pa.ArrowInvalid as error:
        raise _translated(error, path) from error


def _read_text(path: Path, delimiter: str, *, recbole: bool) -> pa.Table:
    # RecBole files never quote, and their titles hold stray quotation marks.
    parse = pacsv.ParseOptions(
        delimiter=delimiter, quote_char=False if recbole else '"', newlines_in_values=not recbole
    )
    with pacsv.open_csv(path, parse_options=parse) as stream:
        names = stream.schema.names
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=True, null_values=[""]
    )
    # One thread where it costs little: only then does Arrow name the row of an error.
    threads = path.stat().st_size > 50_000_000
    table = pacsv.read_csv(
        path, read_options=pacsv.ReadOptions(use_threads=threads), parse_options=parse, convert_options=convert
    )
    return table.rename_columns([n.split(":")[0] for n in names]) if recbole else table


def _translated(error: pa.ArrowInvalid, path: Path) -> DataError:
    message = str(error)
    if "Empty CSV" in message:
        return DataError("the file is empty; a header line is wanted", path=path)
    if "invalid UTF8" in message:
        return DataError("the file is not UTF-8 text; convert it, for example with iconv", path=path)
    row = re.search(r"Row #(\d+)", message)
    brief = re.sub(r"^.*Row #\d+: ", "", message).splitlines()[0][:200]
    return DataError(f"cannot be read: {brief}", path=path, line=int(row[1]) if row else None)


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
    if pa.types.is_temporal(column.type):
        raise DataError(f"the {what} column holds times, numbers are wanted", path=path)
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        column = pc.utf8_trim_whitespace(column)
        good = pc.match_substring_regex(column, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    else:
        good = pc.is_finite(column.cast(pa.float64()))
    good = pc.fill_null(good, False)
    at = pc.index(good, False).as_py()
    if at >= 0:
        cell = column[at].as_py()
        problem = "is empty" if cell is None else f"is {str(cell)[:40]!r}, not a finite number"
        raise DataError(f"the {what} {problem}; correct or remove the row", path=path, line=at + 2)
    return column.cast(pa.float64())
