"""Delimited files of triples, with a header or without, straight into dictionary-encoded columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ...kg import DataError
from ..files.delimited import LONGEST_ROW, in_larger_blocks
from ..files.quotes import check_quotes
from ..files.streams import check_file, delimiter_of, not_text, open_stream, suffix_of
from ..files.tables import ENCODED, line_of, listed, read_table, words_of

__all__ = ["PARTS", "Column", "Header", "TripleFile", "read_headless", "read_triple_columns"]

Column = str | int
"""A column by its name, or by its number, counted from 1."""
Header = Literal["auto", True, False]
"""Whether the first line names the columns; "auto" looks whether it does."""

PARTS = ("head", "relation", "tail")
USUAL = {
    "head": ("head", "head_id", "h", "subject", "source", "src", "start", "from"),
    "relation": ("relation", "relation_id", "rel", "r", "predicate", "type", "edge_type", "label"),
    "tail": ("tail", "tail_id", "t", "object", "target", "dst", "end", "to"),
}
TEXT = (".csv", ".tsv", ".txt", ".kg")
LARGE = 50_000_000
"""Bytes from which on several threads parse a file."""
WORD = pa.large_string()


@dataclass(frozen=True, eq=False)
class TripleFile:
    """The columns of one file.

    Attributes:
        path: the file.
        columns: head, relation and tail, dictionary-encoded, none null; perhaps weight and time, as text or as typed.
        headed: whether the first line was taken for a header; for error messages.
    """

    path: Path
    columns: dict[str, Any]
    headed: bool

    def fault(self, row: int, message: str) -> DataError:
        """The error about a row, counted from 0."""
        return _fault(self.path, row, message, headed=self.headed)


def read_triple_columns(
    path: Path, wanted: Mapping[str, Column | None], *, header: Header = "auto", separator: str | None = None
) -> TripleFile:
    """Read head, relation, tail, and weight and time where they are asked for.

    A head, relation or tail that `wanted` does not place is found by the usual names, else by its position: the first
    three columns. Only .csv files quote cells; elsewhere a quotation mark is a character as any other.

    Args:
        path: .csv, .tsv, .txt or .kg, perhaps packed (.gz, .bz2, .zst), or anything else that `read_table` reads.
        wanted: column by what it is for: head, relation, tail, weight, time.
        header: whether text files have one. RecBole's .kg files always do.
        separator: what parts the cells of a text file; by default what the file's ending says, but a semicolon in a
            .csv file whose first line has semicolons and no comma.

    Raises:
        DataError: if the file or a column is missing, a row is damaged, or a head, relation or tail is empty.
    """
    check_file(path)
    suffix = suffix_of(path)
    if suffix not in TEXT:
        table, headed = read_table(path), True
        places = _places(table.column_names, wanted, path, named=True)
        read = {part: table.column(at) for part, at in places.items()}
    else:
        first, before, separator = _first_line(path, separator, len(PARTS))
        headed = suffix == ".kg" or (header if header != "auto" else _is_header(first, wanted))
        places = _places(first, wanted, path, named=headed)
        skipped = before + 1 if headed else 0
        read = _read_text(path, places, len(first), separator, skipped=skipped, quoted=suffix == ".csv")
    columns = {part: _word(column, part, path) if part in PARTS else column for part, column in read.items()}
    result = TripleFile(path, columns, headed)
    for part in PARTS:
        _check(columns[part], part, result)
    return result


def read_headless(path: Path, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Columns of a text file without a header, as strings; an empty cell is null.

    Args:
        path: .csv, .tsv or .txt, perhaps packed.
        numbers: by name, which column it is, counted from 1.

    Raises:
        DataError: if the file is missing, empty or damaged, or has fewer columns.
    """
    check_file(path)
    first, before, separator = _first_line(path, None, max(numbers.values()))
    places = {name: number - 1 for name, number in numbers.items()}
    return _read_text(path, places, len(first), separator, skipped=before, quoted=suffix_of(path) == ".csv")


def _fault(path: Path, row: int, message: str, *, headed: bool) -> DataError:
    # line_of takes the first line for a header; without one, the row before is meant.
    quoted = suffix_of(path) == ".csv" if suffix_of(path) in TEXT else None
    return DataError(message, path=path, line=line_of(path, row if headed else row - 1, quoted=quoted))


def _first_line(path: Path, separator: str | None, least: int) -> tuple[list[str], int, str]:
    """Cells of the first line that is not blank, how many blank ones stand before it, and what parts the cells.

    Fewer than `least` cells are an error.
    """
    try:
        separator = separator or delimiter_of(path)
        with open_stream(path) as raw:
            block = raw.read(1 << 16)
            if re.search(rb"[\r\n]", block.lstrip()) is None:
                block += raw.read(LONGEST_ROW)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot be read: {str(error).splitlines()[0][:200]}", path=path) from error
    if b"\0" in block:
        raise not_text(path)  # UTF-16, or no text at all
    lines = re.split(r"\r?\n|\r", block.decode("utf-8-sig", errors="replace"))
    before = next((at for at, line in enumerate(lines) if line), None)
    if before is None or not block.strip():
        raise DataError(f"the file is empty; rows of {least} columns or more are wanted", path=path)
    line = lines[before]
    cells = line.split(separator)
    if suffix_of(path) == ".csv" and '"' in line:
        with suppress(csv.Error):  # of a cell of more than 131,072 characters
            cells = next(csv.reader([line], delimiter=separator))
    if len(cells) < least:
        raise DataError(
            f"{least} columns or more are wanted, the first line has {len(cells)}; state what parts them as `separator`",
            path=path,
            line=before + 1,
        )
    return [re.sub(r":(token|float)(_seq)?$", "", cell.strip().strip('"')) for cell in cells], before, separator


def _is_header(cells: Sequence[str], wanted: Mapping[str, Column | None]) -> bool:
    """Whether the first line names every column that is wanted by name, or else the usual three."""
    names = [column for column in wanted.values() if isinstance(column, str)]
    if names:
        return all(name in cells for name in names)
    folded = {cell.lower() for cell in cells}
    return all(folded & set(USUAL[part]) for part in PARTS)


def _places(cells: Sequence[str], wanted: Mapping[str, Column | None], path: Path, *, named: bool) -> dict[str, int]:
    """Position of each part's column, counted from 0."""
    places = {part: _place(column, part, cells, path, named=named) for part, column in wanted.items() if column}
    folded = {cell.lower(): at for at, cell in reversed(list(enumerate(cells)))} if named else {}
    open_parts = [part for part in PARTS if part not in places]
    usual = {part: next((folded[name] for name in USUAL[part] if name in folded), None) for part in open_parts}
    if any(at is None or at in places.values() for at in usual.values()):
        usual = {part: PARTS.index(part) for part in open_parts}
    for part, at in usual.items():
        if at is None or at >= len(cells) or at in places.values():
            raise DataError(f"no column for the {part}; name or number it as `{part}`", path=path)
        places[part] = at
    return places


def _place(column: Column, part: str, cells: Sequence[str], path: Path, *, named: bool) -> int:
    if isinstance(column, int):
        if column > len(cells):
            raise DataError(f"there is no column {column} for the {part}; there are {len(cells)}", path=path)
        return column - 1
    if not named:
        raise DataError(
            f"no column {column!r} for the {part}: the first line was not taken for a header; "
            "set `header: true`, or number the columns from 1",
            path=path,
        )
    if column not in cells:
        raise DataError(f"no column {column!r} for the {part}; there are {listed(cells)}", path=path)
    return cells.index(column)


def _read_text(
    path: Path, places: Mapping[str, int], width: int, separator: str, *, skipped: int, quoted: bool
) -> dict[str, Any]:
    """The columns, by part; `skipped` lines from the start are the header and blank ones above it."""
    names = [str(at) for at in range(width)]
    parse = pacsv.ParseOptions(delimiter=separator, quote_char='"' if quoted else False)
    convert = pacsv.ConvertOptions(
        include_columns=[names[at] for at in dict.fromkeys(places.values())],
        column_types={names[at]: ENCODED if part in PARTS else WORD for part, at in places.items()},
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        null_values=[""],
    )

    def read(size: int, *, threads: bool) -> Any:
        options = pacsv.ReadOptions(column_names=names, skip_rows=skipped, use_threads=threads, block_size=size)
        with open_stream(path) as raw:
            return pacsv.read_csv(raw, read_options=options, parse_options=parse, convert_options=convert)

    try:
        table = _with_threads_or_one(path, read)
    except (pa.ArrowException, OSError) as error:
        if "Could not skip initial" in str(error):
            # A header without a line break behind it is no error either.
            return {part: pa.chunked_array([], ENCODED if part in PARTS else WORD) for part in places}
        raise _translated(str(error), path, width, max(skipped - 1, 0)) from error
    if quoted:
        check_quotes(path, separator, len(table) + skipped)
    return {part: table.column(names[at]) for part, at in places.items()}


def _with_threads_or_one(path: Path, read: Callable[..., Any]) -> Any:
    """What is read, by several threads where the file is large; again by one if that fails: it alone names the row."""
    if path.stat().st_size > LARGE:
        with suppress(pa.ArrowInvalid):
            return in_larger_blocks(partial(read, threads=True))
    return in_larger_blocks(partial(read, threads=False))


def _translated(message: str, path: Path, width: int, blank: int) -> DataError:
    """The error of Arrow's message; `blank` lines stand above the header."""
    if "invalid UTF8" in message:
        return not_text(path)
    # Arrow counts rows from 1, all skipped lines among them.
    row = re.search(r"Row #(\d+): Expected \d+ columns, got (\d+)", message)
    if row:
        text = f"the row has {row[2]} cells, the first line {width}; correct or remove it"
        line = line_of(path, int(row[1]) - 2 - blank, quoted=suffix_of(path) == ".csv")
        return DataError(text, path=path, line=line)
    return DataError(f"cannot be read: {message.splitlines()[0][:200]}", path=path)


def _word(column: Any, part: str, path: Path) -> Any:
    if column.type == ENCODED:
        return column
    return words_of(column, part, path).dictionary_encode()


def _check(column: Any, part: str, of: TripleFile) -> None:
    at = pc.index(pc.is_null(column), True).as_py() if column.null_count else -1
    if at >= 0:
        raise of.fault(at, f"the {part} is empty; correct or remove the row")
    for chunk in column.chunks:
        # A lost quotation mark turns many rows into one long cell.
        if pc.any(pc.match_substring(chunk.dictionary, "\n")).as_py():
            raise DataError(f"a {part} spans several lines; is a quotation mark never closed?", path=of.path)
