"""Text files, packed or not, as streams; and the line on which a row stands."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...kg import DataError

__all__ = ["DELIMITERS", "JSON", "RECBOLE", "line_of", "not_text", "open_stream", "suffix_of"]

RECBOLE = (".inter", ".item", ".user", ".kg", ".link")
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t", **dict.fromkeys(RECBOLE, "\t")}
JSON = (".jsonl", ".ndjson", ".json")
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


def suffix_of(path: Path) -> str:
    """What kind of file it is, in lower case and without the ending that says it is packed: .csv of log.CSV.gz."""
    return (Path(path.stem) if path.suffix.lower() in PACKED else path).suffix.lower()


def open_stream(path: Path) -> Any:
    """An Arrow input stream of the bytes of a file, unpacked (.gz, .bz2, .zst)."""
    return pa.input_stream(str(path), compression=PACKED.get(path.suffix.lower()))


def not_text(path: Path) -> DataError:
    """The error for a file that is not UTF-8."""
    return DataError("the file is not UTF-8 text; convert it, for example with iconv", path=path)


def line_of(path: Path, row: int) -> int:
    """The line of a text file on which a row begins, for error messages: blank lines and quoted line breaks count.

    Args:
        path: a file that `read_table` reads; a Parquet file has no lines, there it is the row counted from 1.
        row: the row, counted from 0 after the header.
    """
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return row + 1
    with open_stream(path) as raw, io.TextIOWrapper(raw, "utf-8", errors="replace", newline="") as file:
        return _line_of_json(file, row) if suffix in JSON else _line_of_delimited(file, row, suffix)


def _line_of_json(file: io.TextIOWrapper, row: int) -> int:
    left = row
    for number, line in enumerate(file, start=1):
        if line.strip():
            if left == 0:
                return number
            left -= 1
    return row + 1


def _line_of_delimited(file: io.TextIOWrapper, row: int, suffix: str) -> int:
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
