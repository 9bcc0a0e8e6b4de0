"""A bound on how deep JSON may be nested: the parser that comes behind would overrun its stack, and end the process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kg import DataError

__all__ = ["MOST_DEEP", "ShallowJson"]

MOST_DEEP = 500
STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
# Brackets and braces differ in one bit.
BIT, OPEN, CLOSE, LF = 0x20, 0x7B, 0x7D, 0x0A


class ShallowJson:
    """A stream of JSON lines that refuses, before it hands it on, what is nested deeper than `MOST_DEEP`.

    Brackets are counted with those in strings at first; only where that gives too many are the strings taken out.
    """

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream, self._path = stream, path
        # What stands behind the last line break is looked at again with what follows: it may end inside a string.
        self._lines, self._rest = 0, b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for.

        Raises:
            DataError: if they are nested too deeply.
        """
        data: bytes = self._stream.read(size)
        text = self._rest + data
        if _may_be_deep(text):
            self._check(text)
        end = text.rfind(b"\n") + 1
        self._lines, self._rest = self._lines + text.count(b"\n", 0, end), text[end:]
        return data

    def readable(self) -> bool:
        """That it can be read; Arrow asks."""
        return True

    def close(self) -> None:
        """Nothing: who opened the stream closes it."""

    def _check(self, text: bytes) -> None:
        depth = 0
        for number, line in enumerate(text.split(b"\n"), start=1):
            _, steps = _brackets(STRING.sub(b"", line))
            # An object may be written over several lines.
            depths = depth + np.cumsum(steps)
            if depths.max(initial=0) > MOST_DEEP:
                problem = f"JSON nested more than {MOST_DEEP} deep; flatten it"
                raise DataError(problem, path=self._path, line=self._lines + number)
            depth = max(int(depths[-1]), 0) if len(depths) else depth


def _may_be_deep(text: bytes) -> bool:
    at, steps = _brackets(text)
    if np.cumsum(steps).max(initial=0) > MOST_DEEP:
        return True
    # Closing brackets in strings hide nesting, but not how many brackets a line opens.
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == LF)
    opened = np.diff(np.searchsorted(at[steps > 0], ends), prepend=0, append=int((steps > 0).sum()))
    return bool(opened.max(initial=0) > MOST_DEEP)


def _brackets(text: bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where brackets and braces stand, and 1 for each that opens, -1 for each that closes."""
    folded = np.frombuffer(text, dtype=np.uint8) | BIT
    at = np.flatnonzero((folded == OPEN) | (folded == CLOSE))
    return at, np.where(folded[at] == OPEN, 1, -1)
