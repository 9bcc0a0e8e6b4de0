"""N-Triples and N-Quads a block at a time: plain lines by columns, any other line by Oxigraph.

A plain line is `SUBJECT PREDICATE OBJECT .` with single blanks or tabs between, without escapes, and with IRIs of
ordinary characters. Nearly every line that a program has written is plain, and thousands of them are cut up by a handful
of array operations. Every line that is not plain beyond doubt goes to Oxigraph's parser, which decides what is right.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyoxigraph as ox

from ...kg import DataError, available_cores
from ..collector import TripleCollector
from .faults import TOO_LONG
from .plain_lines import PlainLines, Positions, Strings
from .terms import BlankNodes, RdfColumns, columns_of, syntax_problem

__all__ = ["collect_ntriples"]

# Small enough for a block and what is made of it to stay in a core's cache.
BLOCK_BYTES = 4 << 20
# What is made of a line takes some ten times its size, and a packed file of a megabyte may hold a line of a thousand.
LONGEST_LINE = 256 << 20
LF = 10
NOTHING = re.compile(rb"[ \t\r]*(#[^\r]*)?\r?")


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
        stream: UTF-8 text without a byte order mark.
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
    threads = min(4, available_cores())
    lines = 0
    under_way: deque[Future[tuple[RdfColumns, int]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for block in _blocks(stream, block_bytes, path):
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


def _blocks(stream: IO[bytes], size: int, path: Path | None) -> Iterator[bytes]:
    """The text in pieces that end at the end of a line, the last perhaps without one."""
    pieces = [stream.read(size)]
    lines = held = 0
    while piece := stream.read(size):
        cut = pieces[-1].rfind(b"\n") + 1
        if cut:
            block = b"".join([*pieces[:-1], pieces[-1][:cut]])
            lines, held = lines + block.count(b"\n"), 0
            yield block
            pieces = [pieces[-1][cut:]]
        pieces.append(piece)
        held += len(piece)
        if held > LONGEST_LINE:
            text = f"malformed RDF: the line is longer than {LONGEST_LINE >> 20} MiB; is this N-Triples?"
            raise DataError(text, path=path, line=lines + 1)
    if rest := b"".join(pieces):
        yield rest


class _LineError(Exception):
    """What is wrong at a line of a block, counted from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


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
        plain, odd = PlainLines(block, text, first, last, self.quads).columns(self.blank)
        odd = odd[first[odd] < last[odd]]  # an empty line says nothing
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
            number = min(error.lineno or 1, len(said))
            # A line that breaks off is noticed where the next begins; between the two empty ones may have been left out.
            number -= number > 1 and "line jumps" in str(error)
            at = said[number - 1]
            raise _LineError(
                f"malformed RDF: {syntax_problem(error)}; correct or remove it", int(line[at]) + 1
            ) from None
        except MemoryError:
            longest = max(said, key=lambda number: len(texts[number]))
            raise _LineError(TOO_LONG, int(line[longest]) + 1) from None
        lines = line[said].tolist()
        # One triple a line, unless somebody ends lines with a carriage return alone.
        return columns_of(triples, self.blank, path=self.path, lines=lines if len(lines) == len(triples) else None)


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
