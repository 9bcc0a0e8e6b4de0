"""A cache whose texts are numbers, with vectors that tell which number they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plait.text.cache_keys import Keys, keys_of
from plait.text.cache_store import VectorStore

D = 7  # odd, so that rows are no whole number of 8 bytes


def keys(count: int, start: int = 0) -> Keys:
    return keys_of([str(number) for number in range(start, start + count)], "")


def vectors(count: int, start: int = 0, dimension: int = D) -> np.ndarray:
    """Row i holds i, i + 0.5, ...: what belongs to which key can be read off."""
    first = np.arange(start, start + count, dtype=np.float32)[:, None]
    return first + np.arange(dimension, dtype=np.float32) / 2


def filled(folder: Path, *parts: int, dimension: int = D) -> VectorStore:
    store, start = VectorStore(folder, "model"), 0
    for count in parts:
        store.add(keys(count, start), vectors(count, start, dimension))
        start += count
    return store
