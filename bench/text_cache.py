"""Seconds and memory until a million cached text vectors are in one array: plait's cache against an SQLite table.

Both hold the same vectors of 384 float32 by a hash of the text, and are asked for all of them, for one in a hundred,
and for one. Every measurement runs in a process of its own, so that its peak of memory is its own; imports and the
texts themselves are not counted. "fill" is what any way must do at least: touch every byte of the result.

Run: python bench/text_cache.py [number of texts]
"""

from __future__ import annotations

import hashlib
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

Vectors = npt.NDArray[np.float32]

DIMENSION = 384
ROUNDS = 3
WAYS = ("fill", "sqlite", "plait")
ASKED = {"all": 1, "1 in 100": 100, "one": 0}
KEYS_AT_ONCE = 500  # SQLite before 3.32 allows 999 in one query


class Numbers:
    """Encodes fast, so that filling the caches is not what takes the time."""

    dimension = DIMENSION
    fingerprint = "numbers"

    def prompt(self, role: str) -> str:
        """None."""
        return ""

    def encode(self, texts: Sequence[str], *, role: str = "passage", on_progress: object = None) -> Vectors:
        """Vectors by the length and the first letters of each text."""
        start = np.array([int(text[5:13]) for text in texts], dtype=np.float32)
        return start[:, None] + np.arange(DIMENSION, dtype=np.float32) / DIMENSION


def texts_of(count: int) -> list[str]:
    """Texts of 40 words or so, each another."""
    words = "cordless drill with two batteries of 18 V for small hands and hard walls, quiet, light, with a lamp " * 2
    return [f"item {number:08d} {words}" for number in range(count)]


def sqlite_key(text: str) -> bytes:
    """As the table has it."""
    return hashlib.sha256(b"numbers\0" + text.encode()).digest()


def write_sqlite(file: Path, texts: list[str]) -> None:
    """A table of blobs by key, in portions of 512 as texts are encoded."""
    encoder = Numbers()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE vector (key BLOB PRIMARY KEY, value BLOB NOT NULL)")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        for start in range(0, len(texts), 512):
            some = texts[start : start + 512]
            rows = zip(map(sqlite_key, some), (vector.tobytes() for vector in encoder.encode(some)), strict=True)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR IGNORE INTO vector VALUES (?, ?)", rows)
            connection.execute("COMMIT")


def by_sqlite(folder: Path, texts: list[str]) -> Vectors:
    """All vectors from the table, as plait's cache did it before."""
    vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
    rows: dict[bytes, int] = {}
    for row, text in enumerate(texts):
        rows.setdefault(sqlite_key(text), row)
    with closing(sqlite3.connect(folder / "table.sqlite")) as connection:
        for key, value in found(connection, list(rows)):
            vectors[rows[key]] = np.frombuffer(value, dtype=np.float32)
    return vectors


def found(connection: sqlite3.Connection, keys: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values, some hundred keys a query."""
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        marks = ",".join("?" * len(some))
        yield from connection.execute(f"SELECT key, value FROM vector WHERE key IN ({marks})", some)


def by_plait(folder: Path, texts: list[str]) -> Vectors:
    """All vectors from plait's cache."""
    from plait.text.cache import CachedEncoder

    cached = CachedEncoder(Numbers(), folder / "plait")
    vectors = cached.encode(texts)
    assert cached.encoded == 0
    return vectors


def by_fill(folder: Path, texts: list[str]) -> Vectors:
    """No vectors, but an array as large."""
    return np.full((len(texts), DIMENSION), 1, dtype=np.float32)


def asked_for(what: str, count: int) -> list[str]:
    """The texts asked for, in no order."""
    texts = texts_of(count)
    chosen = texts[count // 2 : count // 2 + 1] if what == "one" else texts[:: ASKED[what]]
    return [chosen[row] for row in np.random.default_rng(0).permutation(len(chosen))]


def peak_mb() -> float:
    """Peak of memory so far; Linux counts in KB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def measure(way: str, what: str, folder: Path, count: int) -> None:
    """Print seconds, seconds of all cores, and MB beside texts and result."""
    import plait.text.cache  # noqa: F401 - imports are not timed

    texts = asked_for(what, count)
    run = {"fill": by_fill, "sqlite": by_sqlite, "plait": by_plait}[way]
    before, start, cores = peak_mb(), time.perf_counter(), time.process_time()
    vectors = run(folder, texts)
    seconds, cores = time.perf_counter() - start, time.process_time() - cores
    print(seconds, cores, peak_mb() - before - vectors.nbytes / 1e6)
    if way != "fill":
        some = range(0, len(texts), max(1, len(texts) // 1000))
        np.testing.assert_array_equal(vectors[list(some)], Numbers().encode([texts[row] for row in some]))


def write(folder: Path, count: int) -> None:
    """Fill both caches and print the seconds that took, in the order of `WAYS`."""
    from plait.text.cache import CachedEncoder

    texts = texts_of(count)
    start = time.perf_counter()
    write_sqlite(folder / "table.sqlite", texts)
    middle = time.perf_counter()
    CachedEncoder(Numbers(), folder / "plait").encode(texts)
    print(middle - start, time.perf_counter() - middle)


def in_fresh_process(*arguments: str) -> list[float]:
    """The numbers that this script prints when run with these arguments."""
    command = [sys.executable, __file__, *arguments]
    shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [float(number) for number in shown.split()]


def main() -> None:
    """Print the comparison: the ways turn about, the best of each, since other work only ever slows one down."""
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))
        return
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    title = f"{count:,} texts, {DIMENSION} dimensions, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before"
    table = Table("asked for", "way", "seconds", "ratio", "of all cores", "MB beside the result", title=title)
    with tempfile.TemporaryDirectory() as folder:
        written = in_fresh_process("--write", folder, str(count))
        for what in ASKED:
            rounds = [
                [in_fresh_process("--measure", way, what, folder, str(count)) for way in WAYS] for _ in range(ROUNDS)
            ]
            best = [min(runs) for runs in zip(*rounds, strict=True)]
            for way, (seconds, cores, memory) in zip(WAYS, best, strict=True):
                ratio = f"{best[1][0] / seconds:.1f}"
                table.add_row(what, way, f"{seconds:.3f}", ratio, f"{cores:.3f}", f"{memory:,.0f}")
    Console().print(table, f"written in {written[0]:.0f} s (sqlite) and {written[1]:.0f} s (plait)")


if __name__ == "__main__":
    main()
