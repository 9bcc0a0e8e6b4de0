"""Quotation marks of delimited text that swallow rows: opened by mistake, and closed by a later one or never."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from ...kg import DataError
from .streams import open_stream

__all__ = ["check_quotes"]

BLOCK = 4 << 20
QUOTE, LF, CR = b'"\n\r'


def check_quotes(path: Path, separator: str, rows: int) -> None:
    """Refuse a file in which a cell spans lines that was not closed where a cell ends.

    Arrow takes what follows such a quotation for more of the cell, and the rows inside it are lost.

    Args:
        path: a file that Arrow has read.
        separator: what parts its cells.
        rows: how many rows Arrow found, the header among them.

    Raises:
        DataError: at the line on which the row begins.
    """
    lines, amiss = _looked_through(path, separator)
    if not amiss or lines <= rows:
        return
    # Rare enough to look row by row.
    with open_stream(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        begun = 1
        while True:
            try:
                next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if reader.line_num > begun or "unexpected end" in str(error):
                    raise DataError(
                        "a quotation mark is opened and never closed; correct the row", path=path, line=begun
                    ) from None
            begun = reader.line_num + 1


def _looked_through(path: Path, separator: str) -> tuple[int, bool]:
    """How many lines end in the file, and whether a quotation mark stands where none opens, closes or escapes."""
    apart = np.array([LF, CR, QUOTE, ord(separator)], dtype=np.uint8)
    lines, quotes, amiss, held = 0, 0, False, b"\n"
    with open_stream(path) as raw:
        while block := raw.read(BLOCK):
            lines += max(block.count(b"\n"), block.count(b"\r"))
            if not amiss and (quotes or b'"' in block):
                text = np.frombuffer(held + block, dtype=np.uint8)
                at = np.flatnonzero(text[1:-1] == QUOTE) + 1
                opening = (quotes + np.arange(len(at))) % 2 == 0
                amiss = not np.isin(text[np.where(opening, at - 1, at + 1)], apart).all()
                quotes += len(at)
            held = (held + block)[-2:]
    quotes += held[-1:] == b'"'
    return lines + (held[-1:] not in (b"\n", b"\r")), amiss or quotes % 2 == 1
