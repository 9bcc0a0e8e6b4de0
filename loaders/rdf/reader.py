"""RDF in any syntax into a knowledge graph."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyoxigraph as ox
from pydantic import Field

from ...kg import DataError, KnowledgeGraph, Update
from ..collector import TripleCollector
from ..graph_options import GraphOptions
from .faults import fault_of, no_triple
from .files import RdfFile, RdfStream, rdf_files
from .ntriples import collect_ntriples
from .terms import BlankNodes, columns_of

if TYPE_CHECKING:
    import rdflib

__all__ = ["RdfGraph", "read_rdf", "read_rdflib"]

CHUNK = 100_000


class RdfGraph(GraphOptions):
    """A graph in RDF files."""

    source: Literal["rdf"]

    files: tuple[Path, ...] = Field(min_length=1)
    """Files, patterns (`dump/*.nt.gz`) or folders. N-Triples (.nt), N-Quads (.nq), Turtle (.ttl), TriG (.trig), N3 (.n3),
    RDF/XML (.rdf, .owl, .xml) and JSON-LD (.jsonld), each perhaps with .gz, .bz2 or .zst."""

    base: str | None = None
    """IRI that relative IRIs in the files are relative to, where a file does not say so itself."""

    def paths(self) -> list[Path]:
        """The files themselves."""
        return [file.path for file in rdf_files(self.files)]


def read_rdf(
    paths: Sequence[str | Path], *, base: str | None = None, on_progress: Update | None = None
) -> KnowledgeGraph:
    """Read RDF files of any syntax, packed or not, into one graph.

    IRIs are the entities' ids; a blank node is `_:FILE:LABEL` with FILE the number of its file, so that equal
    labels in two files stay apart, or `_:FILE:[N]` for the Nth without a label. An entity with several rdf:types has the
    commonest of them. Named graphs are read as one.

    Args:
        paths: files, patterns or folders.
        base: what relative IRIs are relative to.
        on_progress: told how much of the files has been read, in MiB.

    Raises:
        DataError: if a file is missing, of an unknown kind, malformed (naming the line), damaged, or has a triple about
            a triple, or if there is no triple in any.
    """
    files = rdf_files(paths)
    collector = TripleCollector()
    total = sum(file.path.stat().st_size for file in files)
    done = 0
    for number, file in enumerate(files):
        with file.opened() as stream:
            told = _teller(collector, file, stream, done, total, on_progress)
            if file.by_lines:
                collect_ntriples(
                    stream.content,
                    collector,
                    blank=BlankNodes(number),
                    path=file.path,
                    quads=file.format == ox.RdfFormat.N_QUADS,
                    on_block=told,
                )
            else:
                _collect(file, stream, collector, BlankNodes(number, brackets=True), base, told)
        done += file.path.stat().st_size
    if collector.rows == 0:
        raise no_triple(files)
    return collector.graph()


def read_rdflib(graph: rdflib.Graph) -> KnowledgeGraph:
    """Take the triples of an `rdflib.Graph` that is already in memory, or of all graphs of an `rdflib.Dataset`.

    Raises:
        DataError: if it holds no triple, or one that cannot be written as N-Triples.
    """
    import rdflib

    collector = TripleCollector()
    # Serialised by rdflib and parsed like a file: one way into columns, and the same rules for all.
    quads = isinstance(graph, rdflib.Dataset)
    try:
        data = graph.serialize(format="nquads" if quads else "nt", encoding="utf-8")
    except Exception as error:  # rdflib raises no narrower class for an IRI with a space in it
        raise DataError(f"the rdflib graph cannot be written as N-Triples: {error}") from error
    try:
        collect_ntriples(io.BytesIO(data), collector, quads=quads)
    except DataError as error:
        raise DataError(f"the rdflib graph cannot be written as N-Triples: {error}") from error
    if collector.rows == 0:
        raise DataError("the rdflib graph is empty")
    return collector.graph()


def _teller(
    collector: TripleCollector, file: RdfFile, stream: RdfStream, done: int, total: int, on_progress: Update | None
) -> Callable[[], None]:
    """What is called now and then while a file is read."""

    def tell() -> None:
        if on_progress is not None:
            mebibytes = (done + stream.bytes_read()) >> 20
            on_progress(mebibytes, total >> 20, f"MiB, {collector.rows:,} triples, {file.path.name}")

    return tell


def _collect(
    file: RdfFile,
    stream: RdfStream,
    collector: TripleCollector,
    blank: BlankNodes,
    base: str | None,
    told: Callable[[], None],
) -> None:
    triples = _parsed(file, stream, base)
    # A block of triples at a time, so that Python's objects never number more than those of a block.
    while block := list(islice(triples, CHUNK)):
        columns_of(block, blank, path=file.path).tell(collector)
        told()


def _parsed(file: RdfFile, stream: RdfStream, base: str | None) -> Iterator[Any]:
    """Triples of one file, with every parser error turned into a sentence that names file and line."""
    try:
        yield from ox.parse(stream.content, format=file.format, base_iri=base)
    except (SyntaxError, ValueError, MemoryError) as error:
        raise fault_of(file, error) from error
