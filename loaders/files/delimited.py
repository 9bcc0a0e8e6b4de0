"""Delimited text (CSV, TSV, RecBole's atomic files) into Arrow columns."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from ...kg import DataError
from .streams import DELIMITERS, RECBOLE, line_of, open_stream, suffix_of

__all__ = ["first_delimited_rows", "read_delimited"]

BLOCK = 2 << 20
"""Bytes a thread parses at once."""


def read_delimited(path: Path, columns: Sequence[str] | None = None, types: Mapping[str, Any] | None = None) -> Any:
    """Read a delimited file into an Arrow table; see `read_table` for the arguments.

    Raises:
        DataError: if a quotation mark is never closed.
        pa.ArrowException, OSError: if the file cannot be read otherwise.
    """
    names = first_delimited_rows(path, raw_names=True).column_names
    plain = _plain_names(names, path)
    wanted = list(plain) if columns is None else list(columns)
    # The last column goes along: a quotation that is never closed can swallow rows unnoticed only there.
    included = list(dict.fromkeys([*(plain[name] for name in wanted), names[-1]]))
    kinds = {plain[name]: kind for name, kind in (types or {}).items()}
    try:
        table = _parsed(path, names, included, kinds)
    except pa.ArrowInvalid as error:
        if not kinds or "conversion error" not in str(error):
            raise
        text = {name: kind for name, kind in kinds.items() if pa.types.is_dictionary(kind)}
        table = _parsed(path, names, included, text)
    _check_quotes(table, path)
    return table.select([plain[name] for name in wanted]).rename_columns(wanted)


def first_delimited_rows(path: Path, *, raw_names: bool = False) -> Any:
    """The rows of a file's first block, as strings: at least one, if the file has any.

    Args:
        path: the file.
        raw_names: whether the types in RecBole's headers stay part of the names.
    """
    options = pacsv.ReadOptions(use_threads=False)
    with _source(path) as raw, pacsv.open_csv(raw, read_options=options, parse_options=_parse(path)) as stream:
        names = stream.schema.names
    convert = _convert(names, {}, None)
    with _source(path) as raw, pacsv.open_csv(raw, options, _parse(path), convert) as stream:
        blocks: list[Any] = []
        with suppress(StopIteration):
            while not sum(map(len, blocks)):
                blocks.append(stream.read_next_batch())
    table = pa.Table.from_batches(blocks, stream.schema)
    return table if raw_names else table.rename_columns(list(_plain_names(names, path)))


def _plain_names(names: Sequence[str], path: Path) -> dict[str, str]:
    """From the name of a column to its header, which in RecBole's files bears a type."""
    plain = [name.split(":")[0] if suffix_of(path) in RECBOLE else name for name in names]
    twice = next((name for name in plain if plain.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"the column {twice!r} occurs more than once; rename one", path=path)
    return dict(zip(plain, names, strict=True))


def _parsed(path: Path, names: Sequence[str], included: list[str], kinds: Mapping[str, Any]) -> Any:
    convert = _convert(names, kinds, included)
    large = path.stat().st_size > BLOCK
    try:
        return _read(path, pacsv.ReadOptions(use_threads=large, block_size=BLOCK), convert)
    except pa.ArrowInvalid as error:
        if not large or "conversion error" in str(error):
            raise
        # Only with one thread does Arrow name the row that is at fault.
        return _read(path, pacsv.ReadOptions(use_threads=False), convert)


def _convert(names: Sequence[str], kinds: Mapping[str, Any], included: list[str] | None) -> Any:
    return pacsv.ConvertOptions(
        column_types={name: kinds.get(name, pa.large_string()) for name in names},
        include_columns=included,
        strings_can_be_null=True,
        null_values=[""],
    )


def _read(path: Path, options: Any, convert: Any) -> Any:
    with _source(path) as raw:
        return pacsv.read_csv(raw, read_options=options, parse_options=_parse(path), convert_options=convert)


def _parse(path: Path) -> Any:
    # RecBole files never quote, and their titles hold stray quotation marks.
    suffix = suffix_of(path)
    quoted = suffix not in RECBOLE
    return pacsv.ParseOptions(
        delimiter=DELIMITERS[suffix], quote_char='"' if quoted else False, newlines_in_values=quoted
    )


def _source(path: Path) -> Any:
    """The file as a stream; a header that ends without a line break gets one, or Arrow would take it for nothing."""
    with open_stream(path) as raw:
        start = raw.read(1 << 16)
    if len(start) < 1 << 16 and start.strip(b"\xef\xbb\xbf\r\n") and not re.search(rb"[^\r\n][\r\n]", start):
        return pa.BufferReader(start + b"\n")
    return open_stream(path)


def _check_quotes(table: Any, path: Path) -> None:
    """Refuse a file whose end is all inside one quotation: Arrow takes the lost rows for one long cell."""
    last = table.slice(max(0, len(table) - 1)).to_pylist()
    if last and any("\n" in cell for cell in last[0].values() if isinstance(cell, str)):
        with open_stream(path) as raw, io.BufferedReader(raw) as file:
            quotes = sum(block.count(b'"') for block in iter(lambda: file.read(1 << 20), b""))
        if quotes % 2:
            line = line_of(path, len(table) - 1)
            raise DataError("a quotation mark is opened and never closed; correct the row", path=path, line=line)
