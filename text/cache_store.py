"""The cached vectors of one model: a folder of segments that several processes may fill and read at once."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from ..kg import DataError, whole_file
from .cache_keys import Keys, Rows, in_order
from .cache_merge import worth_merging, write_merged
from .cache_segment import Segment, checks_of, today, write_segment

__all__ = ["StoredModel", "VectorStore", "stores_in"]

_log = logging.getLogger(__name__)

_ABOUT = "model.json"
_FORMAT = "plait text vectors 1"
_SEGMENT = re.compile(r"[0-9a-f]{32}\.vectors")
_LEFTOVER = re.compile(r"\.([0-9a-f]{32}-.*\.vectors|model-.*\.json)")
_LEFTOVER_SECONDS = 3600.0
"""A temporary file that old belongs to a process that was killed."""

_ATTEMPTS = 20
"""To list and open segments that another process keeps merging away."""


@dataclass(frozen=True)
class StoredModel:
    """What a folder says of itself: whose vectors it holds, and of which kind."""

    fingerprint: str
    dimension: int
    stored: str


class VectorStore:
    """Vectors of one model by key, in a folder.

    Vectors are only ever added, as a new file that appears whole; many small files are merged into a large one, by one
    process at a time, while others go on reading the old ones.

    Args:
        cache: the folder of all models; the model's own one is made at the first vector.
        fingerprint: of the model.
        stored: float32 or float16, the type in which vectors are kept.
    """

    def __init__(self, cache: Path, fingerprint: str, stored: str = "float32") -> None:
        self.fingerprint, self.stored = fingerprint, stored
        self.folder = cache / hashlib.sha256(f"{fingerprint}\n{stored}".encode()).hexdigest()[:32]

    def about(self) -> StoredModel | None:
        """What the folder says of itself; None if there is none yet.

        Raises:
            DataError: if it cannot be read, or says something else.
        """
        file = self.folder / _ABOUT
        with _used(self.folder):
            try:
                told = _read_about(file)
            except FileNotFoundError:
                return None
        if (told.fingerprint, told.stored) != (self.fingerprint, self.stored):
            raise DataError("this text cache is of another model than its name says; remove the folder", path=file)
        return told

    def look_up(self, keys: Keys, out: npt.NDArray[Any]) -> Rows:
        """Fill the rows of `out` whose keys are known, and return the others, by their keys.

        Args:
            keys: shape (2, n), in any order, repetitions welcome.
            out: shape (n, dimension).
        """
        order = in_order(keys)
        told = self.about()
        if told is None:
            return order
        if told.dimension != out.shape[1]:
            raise self._other_dimension(told.dimension, out.shape[1])
        asked = keys[:, order]
        with self.opened() as segments:
            for segment in segments:
                rows = segment.find(asked)
                known = rows >= 0
                segment.read(rows[known], out, order[known])
                segment.touch(rows[known])
                order, asked = order[~known], asked[:, ~known]
        return order

    def add(self, keys: Keys, vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors, whole or not at all, before this returns.

        Args:
            keys: each once, shape (2, n).
            vectors: shape (n, dimension).

        Raises:
            ValueError: if they do not survive the type they are stored in.
        """
        kept = vectors.astype(self.stored)
        if not np.array_equal(kept, vectors):
            raise ValueError(f"the encoder says that its vectors are {self.stored}, and they are not")
        order = in_order(keys)
        keys, kept = keys[:, order], kept[order]
        days = np.full(len(order), today(), dtype=np.uint64)
        columns = np.vstack([keys, checks_of(keys, kept), days])
        # Again if another process has just removed the folder, which was empty.
        for _ in range(_ATTEMPTS):
            with suppress(FileNotFoundError), _used(self.folder):
                self._describe(vectors.shape[1])
                write_segment(self.new_file(), columns, [kept], self.stored)
                return
        raise DataError("the text cache cannot be used: its folder keeps vanishing", path=self.folder)

    def merge(self) -> None:
        """Make one file of many where that is worth it; nothing if another process is at it."""
        if not worth_merging([_size(path) for path in self.files()]):
            return
        with suppress(Timeout), self.locked(0), self.opened() as segments:
            chosen = worth_merging([segment.size for segment in segments])
            if chosen:
                _log.debug("merging %d files in %s", len(chosen), self.folder)
                self.replace([segments[number] for number in chosen])
            self.tidy()

    def replace(self, segments: Sequence[Segment], keep: Sequence[npt.NDArray[np.bool_]] | None = None) -> None:
        """Put one file in the place of several, under the lock: what `keep` says of each, or all."""
        with _used(self.folder):
            if keep is None or any(mask.any() for mask in keep):
                write_merged(self.new_file(), segments, keep)
            for segment in segments:
                segment.path.unlink(missing_ok=True)

    def files(self) -> list[Path]:
        """The files that hold vectors."""
        return self._listed(_SEGMENT)

    def new_file(self) -> Path:
        """A file that is not there yet."""
        return self.folder / f"{uuid4().hex}.vectors"

    @contextmanager
    def opened(self) -> Iterator[list[Segment]]:
        """All segments, largest first.

        Raises:
            DataError: if one is damaged, or no file of ours.
        """
        with ExitStack() as stack:
            for _ in range(_ATTEMPTS):
                # Listed again if one was merged away between listing and opening: what replaces it is there by then.
                with suppress(FileNotFoundError), _used(self.folder), ExitStack() as opening:
                    segments = [opening.enter_context(Segment(path)) for path in self.files()]
                    stack.enter_context(opening.pop_all())
                    break
                time.sleep(0.01)
            else:
                raise DataError("the text cache cannot be used: its files keep vanishing", path=self.folder)
            self._check(segments)
            yield sorted(segments, key=lambda segment: -segment.size)

    @contextmanager
    def locked(self, seconds: float) -> Iterator[None]:
        """The right to take files away, which goes back by itself when the process dies.

        Raises:
            Timeout: if another process keeps it for longer than `seconds`.
        """
        with _used(self.folder), FileLock(self.folder / ".lock").acquire(timeout=seconds):
            yield

    def tidy(self) -> None:
        """Remove what killed processes left, under the lock."""
        for path in self.leftovers():
            path.unlink(missing_ok=True)

    def leftovers(self) -> list[Path]:
        """Temporary files that nobody writes any more."""
        return [path for path in self._listed(_LEFTOVER) if time.time() - _modified(path) > _LEFTOVER_SECONDS]

    def remove_if_empty(self) -> None:
        """Remove the folder, under the lock, if it holds no vector."""
        if self.files():
            return
        with suppress(OSError):
            (self.folder / _ABOUT).unlink(missing_ok=True)
            (self.folder / ".lock").unlink(missing_ok=True)
            self.folder.rmdir()

    def _listed(self, name: re.Pattern[str]) -> list[Path]:
        with suppress(FileNotFoundError), _used(self.folder):
            return [path for path in self.folder.iterdir() if name.fullmatch(path.name)]
        return []

    def _describe(self, dimension: int) -> None:
        told = self.about()
        if told is not None and told.dimension != dimension:
            raise self._other_dimension(told.dimension, dimension)
        if told is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self.folder / _ABOUT) as temporary:
                about = {"format": _FORMAT, **asdict(StoredModel(self.fingerprint, dimension, self.stored))}
                temporary.write_text(json.dumps(about, indent=1), encoding="utf-8")

    def _check(self, segments: Sequence[Segment]) -> None:
        told = self.about()
        for segment in segments:
            if told is not None and (segment.dimension, segment.stored.name) != (told.dimension, told.stored):
                raise segment.damaged(f"it holds {segment.dimension} dimensions as {segment.stored.name}")

    def _other_dimension(self, known: int, given: int) -> DataError:
        return DataError(
            f"the cached vectors have {known} dimensions and the encoder's have {given}: another model under the same "
            "name; remove this folder if the encoder is right",
            path=self.folder,
        )


def stores_in(cache: Path) -> list[VectorStore]:
    """The models of a cache; none if the folder is not there.

    Raises:
        DataError: if one does not say what it is.
    """
    stores = []
    with _used(cache):
        folders = sorted(path for path in cache.iterdir() if path.is_dir()) if cache.exists() else []
    for folder in folders:
        with suppress(FileNotFoundError), _used(folder):
            told = _read_about(folder / _ABOUT)
            store = VectorStore(cache, told.fingerprint, told.stored)
            if store.folder != folder:
                raise DataError("this text cache is of another model than its name says; remove it", path=folder)
            stores.append(store)
    return stores


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _read_about(file: Path) -> StoredModel:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if told.pop("format") != _FORMAT:
            raise ValueError("another format")
        about = StoredModel(**told)
        if not isinstance(about.fingerprint, str) or type(about.dimension) is not int or about.dimension < 1:
            raise ValueError("not what plait writes")
        if about.stored not in ("float32", "float16"):
            raise ValueError("not what plait writes")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        message = f"this does not describe a text cache ({error}); remove its folder if it is one, or state another"
        raise DataError(message, path=file) from error
    return about


@contextmanager
def _used(folder: Path) -> Iterator[None]:
    """The system's errors become DataErrors that name the folder; that a file is not there is for the caller."""
    try:
        yield
    except (FileNotFoundError, Timeout):
        raise
    except OSError as error:
        raise DataError(f"the text cache cannot be used: {error}", path=folder) from error
