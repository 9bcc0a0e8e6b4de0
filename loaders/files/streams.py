"""Text files, packed or not, as streams; and the line on which a row stands."""

from __future__ import annotations

import codecs
import csv
import io
import re
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...kg import DataError

__all__ = [
    "DELIMITERS", "JSON", "MARK", "RECBOLE", "check_file", "delimiter_of", "line_of", "not_text", "open_stream",
    "suffix_of",
]  # fmt: skip

RECBOLE = (".inter", ".item", ".user", ".kg", ".link")
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t", **dict.fromkeys(RECBOLE, "\t")}
JSON = (".jsonl", ".ndjson", ".json")
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors begin a UTF-8 file with."""


def check_file(path: Path, missing: str = "no such file", kind: type[DataError] = DataError) -> None:
    """See that a path leads to a regular file: reading a pipe or a device might never end.

    Raises:
        DataError: (or another `kind`) if it does not, or may not be looked at; `missing` is said of a path that leads
            nowhere.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise kind(missing, path=path) from None
    except (OSError, ValueError) as error:  # no permission, a name too long, NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise kind(f"cannot be read: {reason}", path=path) from error
    if stat.S_ISDIR(mode):
        raise kind(f"{missing}: it is a folder", path=path)
    if not stat.S_ISREG(mode):
        raise kind(f"{missing}: it is a pipe or a device; copy its content into a file", path=path)


def suffix_of(path: Path) -> str:
    """What kind of file it is, in lower case and without the ending that says it is packed: .csv of log.CSV.gz."""
    return (Path(path.stem) if path.suffix.lower() in PACKED else path).suffix.lower()


def open_stream(path: Path) -> Any:
    """An Arrow input stream of the bytes of a file, unpacked (.gz, .bz2, .zst)."""
    return pa.input_stream(str(path), compression=PACKED.get(path.suffix.lower()))


def not_text(path: Path) -> DataError:
    """The error for a file that is not UTF-8, or holds NUL; it names the first line that shows it."""
    message = "the file is not UTF-8 text; convert it, for example with iconv"
    return DataError(message, path=path, line=None if suffix_of(path) == ".parquet" else _line_not_text(path))


def _line_not_text(path: Path) -> int | None:
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 1
    try:
        with open_stream(path) as raw:
            while block := raw.read(1 << 20):
                try:
                    text = decoder.decode(block)
                except UnicodeDecodeError as error:
                    return lines + error.object.count(b"\n", 0, error.start)
                if "\0" in text:
                    return lines + text.count("\n", 0, text.index("\0"))
                lines += text.count("\n")
    except OSError:
        return None
    return lines


def delimiter_of(path: Path) -> str:
    """What parts the cells of a delimited file: what its ending says.

    In a .csv whose first line has semicolons and no comma, it is the semicolon.

    Raises:
        OSError: if the file cannot be read.
    """
    delimiter = DELIMITERS[suffix_of(path)]
    if delimiter != ",":
        return delimiter
    with open_stream(path) as raw:
        first = raw.read(1 << 16).removeprefix(MARK).lstrip(b"\r\n")
    header = re.split(rb"[\r\n]", first, maxsplit=1)[0]
    return ";" if b";" in header and b"," not in header else ","


def line_of(path: Path, row: int, *, quoted: bool | None = None) -> int:
    """The line of a text file on which a row begins, for error messages: blank lines and quoted line breaks count.

    Args:
        path: a file that `read_table` reads; a Parquet file has no lines, there it is the row counted from 1.
        row: the row, counted from 0 after the header.
        quoted: whether quotation marks enclose cells of a delimited file; by default in all but RecBole's.
    """
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return row + 1
    with open_stream(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as file:
        if suffix in JSON:
            return _line_of_json(file, row)
        quoted = suffix not in RECBOLE if quoted is None else quoted
        return _line_of_delimited(file, row, delimiter_of(path), quoted=quoted)


def _line_of_json(file: io.TextIOWrapper, row: int) -> int:
    left = row
    for number, line in enumerate(file, start=1):
        if line.strip():
            if left == 0:
                return number
            left -= 1
    return row + 1


def _line_of_delimited(file: io.TextIOWrapper, row: int, delimiter: str, *, quoted: bool) -> int:
    reader = csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
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
