"""An Oxigraph store on disk: the embedded graph database, loaded whole or not at all, queried with SPARQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, cast

import pyoxigraph as ox

from ...kg import DataError, KnowledgeGraph, Update, whole_directory
from ..collector import TripleCollector
from ..graph_options import GraphOptions
from .faults import fault_of, no_triple
from .files import RdfFile, rdf_files
from .ntriples import collect_ntriples
from .store_folder import (
    ANEW,
    check_replaceable,
    check_store,
    failures,
    only_loader,
    opened,
    owner,
    remove_leftovers,
)

__all__ = ["StoreGraph", "load_store", "open_store", "read_store"]

PIPE_BYTES = 1 << 20
Existing = Literal["refuse", "replace", "add"]


class StoreGraph(GraphOptions):
    """A graph in an Oxigraph store on disk, made by `plait graph load` or by Oxigraph itself."""

    source: Literal["store"]

    folder: Path
    """The store's folder. It is opened to read alone, so that others may read it at the same time."""

    def paths(self) -> list[Path]:
        """The files that the store consists of; none while it is missing."""
        return sorted(self.folder.glob("*.sst")) if self.folder.is_dir() else []


def load_store(
    paths: Sequence[str | Path],
    folder: str | Path,
    *,
    existing: Existing = "refuse",
    base: str | None = None,
    on_progress: Update | None = None,
) -> int:
    """Load RDF files into a store on disk.

    The store appears whole once all is loaded: it is made beside, and renamed. Whatever interrupts that, the folder is
    as it was before; what a killed process left beside is removed by the next load.

    Args:
        paths: files, patterns or folders of any RDF syntax.
        folder: the store.
        existing: what to do where there is a store already: refuse, replace it, or add to a copy of it, which then
            takes its place.
        base: IRI that relative IRIs are relative to.
        on_progress: told how much of the files has been read, in MiB.

    Returns:
        How many triples the store holds.

    Raises:
        DataError: if a file is missing, malformed (naming the line) or damaged; if the folder exists and is not to
            be replaced, is no store, or holds other files too; if another process loads into it; if the disk is full.
    """
    folder = Path(folder)
    files = rdf_files(paths)
    with only_loader(folder):
        if folder.exists():
            check_replaceable(folder)
            if existing == "refuse":
                raise DataError("the store exists: --replace replaces it, --add adds to it", path=folder)
        remove_leftovers(folder)
        return _load_beside(files, folder, existing, base, on_progress)


def open_store(folder: str | Path) -> ox.Store:
    """Open a store to query it; nothing can be written.

    Raises:
        DataError: if there is none, or it is damaged.
    """
    check_store(Path(folder))
    return opened(Path(folder))


def read_store(folder: str | Path, *, on_progress: Update | None = None) -> KnowledgeGraph:
    """Read a whole store into a graph; all its named graphs are read as one.

    Blank nodes are `_:0:LABEL` with the labels of the store, which stay the same until it is loaded anew.

    Raises:
        DataError: if there is no store, or nothing in it, or it is damaged.
    """
    store = open_store(folder)
    with failures(Path(folder), "read"):
        total = len(store)
    if total == 0:
        raise DataError("the store holds no triple; load some with `plait graph load`", path=folder)
    collector = TripleCollector()

    def told() -> None:
        if on_progress is not None:
            on_progress(collector.rows, total, "triples")

    with _dumped(store, Path(folder)) as text:
        collect_ntriples(text, collector, path=Path(folder), quads=True, on_block=told)
    if collector.rows != total:
        told_less = f"the store is damaged: it gives {collector.rows:,} of its {total:,} triples; {ANEW}"
        raise DataError(told_less, path=folder)
    return collector.graph()


def _load_beside(
    files: Sequence[RdfFile], folder: Path, existing: Existing, base: str | None, on_progress: Update | None
) -> int:
    with whole_directory(folder) as fresh, failures(folder, "written", "all is as it was before"):
        (fresh / owner()).touch()
        made = fresh / "store"
        if existing == "add" and folder.exists():
            opened(folder).backup(str(made))
        count = _load(files, made, base, on_progress)
        (fresh / owner()).unlink()
        for file in list(made.iterdir()):
            file.rename(fresh / file.name)
        made.rmdir()
    return count


def _load(files: Sequence[RdfFile], folder: Path, base: str | None, on_progress: Update | None) -> int:
    store = ox.Store(str(folder))
    total = sum(file.path.stat().st_size for file in files)
    done = 0
    for file in files:
        with file.opened() as stream:
            source = _Told(stream.content, lambda: done + stream.bytes_read(), total, file.path.name, on_progress)  # noqa: B023
            try:
                store.bulk_load(cast(IO[bytes], source), file.format, base_iri=base)
            except (SyntaxError, ValueError, MemoryError) as error:
                raise fault_of(file, error) from error
        done += file.path.stat().st_size
    store.flush()
    count = len(store)
    if count == 0:
        raise no_triple(files)
    return count


class _Told:
    """A stream that tells how far it has been read."""

    def __init__(self, stream: IO[bytes], where: Any, total: int, name: str, on_progress: Update | None) -> None:
        self._stream, self._where, self._total = stream, where, total
        self._name, self._on_progress, self._reads = name, on_progress, 0

    def read(self, size: int = -1) -> bytes:
        self._reads += 1
        # Oxigraph reads some kilobytes at a time.
        if self._on_progress is not None and self._reads % 256 == 0:
            self._on_progress(self._where() >> 20, self._total >> 20, f"MiB, {self._name}")
        return self._stream.read(size)


@contextmanager
def _dumped(store: ox.Store, folder: Path) -> Iterator[IO[bytes]]:
    """The store's triples as N-Quads, written by a thread while they are read."""
    out, into = os.pipe()
    failed: list[Exception] = []

    def dump() -> None:
        try:
            with os.fdopen(into, "wb", buffering=PIPE_BYTES) as file:
                store.dump(file, ox.RdfFormat.N_QUADS)
        except BrokenPipeError:
            pass  # the reader has gone, and says why
        except Exception as error:  # noqa: BLE001 - whatever is not told here would cut it short in silence
            failed.append(error)

    writer = threading.Thread(target=dump, daemon=True)
    writer.start()
    try:
        with os.fdopen(out, "rb", buffering=PIPE_BYTES) as file:
            yield file
    finally:
        writer.join()
    if failed:
        raise DataError(f"the store cannot be read: {failed[0]}; {ANEW}", path=folder)
