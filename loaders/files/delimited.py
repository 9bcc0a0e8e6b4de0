"""Delimited text (CSV, TSV, RecBole's atomic files) into Arrow columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from ...kg import DataError
from .quotes import check_quotes
from .streams import MARK, RECBOLE, delimiter_of, not_text, open_stream, suffix_of

__all__ = ["LONGEST_ROW", "first_delimited_rows", "in_larger_blocks", "read_delimited"]

BLOCK = 2 << 20
"""Bytes a thread parses at once."""
LONGEST_ROW = 64 << 20
"""Bytes a row may have."""


def read_delimited(
    path: Path,
    columns: Sequence[str] | None = None,
    types: Mapping[str, Any] | None = None,
    separator: str | None = None,
) -> Any:
    """Read a delimited file into an Arrow table; see `read_table` for the arguments.

    Raises:
        DataError: if a quotation mark is never closed.
        pa.ArrowException, OSError: if the file cannot be read otherwise.
    """
    parse = _parse(path, separator)
    names = first_delimited_rows(path, raw_names=True, separator=separator).column_names
    plain = _plain_names(names, path)
    wanted = list(plain) if columns is None else list(columns)
    # The last column goes along: a quotation that is never closed can swallow rows unnoticed only there.
    included = list(dict.fromkeys([*(plain[name] for name in wanted), names[-1]]))
    kinds = {plain[name]: kind for name, kind in (types or {}).items()}
    try:
        table = _parsed(path, parse, names, included, kinds)
    except pa.ArrowInvalid as error:
        if not kinds or "conversion error" not in str(error):
            raise
        text = {name: kind for name, kind in kinds.items() if pa.types.is_dictionary(kind)}
        table = _parsed(path, parse, names, included, text)
    if parse.quote_char:
        check_quotes(path, parse.delimiter, len(table) + 1)
    return table.select([plain[name] for name in wanted]).rename_columns(wanted)


def first_delimited_rows(path: Path, *, raw_names: bool = False, separator: str | None = None) -> Any:
    """The rows of a file's first block, as strings: at least one, if the file has any.

    Args:
        path: the file.
        raw_names: whether the types in RecBole's headers stay part of the names.
        separator: what parts the cells; by default what the file's ending says.
    """
    table = in_larger_blocks(lambda size: _first_rows(path, _parse(path, separator), size))
    return table if raw_names else table.rename_columns(list(_plain_names(table.column_names, path)))


def _first_rows(path: Path, parse: Any, block_size: int) -> Any:
    options = pacsv.ReadOptions(use_threads=False, block_size=block_size)
    with _source(path) as raw, pacsv.open_csv(raw, read_options=options, parse_options=parse) as stream:
        names = stream.schema.names
    convert = _convert(names, {}, None)
    with _source(path) as raw, pacsv.open_csv(raw, options, parse, convert) as stream:
        blocks: list[Any] = []
        with suppress(StopIteration):
            while not sum(map(len, blocks)):
                blocks.append(stream.read_next_batch())
    return pa.Table.from_batches(blocks, stream.schema)


def in_larger_blocks(read: Callable[[int], Any]) -> Any:
    """What is read in blocks of a size, and where a row is longer than such a block, in larger ones."""
    try:
        return read(BLOCK)
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error) and "Empty CSV" not in str(error):
            raise
    return read(LONGEST_ROW)


def _plain_names(names: Sequence[str], path: Path) -> dict[str, str]:
    """From the name of a column to its header, which in RecBole's files bears a type."""
    plain = [name.split(":")[0] if suffix_of(path) in RECBOLE else name for name in names]
    by_name = dict(zip(plain, names, strict=True))
    if len(by_name) < len(plain):
        twice = next(name for name, count in Counter(plain).items() if count > 1)
        raise DataError(f"the column {twice!r} occurs more than once; rename one", path=path)
    return by_name


def _parsed(path: Path, parse: Any, names: Sequence[str], included: list[str], kinds: Mapping[str, Any]) -> Any:
    convert = _convert(names, kinds, included)
    large = path.stat().st_size > BLOCK
    try:
        return in_larger_blocks(
            lambda size: _read(path, parse, pacsv.ReadOptions(use_threads=large, block_size=size), convert)
        )
    except pa.ArrowInvalid as error:
        if not large or "conversion error" in str(error):
            raise
        # Only with one thread does Arrow name the row that is at fault.
        return in_larger_blocks(
            lambda size: _read(path, parse, pacsv.ReadOptions(use_threads=False, block_size=size), convert)
        )


def _convert(names: Sequence[str], kinds: Mapping[str, Any], included: list[str] | None) -> Any:
    return pacsv.ConvertOptions(
        column_types={name: kinds.get(name, pa.large_string()) for name in names},
        include_columns=included,
        strings_can_be_null=True,
        null_values=[""],
    )


def _read(path: Path, parse: Any, options: Any, convert: Any) -> Any:
    with _source(path) as raw:
        return pacsv.read_csv(raw, read_options=options, parse_options=parse, convert_options=convert)


def _parse(path: Path, separator: str | None) -> Any:
    # RecBole files never quote, and their titles hold stray quotation marks.
    suffix = suffix_of(path)
    quoted = suffix not in RECBOLE
    return pacsv.ParseOptions(
        delimiter=separator or delimiter_of(path), quote_char='"' if quoted else False, newlines_in_values=quoted
    )


def _source(path: Path) -> Any:
    """The file as a stream; a header that ends without a line break gets one, or Arrow would take it for nothing."""
    with open_stream(path) as raw:
        start = raw.read(1 << 16)
    if b"\0" in start:
        raise not_text(path)  # UTF-16, or no text at all
    if len(start) < 1 << 16 and start.removeprefix(MARK).strip(b"\r\n") and not re.search(rb"[^\r\n][\r\n]", start):
        return pa.BufferReader(start + b"\n")
    return open_stream(path)
