"""Delimited text, JSON lines and Parquet into Arrow tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...kg import DataError
from .delimited import LONGEST_ROW, first_delimited_rows, read_delimited
from .json_lines import first_broken_line, first_json_rows, read_json_lines
from .streams import DELIMITERS, JSON, MARK, check_file, line_of, not_text, open_stream, suffix_of
from .whole_numbers import inexact, whole_numbers

__all__ = [
    "ENCODED", "NUMBER", "find_column", "first_rows", "is_bytes", "line_of", "listed", "numbers_of", "read_table", "row_of",
    "words_of",
]  # fmt: skip

ENCODED = pa.dictionary(pa.int32(), pa.large_string())
"""Strings that repeat, each kept once: what a column of ids is best read as."""
NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
"""A number as text, without the blanks around it."""
KINDS = (*DELIMITERS, *JSON, ".parquet")


def read_table(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    types: Mapping[str, Any] | None = None,
    separator: str | None = None,
) -> pa.Table:
    """Read a CSV, TSV, RecBole atomic, JSON lines or Parquet file; text also packed (.gz, .bz2, .zst).

    All columns of delimited files are strings unless `types` says otherwise, and an empty cell is null.
    RecBole's typed headers (`user_id:token`) lose their type. JSON and Parquet keep their types; categories
    (dictionaries) become the values they stand for.

    Args:
        path: the file.
        columns: the columns to read, in this order; all by default.
        types: for some of the columns an Arrow type, float64 or `ENCODED`: delimited text is parsed as such where
            every cell can be (else numbers come as strings), and strings in Parquet are read as `ENCODED`.
        separator: what parts the cells of delimited text; by default what the file's ending says, but a semicolon in a
            .csv file whose header has semicolons and no comma.

    Raises:
        DataError: if the file is missing, damaged, of an unknown kind, empty or no UTF-8, a column name occurs twice,
            a row has the wrong number of cells or a quotation mark is never closed.
    """
    path = _file(path)
    try:
        return _read(path, columns, types or {}, separator)
    except UnicodeDecodeError as error:
        raise not_text(path) from error
    except (pa.ArrowException, OSError) as error:
        raise _translated(error, path) from error


def first_rows(path: str | Path) -> pa.Table:
    """The columns of a table with the rows of its first block only; those of a Parquet file without any row.

    Raises:
        DataError: as `read_table`, as far as this much of the file shows it.
    """
    path = _file(path)
    try:
        if suffix_of(path) == ".parquet":
            return _parquet_schema(path).empty_table()
        return first_json_rows(path) if suffix_of(path) in JSON else first_delimited_rows(path)
    except UnicodeDecodeError as error:
        raise not_text(path) from error
    except (pa.ArrowException, OSError) as error:
        raise _translated(error, path) from error


def _file(path: str | Path) -> Path:
    path = Path(path)
    check_file(path)
    if suffix_of(path) not in KINDS:
        raise DataError(f"unknown kind of table; known are {', '.join(KINDS)}", path=path)
    return path


def _read(path: Path, columns: Sequence[str] | None, types: Mapping[str, Any], separator: str | None) -> pa.Table:
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return _read_parquet(path, columns, types)
    return read_json_lines(path, columns) if suffix in JSON else read_delimited(path, columns, types, separator)


def _read_parquet(path: Path, columns: Sequence[str] | None, types: Mapping[str, Any]) -> pa.Table:
    schema = _parquet_schema(path)
    wanted = schema.names if columns is None else list(columns)
    strings = [
        name
        for name, kind in types.items()
        if pa.types.is_dictionary(kind) and _is_string(schema.field(name).type)
    ]  # fmt: skip
    with pq.ParquetFile(path, read_dictionary=strings) as file:
        # A dot in a name means a nested field to Parquet: such a file is read whole.
        whole = columns is None or any("." in name for name in schema.names)
        table = file.read(columns=None if whole else wanted).select(wanted)
    table.validate(full=True)  # Arrow's reader takes bytes that are not UTF-8.
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and field.name not in strings:
            table = table.set_column(at, field.name, table.column(at).cast(field.type.value_type))
        elif is_bytes(field.type):
            with suppress(pa.ArrowInvalid):  # What is no text stays as it is, and is refused where text is wanted.
                table = table.set_column(at, field.name, table.column(at).cast(pa.large_string()))
    return table


def is_bytes(kind: Any) -> bool:
    """Whether cells of an Arrow type are bytes, or text in a form that Arrow can do little with."""
    of = pa.types
    checks = (of.is_binary, of.is_large_binary, of.is_fixed_size_binary, of.is_binary_view, of.is_string_view)
    return any(check(kind) for check in checks)


def _parquet_schema(path: Path) -> Any:
    """The schema of a Parquet file, dictionaries as the values they stand for."""
    schema = pq.read_schema(path)
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise DataError(f"the column {twice[0]!r} occurs more than once; rename one", path=path)
    for at, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            schema = schema.set(at, pa.field(field.name, field.type.value_type))
    return schema


def _is_string(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _translated(error: Exception, path: Path) -> DataError:
    message = str(error)
    if "Empty CSV" in message or "Empty JSON" in message:
        with open_stream(path) as raw:
            if "CSV" in message and raw.read(LONGEST_ROW).removeprefix(MARK).strip(b"\r\n"):
                text = f"the first line does not end within {LONGEST_ROW >> 20} MiB; is this a table?"
                return DataError(text, path=path, line=1)
        wanted = "one object a line is wanted" if suffix_of(path) in JSON else "a header line and rows are wanted"
        return DataError(f"the file is empty; {wanted}", path=path)
    if "invalid UTF8" in message or "Invalid UTF8" in message or "\x00" in message:
        return not_text(path)
    if "straddling" in message:
        return _too_long(path)
    if "JSON parse error" in message:
        return _of_json(message, path)
    row = re.search(r"Row #(\d+)", message)
    brief = re.sub(r"^.*Row #\d+: ", "", message).splitlines()[0][:200]
    # Arrow counts from 1 and the header with it.
    return DataError(f"cannot be read: {brief}", path=path, line=line_of(path, int(row[1]) - 2) if row else None)


def _too_long(path: Path) -> DataError:
    return DataError(f"a row is longer than {LONGEST_ROW >> 20} MiB; is a quotation mark never closed?", path=path)


def _of_json(message: str, path: Path) -> DataError:
    changed = re.search(r"Column\(/([^)]*)\) changed from (\w+) to (\w+)", message)
    if changed:
        name, before, after = changed.groups()
        return DataError(f"{name!r} is a {before} in some rows and a {after} in others; write all alike", path=path)
    if "changed from object to array" in message:
        return DataError("a JSON array; JSON lines are wanted: one object a line", path=path)
    # The row is one of Arrow's block, not of the file.
    brief = re.sub(r" in row \d+$", "", message.splitlines()[0])[:200]
    line = first_broken_line(path)
    return DataError(f"cannot be read: {brief}; JSON lines are wanted: one object a line", path=path, line=line)


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
        raise DataError(f"no column {name!r} for the {what}; there are {listed(table.column_names)}{hint}", path=path)
    return name


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names for a message, of many the first only, and of long ones the beginning."""
    shown = ", ".join(name if len(name) <= 60 else f"{name[:60]}..." for name in names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names):,} in all)"


def words_of(column: pa.ChunkedArray, what: str, path: Path) -> pa.ChunkedArray:
    """A column as large_string, null where it is null or NaN; floats that are whole as such: 196.0 is 196.

    Raises:
        DataError: if it holds lists, structures, bytes that are no text, or floats too large to be exact.
    """
    if pa.types.is_nested(column.type) or is_bytes(column.type):
        raise DataError(f"the {what} column holds {column.type}, text or numbers are wanted", path=path)
    if inexact(column):
        text = f"the {what} column holds numbers too large to be exact as {column.type}; store them as strings"
        raise DataError(text, path=path)
    return whole_numbers(column).cast(pa.large_string())


def row_of(at: int, rows: npt.NDArray[np.int64] | None) -> int:
    """The row of the file that a position in a column stands for, where only some `rows` were kept."""
    return at if rows is None else int(rows[at])


def numbers_of(
    column: pa.ChunkedArray, what: str, path: Path, rows: npt.NDArray[np.int64] | None = None
) -> pa.ChunkedArray:
    """A column as float64.

    Args:
        column: strings or numbers.
        what: what it holds, for messages.
        path: the file, for messages.
        rows: the row of the file that each cell stands in, where they are not all of them.

    Raises:
        DataError: if a cell is empty, no number, infinite or NaN; the line and the cell are named.
    """
    if _is_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        good = pc.match_substring_regex(text, f"^{NUMBER}$")
        numbers = pc.if_else(good, text, pa.scalar(None, text.type)).cast(pa.float64())
    elif pa.types.is_temporal(column.type) or pa.types.is_nested(column.type) or is_bytes(column.type):
        raise DataError(f"the {what} column holds {column.type}, numbers are wanted", path=path)
    else:
        numbers = column.cast(pa.float64(), safe=False)
    at = pc.index(pc.fill_null(pc.is_finite(numbers), False), False).as_py()
    if at >= 0:
        cell = column[at].as_py()
        problem = "is empty" if cell is None else f"is {str(cell)[:40]!r}, not a finite number"
        line = line_of(path, row_of(at, rows))
        raise DataError(f"the {what} {problem}; correct or remove the row", path=path, line=line)
    return numbers
