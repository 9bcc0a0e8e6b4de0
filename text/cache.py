"""Text vectors computed once: a file of vectors by the content of text and model, shared by runs and processes."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np

from ..kg import DataError
from .encoder import OnProgress, TextEncoder, TextVectors

__all__ = ["CachedEncoder"]

_log = logging.getLogger(__name__)

_APPLICATION_ID = 0x706C7478
"""Marks an SQLite file as ours ("pltx"), so that no other program's file is written to."""

_PATIENCE = 60.0
"""Seconds to wait for another process that is writing."""

_KEYS_AT_ONCE = 500
"""Keys in one query: SQLite before 3.32 allows 999."""

_TEXTS_PER_COMMIT = 512
"""Texts that an interrupted run loses at most: some seconds of a small model on a CPU."""

_ELEMENT = np.dtype("<f4")


class CachedEncoder:
    """An encoder that asks another one only for texts not met before.

    A vector's key is the sha256 of the encoder's fingerprint and the text, so one folder serves any number of models,
    and a changed text or model is simply another key. Several processes may use the folder at once; it must lie on a
    local disk (SQLite's write-ahead log needs shared memory). What is computed is kept every 512 texts, whatever
    happens afterwards.

    Args:
        encoder: computes what is missing.
        folder: holds the file `vectors.sqlite`; made at the first text.

    Attributes:
        encoded: texts of the last call that the encoder had to read.
        reused: texts of the last call answered without it: from the file, or as a repetition within the call.
    """

    def __init__(self, encoder: TextEncoder, folder: str | Path) -> None:
        self._encoder = encoder
        self._file = Path(folder) / "vectors.sqlite"
        self.encoded = 0
        self.reused = 0

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """The wrapped encoder's: a cache changes no vector."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str], *, on_progress: OnProgress | None = None) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Args:
            texts: any number of texts; of equal ones only the first is encoded.
            on_progress: called with the texts done so far and the texts in all: once for the ones that need no
                encoding, then after each batch.

        Raises:
            DataError: if the cache file is damaged, foreign or cannot be written; the message names it.
        """
        self.encoded = self.reused = 0
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        first: dict[bytes, int] = {}
        origin = np.array([first.setdefault(key, row) for row, key in enumerate(self._keys(texts))])
        found = self._read(first, vectors)
        missing = {key: row for key, row in first.items() if row not in found}
        self.reused = len(texts) - len(missing)
        _log.info("%d texts: %d known, %d to encode", len(texts), self.reused, len(missing))
        self._encode_missing(texts, missing, vectors, on_progress or _ignore)
        repeated = np.flatnonzero(origin != np.arange(len(texts)))
        vectors[repeated] = vectors[origin[repeated]]
        return vectors

    def _keys(self, texts: Sequence[str]) -> Iterator[bytes]:
        start = hashlib.sha256(self.fingerprint.encode() + b"\0")
        for text in texts:
            key = start.copy()
            key.update(text.encode("utf-8", errors="surrogatepass"))
            yield key.digest()

    def _read(self, first: dict[bytes, int], vectors: TextVectors) -> set[int]:
        """Fill the rows of `vectors` that the file knows, and return them."""
        found = set()
        keys = list(first)
        with _connected(self._file) as connection:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                for key, value in _select(connection, keys[start : start + _KEYS_AT_ONCE]):
                    row = first[key]
                    vectors[row] = self._decoded(value)
                    found.add(row)
        return found

    def _decoded(self, value: object) -> TextVectors:
        if not isinstance(value, bytes) or len(value) != self.dimension * _ELEMENT.itemsize:
            raise sqlite3.DatabaseError("a vector has the wrong length")
        return np.frombuffer(value, dtype=_ELEMENT)

    def _encode_missing(
        self, texts: Sequence[str], missing: dict[bytes, int], vectors: TextVectors, on_progress: OnProgress
    ) -> None:
        """Encode in portions of like length, which pads little, longest first, and keep each at once."""
        on_progress(self.reused, len(texts))
        ordered = sorted(missing.items(), key=lambda item: len(texts[item[1]]), reverse=True)
        for start in range(0, len(ordered), _TEXTS_PER_COMMIT):
            portion = ordered[start : start + _TEXTS_PER_COMMIT]
            rows = [row for _, row in portion]
            watch = _continued(on_progress, self.reused + start, len(texts))
            vectors[rows] = self._encoder.encode([texts[row] for row in rows], on_progress=watch)
            self._write([key for key, _ in portion], vectors[rows])
            self.encoded += len(portion)

    def _write(self, keys: list[bytes], vectors: TextVectors) -> None:
        if not np.isfinite(vectors).all():
            raise DataError("the text encoder gave a vector that is not finite; it was not kept")
        values = [vector.tobytes() for vector in vectors.astype(_ELEMENT)]
        with _connected(self._file) as connection, _transaction(connection):
            # Another process may have met the same text: both vectors are right, the first one stays.
            connection.executemany("INSERT OR IGNORE INTO vector VALUES (?, ?)", zip(keys, values, strict=True))


def _ignore(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _continued(on_progress: OnProgress, before: int, total: int) -> OnProgress:
    """Progress of a part, told as progress of the whole."""
    return lambda done, _: on_progress(before + done, total)


def _select(connection: sqlite3.Connection, keys: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    marks = ",".join("?" * len(keys))
    yield from connection.execute(f"SELECT key, value FROM vector WHERE key IN ({marks})", keys)


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the cache, which is made if it is not there; SQLite's errors become DataErrors that name it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as connection:
            _prepare(connection, file)
            yield connection
    except (OSError, sqlite3.OperationalError) as error:
        raise DataError(f"the text cache cannot be used: {error}", path=file) from error
    except sqlite3.DatabaseError as error:
        message = f"the text cache is damaged ({error}); remove this file, and its vectors are computed again"
        raise DataError(message, path=file) from error


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    if not _is_ours(connection):
        with _transaction(connection):
            # Asked again under the lock: another process may have made the table meanwhile.
            if not _is_ours(connection):
                _make(connection, file)
    # Changing the mode, alone of all statements, does not wait for other connections but fails; some later one succeeds.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    # With a write-ahead log this can lose the last commits when the power fails, but never damages the file.
    connection.execute("PRAGMA synchronous = NORMAL")


def _is_ours(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID)


def _make(connection: sqlite3.Connection, file: Path) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise DataError("not a text cache but another program's SQLite file; remove this file or move it", path=file)
    connection.execute("CREATE TABLE vector (key BLOB PRIMARY KEY, value BLOB NOT NULL)")
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # Immediate: two readers that both want to write later would deadlock, and SQLite does not wait for that.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # SQLite itself rolls back when, say, the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
