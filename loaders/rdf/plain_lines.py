"""The plain lines of a block of N-Triples, cut into columns by array operations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..collector import RDF_TYPE
from .terms import RDF_LANG_STRING, XSD_STRING, BlankNodes, RdfColumns

__all__ = ["PlainLines", "Positions", "Strings"]

CR, TAB, BLANK, QUOTE, DOT, LESS, GREATER, BACKSLASH, UNDERSCORE = b'\r\t ".<>\\_'
# As RFC 3987 has it, less what is rare: user names and brackets in hosts, private and unassigned characters.
_LETTERS = "".join(
    f"{chr(a)}-{chr(b)}" for a, b in ((0xA0, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFEF), (0x10000, 0x1FFFD))
)
_HOST = f"[A-Za-z0-9._~!$&'()*+,;=%{_LETTERS}-]*"
_PART = f"A-Za-z0-9._~!$&'()*+,;=:@%{_LETTERS}-"
PLAIN_IRI = (
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_HOST}(?::[0-9]*)?(?:/[{_PART}/]*)?|/?[{_PART}][{_PART}/]*|/)?"
    rf"(?:\?[{_PART}/?]*)?(?:#[{_PART}/?]*)?"
)
BAD_PERCENT = r"%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)"
PLAIN_LABEL = r"^_:[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_-])?$"
SUFFIX = re.compile(rf"|@([A-Za-z]{{1,8}}(?:-[A-Za-z0-9]{{1,8}})*)|\^\^<({PLAIN_IRI})>")
Strings = Any
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Spans:
    """Where something begins and ends in a block, one a line; only of the lines that are plain."""

    first: Positions
    last: Positions

    def at(self, rows: npt.NDArray[Any]) -> _Spans:
        return _Spans(self.first[rows], self.last[rows])


class PlainLines:
    """The lines of a block, cut into subject, predicate and object where they are plain."""

    def __init__(
        self, block: bytes, text: npt.NDArray[np.uint8], first: Positions, last: Positions, quads: bool
    ) -> None:
        self.text, self.buffer = text, pa.py_buffer(block)
        blanks = np.flatnonzero((text == BLANK) | (text == TAB))
        # A line that lacks a blank borrows one of a later line, or one of these, and is then seen not to be plain.
        blanks = np.concatenate([blanks, np.full(3, len(text) - 1)])
        at = np.searchsorted(blanks, first)
        end = last - (text[np.maximum(last - 1, 0)] == CR)
        one, two = blanks[at], blanks[at + 1]
        # The statement ends in blank and dot.
        stop = end - 2
        self.plain = (first < one) & (one + 1 < two) & (two + 1 < stop)
        before = text[np.maximum(stop, 0)]
        self.plain &= (text[end - 1] == DOT) & ((before == BLANK) | (before == TAB))
        self._drop_escapes(text, first, last, end)
        self.subject, self.predicate, self.object = _Spans(first, one), _Spans(one + 1, two), _Spans(two + 1, stop)
        if quads:
            self._cut_off_graph(blanks)

    def _drop_escapes(self, text: npt.NDArray[np.uint8], first: Positions, last: Positions, end: Positions) -> None:
        strange = np.flatnonzero(text == BACKSLASH)
        returns = np.flatnonzero(text == CR)
        if len(returns):
            strange = np.concatenate([strange, np.setdiff1d(returns, end[end < last], assume_unique=True)])
        self.plain[np.searchsorted(last, strange)] = False

    def _cut_off_graph(self, blanks: Positions) -> None:
        """Let the object of a quad end before the IRI of its graph, if it has one."""
        stop = self.object.last
        before = blanks[np.maximum(np.searchsorted(blanks, stop) - 1, 0)]
        rows = np.flatnonzero(self.plain & (self.text[before + 1 - (before + 1 == len(self.text))] == LESS))
        rows = rows[(self.text[stop[rows] - 1] == GREATER) & (before[rows] >= self.object.first[rows])]
        _, good = self._nodes(_Spans(before[rows] + 1, stop[rows]), None)
        self.plain[rows[~good]] = False
        stop = stop.copy()
        stop[rows] = before[rows]
        self.object = _Spans(self.object.first, stop)

    def columns(self, blank: BlankNodes) -> tuple[RdfColumns, Positions]:
        """Columns of the plain lines, and the numbers of all others."""
        rows = np.flatnonzero(self.plain)
        literal = self.text[self.object.first[rows]] == QUOTE
        subject, good = self._nodes(self.subject.at(rows), blank)
        predicate, fine = self._nodes(self.predicate.at(rows), None)
        good &= fine
        told, of_literal = self._literals(rows[literal])
        good[literal] &= of_literal
        target, fine = self._nodes(self.object.at(rows[~literal]), blank)
        good[~literal] &= fine
        # Only in blocks with a line that is not what it seemed is anything taken out again.
        whole = bool(good.all())
        odd = np.setdiff1d(np.arange(len(self.plain)), rows[good], assume_unique=True)
        said = literal if whole else literal & good
        linked = ~literal if whole else ~literal & good
        kept = slice(None) if whole else pa.array(np.flatnonzero(good[~literal]))
        tail = target if whole else target.take(kept)
        head, relation = (column.filter(pa.array(linked)) for column in (subject, predicate))
        is_type = _equal(relation, RDF_TYPE)
        values = told if whole else tuple(column.take(pa.array(np.flatnonzero(good[literal]))) for column in told)
        describing = (column.filter(pa.array(said)) for column in (subject, predicate))
        if pc.any(is_type).as_py():
            typing = head.filter(is_type), tail.filter(is_type)
            others = pc.invert(is_type)
            edges = head.filter(others), relation.filter(others), tail.filter(others)
        else:
            typing = (head.slice(0, 0), tail.slice(0, 0))
            edges = head, relation, tail
        return RdfColumns(edges, typing, (*describing, *values), rows[said]), odd

    def _nodes(self, spans: _Spans, blank: BlankNodes | None) -> tuple[Strings, npt.NDArray[np.bool_]]:
        """IRIs and blank nodes, dictionary-encoded, and which of them are plain; `blank` None allows IRIs alone."""
        iri = (self.text[spans.first] == LESS) & (self.text[spans.last - 1] == GREATER)
        # `<_:x>` must not pass for a blank node once its brackets are off.
        iri &= self.text[spans.first + 1] != UNDERSCORE
        encoded = self._strings(spans.first + iri, spans.last - iri).dictionary_encode()
        names = encoded.dictionary
        plain = _plain_iris(names)
        labels = np.zeros(len(names), dtype=bool)
        if blank is not None and not iri.all():
            labels = np.asarray(pc.match_substring_regex(names, PLAIN_LABEL))
            if labels.any():
                ids = pa.array([blank.id(n[2:]) for n in names.filter(pa.array(labels)).to_pylist()], names.type)
                names = pc.replace_with_mask(names, pa.array(labels), ids)
        numbers = np.asarray(encoded.indices)
        good = np.where(iri, plain[numbers], labels[numbers]) if len(names) else np.zeros(0, dtype=bool)
        return pa.DictionaryArray.from_arrays(encoded.indices, names), good

    def _literals(self, rows: Positions) -> tuple[tuple[Strings, Strings, Strings], npt.NDArray[np.bool_]]:
        """Value, language and datatype of literals, and which of them are plain."""
        quotes = np.concatenate([np.flatnonzero(self.text == QUOTE), np.full(2, len(self.text))])
        spans = self.object.at(rows)
        opening = np.searchsorted(quotes, spans.first)
        closing, beyond = quotes[opening + 1], quotes[opening + 2]
        good = (closing < spans.last) & (beyond >= spans.last)
        # Whatever is not plain has some span that lies inside the line, for now.
        closing = np.where(good, closing, spans.last - 1)
        value = self._strings(np.minimum(spans.first + 1, closing), closing)
        suffix = self._strings(closing + 1, spans.last).dictionary_encode()
        matches = [SUFFIX.fullmatch(text) for text in suffix.dictionary.to_pylist()]
        known = np.array(
            [m is not None and not (m[2] and (m[2] == RDF_LANG_STRING or "%" in m[2])) for m in matches], dtype=bool
        )
        numbers = np.asarray(suffix.indices)
        good &= known[numbers] if len(matches) else good
        tags = [m[1].lower() if m is not None and m[1] else None for m in matches]
        kinds = [m[2] if m is not None and m[2] != XSD_STRING else None for m in matches]
        language, datatype = (_of_codes(names, numbers) for names in (tags, kinds))
        return (value, language, datatype), good

    def _strings(self, first: Positions, last: Positions) -> Strings:
        """Spans of the text as strings, copied out."""
        n = len(first)
        # An Arrow array of the spans and the gaps between them needs no copying; every other element is then taken.
        offsets = np.zeros(2 * n + 1, dtype=np.int64)
        offsets[0:-1:2], offsets[1::2] = first, last
        offsets[-1] = offsets[-2] if n else 0
        whole = pa.LargeStringArray.from_buffers(2 * n, pa.py_buffer(offsets), self.buffer)
        return whole.take(pa.array(np.arange(0, 2 * n, 2)))


def _equal(column: Strings, value: str) -> Strings:
    """Where a dictionary-encoded column has a value."""
    number = pc.index(column.dictionary, pa.scalar(value, column.dictionary.type)).as_py()
    return pc.equal(column.indices, number)


def _of_codes(names: list[str | None], numbers: npt.NDArray[np.int32]) -> Strings:
    """Names by number as a dictionary-encoded column; null where the name is None."""
    distinct: dict[str, int] = {}
    code = np.array([-1 if n is None else distinct.setdefault(n, len(distinct)) for n in names], dtype=np.int32)
    at = code[numbers] if len(names) else np.empty(0, dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(at, mask=at < 0), pa.array(list(distinct), pa.large_string()))


def _plain_iris(names: Strings) -> npt.NDArray[np.bool_]:
    plain = np.asarray(pc.match_substring_regex(names, f"^(?:{PLAIN_IRI})$"))
    percent = pc.match_substring(names, "%")
    if pc.any(percent).as_py():
        plain = plain & ~np.asarray(pc.match_substring_regex(names, BAD_PERCENT))
    return plain
