"""What is wrong with an RDF file, in a sentence that names file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.parsers import expat

import pyoxigraph as ox

from ...kg import DataError
from .files import RdfFile
from .terms import syntax_problem

__all__ = ["TOO_LONG", "fault_of", "no_triple"]

CHUNK = 100_000
TOO_LONG = "malformed RDF: a term is longer than 16 MiB, or never ends; shorten it, or write plain N-Triples"
"""What Oxigraph's parser says with a MemoryError, of more than it holds at a time."""


def fault_of(file: RdfFile, error: SyntaxError | ValueError | MemoryError) -> DataError:
    """The error for what Oxigraph says of a file."""
    if isinstance(error, MemoryError):
        return DataError(TOO_LONG, path=file.path)
    if not isinstance(error, SyntaxError):
        return DataError(f"cannot be read: {error}", path=file.path)
    line = error.lineno or _line_in(str(error)) or (_xml_line(file) if file.format == ox.RdfFormat.RDF_XML else None)
    hint = "; say what it is relative to under data.graph.base" if "No scheme" in error.msg else ""
    text = f"malformed RDF: {syntax_problem(error)}{hint or '; correct or remove it'}"
    return DataError(text, path=file.path, line=line)


def no_triple(files: Sequence[RdfFile]) -> DataError:
    """The error for files that hold nothing."""
    more = "" if len(files) == 1 else f" and {len(files) - 1:,} further files"
    text = f"the graph is empty: no triple in this file{more}; check that it is the right one"
    return DataError(text, path=files[0].path)


def _line_in(message: str) -> int | None:
    found = re.search(r"line (\d+)", message)
    return int(found[1]) if found else None


def _xml_line(file: RdfFile) -> int | None:
    """The line at which a file is no XML; None if it is, or is no RDF/XML. Oxigraph does not say."""
    parser = expat.ParserCreate(namespace_separator=" ")
    try:
        with file.opened() as stream:
            while data := stream.content.read(CHUNK):
                parser.Parse(bytes(data))
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        return error.lineno
    return None
