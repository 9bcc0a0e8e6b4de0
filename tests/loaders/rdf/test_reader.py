"""RDF files against rdflib's own parser, and every way a file can be wrong."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import DataError
from plait.loaders import read_rdf, read_rdflib

Say = Callable[[Any], Any]
E, XSD = "http://e/", "http://www.w3.org/2001/XMLSchema#"
LINE = b"<http://e/a> <http://e/p> <http://e/b> .\n"
OTHER = b"<http://e/c> <http://e/p> <http://e/b> .\n"
TURTLE = """\
@prefix e: <http://e/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
e:pan a e:Pan ; e:by e:acme , e:bolt ; e:price 12.50 , 3 , 1e3 , true ; e:name "Pan"@en , "Pfanne"@de-AT, "Pan" .
e:acme e:name "tab\\there \\"quoted\\" back\\\\slash\\nline \\u00E9 \\U0001F3AC" ; e:in <http://e/caf%C3%A9> .
e:bolt e:name \"\"\"two
lines\"\"\" ; e:when "2020-01-02"^^xsd:date ; e:plain "x"^^xsd:string ; e:own "y"^^e:unit ; e:empty "" .
<http://e/李> e:name "李安 Žižek" ; e:by e:acme .
e:pan e:by e:acme .
e:pan e:like [ e:name "nobody" ; e:by e:bolt ] .
"""


@pytest.fixture
def reference() -> rdflib.Graph:
    before = rdflib.NORMALIZE_LITERALS
    rdflib.NORMALIZE_LITERALS = False
    try:
        return rdflib.Graph().parse(data=TURTLE, format="turtle")
    finally:
        rdflib.NORMALIZE_LITERALS = before


@pytest.mark.parametrize("suffix", [".ttl", ".turtle", ".nt", ".ttl.gz", ".nt.gz", ".NT", ".Nt.GZ"])
def test_every_form_gives_what_rdflib_reads(
    tmp_path: Path, reference: rdflib.Graph, suffix: str, facts: Say, slow: Say, unnamed: Say
) -> None:
    text = TURTLE if suffix.startswith(".t") else reference.serialize(format="nt", encoding="utf-8").decode()
    path = tmp_path / f"graph{suffix}"
    data = text.encode()
    path.write_bytes(gzip.compress(data) if suffix.lower().endswith("gz") else data)
    graph = read_rdf([path])
    assert unnamed(facts(graph)) == unnamed(slow(reference))
    pan = int(graph.entities.numbers([E + "pan"])[0])
    assert graph.type_name(pan) == E + "Pan"
    assert sum(graph.type_of >= 0) == 1
    assert unnamed(facts(read_rdflib(reference))) == unnamed(facts(graph))


def test_literals_keep_form_language_and_datatype(tmp_path: Path, facts: Say) -> None:
    path = tmp_path / "a.ttl"
    path.write_text(TURTLE, encoding="utf-8")
    _, literals, _ = facts(read_rdf([path]))
    for row in (
        (E + "pan", E + "price", "12.50", None, XSD + "decimal"),
        (E + "pan", E + "price", "1e3", None, XSD + "double"),
        (E + "pan", E + "name", "Pfanne", "de-at", None),
        (E + "pan", E + "name", "Pan", None, None),
        (E + "acme", E + "name", 'tab\there "quoted" back\\slash\nline é 🎬', None, None),
        (E + "bolt", E + "plain", "x", None, None),
        (E + "bolt", E + "own", "y", None, E + "unit"),
        (E + "bolt", E + "empty", "", None, None),
    ):
        assert literals[row] == 1, row


terms = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), terms, st.sampled_from([None, "en", "de-at"])), min_size=1, max_size=6
    )
)
def test_any_text_survives(rows: list[tuple[str, str, str | None]], facts: Say, slow: Say) -> None:
    source = rdflib.Graph()
    for subject, text, language in rows:
        source.add((rdflib.URIRef(E + subject), rdflib.URIRef(E + "p"), rdflib.Literal(text, lang=language)))
    assert facts(read_rdflib(source)) == slow(source)


def test_blank_nodes_of_two_files_stay_apart(tmp_path: Path, facts: Say) -> None:
    for name in ("one.nt", "two.nt"):
        (tmp_path / name).write_bytes(b"_:x <http://e/p> <http://e/b> .\n_:x <http://e/q> _:y .\n")
    triples, _, _ = facts(read_rdf([tmp_path / "one.nt", tmp_path / "two.nt"]))
    assert triples == {
        ("_:0:x", E + "p", E + "b"),
        ("_:0:x", E + "q", "_:0:y"),
        ("_:1:x", E + "p", E + "b"),
        ("_:1:x", E + "q", "_:1:y"),
    }


def test_several_files_are_one_graph_and_repeats_count_once(tmp_path: Path, facts: Say) -> None:
    (tmp_path / "one.nt").write_bytes(LINE + OTHER)
    (tmp_path / "two.ttl").write_bytes(LINE)
    graph = read_rdf([str(tmp_path / "one.nt"), tmp_path / "two.ttl"])
    assert facts(graph)[0] == {(E + "a", E + "p", E + "b"), (E + "c", E + "p", E + "b")}
    assert graph.duplicates == 1


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        ({"a": ["Film", "Work"], "b": ["Work"], "c": ["Film"], "d": ["Film"]}, "Film"),
        ({"a": ["Work", "Film"], "b": ["Film"]}, "Film"),
        # What holds of everything says nothing, however common.
        ({"a": ["owl:Thing", "Film"], "b": ["owl:Thing"], "c": ["owl:Thing"]}, "Film"),
        ({"a": ["Film", "rdfs:Resource", "owl:NamedIndividual"], "b": ["rdfs:Resource", "owl:NamedIndividual"]}, "Film"),
        ({"a": ["owl:Thing"], "b": ["Film"]}, "owl:Thing"),
    ],
)  # fmt: skip
def test_of_several_types_the_commonest(tmp_path: Path, types: dict[str, list[str]], kind: str) -> None:
    prefixes = "@prefix : <http://e/> . @prefix owl: <http://www.w3.org/2002/07/owl#> . "
    prefixes += "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    names = {"owl:Thing": "http://www.w3.org/2002/07/owl#Thing"}
    lines = [f":{e} a {t if ':' in t else ':' + t} ." for e, kinds in types.items() for t in kinds]
    path = tmp_path / "types.ttl"
    path.write_text(prefixes + "\n".join(lines))
    graph = read_rdf([path])
    assert graph.type_name(int(graph.entities.numbers([E + "a"])[0])) == names.get(kind, E + kind)
    assert graph.n_entities == len(types)  # classes are no entities of their own


@pytest.mark.parametrize("suffix", [".nt", ".ttl"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_malformed_line_is_named(tmp_path: Path, suffix: str, packed: bool) -> None:
    data = LINE * 2 + b"<http://e/a> <http://e/p> oops .\n" + LINE
    path = tmp_path / f"bad{suffix}{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match="malformed RDF") as caught:
        read_rdf([path])
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert str(caught.value).startswith(f"{path}:3: ")


PACKED = gzip.compress(
    b"".join(b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i * 7919 % 997) for i in range(3000))
)
LATIN = '<http://e/a> <http://e/p> "café" .\n'.encode("latin-1")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("cut.nt", LINE + LINE[:20], r"cut\.nt:2: malformed"),
        ("latin.nt", LINE + LATIN, r"latin\.nt:2: malformed RDF: .*UTF-8"),
        ("latin.ttl", LINE + LATIN, r"latin\.ttl:2: malformed RDF: .*UTF-8"),
        ("wide.nt", LINE.decode().encode("utf-16"), r"wide\.nt:1: malformed RDF: .*UTF-8"),
        ("relative.ttl", b"<a> <b> <c> .\n", r"relative\.ttl:1: malformed"),
        ("truncated.nt.gz", PACKED[: len(PACKED) // 2], r"truncated\.nt\.gz: damaged gzip file"),
        ("checksum.nt.gz", PACKED[:-8] + bytes(4) + PACKED[-4:], r"checksum\.nt\.gz: damaged gzip file"),
        ("scrambled.nt.gz", PACKED[:10] + b"\xff" * 99, r"scrambled\.nt\.gz: damaged gzip file"),
        ("plain.nt.gz", LINE, r"plain\.nt\.gz: damaged gzip file"),
        ("graph.txt", LINE, r"graph\.txt: unknown kind of RDF file; known are \.nt, \.nq, \.ttl"),
        ("graph.rdf", LINE, r"graph\.rdf:1: malformed RDF"),
        ("graph.jsonld", LINE, r"graph\.jsonld:1: malformed RDF"),
        ("truncated.nt.bz2", bz2.compress(PACKED * 3)[:-9], r"truncated\.nt\.bz2: damaged bz2 file"),
        ("plain.nt.zst", LINE, r"plain\.nt\.zst: damaged zstd file"),
        ("graph.gz", LINE, r"graph\.gz: unknown kind of RDF file"),
        ("empty.nt", b"", r"empty\.nt: the graph is empty: no triple in this file"),
        ("empty.nt.gz", gzip.compress(b""), "the graph is empty"),
        ("comment.ttl", b"# nothing but words\n", "the graph is empty"),
        ("about.nt", LINE + b"<http://e/a> <http://e/says> <<( <http://e/a> <http://e/p> <http://e/b> )>> .\n",
         r"about\.nt: a triple about a triple"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_rdf([tmp_path / name])


def test_a_missing_file_is_told_before_the_first_is_read(tmp_path: Path) -> None:
    # A large graph takes minutes: a typing error in the second path should not.
    (tmp_path / "bad.nt").write_bytes(b"oops\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").touch()
    for second, message in (
        ("absent.nt", "no such file"),
        ("folder", "no RDF file in the folder"),
        ("a.txt", "unknown kind"),
        ("*.ttl", "no file matches"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            read_rdf([tmp_path / "bad.nt", tmp_path / second])
        assert caught.value.path == tmp_path / second
    with pytest.raises(DataError, match="no file given"):
        read_rdf([])


@pytest.mark.parametrize("suffix", [".nt", ".ttl"])
@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbf" + LINE + OTHER, (LINE + OTHER).replace(b"\n", b"\r\n"), (LINE + OTHER).rstrip(), b"\n# x\n" + LINE + OTHER],
    ids=["byte order mark", "Windows lines", "no last line end", "comment"],
)  # fmt: skip
def test_what_other_systems_write_is_read(tmp_path: Path, suffix: str, data: bytes, facts: Say) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    (tmp_path / f"b{suffix}.gz").write_bytes(gzip.compress(data))
    wanted = {(E + "a", E + "p", E + "b"), (E + "c", E + "p", E + "b")}
    assert facts(read_rdf([path]))[0] == facts(read_rdf([tmp_path / f"b{suffix}.gz"]))[0] == wanted


def test_progress_is_told_over_all_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = []
    for number, lines in enumerate((30_000, 50_000)):
        ends = rng.integers(9999, size=(lines, 2)).tolist()
        path = tmp_path / f"{number}.nt"
        path.write_bytes(
            b"".join(b"<http://e/%d> <http://e/long/predicate> <http://e/%d> .\n" % (a, b) for a, b in ends)
        )
        sizes.append(path.stat().st_size)
    heard: list[tuple[int, int | None, str]] = []
    read_rdf([tmp_path], on_progress=lambda done, total, note: heard.append((done, total, note)))
    assert {total for _, total, _ in heard} == {sum(sizes) >> 20}
    assert [done for done, _, _ in heard] == sorted(done for done, _, _ in heard)
    assert heard[-1] == (sum(sizes) >> 20, sum(sizes) >> 20, "MiB, 80,000 triples, 1.nt")
    assert heard[0][2].endswith("0.nt")


def test_an_rdflib_graph_that_is_empty_or_no_rdf_is_refused() -> None:
    with pytest.raises(DataError, match="the rdflib graph is empty"):
        read_rdflib(rdflib.Graph())
    source = rdflib.Graph()
    source.add((rdflib.URIRef("http://e/a b"), rdflib.URIRef(E + "p"), rdflib.Literal("x")))
    with pytest.raises(DataError, match="cannot be written as N-Triples.*http://e/a b"):
        read_rdflib(source)
