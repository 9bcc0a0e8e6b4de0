"""Records of products from files of metadata: a JSON object a line, a Python literal a line, or one JSON object in all."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from ...kg import DataError
from ..files.streams import MARK, check_file, not_text, open_stream

__all__ = ["Record", "read_records"]

Record = dict[str, Any]
LINE_BYTES = 4 << 20
"""A line is longer in no published file; parsing takes many times its size."""
PYTHON_LINE_BYTES = 1 << 20
WHOLE_BYTES = 512 << 20
"""The most that is read of a file that is one object: it is held whole."""


def read_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Each record with the line it stands on, in the file's order.

    Three forms are told apart by the first line that is not blank: JSON lines (the sets of 2018 and 2023), Python
    literals with single quotes (that of 2014; only literals are read, nothing is run), and one JSON object from item
    id to fields, whose records get their key as "asin" and have line 0.

    Args:
        path: text, perhaps packed (.gz, .bz2, .zst).

    Raises:
        DataError: if the file is missing or damaged, or a line is neither form; the line is named.
    """
    check_file(path)
    try:
        with open_stream(path) as raw:
            yield from _records(raw, path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot be read: {str(error).splitlines()[0][:200]}", path=path) from error


def _records(raw: Any, path: Path) -> Iterator[tuple[int, Record]]:
    lines = _lines(raw, path)
    number, first = next(lines, (0, b""))
    if number == 0:
        raise DataError("the file is empty; a JSON object a line is wanted", path=path)
    try:
        record = _parsed(first)
    except ValueError:
        # The first line may be the opening brace of one object over many lines.
        record = None
    if record is not None and _is_table(record) and next(lines, None) is None:
        yield from _keyed(record)
        return
    if record is None or _is_table(record):
        yield from _of_whole(path)
        return
    yield number, record
    for number, line in lines:
        try:
            yield number, _parsed(line)
        except ValueError as error:
            raise DataError(f"the line is no JSON object: {error}", path=path, line=number) from None


def _lines(raw: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbered lines that are not blank."""
    number, pieces = 0, [b""]
    block = raw.read(LINE_BYTES).removeprefix(MARK)
    while block:
        if b"\n" in block:
            *whole, rest = b"".join([*pieces, block]).split(b"\n")
            for line in whole:
                number += 1
                if line.strip():
                    yield number, line
            pieces = [rest]
        else:
            pieces.append(block)
        most = LINE_BYTES if number else WHOLE_BYTES
        if sum(map(len, pieces)) > most:
            raise DataError(f"the line is longer than {most:,} bytes", path=path, line=number + 1)
        block = raw.read(LINE_BYTES)
    rest = b"".join(pieces)
    if rest.strip():
        yield number + 1, rest


def _parsed(line: bytes) -> Record:
    """The record of one line.

    Raises:
        ValueError: if the line is neither a JSON object nor a Python dict; the message says why.
    """
    try:
        record = json.loads(line)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        if not line.lstrip().startswith(b"{"):
            raise ValueError(str(error)) from None
        record = _literal(line, str(error))
    if isinstance(record, dict):
        if b"\\u" in line or b"\\U" in line:
            _check_characters(record)
        return record
    raise ValueError("it holds no object")


def _check_characters(record: Record) -> None:
    """Refuse what an escape may make: half a character (a lone surrogate), which no text can hold."""
    try:
        json.dumps(record, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"it holds half a character, {error.object[error.start]!r}") from None


def _literal(line: bytes, why: str) -> Any:
    if len(line) > PYTHON_LINE_BYTES:
        raise ValueError(f"{why}; too long for a Python literal")
    try:
        return ast.literal_eval(line.decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(why) from None


def _is_table(record: Record) -> bool:
    return bool(record) and "asin" not in record and all(isinstance(value, dict) for value in record.values())


def _of_whole(path: Path) -> Iterator[tuple[int, Record]]:
    """The records of a file that is one JSON object."""
    try:
        with open_stream(path) as raw:
            text = raw.read(WHOLE_BYTES + 1).removeprefix(MARK)
        if len(text) > WHOLE_BYTES:
            raise DataError(f"the object is longer than {WHOLE_BYTES:,} bytes; write one object a line", path=path)
        table = json.loads(text)
        if isinstance(table, dict):
            _check_characters(table)
    except UnicodeDecodeError:
        raise not_text(path) from None
    except (ValueError, RecursionError) as error:
        at = error.lineno if isinstance(error, json.JSONDecodeError) else None
        brief = str(error).split(": line")[0]
        text = f"neither a JSON object a line nor one JSON object from item id to fields: {brief}"
        raise DataError(text, path=path, line=at) from None
    if not isinstance(table, dict) or not _is_table(table):
        raise DataError("an object from item id to an object of fields is wanted", path=path)
    yield from _keyed(table)


def _keyed(table: Record) -> Iterator[tuple[int, Record]]:
    for key, record in table.items():
        yield 0, {**record, "asin": key}
