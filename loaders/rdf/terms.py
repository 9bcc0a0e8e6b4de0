"""Oxigraph's terms one by one into columns: for every RDF syntax but plain N-Triples lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyoxigraph as ox

from ...kg import DataError
from ..collector import RDF_TYPE, TripleCollector

__all__ = ["BlankNodes", "RdfColumns", "columns_of", "syntax_problem"]

XSD_STRING = "http://www.w3.org/2001/XMLSchema#string"
RDF_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
# What Oxigraph calls a node that the file gives no label: 128 random bits in hexadecimal, a letter first.
UNLABELLED = re.compile(r"[a-f][0-9a-f]{27,31}")
STRING = pa.large_string()
Strings = Any


class BlankNodes:
    """Ids of the blank nodes of one document: `_:DOCUMENT:LABEL`, so that equal labels in two documents stay apart.

    Args:
        document: stands for the document.
        brackets: whether its syntax has nodes without a label (Turtle's `[]`). Such a node is `_:DOCUMENT:[N]`, the Nth
            met, so that reading the document again gives the same ids.
    """

    def __init__(self, document: int | str = 0, *, brackets: bool = False) -> None:
        self.prefix, self.brackets = f"_:{document}:", brackets
        self._unlabelled: dict[str, str] = {}

    def id(self, label: str) -> str:
        """The id of a node that Oxigraph knows by a label."""
        if not self.brackets or UNLABELLED.fullmatch(label) is None:
            return self.prefix + label
        return self._unlabelled.setdefault(label, f"{self.prefix}[{len(self._unlabelled)}]")


@dataclass(frozen=True, eq=False)
class RdfColumns:
    """Some triples as string columns, by what they say.

    Attributes:
        edges: head, relation, tail.
        types: entity, node type.
        literals: entity, predicate, value, language, datatype; the last two null where there is none.
        literal_line: where each literal stood, to put those of two sources in order.
    """

    edges: tuple[Strings, Strings, Strings]
    types: tuple[Strings, Strings]
    literals: tuple[Strings, Strings, Strings, Strings, Strings]
    literal_line: npt.NDArray[np.int64]

    def tell(self, collector: TripleCollector) -> None:
        """Hand the columns on."""
        if len(self.edges[0]):
            collector.add_edges(*self.edges)
        if len(self.types[0]):
            collector.add_types(*self.types)
        entity, predicate, value, language, datatype = self.literals
        if len(entity):
            collector.add_literals(entity, predicate, value, language=language, datatype=datatype)


def columns_of(
    triples: Iterable[Any], blank: BlankNodes, *, path: Path | None = None, lines: Sequence[int] | None = None
) -> RdfColumns:
    """Sort Oxigraph's triples or quads into columns; the graph a quad stands in is not looked at.

    Args:
        triples: the triples.
        blank: names the blank nodes.
        path: the file they are from, for errors.
        lines: the line of each, if known; their order otherwise.

    Raises:
        DataError: at a triple about a triple.
    """
    heads: list[str] = []
    relations: list[str] = []
    tails: list[str] = []
    typed: list[str] = []
    kinds: list[str] = []
    literals: tuple[list[str], list[str], list[str], list[str | None], list[str | None]] = ([], [], [], [], [])
    literal_line: list[int] = []
    entity, predicates, values, languages, datatypes = literals
    for number, triple in enumerate(triples):
        subject, predicate, target = triple.subject, triple.predicate.value, triple.object
        if type(subject) is ox.NamedNode:
            head = subject.value
        elif type(subject) is ox.BlankNode:
            head = blank.id(subject.value)
        else:
            raise _about_a_triple(subject, path)
        if type(target) is ox.Literal:
            entity.append(head)
            predicates.append(predicate)
            values.append(target.value)
            languages.append(target.language)
            datatype = target.datatype.value
            datatypes.append(None if datatype in (XSD_STRING, RDF_LANG_STRING) else datatype)
            literal_line.append(number if lines is None else lines[number])
            continue
        if type(target) is ox.NamedNode:
            tail = target.value
        elif type(target) is ox.BlankNode:
            tail = blank.id(target.value)
        else:
            raise _about_a_triple(target, path)
        if predicate == RDF_TYPE:
            typed.append(head)
            kinds.append(tail)
        else:
            heads.append(head)
            relations.append(predicate)
            tails.append(tail)
    return RdfColumns(
        (_strings(heads), _strings(relations), _strings(tails)),
        (_strings(typed), _strings(kinds)),
        (
            _strings(entity), _strings(predicates), _strings(values), _strings(languages), _strings(datatypes),
        ),
        np.array(literal_line, dtype=np.int64),
    )  # fmt: skip


def syntax_problem(error: SyntaxError) -> str:
    """What Oxigraph says is wrong, less the place: that is told in front, and counted from the file's first line."""
    problem = re.sub(r"^Parser error (at|between) [^:]*: ", "", error.msg)
    # It may quote much of the file, line breaks and all.
    shown = re.sub(r"[\x00-\x1f\x7f]", lambda found: repr(found[0])[1:-1], problem)
    return shown if len(shown) <= 300 else f"{shown[:300]}..."


def _strings(values: Sequence[str | None]) -> Strings:
    return pa.array(values, type=STRING)


def _about_a_triple(term: Any, path: Path | None) -> DataError:
    return DataError(f"a triple about a triple, {term}; leave it out of the file", path=path)
