"""What must not reach Arrow's parser of JSON, since it ends the process: nesting without bound, and rows that are null."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kg import DataError
from .streams import MARK

__all__ = ["MOST_DEEP", "GuardedJson"]

MOST_DEEP = 500
STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
# Brackets and braces differ in one bit.
BIT, OPEN, CLOSE, LF, N = 0x20, 0x7B, 0x7D, 0x0A, 0x6E
BLANKS_AND_N = np.frombuffer(b" \t\r\nn", dtype=np.uint8)
# Behind a row's end, or at the beginning; nowhere else does JSON have null without a colon, comma or bracket before it.
NULL_ROW = re.compile(rb"(?:\A(?:\xef\xbb\xbf)?|\})\s*null")
Numbers = npt.NDArray[np.int64]


class GuardedJson:
    """A stream of JSON lines that refuses, before it hands it on, what is nested deeper than `MOST_DEEP`, or null.

    Strings count as all else at first; only where something seems amiss are they taken out, to see whether it is.
    """

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream, self._path = stream, path
        # What stands behind the last line break is looked at again with what follows: it may end inside a string.
        self._lines, self._rest = 0, b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for.

        Raises:
            DataError: if they are nested too deeply, or a row is null.
        """
        data: bytes = self._stream.read(size)
        text = self._rest + data
        at, steps = _brackets(text)
        if _may_be_deep(text, at, steps):
            self._check_depth(text)
        if _may_be_null(text, at[steps < 0]):
            self._check_rows(text)
        end = text.rfind(b"\n") + 1
        self._lines, self._rest = self._lines + text.count(b"\n", 0, end), text[end:]
        return data

    def readable(self) -> bool:
        """That it can be read; Arrow asks."""
        return True

    def close(self) -> None:
        """Nothing: who opened the stream closes it."""

    def _check_depth(self, text: bytes) -> None:
        depth = 0
        for number, line in enumerate(text.split(b"\n"), start=1):
            _, steps = _brackets(STRING.sub(b"", line))
            # An object may be written over several lines.
            depths = depth + np.cumsum(steps)
            if depths.max(initial=0) > MOST_DEEP:
                problem = f"JSON nested more than {MOST_DEEP} deep; flatten it"
                raise DataError(problem, path=self._path, line=self._lines + number)
            depth = max(int(depths[-1]), 0) if len(depths) else depth

    def _check_rows(self, text: bytes) -> None:
        bare = STRING.sub(b"", text)
        if found := NULL_ROW.search(bare):
            line = self._lines + bare.count(b"\n", 0, found.end()) + 1
            raise DataError("the row is null, an object is wanted; remove it", path=self._path, line=line)


def _may_be_deep(text: bytes, at: Numbers, steps: Numbers) -> bool:
    if np.cumsum(steps).max(initial=0) > MOST_DEEP:
        return True
    # Closing brackets in strings hide nesting, but not how many brackets a line opens.
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == LF)
    opened = np.diff(np.searchsorted(at[steps > 0], ends), prepend=0, append=int((steps > 0).sum()))
    return bool(opened.max(initial=0) > MOST_DEEP)


def _may_be_null(text: bytes, closes: Numbers) -> bool:
    """Whether the text, or what stands behind a closing bracket, begins with an n."""
    if text.removeprefix(MARK).lstrip()[:1] == b"n":
        return True
    padded = np.frombuffer(text + b"}", dtype=np.uint8)
    behind = closes + 1
    while len(behind := behind[np.isin(padded[behind], BLANKS_AND_N)]):
        if (padded[behind] == N).any():
            return True
        behind = behind + 1
    return False


def _brackets(text: bytes) -> tuple[Numbers, Numbers]:
    """Where brackets and braces stand, and 1 for each that opens, -1 for each that closes."""
    folded = np.frombuffer(text, dtype=np.uint8) | BIT
    at = np.flatnonzero((folded == OPEN) | (folded == CLOSE))
    return at, np.where(folded[at] == OPEN, 1, -1)
