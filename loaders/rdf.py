"""RDF files into a knowledge graph, parsed by Oxigraph straight into columns."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyoxigraph as ox

from ..kg import DataError, IdMap, KnowledgeGraph, Literals

if TYPE_CHECKING:
    import rdflib

__all__ = ["read_rdf", "read_rdflib"]

RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
RDF_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
# Classes that hold for everything, and so say nothing about a node.
UNIVERSAL_TYPES = frozenset(
    {
        "http://www.w3.org/2002/07/owl#Thing",
        "http://www.w3.org/2002/07/owl#NamedIndividual",
        "http://www.w3.org/2000/01/rdf-schema#Resource",
    }
)
FORMATS = {".nt": ox.RdfFormat.N_TRIPLES, ".ttl": ox.RdfFormat.TURTLE, ".turtle": ox.RdfFormat.TURTLE}
REPORT_EVERY = 50_000

Progress = Callable[[str, int], None]
"""Called with the file's name and the triples read so far, now and then."""


def read_rdf(paths: Sequence[str | Path], *, on_progress: Progress | None = None) -> KnowledgeGraph:
    """Read N-Triples and Turtle files, gzipped or not, into one graph.

    IRIs are the entities' ids; a blank node is `_:FILE:LABEL`, with FILE the number of its file, so that equal
    labels in two files stay apart. An entity with several rdf:types has the commonest of them.

    Raises:
        DataError: if a file is missing, of an unknown kind, malformed (naming the line), damaged, or has a triple about
            a triple, or if there is no triple in any.
    """
    columns = _Columns()
    files = [Path(path) for path in paths]
    for path in files:
        _format(path)
    for number, path in enumerate(files):
        columns.path, columns.blank_prefix = path, f"_:{number}:"
        columns.read(_parse(path), path.name, on_progress)
    if columns.triples == 0:
        names = ", ".join(str(p) for p in paths) or "no file given"
        raise DataError(f"the graph is empty: no triple in {names}; check that these are the right files")
    return columns.graph()


def read_rdflib(graph: rdflib.Graph) -> KnowledgeGraph:
    """Take the triples of an `rdflib.Graph` that is already in memory.

    Raises:
        DataError: if it holds no triple, or one that cannot be written as N-Triples.
    """
    columns = _Columns()
    # Serialised by rdflib and parsed by Oxigraph: one way into columns, and the same rules for all.
    try:
        data = graph.serialize(format="nt", encoding="utf-8")
        columns.read(ox.parse(data, format=ox.RdfFormat.N_TRIPLES), "rdflib graph", None)
    except DataError:
        raise
    except Exception as error:  # rdflib raises no narrower class for an IRI with a space in it
        raise DataError(f"the rdflib graph cannot be written as N-Triples: {error}") from error
    if columns.triples == 0:
        raise DataError("the rdflib graph is empty")
    return columns.graph()


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _format(path: Path) -> ox.RdfFormat:
    if not path.is_file():
        raise DataError("no such file", path=path)
    suffix = Path(path.stem).suffix.lower() if _packed(path) else path.suffix.lower()
    if suffix not in FORMATS:
        raise DataError(f"unknown kind of RDF file; known are {', '.join(FORMATS)}, each also with .gz", path=path)
    return FORMATS[suffix]


def _parse(path: Path) -> Iterator[Any]:
    """Triples of one file, with every parser error turned into a sentence that names file and line."""
    with path.open("rb") as raw:
        file = gzip.GzipFile(fileobj=raw) if _packed(path) else raw
        try:
            # Some editors begin a file with a byte order mark, which no RDF syntax knows.
            if file.peek(3).startswith(codecs.BOM_UTF8):
                file.read(3)
            yield from ox.parse(cast(IO[bytes], file), format=_format(path))
        except SyntaxError as error:
            line = error.lineno or _line_in(str(error))
            raise DataError(f"malformed RDF: {error.msg}; correct or remove it", path=path, line=line) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"damaged gzip file: {error}; fetch it again", path=path) from error


def _line_in(message: str) -> int | None:
    found = re.search(r"line (\d+)", message)
    return int(found[1]) if found else None


class _Columns:
    """Growing columns: machine integers in arrays, strings once each in dictionaries."""

    def __init__(self) -> None:
        self.entities: dict[str, int] = {}
        self.relations: dict[str, int] = {}
        self.predicates: dict[str, int] = {}
        self.types: dict[str, int] = {}
        self.edges = tuple(array("i") for _ in range(3))
        self.typings = (array("i"), array("i"))
        self.literal_keys = (array("i"), array("i"))
        self.literal_values: list[str] = []
        self.literal_tags: list[str | None] = []
        self.literal_datatypes: list[str | None] = []
        self.triples = 0
        self.path: Path | None = None
        self.blank_prefix = "_:"

    def read(self, triples: Iterable[Any], name: str, on_progress: Progress | None) -> None:
        entities = self.entities
        head, relation, tail = (column.append for column in self.edges)
        for triple in triples:
            self.triples += 1
            if on_progress is not None and self.triples % REPORT_EVERY == 0:
                on_progress(name, self.triples)
            subject = self._node(triple.subject)
            predicate, target = triple.predicate.value, triple.object
            if isinstance(target, ox.Literal):
                self._literal(subject, predicate, target)
            elif predicate == RDF_TYPE:
                self.typings[0].append(entities.setdefault(subject, len(entities)))
                self.typings[1].append(self.types.setdefault(self._node(target), len(self.types)))
            else:
                head(entities.setdefault(subject, len(entities)))
                relation(self.relations.setdefault(predicate, len(self.relations)))
                node = self._node(target)
                tail(entities.setdefault(node, len(entities)))
        if on_progress is not None:
            on_progress(name, self.triples)

    def _node(self, term: Any) -> str:
        try:
            value: str = term.value
        except AttributeError:
            raise DataError(f"a triple about a triple, {term}; leave it out of the file", path=self.path) from None
        return self.blank_prefix + value if isinstance(term, ox.BlankNode) else value

    def _literal(self, subject: str, predicate: str, literal: Any) -> None:
        self.literal_keys[0].append(self.entities.setdefault(subject, len(self.entities)))
        self.literal_keys[1].append(self.predicates.setdefault(predicate, len(self.predicates)))
        self.literal_values.append(literal.value)
        self.literal_tags.append(literal.language)
        datatype = literal.datatype.value
        self.literal_datatypes.append(None if datatype in (XSD_STRING, RDF_LANG_STRING) else datatype)

    def graph(self) -> KnowledgeGraph:
        head, relation, tail = (np.frombuffer(c, dtype=np.int32) if c else np.empty(0, np.int32) for c in self.edges)
        return KnowledgeGraph.build(
            IdMap(pa.array(list(self.entities), type=pa.large_string())),
            tuple(self.relations),
            head,
            relation,
            tail,
            types=tuple(self.types),
            type_of=self._type_of(),
            literals=Literals(
                np.array(self.literal_keys[0], dtype=np.int32),
                np.array(self.literal_keys[1], dtype=np.int32),
                pa.array(self.literal_values, type=pa.large_string()),
                pa.array(self.literal_tags, type=pa.large_string()).dictionary_encode(),
                pa.array(self.literal_datatypes, type=pa.large_string()).dictionary_encode(),
                tuple(self.predicates),
            ),
        )

    def _type_of(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Each entity's commonest type: assigned from the rarest type up, so that the commonest is written last."""
        type_of = np.full(len(self.entities), -1, dtype=np.int32)
        entity, kind = (np.array(c, dtype=np.int64) for c in self.typings)
        counts = Counter(kind.tolist())
        names = list(self.types)
        for number in sorted(counts, key=lambda n: (names[n] not in UNIVERSAL_TYPES, counts[n], names[n])):
            type_of[entity[kind == number]] = number
        return type_of
