"""N-Triples and N-Quads a block at a time: plain lines by columns, any other line by Oxigraph.

A plain line is `SUBJECT PREDICATE OBJECT .` with single blanks or tabs between, without escapes, and with IRIs of
ordinary characters. Nearly every line that a program has written is plain, and thousands of them are cut up by a handful
of array operations. Every line that is not plain beyond doubt goes to Oxigraph's parser, which decides what is right.
"""

from __future__ import annotations

import codecs
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyoxigraph as ox

from ...kg import DataError
from ..collector import RDF_TYPE, TripleCollector
from .terms import RDF_LANG_STRING, XSD_STRING, BlankNodes, RdfColumns, columns_of, syntax_problem

__all__ = ["collect_ntriples"]

# Small enough for a block and what is made of it to stay in a core's cache.
BLOCK_BYTES = 4 << 20
LF, CR, TAB, BLANK, QUOTE, DOT, LESS, GREATER, BACKSLASH, UNDERSCORE = b'\n\r\t ".<>\\_'
PLAIN_IRI = r"^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%\x{80}-\x{10FFFF}-]*$"
BAD_PERCENT = r"%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)"
PLAIN_LABEL = r"^_:[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_-])?$"
SUFFIX = re.compile(r"|@([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)|\^\^<([A-Za-z][A-Za-z0-9+.-]*:[\w:/?#@!$&'()*+,;=.~-]*)>")
NOTHING = re.compile(rb"[ \t\r]*(#.*)?")
Strings = Any
Positions = npt.NDArray[np.int64]


def collect_ntriples(
    stream: IO[bytes],
    collector: TripleCollector,
    *,
    blank: BlankNodes | None = None,
    path: Path | None = None,
    quads: bool = False,
    block_bytes: int = BLOCK_BYTES,
    on_block: Callable[[], None] | None = None,
) -> None:
    """Read N-Triples into a collector, with as many threads as there are cores, at most four.

    Args:
        stream: UTF-8 text.
        collector: is told the triples in the order of the text.
        blank: names the blank nodes.
        path: the file, for errors.
        quads: whether lines may name a graph (N-Quads); all graphs are read as one.
        block_bytes: how much is read at a time; a longer line is still read whole.
        on_block: called after every block.

    Raises:
        DataError: if a line is malformed (naming it), not UTF-8, or about a triple.
    """
    reader = _Reader(blank or BlankNodes(), path, quads)
    threads = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    lines = 0
    under_way: deque[Future[tuple[RdfColumns, int]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for block in _blocks(stream, block_bytes):
                under_way.append(pool.submit(reader.read, block))
                while len(under_way) > threads:
                    lines += _finish(under_way.popleft(), collector, path, lines, on_block)
            while under_way:
                lines += _finish(under_way.popleft(), collector, path, lines, on_block)
        finally:
            for future in under_way:
                future.cancel()


def _finish(
    future: Future[tuple[RdfColumns, int]],
    collector: TripleCollector,
    path: Path | None,
    lines: int,
    on_block: Callable[[], None] | None,
) -> int:
    """Hand a block's columns on, with errors at the line of the whole file; the block's lines."""
    try:
        columns, n = future.result()
    except _LineError as error:
        raise DataError(str(error), path=path, line=lines + error.line) from None
    columns.tell(collector)
    if on_block is not None:
        on_block()
    return n


def _blocks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """The text in pieces that end at the end of a line, the last perhaps without one."""
    # Some editors begin a file with a byte order mark, which the syntax does not know.
    pieces = [stream.read(size).removeprefix(codecs.BOM_UTF8)]
    while piece := stream.read(size):
        cut = pieces[-1].rfind(b"\n") + 1
        if cut:
            yield b"".join([*pieces[:-1], pieces[-1][:cut]])
            pieces = [pieces[-1][cut:]]
        pieces.append(piece)
    if rest := b"".join(pieces):
        yield rest


class _LineError(Exception):
    """What is wrong at a line of a block, counted from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, eq=False)
class _Spans:
    """Where something begins and ends in a block, one a line; only of the lines that are plain."""

    first: Positions
    last: Positions

    def at(self, rows: npt.NDArray[Any]) -> _Spans:
        return _Spans(self.first[rows], self.last[rows])


class _Reader:
    """Reads blocks; several threads may share it."""

    def __init__(self, blank: BlankNodes, path: Path | None, quads: bool) -> None:
        self.blank, self.path, self.quads = blank, path, quads

    def read(self, block: bytes) -> tuple[RdfColumns, int]:
        """The triples of a block, and how many lines it has."""
        if not block.endswith(b"\n"):
            block += b"\n"
        text = np.frombuffer(block, dtype=np.uint8)
        if text.max() > 127:
            _check_utf8(block)
        last = np.flatnonzero(text == LF)
        first = np.concatenate([[0], last[:-1] + 1])
        plain, odd = _Lines(block, text, first, last, self.quads).columns(self.blank)
        columns = plain if len(odd) == 0 else _merged(plain, self._by_oxigraph(block, first[odd], last[odd], odd))
        return columns, len(first)

    def _by_oxigraph(self, block: bytes, first: Positions, last: Positions, line: Positions) -> RdfColumns:
        """The triples of some lines, parsed by Oxigraph."""
        texts = [block[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        said = [number for number, text in enumerate(texts) if NOTHING.fullmatch(text) is None]
        kind = ox.RdfFormat.N_QUADS if self.quads else ox.RdfFormat.N_TRIPLES
        try:
            triples = list(ox.parse(b"\n".join(texts[i] for i in said), format=kind))
        except SyntaxError as error:
            # Where lines end in a carriage return alone, Oxigraph counts more of them.
            at = said[min(error.lineno or 1, len(said)) - 1]
            raise _LineError(
                f"malformed RDF: {syntax_problem(error)}; correct or remove it", int(line[at]) + 1
            ) from None
        lines = line[said].tolist()
        # One triple a line, unless somebody ends lines with a carriage return alone.
        return columns_of(triples, self.blank, path=self.path, lines=lines if len(lines) == len(triples) else None)


class _Lines:
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
        known = np.array([m is not None and m[2] != RDF_LANG_STRING for m in matches], dtype=bool)
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
    distinct = list(dict.fromkeys(name for name in names if name is not None))
    code = np.array([-1 if name is None else distinct.index(name) for name in names], dtype=np.int32)
    at = code[numbers] if len(names) else np.empty(0, dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(at, mask=at < 0), pa.array(distinct, pa.large_string()))


def _plain_iris(names: Strings) -> npt.NDArray[np.bool_]:
    plain = np.asarray(pc.match_substring_regex(names, PLAIN_IRI))
    percent = pc.match_substring(names, "%")
    if pc.any(percent).as_py():
        plain = plain & ~np.asarray(pc.match_substring_regex(names, BAD_PERCENT))
    return plain


def _check_utf8(block: bytes) -> None:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = block.count(b"\n", 0, error.start) + 1
        raise _LineError(
            "malformed RDF: the line is not UTF-8 text; convert the file, for example with iconv", line
        ) from None


def _merged(plain: RdfColumns, odd: RdfColumns) -> RdfColumns:
    """The triples of both, literals in the order of their lines."""
    line = np.concatenate([plain.literal_line, odd.literal_line])
    order = pa.array(np.argsort(line, kind="stable"))
    literals = tuple(_both(a, b).take(order) for a, b in zip(plain.literals, odd.literals, strict=True))
    edges = tuple(_both(a, b) for a, b in zip(plain.edges, odd.edges, strict=True))
    types = tuple(_both(a, b) for a, b in zip(plain.types, odd.types, strict=True))
    return RdfColumns(edges, types, literals, np.sort(line))


def _both(one: Strings, other: Strings) -> Strings:
    return pa.concat_arrays([one.cast(pa.large_string()), other.cast(pa.large_string())])
