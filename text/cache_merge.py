"""Many segments into one: which, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .cache_keys import Rows, in_order
from .cache_segment import STRETCH_BYTES, Segment, write_segment

__all__ = ["worth_merging", "write_merged"]

_MANY = 8
_LARGEST = 2 << 30
"""Bytes of a file that is left alone, so that a merge takes seconds."""


def worth_merging(sizes: Sequence[int]) -> list[int]:
    """Numbers of the files to merge, or none: the smallest eight or more of like size.

    Sizes are alike between one power of eight and the next: so a vector is copied about as often as the cache has grown
    eightfold, and no more than seven files of each size stay.
    """
    alike: dict[int, list[int]] = {}
    for number, size in enumerate(sizes):
        if 0 < size <= _LARGEST:
            alike.setdefault(size.bit_length() // 3, []).append(number)
    return next((alike[power] for power in sorted(alike) if len(alike[power]) >= _MANY), [])


def write_merged(path: Path, segments: Sequence[Segment], keep: Sequence[npt.NDArray[np.bool_]] | None = None) -> None:
    """One segment with the vectors of several, each key once.

    Args:
        path: the file to be.
        segments: with vectors of one length and type.
        keep: which vectors of each segment, shape (its length,); all if absent.
    """
    if keep is None:
        keep = [np.ones(len(segment), dtype=bool) for segment in segments]
    row = np.concatenate([np.flatnonzero(mask) for mask in keep])
    source = np.repeat(np.arange(len(segments)), [np.count_nonzero(mask) for mask in keep])
    columns = np.concatenate([segment.columns[:, mask] for segment, mask in zip(segments, keep, strict=True)], axis=1)
    order = in_order(columns[:2])
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.any(columns[:2, order[1:]] != columns[:2, order[:-1]], axis=0)
    order = order[first]
    # The checks go along: they are of key and vector, not of the place.
    blocks = _blocks(segments, source[order], row[order])
    write_segment(path, columns[:, order], blocks, segments[0].stored)


def _blocks(segments: Sequence[Segment], source: Rows, row: Rows) -> Iterator[npt.NDArray[Any]]:
    dimension, stored = segments[0].dimension, segments[0].stored
    most = max(1, STRETCH_BYTES // (dimension * stored.itemsize))
    for start in range(0, len(row), most):
        sources, rows = source[start : start + most], row[start : start + most]
        block = np.empty((len(rows), dimension), dtype=stored)
        for number in np.unique(sources):
            to = np.flatnonzero(sources == number)
            segments[number].read(rows[to], block, to)
        yield block
