"""The folder of an Oxigraph store: whether it is one, what of it may be replaced, and who is at work on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

import pyoxigraph as ox

from ...kg import DataError

__all__ = ["check_replaceable", "check_store", "failures", "only_loader", "opened", "owner", "remove_leftovers"]

# What every Oxigraph store holds and hardly any other folder does.
SIGNS = ("CURRENT", "IDENTITY")
# The files of RocksDB, in which Oxigraph keeps its data.
OWN = re.compile(r"CURRENT|IDENTITY|LOCK|LOG(\.old\.\d+)?|(MANIFEST|OPTIONS)-\d+|(bulk-)?\d+\.(sst|log|blob|dbtmp)")
HOST = re.sub(r"[^\w.-]", "_", platform.node())
ANEW = "remove the folder, and load it anew"
# At most nine digits: what is no number of a process is no mark of ours.
MARK = re.compile(rf"loading-{re.escape(HOST)}-([0-9]{{1,9}})")


def check_store(folder: Path) -> None:
    """See that a folder looks like a store.

    Raises:
        DataError: if there is none, or it does not.
    """
    try:
        if not folder.is_dir():
            raise DataError("there is no such store; make one with `plait graph load FILES --store DIR`", path=folder)
        if not all((folder / sign).is_file() for sign in SIGNS):
            raise DataError("the folder is no Oxigraph store", path=folder)
    except OSError as error:  # a name too long, no permission
        raise DataError(f"the folder cannot be looked at: {error.strerror}", path=folder) from error


def check_replaceable(folder: Path) -> None:
    """See that a folder is a store and holds nothing else, as all in it vanishes when another takes its place.

    Raises:
        DataError: if it does not, or cannot be opened: other programs keep RocksDB folders too.
    """
    check_store(folder)
    opened(folder)
    foreign = sorted(file.name for file in folder.iterdir() if not (file.is_file() and OWN.fullmatch(file.name)))
    if foreign:
        text = f"the folder holds {foreign[0]!r}, which is no part of the store and would be lost; move it elsewhere"
        raise DataError(text, path=folder)


def opened(folder: Path) -> ox.Store:
    """The store, to be read alone.

    Raises:
        DataError: if it is damaged, or another program's.
    """
    with failures(folder, "opened"):
        return ox.Store.read_only(str(folder))


@contextmanager
def failures(folder: Path, done: str, remedy: str = ANEW) -> Iterator[None]:
    """Tell of what Oxigraph cannot do with a store's files in a sentence.

    Args:
        folder: the store.
        done: what was to be done with it, such as "read".
        remedy: what to do about it.

    Raises:
        DataError: for what Oxigraph raises of a damaged store, a full disk, a lack of permission.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise DataError(f"the store cannot be {done}: {error}; {remedy}", path=folder) from error


@contextmanager
def only_loader(folder: Path) -> Iterator[None]:
    """Be the only process that loads into a store: of two that add to copies, the later would undo the other.

    A lock of the operating system on a file beside, which ends with the process however that ends.

    Raises:
        DataError: if another process is at it, or the folder above cannot be written.
    """
    path = folder.parent / f".{folder.name}.lock"
    handle = -1
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        _lock(handle)
        # One that has just ended may have removed the file between the two lines above: then this lock keeps nobody out.
        if not (path.exists() and os.path.samestat(os.fstat(handle), path.stat())):
            raise BlockingIOError
    except OSError as error:
        if handle >= 0:
            os.close(handle)
        if isinstance(error, BlockingIOError):
            raise DataError("another process loads into this store; try again when it has ended", path=folder) from None
        raise DataError(f"the store cannot be locked: {error.strerror}", path=folder) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock an open file, or raise BlockingIOError at once; where the system has no such locks, nothing."""
    try:
        import fcntl
    except ImportError:  # Windows: there two loads at once are not kept apart
        return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def owner() -> str:
    """The name of the file with which this process marks what it is loading."""
    return f"loading-{HOST}-{os.getpid()}"


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while loading this store have left beside it.

    Nothing that another machine has marked is touched: whether its processes live is not known here.
    """
    for leftover in folder.parent.glob(f".{escape(folder.name)}-*"):
        marks = [MARK.fullmatch(file.name) for file in leftover.glob("loading-*")]
        if marks and all(mark is not None and not _alive(int(mark[1])) for mark in marks):
            shutil.rmtree(leftover, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
