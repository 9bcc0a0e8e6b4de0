"""Which files hold RDF, in which syntax, packed how; opened with their progress in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyoxigraph as ox

from ...kg import DataError
from ..files.streams import MARK, PACKED, check_file
from .xml_entities import check_entities

__all__ = ["RdfFile", "rdf_files"]

FORMATS = {
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".ttl": ox.RdfFormat.TURTLE,
    ".turtle": ox.RdfFormat.TURTLE,
    ".trig": ox.RdfFormat.TRIG,
    ".n3": ox.RdfFormat.N3,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}
LONGEST_TEXT = 16 << 20
"""Bytes between two tags of RDF/XML; of the other syntaxes Oxigraph itself holds no more."""


@dataclass(frozen=True)
class RdfFile:
    """A file, its syntax, and what it is packed with (a name that Arrow knows), if it is."""

    path: Path
    format: ox.RdfFormat
    packing: str | None

    @classmethod
    def of(cls, path: Path) -> RdfFile:
        """Recognise a file by its name.

        Raises:
            DataError: if it is missing or its name ends in nothing known.
        """
        check_file(path)
        found = cls._named(path)
        if found is None:
            raise DataError(
                f"unknown kind of RDF file; known are {', '.join(FORMATS)}, each also with {', '.join(PACKED)}",
                path=path,
            )
        return found

    @classmethod
    def _named(cls, path: Path) -> RdfFile | None:
        packing = PACKED.get(path.suffix.lower())
        suffix = Path(path.stem).suffix.lower() if packing else path.suffix.lower()
        return cls(path, FORMATS[suffix], packing) if suffix in FORMATS else None

    @property
    def by_lines(self) -> bool:
        """Whether every line stands for itself, as in N-Triples and N-Quads."""
        return self.format in (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS)

    @contextmanager
    def opened(self) -> Iterator[RdfStream]:
        """The unpacked content.

        Raises:
            DataError: if it is damaged.
        """
        try:
            file = pa.OSFile(str(self.path))
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", path=self.path) from error
        if self.format == ox.RdfFormat.RDF_XML:
            with pa.input_stream(str(self.path), compression=self.packing) as head, suppress(OSError):
                check_entities(head, self.path)
        with file as raw:
            stream = raw if self.packing is None else pa.CompressedInputStream(raw, self.packing)
            content = _Content(stream, self)
            try:
                yield RdfStream(cast(IO[bytes], content), raw)
            except Exception:
                # Some parsers turn what a stream raises into an error of their own.
                if content.failure is not None:
                    raise content.failure from None
                raise


@dataclass(frozen=True)
class RdfStream:
    """Unpacked content, and the file beneath it."""

    content: IO[bytes]
    raw: pa.NativeFile

    def bytes_read(self) -> int:
        """How much of the file, as it lies on the disk, has been read."""
        return int(self.raw.tell())


class _Content:
    """A stream less the byte order mark that some editors begin a file with, and no RDF syntax knows.

    Only what this stream raises is the file's fault: what happens while it is open may have other causes.
    """

    def __init__(self, stream: Any, file: RdfFile) -> None:
        self._stream, self._file, self._begun = stream, file, False
        self._since_tag = 0
        self.failure: DataError | None = None

    def read(self, size: int = -1) -> bytes:
        data = self._next(size)
        if not self._begun:
            self._begun = True
            while 0 < len(data) < 3 and (more := self._next(3 - len(data))):
                data += more
            data = data.removeprefix(MARK) or (self._next(size) if data else data)
        return data

    def _next(self, size: int) -> bytes:
        try:
            data = bytes(self._stream.read(size))
        except OSError as error:
            packing = self._file.packing
            text = f"cannot be read: {error}" if packing is None else f"damaged {packing} file: {error}; fetch it again"
            self.failure = DataError(text, path=self._file.path)
            raise self.failure from error
        if self._file.format == ox.RdfFormat.RDF_XML:
            self._check_text(data)
        return data

    def _check_text(self, data: bytes) -> None:
        """Refuse endless text between two tags, all of which the parser would hold, and take minutes over."""
        at = data.rfind(b"<")
        self._since_tag = self._since_tag + len(data) if at < 0 else len(data) - at
        if self._since_tag > LONGEST_TEXT:
            text = f"malformed RDF: more than {LONGEST_TEXT >> 20} MiB without a tag; is this RDF/XML?"
            self.failure = DataError(text, path=self._file.path)
            raise self.failure


def rdf_files(paths: Sequence[str | Path]) -> list[RdfFile]:
    """The files that some paths name: files, patterns (`dump/*.nt.gz`), and folders, whose RDF files are all taken.

    Patterns and folders give their files in alphabetic order; a file named twice is taken once.

    Raises:
        DataError: if one is missing, a pattern or folder gives none, or a named file is of no known kind.
    """
    found = [file for path in paths for file in _expanded(Path(path))]
    if not found:
        raise DataError("no file given")
    unique: dict[Path, RdfFile] = {}
    for file in found:
        unique.setdefault(file.path.resolve(), file)
    return list(unique.values())


def _expanded(path: Path) -> list[RdfFile]:
    try:
        return _of_path(path)
    except (OSError, ValueError) as error:  # no permission, a name too long, a pattern that is none
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"cannot be read: {reason}", path=path) from error


def _of_path(path: Path) -> list[RdfFile]:
    if path.is_dir():
        inside = (RdfFile._named(file) for file in sorted(path.rglob("*")) if file.is_file())
        found = [file for file in inside if file is not None]
        if not found:
            raise DataError(f"no RDF file in the folder; known are {', '.join(FORMATS)}", path=path)
        return found
    # A file's own name may hold brackets.
    if path.is_file() or not has_magic(str(path)):
        return [RdfFile.of(path)]
    start = Path(path.anchor)
    matches = sorted(start.glob(str(path.relative_to(start))))
    if not matches:
        raise DataError("no file matches the pattern", path=path)
    return [file for match in matches for file in _expanded(match)]
