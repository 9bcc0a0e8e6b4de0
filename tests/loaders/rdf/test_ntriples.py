"""The reader by columns against Oxigraph's own parser, line by line, at every block size."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyoxigraph as ox
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plait.kg import DataError, KnowledgeGraph
from plait.loaders.collector import TripleCollector
from plait.loaders.rdf.ntriples import collect_ntriples
from plait.loaders.rdf.terms import BlankNodes, RdfColumns, columns_of

NT, NQ = ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS


class Heard(TripleCollector):
    """Keeps what it is told, row by row and in order."""

    def __init__(self) -> None:
        super().__init__()
        self.edges: list[tuple[str, ...]] = []
        self.types: list[tuple[str, ...]] = []
        self.literals: list[tuple[str | None, ...]] = []

    def add_edges(self, *columns, **attributes):  # type: ignore[no-untyped-def]
        super().add_edges(*columns, **attributes)
        self.edges += rows(*columns)

    def add_types(self, *columns):  # type: ignore[no-untyped-def]
        super().add_types(*columns)
        self.types += rows(*columns)

    def add_literals(self, *columns, language, datatype):  # type: ignore[no-untyped-def]
        super().add_literals(*columns, language=language, datatype=datatype)
        self.literals += rows(*columns, language, datatype)


def rows(*columns: pa.Array) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def by_columns(text: bytes, *, quads: bool = False, block_bytes: int = 1 << 22) -> Heard:
    heard = Heard()
    collect_ntriples(io.BytesIO(text), heard, quads=quads, block_bytes=block_bytes)
    return heard


def by_oxigraph(text: bytes, *, quads: bool = False) -> Heard:
    heard = Heard()
    columns_of(list(ox.parse(text, format=NQ if quads else NT)), BlankNodes()).tell(heard)
    return heard


def said(heard: Heard) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], list[tuple[str | None, ...]]]:
    """Literals in their order, since of equal labels the first counts; the rest as sets would do."""
    return sorted(heard.edges), sorted(heard.types), heard.literals


iris = st.sampled_from(
    ["http://e/a", "http://e/b%20c", "http://e/李", "urn:x:1", "mailto:a@e.org", "http://e/(a,b);c='d'!*+$&", "http://[::1]/x",
     "http://e/a\\u00E9", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "http://e/#frag?q=1&r=_:x", "x:"]
).map("<{}>".format)  # fmt: skip
blanks = st.sampled_from(["_:a", "_:b1", "_:0", "_:x.y", "_:é", "_:a-b_c"])
chunks = st.sampled_from(
    ["", "a", "two words", " ", "\t", '\\"', "\\\\", "\\n", "\\u00e9", "é", "李安", "🎬", " .", "<b>", "<x:y>", "@en", "^^", "#", "_:a", "\x00", "'"]
)  # fmt: skip
literals = st.builds(
    '"{}"{}'.format,
    st.lists(chunks, max_size=3).map("".join),
    st.sampled_from(
        ["", "@en", "@de-AT", "@EN", "^^<http://www.w3.org/2001/XMLSchema#string>", "^^<http://e/unit>", "^^<urn:x%20y>",
         "^^<http://www.w3.org/2001/XMLSchema#decimal>"]
    ),
)  # fmt: skip
gaps = st.sampled_from([" ", " ", " ", " ", "\t", "  ", " \t "])
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", " # and so on\n", '\n# a comment . <a> "b\n', "\n \t\n"])


@st.composite
def lines(draw: st.DrawFn, graphs: bool = False) -> str:
    subject, predicate = draw(iris | blanks), draw(iris)
    target = draw(literals | iris | blanks)
    graph = draw(gaps) + draw(iris | blanks) if graphs and draw(st.booleans()) else ""
    before = draw(st.sampled_from([" ", " ", " ", "", "\t", "  "]))
    return f"{subject}{draw(gaps)}{predicate}{draw(gaps)}{target}{graph}{before}.{draw(ends)}"


@settings(max_examples=400, deadline=None)
@given(st.lists(lines(), max_size=12).map("".join), st.sampled_from([1, 7, 64, 1000, 1 << 22]), st.booleans())
@example('<x:a> <x:b> "c d"@en .\n', 1 << 22, True)
@example('<x:a> <x:b> "c" .\n<x:a> <x:b> "d\\"" .\n<x:a> <x:b> "e" .\n', 1 << 22, False)
def test_any_lines_at_any_block_size(text: str, block_bytes: int, ended: bool) -> None:
    data = (text if ended else text.removesuffix("\n")).encode()
    assert said(by_columns(data, block_bytes=block_bytes)) == said(by_oxigraph(data))


@settings(max_examples=300, deadline=None)
@given(st.lists(lines(graphs=True), max_size=8).map("".join), st.sampled_from([1, 64, 1 << 22]))
def test_quads_lose_their_graph_and_nothing_else(text: str, block_bytes: int) -> None:
    data = text.encode()
    assert said(by_columns(data, quads=True, block_bytes=block_bytes)) == said(by_oxigraph(data, quads=True))


mangled = st.sampled_from(
    [
        "",
        "#",
        "<x:a>",
        '"',
        '"a"',
        "@en",
        ".",
        " ",
        "\t",
        "<",
        ">",
        "\\",
        "_:a",
        "<x:p>",
        "\n",
        "\r",
        "\x00",
        "^^<x:d>",
        "%",
        "é",
        "<a>",
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(mangled, max_size=14).map("".join), st.sampled_from([1, 16, 1 << 22]), st.booleans())
@example("<_:x> <x:p> <x:a> .", 1 << 22, False)
@example('<x:a> <x:p> "a"b" .', 1 << 22, False)
@example("<x:a> <x:p> <x:%zz> .", 1 << 22, False)
@example("<x:a>  <x:p> .", 1 << 22, False)
@example("<x:a> <x:p> .\n<x:a> <x:p> <x:b> .", 1 << 22, False)
@example("<x:a> .\n<x:a> <x:p> <x:b> .", 1 << 22, False)
@example('<x:a> <x:p> "a" "b" .', 1 << 22, False)
@example("<x:a> _:p <x:b> .", 1 << 22, False)
@example('"a" <x:p> <x:b> .', 1 << 22, False)
@example('<x:a> <x:p> "b <x:c>" .', 1 << 22, True)
@example("<x:a> <x:p> <x:b> <a> .", 1 << 22, True)
@example("<x:a> <x:p> <x:b> <x:c> .", 1 << 22, False)
@example("_:a\n\n<x:a>", 16, False)
def test_what_is_malformed_is_refused_by_both(text: str, block_bytes: int, quads: bool) -> None:
    data = text.encode()
    try:
        wanted = by_oxigraph(data, quads=quads)
    except SyntaxError as error:
        with pytest.raises(DataError, match="malformed RDF") as caught:
            by_columns(data, block_bytes=block_bytes, quads=quads)
        # A carriage return alone ends a line for Oxigraph, and for no editor. It tells what is missing at the end of a
        # line where the next begins, if there is one.
        line = caught.value.line
        assert line is not None
        assert "\r" in text or error.lineno is None or 0 <= error.lineno - line <= 1
    else:
        assert said(by_columns(data, block_bytes=block_bytes, quads=quads)) == said(wanted)


parts = st.sampled_from(
    [
        "a",
        "1",
        ":",
        ":",
        "/",
        "//",
        "/",
        "#",
        "?",
        "%",
        "%4",
        "%4a",
        "@",
        "[",
        "]",
        "é",
        "\ue000",
        "\ufffe",
        "🎬",
        "-",
        ".",
        "http",
        "~",
    ]
)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(parts, max_size=9).map("".join),
    st.sampled_from(["<{}> <x:p> <x:o> .", "<x:s> <{}> <x:o> .", '<x:s> <x:p> "1"^^<{}> .']),
)
@example("http://a/#b#c", "<{}> <x:p> <x:o> .")
@example("http://a:b/", "<{}> <x:p> <x:o> .")
@example("http://a:80/?q#f", "<{}> <x:p> <x:o> .")
@example("x:", "<{}> <x:p> <x:o> .")
@example("x:/", "<{}> <x:p> <x:o> .")
def test_an_iri_is_one_where_oxigraph_says_so(iri: str, line: str) -> None:
    data = (line.format(iri) + "\n").encode()
    try:
        wanted = by_oxigraph(data)
    except SyntaxError:
        with pytest.raises(DataError, match="malformed RDF"):
            by_columns(data)
    else:
        assert said(by_columns(data)) == said(wanted)


def test_many_datatypes_take_no_longer() -> None:
    text = b"".join(b'<x:a> <x:p> "%d"^^<http://e/d%d> .\n' % (i, i) for i in range(60_000))
    assert len({row[4] for row in by_columns(text).literals}) == 60_000


@pytest.mark.parametrize("bad", [b"<x:a> <x:p> oops .\n", b'<x:a> <x:p> "caf\xe9" .\n', b'<x:a> <x:p> "a\\q" .\n'])
@pytest.mark.parametrize("at", [1, 2, 700, 1500])
def test_an_error_names_the_line_of_the_whole_file(tmp_path: Path, bad: bytes, at: int) -> None:
    good = [b"<x:%d> <x:p> <x:b> .\n" % i if i % 3 else b"# comment\n" for i in range(1500)]
    data = b"".join([*good[: at - 1], bad, *good[at - 1 :]])
    with pytest.raises(DataError, match="malformed RDF") as caught:
        collect_ntriples(io.BytesIO(data), TripleCollector(), path=tmp_path / "a.nt", block_bytes=900)
    assert caught.value.line == at


def test_a_line_longer_than_many_blocks_is_read_whole() -> None:
    long = b"x" * 1_000_003
    heard = by_columns(b'<x:a> <x:p> "' + long + b'" .\n<x:b> <x:p> "short" .\n', block_bytes=64 << 10)
    assert [len(row[2]) for row in heard.literals if row[2]] == [len(long), 5]


def test_blocks_make_the_same_graph() -> None:
    line = (
        b"<x:%d> <x:p> <x:%d> .\n<x:%d> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:T%d> .\n"
        b'<x:%d> <x:name> "n%d" .\n'
    )
    text = b"".join(line % (i, i * i % 37, i, i % 3, i, i) for i in range(500))
    one, many = (by_columns(text * 2, block_bytes=size).graph() for size in (1 << 22, 500))

    def named(graph: KnowledgeGraph) -> tuple[set[object], ...]:
        ids = list(graph.entities)
        types = {(ids[e], graph.type_name(e)) for e in range(len(ids))}
        told = zip(graph.literals.entity, graph.literals.value.to_pylist(), strict=True)
        return (
            {(ids[h], ids[t]) for h, t in zip(graph.head, graph.tail, strict=True)},
            types,
            {(ids[e], v) for e, v in told},
        )

    assert named(one) == named(many)
    assert [len(part) for part in named(one)] == [500, 500, 500]
    # The second telling of all of it is counted, triples and literals alike.
    assert one.duplicates == many.duplicates == 500 + 500


def test_words_that_only_types_and_relations_use_are_no_entities() -> None:
    heard = by_columns(
        b'<x:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:T> .\n<x:a> <x:p> <x:b> .\n<x:a> <x:l> "v" .\n'
    )
    graph = heard.graph()
    assert sorted(graph.entities) == ["x:a", "x:b"]
    assert (graph.relations, graph.types, graph.literals.predicates) == (("x:p",), ("x:T",), ("x:l",))


def test_a_label_in_oxigraphs_own_style_is_kept() -> None:
    # Threads take blocks in any order: a label must not be renamed by the order in which they meet it.
    label = "f" * 32
    heard = by_columns(f"_:{label} <x:p> <x:b> .\n".encode())
    assert heard.edges == [(f"_:0:{label}", "x:p", "x:b")]


def test_nothing_is_left_running_after_an_error() -> None:
    import threading

    before = threading.active_count()
    with pytest.raises(DataError):
        by_columns(b"oops\n" + b"<x:a> <x:p> <x:b> .\n" * 9999, block_bytes=500)
    assert threading.active_count() == before


def test_columns_are_as_long_as_what_they_say() -> None:
    none = columns_of([], BlankNodes())
    assert isinstance(none, RdfColumns)
    assert [len(column) for column in (*none.edges, *none.types, *none.literals, none.literal_line)] == [0] * 11
