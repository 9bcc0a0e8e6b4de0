"""An Oxigraph store on disk: the embedded graph database, loaded whole or not at all, queried with SPARQL."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, cast

import pyoxigraph as ox

from ...kg import DataError, KnowledgeGraph, Update, whole_directory
from ..collector import TripleCollector
from ..graph_options import GraphOptions
from .files import RdfFile, rdf_files
from .ntriples import collect_ntriples
from .terms import syntax_problem

__all__ = ["StoreGraph", "load_store", "open_store", "read_store"]

# What every Oxigraph store holds and hardly any other folder does.
SIGNS = ("CURRENT", "IDENTITY")
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
        DataError: if a file is missing, malformed (naming the line) or damaged, if the folder exists and is not to
            be replaced, or is no store.
    """
    folder = Path(folder)
    files = rdf_files(paths)
    if folder.exists():
        _check_store(folder)
        if existing == "refuse":
            raise DataError("the store exists; say whether to replace it or to add to it", path=folder)
    _remove_leftovers(folder)
    with whole_directory(folder) as fresh:
        (fresh / _owner()).touch()
        made = fresh / "store"
        if existing == "add" and folder.exists():
            _opened(folder).backup(str(made))
        count = _load(files, made, base, on_progress)
        (fresh / _owner()).unlink()
        for file in list(made.iterdir()):
            file.rename(fresh / file.name)
        made.rmdir()
    return count


def open_store(folder: str | Path) -> ox.Store:
    """Open a store to query it; nothing can be written.

    Raises:
        DataError: if there is none, or it is damaged.
    """
    _check_store(Path(folder))
    return _opened(Path(folder))


def read_store(folder: str | Path, *, on_progress: Update | None = None) -> KnowledgeGraph:
    """Read a whole store into a graph; all its named graphs are read as one.

    Blank nodes are `_:0:LABEL` with the labels of the store, which stay the same until it is loaded anew.

    Raises:
        DataError: if there is no store, or nothing in it.
    """
    store = open_store(folder)
    total = len(store)
    if total == 0:
        raise DataError("the store holds no triple; load some with `plait graph load`", path=folder)
    collector = TripleCollector()

    def told() -> None:
        if on_progress is not None:
            on_progress(collector.rows, total, "triples")

    with _dumped(store) as text:
        collect_ntriples(text, collector, path=Path(folder), quads=True, on_block=told)
    return collector.graph()


def _load(files: Sequence[RdfFile], folder: Path, base: str | None, on_progress: Update | None) -> int:
    store = ox.Store(str(folder))
    total = sum(file.path.stat().st_size for file in files)
    done = 0
    for file in files:
        with file.opened() as stream:
            source = _Told(stream.content, lambda: done + stream.bytes_read(), total, file.path.name, on_progress)  # noqa: B023
            try:
                store.bulk_load(cast(IO[bytes], source), file.format, base_iri=base)
            except SyntaxError as error:
                raise DataError(
                    f"malformed RDF: {syntax_problem(error)}; correct or remove it", path=file.path, line=error.lineno
                ) from error
        done += file.path.stat().st_size
    store.flush()
    count = len(store)
    if count == 0:
        raise DataError(f"no triple in {', '.join(str(file.path) for file in files)}; check that these are the files")
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
def _dumped(store: ox.Store) -> Iterator[IO[bytes]]:
    """The store's triples as N-Quads, written by a thread while they are read."""
    out, into = os.pipe()
    failed: list[OSError] = []

    def dump() -> None:
        try:
            with os.fdopen(into, "wb", buffering=PIPE_BYTES) as file:
                store.dump(file, ox.RdfFormat.N_QUADS)
        except BrokenPipeError:
            pass  # the reader has gone, and says why
        except OSError as error:
            failed.append(error)

    writer = threading.Thread(target=dump, daemon=True)
    writer.start()
    try:
        with os.fdopen(out, "rb", buffering=PIPE_BYTES) as file:
            yield file
    finally:
        writer.join()
    if failed:
        raise DataError(f"the store cannot be read: {failed[0]}; load it anew")


def _check_store(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError("there is no such store; make one with `plait graph load FILES --store DIR`", path=folder)
    if not all((folder / sign).is_file() for sign in SIGNS):
        raise DataError("the folder is no Oxigraph store", path=folder)


def _opened(folder: Path) -> ox.Store:
    try:
        return ox.Store.read_only(str(folder))
    except (OSError, RuntimeError) as error:
        raise DataError(f"the store cannot be opened: {error}; load it anew", path=folder) from error


def _owner() -> str:
    return f"loading-{os.getpid()}"


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while loading this store have left beside it."""
    for leftover in folder.parent.glob(f".{folder.name}-*"):
        owners = list(leftover.glob("loading-*"))
        if owners and not any(_alive(int(owner.name.removeprefix("loading-"))) for owner in owners):
            shutil.rmtree(leftover, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
