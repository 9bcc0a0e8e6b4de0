"""JSON lines (one object a line, as Amazon's reviews have them) into Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from .streams import open_stream

__all__ = ["first_json_rows", "read_json_lines"]

BLOCK = 4 << 20


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


def _kinds(path: Path) -> dict[str, Any]:
    """Type of each key in the first block; whatever is a string there stays one."""
    schema = _first_block(path, None).schema
    return {field.name: _kind(field.type) for field in schema if not pa.types.is_null(field.type)}


def _kind(kind: Any) -> Any:
    return pa.large_string() if pa.types.is_temporal(kind) or pa.types.is_string(kind) else kind


def _first_block(path: Path, schema: Any) -> Any:
    with open_stream(path) as raw:
        start = raw.read(BLOCK)
    if not start.strip():
        raise pa.ArrowInvalid("Empty JSON file")  # As Arrow says of one without blank lines.
    whole = start if len(start) < BLOCK else start[: start.rfind(b"\n") + 1] or start
    return pajson.read_json(pa.BufferReader(whole), pajson.ReadOptions(block_size=BLOCK * 2), _parse(schema, "infer"))


def _read(path: Path, kinds: dict[str, Any], rest: str) -> Any:
    with open_stream(path) as raw:
        return pajson.read_json(raw, pajson.ReadOptions(block_size=BLOCK), _parse(pa.schema(kinds.items()), rest))


def _parse(schema: Any, rest: str) -> Any:
    return pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior=rest)
