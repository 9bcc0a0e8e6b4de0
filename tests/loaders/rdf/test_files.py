"""Every RDF syntax and packing, found by name, pattern or folder."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import rdflib

from plait.kg import DataError
from plait.loaders import read_rdf, read_rdflib
from plait.loaders.rdf.files import rdf_files
from plait.loaders.rdf.store import load_store

Say = Callable[[Any], Any]
E = "http://e/"
GRAPHS = """\
@prefix e: <http://e/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
e:pan a e:Pan ; e:by e:acme ; rdfs:label "Pan"@en , "Pfanne"@de ; e:note "a \\"quoted\\" line\\nand 李" .
e:one { e:acme e:in e:there . e:pan e:by e:acme . }
e:two { e:acme e:in e:elsewhere ; rdfs:label "Acme" . }
"""


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


def two_members(data: bytes) -> bytes:
    """As `cat a.gz b.gz` and parallel gzip programs write it."""
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


@pytest.fixture(scope="module")
def dataset() -> rdflib.Dataset:
    before, rdflib.NORMALIZE_LITERALS = rdflib.NORMALIZE_LITERALS, False
    try:
        return rdflib.Dataset().parse(data=GRAPHS, format="trig")
    finally:
        rdflib.NORMALIZE_LITERALS = before


@pytest.fixture(scope="module")
def union(dataset: rdflib.Dataset) -> rdflib.Graph:
    graph = rdflib.Graph()
    for s, p, o, _ in dataset.quads():
        graph.add((s, p, o))
    return graph


@pytest.fixture(scope="module")
def wanted(union: rdflib.Graph, slow: Say) -> Any:
    return slow(union)


@pytest.mark.parametrize(
    ("suffix", "form"),
    [(".nt", "nt"), (".ttl", "turtle"), (".n3", "turtle"), (".rdf", "xml"), (".owl", "pretty-xml"), (".xml", "xml"),
     (".jsonld", "json-ld"), (".nq", "nquads"), (".trig", "trig")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("packing", "pack"),
    [("", bytes), (".gz", two_members), (".bz2", bz2.compress), (".zst", zstd), (".GZ", gzip.compress)],
)
def test_every_syntax_in_every_packing_is_the_same_graph(
    tmp_path: Path, dataset: rdflib.Dataset, union: rdflib.Graph, wanted: Any, suffix: str, form: str, packing: str,
    pack: Callable[[bytes], bytes], facts: Say) -> None:  # fmt: skip
    source = dataset if form in ("nquads", "trig") else union
    path = tmp_path / f"graph{suffix}{packing}"
    path.write_bytes(pack(source.serialize(format=form, encoding="utf-8")))
    graph = read_rdf([path])
    assert facts(graph) == wanted
    assert graph.type_name(int(graph.entities.numbers([E + "pan"])[0])) == E + "Pan"


def test_an_rdflib_dataset_gives_all_its_graphs(dataset: rdflib.Dataset, wanted: Any, facts: Say) -> None:
    assert facts(read_rdflib(dataset)) == wanted


def test_folders_and_patterns_give_files_in_order(tmp_path: Path) -> None:
    names = ["b.nt", "a.nt", "sub/c.ttl.gz", "sub/deep/d.rdf", "notes.txt", "[odd].nt"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def found(*paths: str) -> list[str]:
        return [str(file.path.relative_to(tmp_path)) for file in rdf_files([tmp_path / p for p in paths])]

    assert found(".") == ["[odd].nt", "a.nt", "b.nt", "sub/c.ttl.gz", "sub/deep/d.rdf"]
    assert found("*.nt") == ["[odd].nt", "a.nt", "b.nt"]
    assert found("**/*.rdf") == ["sub/deep/d.rdf"]
    assert found("s*") == ["sub/c.ttl.gz", "sub/deep/d.rdf"]
    # In the order named, and each but once.
    assert found("sub/../b.nt", "*.nt", "a.nt") == ["sub/../b.nt", "[odd].nt", "a.nt"]
    # A name with brackets is a name first.
    assert found("[odd].nt") == ["[odd].nt"]
    with pytest.raises(DataError, match="no file matches the pattern"):
        found("*.jsonld")
    with pytest.raises(DataError, match=r"notes\.txt: unknown kind"):
        found("*")


def test_a_pattern_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.nt").touch()
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in rdf_files(["*.nt"])] == [Path("a.nt")]


def test_what_is_relative_wants_a_base(tmp_path: Path, facts: Say) -> None:
    path = tmp_path / "a.ttl"
    path.write_text("<a> <http://e/p> <b#c> .")
    with pytest.raises(DataError, match=r"a\.ttl:1: malformed RDF: .*data\.graph\.base"):
        read_rdf([path])
    assert facts(read_rdf([path], base="http://shop.example/x/"))[0] == {
        ("http://shop.example/x/a", E + "p", "http://shop.example/x/b#c")
    }


@pytest.mark.parametrize(
    ("suffix", "form"),
    [(".nt", "nt"), (".ttl", "turtle"), (".rdf", "xml"), (".jsonld", "json-ld"), (".nq", "nquads"), (".trig", "trig")],
)
@pytest.mark.parametrize(("packing", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstd)])
def test_a_packed_file_that_is_cut_off_is_told_as_such_in_every_syntax(
    tmp_path: Path, dataset: rdflib.Dataset, union: rdflib.Graph, suffix: str, form: str, packing: str,
    pack: Callable[[bytes], bytes]) -> None:  # fmt: skip
    source = dataset if form in ("nquads", "trig") else union
    path = tmp_path / f"graph{suffix}{packing}"
    whole = pack(source.serialize(format=form, encoding="utf-8"))
    path.write_bytes(whole[: len(whole) // 2])
    for read in (lambda: read_rdf([path]), lambda: load_store([path], tmp_path / "store")):
        with pytest.raises(DataError, match=rf"graph{suffix}{packing}: damaged .* file: .*fetch it again"):
            read()


def test_what_goes_wrong_while_a_file_is_open_is_not_its_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.nt.gz"
    path.write_bytes(gzip.compress(b"<http://e/a> <http://e/p> <http://e/b> .\n"))
    (file,) = rdf_files([path])
    with pytest.raises(OSError, match="^elsewhere$"), file.opened():
        raise OSError("elsewhere")


@pytest.mark.parametrize("base", ["nowhere", "http://a b/"])
def test_a_base_that_is_no_iri_is_refused(tmp_path: Path, base: str) -> None:
    path = tmp_path / "a.ttl"
    path.write_text("<a> <http://e/p> <b> .")
    with pytest.raises(DataError, match="base"):
        read_rdf([path], base=base)


ANONYMOUS = (
    '@prefix e: <http://e/> . e:a e:at [ e:city "Bern" ; e:in [ e:code "CH" ] ] . _:lab e:at [ e:city "Rome" ] .\n'
)


@pytest.mark.parametrize("other", ["", "e:zero e:at [] .\n"])
def test_nodes_without_a_label_have_the_same_id_at_every_reading(
    tmp_path: Path, other: str, facts: Say, slow: Say, unnamed: Say
) -> None:
    path = tmp_path / "a.ttl"
    path.write_text(ANONYMOUS + other)
    first, second = facts(read_rdf([path])), facts(read_rdf([path]))
    assert first == second
    # What is added behind changes no id before.
    assert first[0] >= {
        (E + "a", E + "at", "_:0:[0]"),
        ("_:0:[0]", E + "in", "_:0:[1]"),
        ("_:0:lab", E + "at", "_:0:[2]"),
    }
    assert unnamed(first)[1] == unnamed(slow(rdflib.Graph().parse(path)))[1]
