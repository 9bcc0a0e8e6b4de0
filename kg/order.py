"""Stable order of integers, by one sort of plain numbers: several times as fast as sorting positions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["packed_rows", "stable_order"]

Numbers = npt.NDArray[np.int64]


def stable_order(keys: npt.NDArray[np.integer] | npt.NDArray[np.floating]) -> Numbers:
    """Positions that sort the keys, equal ones in their order: `np.argsort(keys, kind="stable")`, shape (n,)."""
    if len(keys) < 2 or (keys[1:] >= keys[:-1]).all():
        return np.arange(len(keys))
    whole = _whole_numbers(keys)
    packed = None if whole is None else packed_rows(whole)
    if packed is None:
        return np.argsort(keys, kind="stable")
    sorted_keys, bits = packed
    sorted_keys &= (1 << bits) - 1
    return sorted_keys


def packed_rows(keys: Numbers) -> tuple[Numbers, int] | None:
    """Keys of 0 or more, each with its position in the lowest bits, sorted; and how many bits those are.

    None where key and position do not go into 63 bits together.
    """
    bits = max(len(keys) - 1, 1).bit_length()
    if len(keys) and int(keys.max()) >> (63 - bits):
        return None
    packed = keys << bits
    packed |= np.arange(len(keys))
    packed.sort()
    return packed, bits


def _whole_numbers(keys: npt.NDArray[np.integer] | npt.NDArray[np.floating]) -> Numbers | None:
    """The keys less their minimum as int64; None where they are not whole or too far apart for that."""
    low, high = keys.min(), keys.max()
    # Beyond 2^53 a float is no exact count. NaN fails the comparison.
    if not (abs(float(low)) < 2**53 and abs(float(high)) < 2**53):
        return None
    whole = keys.astype(np.int64)
    if np.issubdtype(keys.dtype, np.floating) and not (whole == keys).all():
        return None
    whole -= int(low)
    return whole
