"""JSON lines (one object a line, as Amazon's reviews have them) into Arrow columns."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from .json_guard import GuardedJson
from .streams import MARK, open_stream

__all__ = ["first_broken_line", "first_json_rows", "read_json_lines"]

BLOCK = 4 << 20
LONGEST_ROW = 64 << 20
"""Bytes an object may have."""


def read_json_lines(path: Path, columns: Sequence[str] | None = None) -> Any:
    """Read a file of JSON lines into an Arrow table; strings stay as they are spelled, numbers stay numbers.

    A key that an object lacks is null there. Objects of no key at all are rows all the same.

    Args:
        path: the file.
        columns: keys to read; the others are passed over unread. All by default.

    Raises:
        pa.ArrowException: if the file is empty, no JSON, not UTF-8, or a key has values of two kinds.
    """
    kinds = _kinds(path)
    if columns is not None and set(columns) <= set(kinds):
        try:
            return _whole(_read(path, {name: kinds[name] for name in columns}, "ignore"))
        except pa.ArrowInvalid:
            pass  # The first block does not show all: a whole number there, a fraction further on.
    strings = {name: kind for name, kind in kinds.items() if pa.types.is_large_string(kind)}
    table = _read(path, strings, "infer")
    # A key that the first block lacks is inferred, and strings that look like dates would lose their spelling.
    while found := {field.name for field in table.schema if pa.types.is_temporal(field.type)}:
        strings |= dict.fromkeys(found, pa.large_string())
        table = _read(path, strings, "infer")
    return _whole(table if columns is None else table.select(list(columns)))


def _whole(table: Any) -> Any:
    table.validate(full=True)  # Arrow's reader takes bytes that are not UTF-8.
    return table


def first_json_rows(path: Path) -> Any:
    """The rows of a file's first block, as `read_json_lines` gives them."""
    kinds = _kinds(path)
    return _first_block(path, pa.schema(kinds.items()))


def first_broken_line(path: Path) -> int | None:
    """The first line that is no JSON object by itself; None if all are (an object may be written over several)."""
    try:
        with open_stream(path) as raw, io.BufferedReader(raw) as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_ROW), b""), start=1):
                line = line.removeprefix(MARK) if number == 1 else line
                if line.strip() and not isinstance(json.loads(line), dict):
                    return number
    except (ValueError, RecursionError):
        return number
    except OSError:
        pass
    return None


def _kinds(path: Path) -> dict[str, Any]:
    """Type of each key in the first block; whatever is a string there stays one."""
    schema = _first_block(path, None).schema
    return {field.name: _kind(field.type) for field in schema if not pa.types.is_null(field.type)}


def _kind(kind: Any) -> Any:
    return pa.large_string() if pa.types.is_temporal(kind) or pa.types.is_string(kind) else kind


def _first_block(path: Path, schema: Any) -> Any:
    with open_stream(path) as raw:
        checked = GuardedJson(raw, path)
        start = checked.read(BLOCK)
        if len(start) == BLOCK and b"\n" not in start:
            start += checked.read(LONGEST_ROW)
            if len(start) == BLOCK + LONGEST_ROW and b"\n" not in start:
                raise pa.ArrowInvalid("straddling object")  # As Arrow says of one further on.
    if not start.removeprefix(MARK).strip():
        raise pa.ArrowInvalid("Empty JSON file")  # As Arrow says of one without blank lines.
    whole = start if len(start) < BLOCK else start[: start.rfind(b"\n") + 1] or start
    options = pajson.ReadOptions(block_size=len(whole) + 1)
    return pajson.read_json(pa.BufferReader(whole), options, _parse(schema, "infer"))


def _read(path: Path, kinds: dict[str, Any], rest: str) -> Any:
    parse = _parse(pa.schema(kinds.items()), rest)
    try:
        return _in_blocks(path, parse, BLOCK)
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise
    return _in_blocks(path, parse, LONGEST_ROW)


def _in_blocks(path: Path, parse: Any, size: int) -> Any:
    with open_stream(path) as raw:
        checked = pa.PythonFile(GuardedJson(raw, path), mode="r")
        return pajson.read_json(checked, pajson.ReadOptions(block_size=size), parse)


def _parse(schema: Any, rest: str) -> Any:
    return pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior=rest)
