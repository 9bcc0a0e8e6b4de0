"""Which files hold RDF, in which syntax, packed how; opened with their progress in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyoxigraph as ox

from ...kg import DataError

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
PACKINGS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


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
        if not path.is_file():
            raise DataError("no such file", path=path)
        found = cls._named(path)
        if found is None:
            raise DataError(
                f"unknown kind of RDF file; known are {', '.join(FORMATS)}, each also with {', '.join(PACKINGS)}",
                path=path,
            )
        return found

    @classmethod
    def _named(cls, path: Path) -> RdfFile | None:
        packing = PACKINGS.get(path.suffix.lower())
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
        with pa.OSFile(str(self.path)) as raw:
            stream = raw if self.packing is None else pa.CompressedInputStream(raw, self.packing)
            try:
                yield RdfStream(cast(IO[bytes], stream), raw)
            except OSError as error:
                if self.packing is None:
                    raise
                raise DataError(f"damaged {self.packing} file: {error}; fetch it again", path=self.path) from error


@dataclass(frozen=True)
class RdfStream:
    """Unpacked content, and the file beneath it."""

    content: IO[bytes]
    raw: pa.NativeFile

    def bytes_read(self) -> int:
        """How much of the file, as it lies on the disk, has been read."""
        return int(self.raw.tell())


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
