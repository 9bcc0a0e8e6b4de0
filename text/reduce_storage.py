"""Numbers of four, two or one bytes for vectors, and back."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Storage", "int8_scale", "stored", "unstored"]

Storage = Literal["float32", "float16", "int8"]

_MOST = 127
_MOST_HALF = float(np.finfo(np.float16).max)
_ROWS = 65_536
"""Rounded at once, so that what is in between is small beside the vectors."""


def int8_scale(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What one step of int8 is worth in each dimension, shape (k,): the largest number there is 127 steps."""
    largest = np.maximum(vectors.max(axis=0, initial=0), -vectors.min(axis=0, initial=0))
    return np.where(largest > 0, largest / _MOST, 1).astype(np.float32)


def stored(vectors: npt.NDArray[np.float32], storage: Storage, scale: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Vectors in the type they are stored in, rounded to the nearest; what is too large becomes the largest there is."""
    if storage == "float32":
        return vectors
    codes = np.empty(vectors.shape, dtype=storage)
    for start in range(0, len(vectors), _ROWS):
        part = vectors[start : start + _ROWS]
        if storage == "float16":
            codes[start : start + _ROWS] = np.clip(part, -_MOST_HALF, _MOST_HALF)
        else:
            codes[start : start + _ROWS] = np.clip(np.rint(part / scale), -_MOST, _MOST)
    return codes


def unstored(codes: npt.NDArray[Any], scale: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Stored vectors as float32."""
    if codes.dtype == np.int8:
        return codes.astype(np.float32) * scale
    return codes.astype(np.float32, copy=False)
