"""Keys of cached texts: 16-byte digests in two columns, made, put in order and looked up without one object a text."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

__all__ = ["Keys", "Rows", "find", "in_order", "keys_of"]

Keys = npt.NDArray[np.uint64]
"""Digests, shape (2, n): the first eight bytes of each, then the last eight."""

Rows = npt.NDArray[np.int64]
"""Row numbers, shape (n,)."""

_BYTES = 16
"""Of a digest: among 10**12 texts, the chance that any two share one is below 10**-14."""

_AT_ONCE = 65_536
"""Digests that are Python objects at one time."""


def keys_of(texts: Sequence[str], prompt: str) -> Keys:
    """The key of each text behind a prompt: equal texts behind equal prompts have equal keys, all others have not."""
    before = prompt.encode("utf-8", "surrogatepass")
    # With its length in front, prompt and text cannot be taken for another prompt and another text.
    before = len(before).to_bytes(8, "little") + before
    keys = np.empty((2, len(texts)), dtype=np.uint64)
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        # Half of a surrogate pair, as broken JSON yields it, is a text too.
        digests = [
            blake2b(before + text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest() for text in some
        ]
        columns = np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2)
        keys[:, start : start + len(some)] = columns.T
    return keys


def in_order(keys: Keys) -> Rows:
    """Rows of `keys` by the first column, then the second; of equal keys the first comes first."""
    order = np.argsort(keys[0], kind="stable")
    first, last = keys[0][order], keys[1][order]
    # Two texts hardly ever share eight bytes, so the second column, which would take as long again, is seldom needed.
    if np.any((first[1:] == first[:-1]) & (last[1:] < last[:-1])):
        order = np.lexsort((keys[1], keys[0]))
    return order.astype(np.int64, copy=False)


def find(known: Keys, asked: Keys) -> Rows:
    """Where each key of `asked` stands in `known`, -1 where it does not; both in order.

    Args:
        known: keys in order, each once, shape (2, n).
        asked: keys in order, which makes the search some ten times as fast; shape (2, m).
    """
    at = np.searchsorted(known[0], asked[0])
    found = np.full(asked.shape[1], -1, dtype=np.int64)
    open_ = np.arange(asked.shape[1])
    # One round, unless keys share their first eight bytes: then on to the next one that does.
    while len(open_):
        open_ = open_[at[open_] < known.shape[1]]
        open_ = open_[known[0][at[open_]] == asked[0][open_]]
        same = known[1][at[open_]] == asked[1][open_]
        found[open_[same]] = at[open_[same]]
        open_ = open_[~same]
        at[open_] += 1
    return found
