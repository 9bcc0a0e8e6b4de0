"""Text vectors computed once: kept by the content of text and model, shared by runs and processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from ..kg import DataError
from .cache_keys import Keys, Rows, keys_of
from .cache_store import VectorStore
from .encoder import OnProgress, Role, TextEncoder, TextVectors
from .encoding_stats import EncodingStats

__all__ = ["CachedEncoder", "PricedEncoder"]

_log = logging.getLogger(__name__)

_OLD_FILE = "vectors.sqlite"
"""What versions before 0.2 wrote."""

_FEWEST, _MOST = 512, 65_536
"""Texts encoded before the next file is written: more where encoding is fast, so that files are not too many."""

_SHORT, _LONG = 5.0, 20.0
"""Seconds that such a portion should take: so much work an interrupted run loses at most, about."""

_ROWS_COPIED = 65_536


@runtime_checkable
class PricedEncoder(Protocol):
    """An encoder that costs money, and wants to know beforehand what it will be asked."""

    def check_cost(self, texts: Sequence[str], *, role: Role = "passage") -> None:
        """Refuse, by a DataError, what is too dear."""


class CachedEncoder:
    """An encoder that asks another one only for texts not met before.

    A vector's key is the content of the text and of the prompt before it, in a folder for each model (by the encoder's
    fingerprint): so one cache serves any number of models, and a changed text or model is simply another key. Several
    processes may use it at once, on any disk that renames files at once. What is computed is kept every few seconds,
    whatever happens afterwards.

    Vectors are kept exactly: in float32, or in float16 where the encoder has an attribute `stored = "float16"` and
    gives such numbers.

    Args:
        encoder: computes what is missing.
        folder: of the cache; made at the first text.

    Attributes:
        encoded: texts of the last call that the encoder had to read.
        reused: texts of the last call answered without it: from the cache, or as a repetition within the call.
    """

    def __init__(self, encoder: TextEncoder, folder: str | Path) -> None:
        self._encoder = encoder
        self._folder = Path(folder)
        self.encoded = 0
        self.reused = 0

    @property
    def dimension(self) -> int:
        """Length of each vector; known without the encoder if anything of it is in the cache."""
        told = self._store().about()
        return self._encoder.dimension if told is None else told.dimension

    @property
    def stats(self) -> EncodingStats | None:
        """What the wrapped encoder counted of the texts it read; None where it counts nothing."""
        return getattr(self._encoder, "stats", None)

    @property
    def fingerprint(self) -> str:
        """The wrapped encoder's: a cache changes no vector."""
        return self._encoder.fingerprint

    def prompt(self, role: Role) -> str:
        """The wrapped encoder's."""
        return self._encoder.prompt(role)

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Args:
            texts: any number of texts; of equal ones only the first is encoded.
            role: what the texts are; a text has one vector for each prompt that goes before it.
            on_progress: called with the texts done so far and the texts in all: once for the ones that need no
                encoding, then after each batch.

        Raises:
            DataError: if a cache file is damaged, foreign or cannot be written; the message names it.
        """
        self.encoded = self.reused = 0
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        self._tell_of_old_file()
        keys = keys_of(texts, self.prompt(role))
        store = self._store()
        unknown = store.look_up(keys, vectors)
        # Equal texts stand side by side by their keys, the first one first.
        first = np.ones(len(unknown), dtype=bool)
        first[1:] = np.any(keys[:, unknown[1:]] != keys[:, unknown[:-1]], axis=0)
        missing = unknown[first]
        self.reused = len(texts) - len(missing)
        _log.info("%d texts: %d known, %d to encode", len(texts), self.reused, len(missing))
        if on_progress is not None:
            on_progress(self.reused, len(texts))
        if len(missing):
            self._encode(texts, role, keys, missing, vectors, store, on_progress)
            _copy_rows(vectors, missing[np.cumsum(first) - 1][~first], unknown[~first])
        return vectors

    def _encode(
        self,
        texts: Sequence[str],
        role: Role,
        keys: Keys,
        missing: Rows,
        vectors: TextVectors,
        store: VectorStore,
        on_progress: OnProgress | None,
    ) -> None:
        """Encode in portions of like length, which pads little, longest first, and keep each at once."""
        if isinstance(self._encoder, PricedEncoder):
            self._encoder.check_cost([texts[row] for row in missing], role=role)
        for rows in _portions(_longest_first(texts, missing)):
            watch = None if on_progress is None else _continued(on_progress, self.reused + self.encoded, len(texts))
            found = self._encoder.encode([texts[row] for row in rows], role=role, on_progress=watch)
            if not np.isfinite(found).all():
                raise DataError("the text encoder gave a vector that is not finite; it was not kept")
            # Another process may have met the same text: both vectors are right, and one goes when files are merged.
            store.add(keys[:, rows], found)
            vectors[rows] = found
            self.encoded += len(rows)
            _merge(store)

    def _store(self) -> VectorStore:
        return VectorStore(self._folder, self.fingerprint, getattr(self._encoder, "stored", "float32"))

    def _tell_of_old_file(self) -> None:
        old = self._folder / _OLD_FILE
        if old.is_file():
            _log.info("%s: a text cache of an older version, which is not read; it may be removed", old)


def _longest_first(texts: Sequence[str], rows: Rows) -> Rows:
    lengths = np.fromiter((len(texts[row]) for row in rows), dtype=np.int64, count=len(rows))
    return rows[np.argsort(-lengths, kind="stable")]


def _portions(rows: Rows) -> Iterator[Rows]:
    """Parts of `rows`, each as large as the last one's time makes advisable."""
    size, start = _FEWEST, 0
    while start < len(rows):
        began = time.monotonic()
        yield rows[start : start + size]
        start += size
        seconds = time.monotonic() - began
        size = min(2 * size, _MOST) if seconds < _SHORT else max(size // 2, _FEWEST) if seconds > _LONG else size


def _merge(store: VectorStore) -> None:
    try:
        store.merge()
    except DataError as error:
        # What was computed is kept; that other files are not in order will be told when they are read.
        _log.warning("the text cache could not be merged: %s", error)


def _copy_rows(vectors: TextVectors, source: Rows, to: Rows) -> None:
    """Part by part: a copy of all repetitions might be as large as the result."""
    for start in range(0, len(to), _ROWS_COPIED):
        vectors[to[start : start + _ROWS_COPIED]] = vectors[source[start : start + _ROWS_COPIED]]


def _continued(on_progress: OnProgress, before: int, total: int) -> OnProgress:
    """Progress of a part, told as progress of the whole."""
    return lambda done, _: on_progress(before + done, total)
