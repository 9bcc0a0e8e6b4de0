"""One file of cached vectors: keys in order, then the vectors in the same order; written once, read by stretches."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.lib.format as npy
import numpy.typing as npt

from ..kg import DataError, whole_file
from .cache_keys import Keys, Rows, find

__all__ = ["STRETCH_BYTES", "Columns", "Segment", "checks_of", "today", "write_segment"]

Columns = npt.NDArray[np.uint64]
"""What is kept of each vector beside itself, shape (4, n): its key in two rows, its check, the day of its last use."""

STRETCH_BYTES = 2 << 20
"""Read at once, into one buffer that stays in the processor's cache until its rows are where they belong."""

_GAP_BYTES = 16 << 10
"""Reading over so many bytes that nobody wants costs less than another call to the system."""

_ROWS_AT_ONCE = 65_536

_SECONDS_A_DAY = 86_400
_COLUMNS = np.dtype("<u8")
_STORED = (np.dtype("<f4"), np.dtype("<f2"))


def today() -> int:
    """Days since 1970, UTC."""
    return int(time.time()) // _SECONDS_A_DAY


def checks_of(keys: Keys, vectors: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """A number for each key and vector that is another one if bytes of either change; shape (n,)."""
    sums: npt.NDArray[np.uint64] = keys[0] ^ keys[1]
    width = vectors.shape[1] * vectors.itemsize
    word = next(size for size in (8, 4, 2) if width % size == 0)
    with np.errstate(over="ignore"):
        # Sums of whole words are as fast as memory; the key in it tells a file full of zeros from vectors of zeros.
        sums += np.add.reduce(np.ascontiguousarray(vectors).view(f"<u{word}"), axis=1, dtype=np.uint64)
    return sums


def write_segment(path: Path, columns: Columns, blocks: Iterable[npt.NDArray[Any]], stored: npt.DTypeLike) -> None:
    """Write a segment: whole, or not at all.

    The file is two arrays one after the other, each as `numpy.save` writes it: the columns, then the vectors.

    Args:
        path: the file to be.
        columns: in the order of the keys, each key once, shape (4, n).
        blocks: the vectors in that order, in one or more parts of shape (some, dimension).
        stored: float32 or float16.
    """
    with whole_file(path) as temporary, temporary.open("wb") as file:
        npy.write_array(file, np.ascontiguousarray(columns, dtype=_COLUMNS), allow_pickle=False)
        began = False
        for block in blocks:
            if not began:
                _write_header(file, (columns.shape[1], block.shape[1]), np.dtype(stored))
                began = True
            file.write(np.ascontiguousarray(block, dtype=np.dtype(stored).newbyteorder("<")).data)


class Segment:
    """One file of vectors, open for reading; it stays readable when another process removes it.

    Attributes:
        path: the file.
        columns: keys, checks and days of last use, mapped from the file, shape (4, n).
        dimension: length of each vector.
        stored: type of the numbers in the file.
        size: bytes of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        try:
            self._open()
        except (ValueError, EOFError, OverflowError) as error:
            self.close()
            raise self.damaged(str(error)) from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.size = self.path.stat().st_size
        shape, kind, self._columns_at = _read_header(self._file)
        if kind != _COLUMNS or len(shape) != 2 or shape[0] != 4:
            raise ValueError("it does not begin with the keys of vectors")
        self._file.seek(self._columns_at + 8 * 4 * shape[1])
        (count, self.dimension), self.stored, self._vectors_at = _read_header(self._file)
        if count != shape[1] or not count or not self.dimension or self.stored not in _STORED:
            raise ValueError("keys and vectors do not go together")
        self._width = self.dimension * self.stored.itemsize
        whole = self._vectors_at + count * self._width
        if self.size != whole:
            raise ValueError(f"it has {self.size:,} bytes and should have {whole:,}")
        self.columns: Columns = np.memmap(self._file, _COLUMNS, "r", self._columns_at, shape).view(np.ndarray)
        if np.any(self.columns[0][1:] < self.columns[0][:-1]):
            raise ValueError("its keys are not in order")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Vectors in it."""
        return int(self.columns.shape[1])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def find(self, asked: Keys) -> Rows:
        """Row of each key, -1 for one that is not here; `asked` is in order."""
        return find(self.columns[:2], asked)

    def read(self, rows: Rows, out: npt.NDArray[Any], to: Rows) -> None:
        """Copy vectors into rows `to` of `out`, stretch by stretch in the order of the file.

        Args:
            rows: which vectors, in ascending order, repetitions welcome.
            out: filled, shape (any, dimension).
            to: the row of `out` for each of `rows`.

        Raises:
            DataError: if a vector is not what was written.
        """
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            self._read(rows[start : start + _ROWS_AT_ONCE], out, to[start : start + _ROWS_AT_ONCE])

    def touch(self, rows: Rows) -> None:
        """Remember that some vectors were of use today."""
        day = today()
        old = rows[self.columns[3][rows] < day]
        if not len(old):
            return
        # A cache that may only be read, or a file just removed: then nobody remembers, and nothing is lost.
        with suppress(OSError):
            days = np.memmap(self.path, _COLUMNS, "r+", self._columns_at + 8 * 3 * len(self), (len(self),))
            days[old] = day

    def damaged(self, why: str) -> DataError:
        """What to tell a user about this file."""
        return DataError(
            f"the text cache is damaged ({why}); remove this file, and its vectors are computed again", path=self.path
        )

    def _read(self, rows: Rows, out: npt.NDArray[Any], to: Rows) -> None:
        most = max(1, STRETCH_BYTES // self._width)
        step = np.diff(rows)
        cuts = np.flatnonzero((step > max(1, _GAP_BYTES // self._width)) | (np.diff(rows // most) > 0)) + 1
        starts, ends = np.r_[0, cuts], np.r_[cuts, len(rows)]
        firsts, spans = rows[starts].tolist(), (rows[ends - 1] + 1 - rows[starts]).tolist()
        buffer = np.empty((min(most, sum(spans)), self.dimension), dtype=self.stored)
        # Stretches are put side by side until the buffer is full: few calls where many short ones are wanted.
        places: list[tuple[int, int]] = []
        begun = used = 0
        for number, (first, span) in enumerate(zip(firsts, spans, strict=True)):
            if used + span > len(buffer):
                self._take(rows, out, to, slice(starts[begun], starts[number]), buffer, places)
                places, begun, used = [], number, 0
            self._fill(buffer[used : used + span], first)
            places.append((first - used, ends[number] - starts[number]))
            used += span
        self._take(rows, out, to, slice(starts[begun], len(rows)), buffer, places)

    def _take(
        self,
        rows: Rows,
        out: npt.NDArray[Any],
        to: Rows,
        part: slice,
        buffer: npt.NDArray[Any],
        places: list[tuple[int, int]],
    ) -> None:
        """Check some rows in the buffer and put them into their places; `places`: how far a stretch moved, its rows."""
        wanted = rows[part]
        moved, counts = zip(*places, strict=True)
        at = wanted - np.repeat(moved, counts)
        dense = at[0] == 0 and not np.any(np.diff(at) != 1)
        block = buffer[: len(at)] if dense else buffer[at]
        self._check(wanted, block)
        out[to[part]] = block

    def _fill(self, block: npt.NDArray[Any], first: int) -> None:
        self._file.seek(self._vectors_at + first * self._width)
        left = block.data.cast("B")
        while len(left):
            got = self._file.readinto(left)
            if not got:
                raise self.damaged("it has become shorter")
            left = left[got:]

    def _check(self, rows: Rows, block: npt.NDArray[Any]) -> None:
        wrong = np.count_nonzero(checks_of(self.columns[:2, rows], block) != self.columns[2][rows])
        if wrong:
            raise self.damaged(f"{wrong:,} vectors are not what was written")


def _write_header(file: IO[bytes], shape: tuple[int, int], kind: np.dtype[Any]) -> None:
    described = {"descr": npy.dtype_to_descr(kind.newbyteorder("<")), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, described)


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape and type of the array that begins here, and where its numbers begin."""
    if npy.read_magic(file) != (1, 0):
        raise ValueError("it is of another version of numpy's format")
    shape, by_column, kind = npy.read_array_header_1_0(file)
    if by_column or len(shape) != 2:
        raise ValueError("it is no table of numbers by rows")
    return shape, kind, int(file.tell())
