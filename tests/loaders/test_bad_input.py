"""Damaged input of every kind: a right result, or one sentence that begins with the file; no traceback, no lost row."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.kg import DataError, IdMap, KnowledgeGraph, PlaitError
from plait.loaders import (
    AmazonGraph,
    FiltersConfig,
    GraphStormGraph,
    InteractionsConfig,
    ItemsConfig,
    KgatGraph,
    LinksConfig,
    TableGraph,
    TripleGraph,
    filtered,
    load_store,
    read_amazon,
    read_graphstorm,
    read_interactions,
    read_items,
    read_kgat,
    read_links,
    read_rdf,
    read_rdflib,
    read_store,
    read_table_graph,
    read_triples,
)

Facts = set[tuple[Any, ...]]
Read = Callable[[Path], Facts]


def facts(graph: KnowledgeGraph) -> Facts:
    """All a graph says. Blank nodes are one, since a store names them anew."""
    names = ["_" if name.startswith("_:") else name for name in graph.entities.to_arrow().to_pylist()]
    rows = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    said: Facts = {(names[h], graph.relations[r], names[t]) for h, r, t in rows}
    lit = graph.literals
    columns = (lit.entity.tolist(), lit.predicate.tolist(), lit.value.to_pylist())
    said |= {("literal", names[e], lit.predicates[p], value) for e, p, value in zip(*columns, strict=True)}
    said |= {("type", name, graph.type_name(n)) for n, name in enumerate(names) if graph.type_of[n] >= 0}
    return said | {("entity", name) for name in names}


def rdf(path: Path) -> Facts:
    return facts(read_rdf([path]))


def store(path: Path) -> Facts:
    folder = path.parent / "store"
    shutil.rmtree(folder, ignore_errors=True)
    load_store([path], folder)
    return facts(read_store(folder))


def log(path: Path, **options: Any) -> Facts:
    (one,), report = read_interactions(InteractionsConfig(path=path, **options))
    # Every row of the file is in the log, or counted and shown.
    assert report.rows == len(one) + sum(entry.rows for entry in report.dropped)
    assert all(entry.example for entry in report.dropped)
    users, items = one.users.to_arrow().to_pylist(), one.items.to_arrow().to_pylist()
    return {(users[u], items[i]) for u, i in zip(one.user.tolist(), one.item.tolist(), strict=True)}


def triples(path: Path, **options: Any) -> Facts:
    return facts(read_triples(TripleGraph(source="triples", files=(path,), **options)))


def attributed(path: Path) -> Facts:
    return triples(path, head="h", relation="r", tail="t", weight="weight", time="time")


def labels(path: Path) -> Facts:
    (path.parent / "t.csv").write_text("head,relation,tail\na,r,b\n")
    return facts(
        read_triples(TripleGraph.model_validate(
            {"source": "triples", "files": [path.parent / "t.csv"], "labels": {"path": path}}
        ))
    )  # fmt: skip


def amazon(path: Path) -> Facts:
    left_out: list[str] = []
    graph = read_amazon(AmazonGraph(source="amazon", files=(path,), related="all"), left_out=left_out)
    return facts(graph) | {("left out", text) for text in left_out}


CATALOGUE = ["i1", "i 2", "007", "7"]


def item_table(path: Path) -> Facts:
    titles = read_items(ItemsConfig(path=path), IdMap(CATALOGUE)).titles.to_pylist()
    return {pair for pair in zip(CATALOGUE, titles, strict=True) if pair[1] is not None}


def links(path: Path) -> Facts:
    none = np.empty(0, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap(["e1", "e 2", "e3", "e4"]), [], none, none, none)
    items, linked = read_links(LinksConfig(path=path), IdMap(CATALOGUE[:2]), graph)
    return {pair for pair in zip(items.to_arrow().to_pylist(), linked.tolist(), strict=True) if pair[1] >= 0}


def subset(path: Path) -> Facts:
    whole = path.parent / "whole.csv"
    whole.write_text("user_id,item_id\n" + "".join(f"u,{item}\n" for item in CATALOGUE))
    (one,), _ = read_interactions(InteractionsConfig(path=whole))
    kept, dropped = filtered(one, FiltersConfig(items=path))
    assert len(kept) + sum(entry.rows for entry in dropped) == len(one)
    return {(name,) for name in kept.items.to_arrow().to_pylist()}


def nodes(path: Path) -> Facts:
    return facts(read_table_graph(TableGraph.model_validate({"source": "tables", "nodes": [path]})))


def edges(path: Path) -> Facts:
    (path.parent / "n.csv").write_text(":ID,name\n" + "".join(f"{name},{name}\n" for name in "abcdefg"))
    config = {"source": "tables", "nodes": [path.parent / "n.csv"], "edges": [path]}
    return facts(read_table_graph(TableGraph.model_validate(config)))


def kgat(path: Path) -> Facts:
    return facts(read_kgat(KgatGraph(source="kgat", folder=path.parent)))


def graphstorm(path: Path) -> Facts:
    return facts(read_graphstorm(GraphStormGraph(source="graphstorm", path=path.parent / "g.json")))


@dataclass(frozen=True)
class Source:
    """A small file as it should be, and how it is read.

    Attributes:
        name: the file's name.
        data: what is in it.
        read: what it says.
        head: lines at its beginning that say what the others are.
        by_lines: whether every further line stands for itself.
        beside: files that lie beside it.
    """

    name: str
    data: bytes
    read: Read
    head: int = 0
    by_lines: bool = True
    beside: dict[str, bytes] = field(default_factory=dict)

    @property
    def lines(self) -> list[bytes]:
        return self.data.splitlines(keepends=True)


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


NT = """\
<http://e/a> <http://e/p> <http://e/b> .
<http://e/a> <http://e/name> "Pan, large" .
<http://e/b> <http://e/name> "café"@fr .
_:x <http://e/q> <http://e/a> .
<http://e/c> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://e/T> .
<http://e/c> <http://e/n> "7"^^<http://www.w3.org/2001/XMLSchema#int> .
""".encode()
TTL = """\
@prefix e: <http://e/> .
e:a e:p e:b ;
 e:name "Pan", \"\"\"lo
ng\"\"\" .
[] e:q ( 1 2.5 true ) .
e:b e:name "café"@fr .
""".encode()
TRIG = b'@prefix e: <http://e/> .\ne:g { e:a e:p e:b .\n e:b e:name "x" . }\ne:c e:p e:d .\n'
XML = """\
<?xml version="1.0"?>
<!DOCTYPE rdf:RDF [<!ENTITY e "http://e/">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">
<rdf:Description rdf:about="&e;a"><e:p rdf:resource="http://e/b"/>
<e:name>café</e:name></rdf:Description>
<e:T rdf:about="http://e/c"/>
</rdf:RDF>
""".encode()
JSONLD = """\
{"@context": {"e": "http://e/", "p": {"@id": "e:p", "@type": "@id"}},
 "@graph": [{"@id": "e:a", "p": "e:b", "e:name": "café"},
 {"@id": "e:c", "@type": "e:T", "e:n": 7}]}
""".encode()
LOG = """\
user_id,item_id,rating,timestamp
u1,i1,5,1000
007,"i,2",3.5,2000
7,i1,1,3000
u 1,"a ""b\""",2,4000
ué,i3,4,5000
""".encode()
TSV = "user_id\titem_id\trating\ttimestamp\nu1\ti1\t5\t1000\n007\ti 2\t3.5\t2000\n7\ti1\t1\t3000\nué\ti3\t4\t5000\n".encode()
INTER = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + TSV.split(b"\n", 1)[1]
JSONL = """\
{"user_id": "u1", "item_id": "i1", "rating": 5, "timestamp": 1000}
{"user_id": "007", "item_id": "i 2", "rating": 3.5, "timestamp": 2000}
{"user_id": "7", "item_id": "ié", "rating": 1, "timestamp": 3000}
{"rating": 2, "user_id": "u4", "item_id": "i4", "timestamp": 4000}
""".encode()
HISTORY_LINES = b"1 2 3 4\n5 6\n007 7\n8 2 007\n"
HISTORIES = '{"u1": ["i1", "i2"],\n "007": ["i1", 7],\n "7": ["ié"]}\n'.encode()
TRIPLES = 'head,relation,tail\na,r,b\n"x, y",r,a\n007,s,7\nb,r,"q ""z"""\ncafé,s,a\n'.encode()
BARE_TRIPLES = 'a\tr\tb\nx y\tr\ta\n007\ts\t7\nb\tr\tq"z\ncafé\ts\ta\n'.encode()
KG = b"head_id:token\trelation_id:token\ttail_id:token\n" + BARE_TRIPLES
PRODUCTS = """\
{"asin": "007", "title": "Pan", "brand": "Acme", "category": ["Home", "Kitchen"], "price": "$5.00", "also_buy": ["7"]}
{"asin": "7", "title": "café", "brand": "7", "category": ["Home"], "also_view": ["7", "x"]}
{"asin": "9", "title": "Lid", "description": ["a", "b"]}
""".encode()
OLD_PRODUCTS = """\
{'asin': '007', 'title': 'Pan', 'brand': 'Acme', 'categories': [['Home', 'Kitchen']], 'price': 5.0, 'related': {'also_bought': ['7']}}
{'asin': '7', 'title': "it's", 'categories': [['Home']]}
{'asin': '9', 'title': 'café'}
""".encode()
WHOLE_PRODUCTS = (
    '{"007": {"title": "Pan", "brand": "Acme"},\n "7": {"title": "café", "categories": [["Home"]]}}\n'.encode()
)
KGAT = {
    "kg_final.txt": b"0 0 1\n1 1 2\n2 0 0\n3 1 0\n",
    "entity_list.txt": "org_id remap_id\ne0 0\ne 1 1\ne2 2\neé 3\n".encode(),
    "relation_list.txt": b"org_id remap_id\nr0 0\nr 1 1\n",
    "item_list.txt": b"org_id remap_id freebase_id\n007 0 e0\n7 1 e 1\n",
}
GRAPHSTORM = {
    "g.json": json.dumps({
        "version": "gconstruct-v0.1",
        "nodes": [{"node_type": "item", "format": {"name": "csv"}, "files": "i.csv", "node_id_col": "id",
                   "features": [{"feature_col": "name"}]}],
        "edges": [{"relation": ["item", "goes", "item"], "format": {"name": "csv", "separator": "|"}, "files": ["x.csv"],
                   "source_id_col": "s", "dest_id_col": "d"},
                  {"relation": ["item", "fits", "item"], "format": {"name": "json"}, "files": "y.json",
                   "source_id_col": "s", "dest_id_col": "d"}],
    }, indent=1).encode(),
    "i.csv": 'id,name\n007,Pan\n7,café\n9,"a, b"\n'.encode(),
    "x.csv": b"s|d\n007|7\n9|7\n7|9\n",
    "y.json": b'{"s": "7", "d": "007"}\n{"s": "9", "d": "9"}\n{"s": "007", "d": "9"}\n',
}  # fmt: skip


def without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {other: data for other, data in files.items() if other != name}


def zst(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


SOURCES = {
    source.read.__name__ + " " + source.name: source
    for source in [
        Source("g.nt", NT, rdf), Source("g.nq", NT.replace(b" .\n", b" <http://g> .\n"), rdf),
        Source("g.ttl", TTL, rdf, by_lines=False), Source("g.trig", TRIG, rdf, by_lines=False),
        Source("g.rdf", XML, rdf, by_lines=False), Source("g.jsonld", JSONLD, rdf, by_lines=False),
        Source("g.nt.gz", gzip.compress(NT), rdf, by_lines=False), Source("g.nt.bz2", bz2.compress(NT), rdf, by_lines=False),
        Source("g.ttl.zst", zst(TTL), rdf, by_lines=False),
        Source("s.nt", NT, store), Source("s.ttl", TTL, store, by_lines=False), Source("s.rdf", XML, store, by_lines=False),
        Source("s.jsonld", JSONLD, store, by_lines=False), Source("s.nt.gz", gzip.compress(NT), store, by_lines=False),
        Source("l.csv", LOG, log, 1), Source("l.tsv", TSV, log, 1), Source("l.inter", INTER, log, 1), Source("l.jsonl", JSONL, log),
        Source("l.parquet", parquet(user_id=["u", "7"], item_id=["i", "i 2"], rating=[1, 2.5]), log, by_lines=False),
        Source("h.txt", HISTORY_LINES, log), Source("h.json", HISTORIES, log, by_lines=False),
        Source("l.csv.gz", gzip.compress(LOG), log, by_lines=False), Source("l.jsonl.zst", zst(JSONL), log, by_lines=False),
        Source("h.txt.bz2", bz2.compress(HISTORY_LINES), log, by_lines=False),
        Source("item_list.txt", b"org_id remap_id\na 1\nb 2\nc 3\nd 4\n", lambda path: log(path.parent / "h.txt"), 1, False,
               {"h.txt": b"1 2 3 4\n2 1 2\n3 4 1\n"}),
        Source("t.csv", TRIPLES, triples, 1), Source("t.txt", BARE_TRIPLES, triples), Source("t.kg", KG, triples, 1),
        Source("t.parquet", parquet(head=["a", "007"], relation=["r", "s"], tail=["7", "a"]), triples, by_lines=False),
        Source("t.txt.gz", gzip.compress(BARE_TRIPLES), triples, by_lines=False),
        Source("w.csv", b"h,r,t,weight,time\na,r,b,1.5,100\nb,s,c,,\nc,r,d,2,3\n", attributed, 1),
        Source("labels.csv", "id,label,type\na,Pan,Product\nb,café,\n007,x,Brand\n".encode(), labels, 1),
        Source("a.jsonl", PRODUCTS, amazon), Source("old.json", OLD_PRODUCTS, amazon),
        Source("old.json.gz", gzip.compress(OLD_PRODUCTS), amazon, by_lines=False),
        Source("whole.json", WHOLE_PRODUCTS, amazon, by_lines=False),
        Source("items.csv", 'item_id,title\ni1,Pan\ni 2,"Pan, large"\n007,café\n7,Lid\n'.encode(), item_table, 1),
        Source("items.jsonl", b'{"item_id": "i1", "title": "Pan"}\n{"item_id": "007", "title": "Lid"}\n', item_table),
        Source("links.csv", b"item_id,entity_id\ni1,e1\ni 2,e 2\n007,e3\n7,e4\n", links, 1),
        Source("subset.csv", b"item\ni1\n007\n7\n", subset, 1),
        Source("nodes.csv", 'id:ID,name,price:float,tags:string[],:LABEL\na1,Pan,5.5,x;y,Product\n007,"Pan, large",,z,Product\n'
               "7,café,1,,Brand\n".encode(), nodes, 1),
        Source("nodes.parquet", parquet(**{":ID": ["a1", "007"], "name": ["x", "y"], "n": [1, 2]}), nodes, by_lines=False),
        Source("edges.csv", b":START_ID,:END_ID,:TYPE,weight:float,time:long\na,b,r,1.5,100\nb,c,s,,200\nc,d,r,2,\n", edges, 1),
        *(Source(name, data, kgat, int(name != "kg_final.txt"), False, without(KGAT, name)) for name, data in KGAT.items()),
        *(Source(name, data, graphstorm, int(name.endswith("csv")), name != "g.json", without(GRAPHSTORM, name))
          for name, data in GRAPHSTORM.items()),
    ]
}  # fmt: skip
BY_LINES = [name for name, source in SOURCES.items() if source.by_lines]
each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
each_by_lines = pytest.mark.parametrize("source", [SOURCES[name] for name in BY_LINES], ids=BY_LINES)


def outcome(folder: Path, source: Source, data: bytes) -> Facts | None:
    """What a file says; None where it is refused, in one sentence that begins with a file's name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, other in source.beside.items():
        (folder / name).write_bytes(other)
    (folder / source.name).write_bytes(data)
    try:
        return source.read(folder / source.name)
    except PlaitError as error:
        message = str(error)
        assert message.startswith(f"{folder}/"), message
        assert "\n" not in message and len(message) < 700, message
        return None


@each_source
def test_the_file_as_it_should_be_is_read(tmp_path: Path, source: Source) -> None:
    assert outcome(tmp_path / "f", source, source.data)


TOKENS = [b'"', b"'", b"\0", b"\xe9", b"\xff", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b",", b"\t", b"|", b" ", b"\\", b"\\u0000",
          b"\\ud800", b"{", b"}", b"[", b"]", b"<", b">", b".", b"#", b":", b"1e999", b"NaN", b"null", b"-1", b"9" * 23, b"\x1f",
          b"\xe2\x80\xa8", b"\x0b", b"\x1c", b"&x;", b"<!DOCTYPE a>"]  # fmt: skip


def changed(draw: st.DataObject, data: bytes) -> bytes:
    """The file with one thing done to it that disks, editors, programs and people do to files."""
    first, last = sorted(draw.draw(st.tuples(*[st.integers(0, len(data))] * 2), label="span"))
    how = draw.draw(st.sampled_from(["cut", "repeat", "insert", "end", "flip", "lines", "replace"]), label="how")
    if how == "cut":
        return data[:first] + data[last:]
    if how == "repeat":
        return data[:last] + data[first:]
    if how == "insert":
        return data[:first] + draw.draw(st.sampled_from(TOKENS)) + data[first:]
    if how == "end":
        return data[:first]
    if how == "flip" and data:
        flipped = bytearray(data)
        flipped[first - 1] ^= 1 << draw.draw(st.integers(0, 7))
        return bytes(flipped)
    if how == "lines":
        return b"".join(draw.draw(st.permutations(data.splitlines(keepends=True))))
    swaps = [(b",", b"\t"), (b"\n", b"\r"), (b" ", b"\t"), (b",", b";"), (b"\n", b"\n\n"), (b'"', b"'"), (b"\n", b"")]
    return data.replace(*draw.draw(st.sampled_from(swaps)))


@pytest.mark.timeout(120)
@each_source
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_any_damage_gives_a_result_or_one_sentence(tmp_path: Path, source: Source, draw: st.DataObject) -> None:
    data = source.data
    for _ in range(draw.draw(st.integers(1, 2), label="times")):
        data = changed(draw, data)
    found = outcome(tmp_path / "f", source, data)
    assert found is None or found or source.read in (item_table, links)  # items and links of another catalogue


NOTHING = {
    "empty": b"", "a line break": b"\n", "blanks": b"  \n \t\n", "a mark": b"\xef\xbb\xbf", "a mark and a line": b"\xef\xbb\xbf\n",
    "returns": b"\r\r\r", "NUL": b"\0" * 100, "lines of NUL": b"\0\n" * 10,
}  # fmt: skip


@each_source
@pytest.mark.parametrize("nothing", NOTHING)
def test_nothing_is_never_taken_for_something(tmp_path: Path, source: Source, nothing: str) -> None:
    assert not outcome(tmp_path / "f", source, NOTHING[nothing])
    if source.read is not item_table:  # a table of items may be about others
        assert outcome(tmp_path / "f", source, NOTHING[nothing]) is None


@each_source
def test_a_header_alone_is_an_empty_table_with_or_without_a_line_break(tmp_path: Path, source: Source) -> None:
    if not source.head:
        pytest.skip("has no header")
    bare, ended = (outcome(tmp_path / "f", source, source.lines[0].rstrip(b"\n") + end) for end in (b"", b"\n"))
    assert bare == ended
    # What such a file is one part of stays as it is without it; all by itself it is an error.
    alone = source.read in (log, triples, attributed, item_table, links, subset, nodes, kgat)
    assert (
        bare is None if alone else bare is None or bare < source.read(tmp_path / "f" / source.name) | {("all",)} | bare
    )


@each_source
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "utf-8-sig"])
def test_another_encoding_is_refused_or_read_rightly(tmp_path: Path, source: Source, encoding: str) -> None:
    try:
        text = source.data.decode()
    except UnicodeDecodeError:
        pytest.skip("no text")
    right = outcome(tmp_path / "f", source, source.data)
    found = outcome(tmp_path / "f", source, text.encode(encoding))
    if encoding == "utf-8-sig":
        assert found == right
    else:
        assert found is None or found == right


@each_by_lines
def test_line_ends_and_blank_lines_change_nothing(tmp_path: Path, source: Source) -> None:
    right = outcome(tmp_path / "f", source, source.data)
    for end in (b"\r\n", b"\n\n"):
        assert outcome(tmp_path / "f", source, source.data.replace(b"\n", end)) == right
    assert outcome(tmp_path / "f", source, source.data.rstrip(b"\n")) == right
    assert outcome(tmp_path / "f", source, source.data.replace(b"\n", b"\r")) in (right, None)


@each_by_lines
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_lines_in_another_order_and_twice_say_the_same(tmp_path: Path, source: Source, draw: st.DataObject) -> None:
    head, rows = source.lines[: source.head], source.lines[source.head :]
    shuffled = draw.draw(st.permutations(rows))
    right = outcome(tmp_path / "f", source, source.data)
    assert outcome(tmp_path / "f", source, b"".join([*head, *shuffled])) == right
    twice = outcome(tmp_path / "f", source, b"".join([*head, *shuffled, rows[0]]))
    unique = source.read in (nodes, item_table) or source.name == "i.csv"  # a row for each
    said = {fact for fact in twice or set() if "left out" not in fact}
    assert twice is None if unique else said == right


@pytest.mark.timeout(120)
@each_by_lines
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_damage_in_one_line_loses_no_other(tmp_path: Path, source: Source, draw: st.DataObject) -> None:
    lines = source.lines
    at = draw.draw(st.integers(source.head, len(lines) - 1), label="line")
    line = lines[at].rstrip(b"\n")
    place = draw.draw(st.integers(0, len(line)), label="place")
    token = draw.draw(st.sampled_from([b"", *TOKENS]), label="token")
    rest = line[place:] if draw.draw(st.booleans(), label="the rest") else b""
    damaged = line[:place] + token.replace(b"\n", b"") + rest
    others = outcome(tmp_path / "f", source, b"".join([*lines[:at], *lines[at + 1 :]]))
    found = outcome(tmp_path / "f", source, b"".join([*lines[:at], damaged + b"\n", *lines[at + 1 :]]))
    if found is not None and others is not None:
        assert {fact for fact in others if "left out" not in fact} <= found


def test_a_quotation_that_a_later_row_closes_swallows_none(tmp_path: Path) -> None:
    # Arrow reads this without complaint, as two rows: the cell of the first goes on to the quotation mark of the third.
    source = SOURCES["log l.csv"]
    data = b'user_id,item_id,rating\nu1,"i1,1\nu2,i2,2\nu3,"i3",3\nu4,i4,4\n'
    assert outcome(tmp_path / "f", source, data) is None
    with pytest.raises(DataError, match=r"l\.csv:2: a quotation mark is opened and never closed"):
        source.read(tmp_path / "f" / "l.csv")
    spanning = b'user_id,item_id,title\nu1,i1,"two\nlines, ""quoted"""\nu2,i2,5" disk\n'
    assert outcome(tmp_path / "f", source, spanning) == {("u1", "i1"), ("u2", "i2")}


@pytest.mark.parametrize(
    ("name", "line"),
    [("log l.csv", 4), ("log l.jsonl", 3), ("rdf g.nt", 4), ("triples t.txt", 3), ("links links.csv", 4), ("nodes nodes.csv", 2),
     ("amazon a.jsonl", 2), ("log h.txt", 3), ("kgat entity_list.txt", 3)],
)  # fmt: skip
def test_a_byte_that_is_no_utf8_is_named_with_its_line(tmp_path: Path, name: str, line: int) -> None:
    source = SOURCES[name]
    lines = source.lines
    lines[line - 1] = lines[line - 1].rstrip(b"\n") + b"\xff\n"
    assert outcome(tmp_path / "f", source, b"".join(lines)) is None
    with pytest.raises(DataError, match=rf"{source.name}:{line}: .*(UTF-8|JSON)"):
        source.read(tmp_path / "f" / source.name)


@pytest.mark.parametrize(
    "triple",
    [
        (rdflib.URIRef("http://e/a b"), rdflib.URIRef("http://e/p"), rdflib.URIRef("http://e/b")),
        (rdflib.URIRef("http://e/a"), rdflib.URIRef("http://e/p"), rdflib.Literal("\ud800")),
        (rdflib.Literal("no subject"), rdflib.URIRef("http://e/p"), rdflib.URIRef("http://e/b")),
        (rdflib.URIRef("relative"), rdflib.URIRef("http://e/p"), rdflib.URIRef("http://e/b")),
        (rdflib.BNode("a b"), rdflib.URIRef("http://e/p"), rdflib.URIRef("http://e/b")),
        (rdflib.URIRef("http://e/a"), rdflib.URIRef("http://e/p>"), rdflib.URIRef("http://e/b")),
    ],
)
def test_what_rdflib_holds_and_rdf_does_not_is_refused(triple: tuple[Any, Any, Any]) -> None:
    graph = rdflib.Graph()
    graph.add(triple)
    with pytest.raises(DataError, match="cannot be written as N-Triples"):
        read_rdflib(graph)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_a_damaged_store_is_refused_or_whole(tmp_path: Path, draw: st.DataObject) -> None:
    folder = tmp_path / "store"
    (tmp_path / "g.nt").write_bytes(NT)
    shutil.rmtree(folder, ignore_errors=True)
    load_store([tmp_path / "g.nt"], folder)
    right = facts(read_store(folder))
    kinds = ("CURRENT", "IDENTITY", "MANIFEST", "OPTIONS", ".sst", ".log")
    kind = draw.draw(st.sampled_from(kinds), label="kind")
    file = next((path.name for path in sorted(folder.iterdir()) if kind in path.name), "CURRENT")
    data = (folder / file).read_bytes()
    how = draw.draw(st.sampled_from(["remove", "cut", "flip"]), label="how")
    # The files are not alike from one load to the next: a place is drawn as a share.
    at = int(draw.draw(st.floats(0, 1, exclude_max=True), label="place") * len(data))
    if how == "remove":
        (folder / file).unlink()
    elif how == "cut":
        (folder / file).write_bytes(data[:at])
    elif data:
        flipped = bytearray(data)
        flipped[at] ^= 1 << draw.draw(st.integers(0, 7))
        (folder / file).write_bytes(bytes(flipped))
    try:
        found = facts(read_store(folder))
    except PlaitError as error:
        assert str(error).startswith(f"{folder}: ") and "\n" not in str(error), str(error)
    else:
        assert found == right
