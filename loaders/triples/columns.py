"""Delimited files of triples, with a header or without, straight into dictionary-encoded columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ...kg import DataError
from ..files.streams import open_stream, suffix_of
from ..files.tables import line_of, read_table

__all__ = ["PARTS", "Column", "Header", "TripleColumns", "read_triple_columns"]

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
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t", ".kg": "\t"}
WORD = pa.large_string()
ENCODED = pa.dictionary(pa.int32(), WORD)


@dataclass(frozen=True, eq=False)
class TripleColumns:
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
) -> TripleColumns:
    """Read head, relation, tail, and weight and time where they are asked for.

    A head, relation or tail that `wanted` does not place is found by the usual names, else by its position: the first
    three columns. Only .csv files quote cells; elsewhere a quotation mark is a character as any other.

    Args:
        path: .csv, .tsv, .txt or .kg, perhaps packed (.gz, .bz2, .zst), or anything else that `read_table` reads.
        wanted: column by what it is for: head, relation, tail, weight, time.
        header: whether text files have one. RecBole's .kg files always do.
        separator: what parts the cells of a text file; by default what the file's ending says.

    Raises:
        DataError: if the file or a column is missing, a row is damaged, or a head, relation or tail is empty.
    """
    if not path.is_file():
        raise DataError("no such file", path=path)
    suffix = suffix_of(path)
    if suffix not in SEPARATORS:
        table, headed = read_table(path), True
        places = _places(table.column_names, wanted, path, named=True)
        read = {part: table.column(at) for part, at in places.items()}
    else:
        separator = separator or SEPARATORS[suffix]
        first = _first_line(path, separator)
        headed = suffix == ".kg" or (header if header != "auto" else _is_header(first, wanted))
        places = _places(first, wanted, path, named=headed)
        read = _read_text(path, places, len(first), separator, headed=headed, quoted=suffix == ".csv")
    columns = {part: _word(column, part, path) if part in PARTS else column for part, column in read.items()}
    result = TripleColumns(path, columns, headed)
    for part in PARTS:
        _check(columns[part], part, result)
    return result


def _fault(path: Path, row: int, message: str, *, headed: bool) -> DataError:
    # line_of takes the first line for a header; without one, the row before is meant.
    return DataError(message, path=path, line=line_of(path, row if headed else row - 1))


def _first_line(path: Path, separator: str) -> list[str]:
    try:
        with open_stream(path) as raw:
            block = raw.read(1 << 16)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot be read: {str(error).splitlines()[0][:200]}", path=path) from error
    lines = [line for line in re.split(r"\r?\n|\r", block.decode("utf-8-sig", errors="replace")) if line.strip()]
    if not lines:
        raise DataError("the file is empty; rows of head, relation and tail are wanted", path=path)
    cells = lines[0].split(separator)
    if len(cells) < 3:
        raise DataError(
            f"three columns or more are wanted, the first line has {len(cells)}; state what parts them as `separator`",
            path=path,
            line=1,
        )
    return [re.sub(r":(token|float)(_seq)?$", "", cell.strip().strip('"')) for cell in cells]


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
        raise DataError(f"no column {column!r} for the {part}; there are {', '.join(cells)}", path=path)
    return cells.index(column)


def _read_text(
    path: Path, places: Mapping[str, int], width: int, separator: str, *, headed: bool, quoted: bool
) -> dict[str, Any]:
    names = [str(at) for at in range(width)]
    read = pacsv.ReadOptions(column_names=names, skip_rows=int(headed), use_threads=path.stat().st_size > 50_000_000)
    parse = pacsv.ParseOptions(delimiter=separator, quote_char='"' if quoted else False)
    convert = pacsv.ConvertOptions(
        include_columns=[names[at] for at in dict.fromkeys(places.values())],
        column_types={names[at]: ENCODED if part in PARTS else WORD for part, at in places.items()},
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        null_values=[""],
    )
    try:
        with open_stream(path) as raw:
            table = pacsv.read_csv(raw, read_options=read, parse_options=parse, convert_options=convert)
    except (pa.ArrowException, OSError) as error:
        if "Could not skip initial" in str(error):
            # A header without a line break behind it is no error either.
            return {part: pa.chunked_array([], ENCODED if part in PARTS else WORD) for part in places}
        raise _translated(str(error), path, width) from error
    return {part: table.column(names[at]) for part, at in places.items()}


def _translated(message: str, path: Path, width: int) -> DataError:
    if "invalid UTF8" in message:
        return DataError("the file is not UTF-8 text; convert it, for example with iconv", path=path)
    # Arrow counts rows from 1, the skipped header among them.
    row = re.search(r"Row #(\d+): Expected \d+ columns, got (\d+)", message)
    if row:
        text = f"the row has {row[2]} cells, the first line {width}; correct or remove it"
        return DataError(text, path=path, line=line_of(path, int(row[1]) - 2))
    return DataError(f"cannot be read: {message.splitlines()[0][:200]}", path=path)


def _word(column: Any, part: str, path: Path) -> Any:
    if column.type == ENCODED:
        return column
    if pa.types.is_nested(column.type):
        raise DataError(f"the {part} column holds {column.type}, ids are wanted", path=path)
    return column.cast(WORD).dictionary_encode()


def _check(column: Any, part: str, of: TripleColumns) -> None:
    at = pc.index(pc.is_null(column), True).as_py() if column.null_count else -1
    if at >= 0:
        raise of.fault(at, f"the {part} is empty; correct or remove the row")
    for chunk in column.chunks:
        # A lost quotation mark turns many rows into one long cell.
        if pc.any(pc.match_substring(chunk.dictionary, "\n")).as_py():
            raise DataError(f"a {part} spans several lines; is a quotation mark never closed?", path=of.path)
