"""Input that is large, deep, packed tight, or no file at all: each in seconds and bounded memory, right or one sentence.

What could end the process (a stack overrun, all memory gone) is read in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.kg import DataError, KnowledgeGraph, PlaitError, find_hierarchies
from plait.loaders import (
    AmazonGraph,
    GraphStormGraph,
    InteractionsConfig,
    KgatGraph,
    TableGraph,
    TripleGraph,
    load_store,
    read_amazon,
    read_graphstorm,
    read_interactions,
    read_kgat,
    read_rdf,
    read_store,
    read_table,
    read_table_graph,
    read_triples,
)

pytestmark = pytest.mark.timeout(120)
MEBI = 1 << 20
LITERAL = "x" * (10 * MEBI)
LINE = "x" * (20 * MEBI)
COLUMNS = 100_000
DEEP = "[" * 100_000 + "]" * 100_000
DEEP_OBJECT = '{"a":' * 100_000 + "1" + "}" * 100_000


def rdf(path: Path) -> KnowledgeGraph:
    return read_rdf([path])


def triples(path: Path) -> KnowledgeGraph:
    return read_triples(TripleGraph(source="triples", files=(path,)))


def nodes(path: Path) -> KnowledgeGraph:
    return read_table_graph(TableGraph.model_validate({"source": "tables", "nodes": [path]}))


def amazon(path: Path) -> KnowledgeGraph:
    return read_amazon(AmazonGraph(source="amazon", files=(path,)))


def graphstorm(path: Path) -> KnowledgeGraph:
    return read_graphstorm(GraphStormGraph(source="graphstorm", path=path))


def kgat(path: Path) -> KnowledgeGraph:
    return read_kgat(KgatGraph(source="kgat", folder=path))


def store(path: Path) -> KnowledgeGraph:
    load_store([path], path.parent / "store")
    return read_store(path.parent / "store")


def log(path: Path) -> list[str]:
    return read_interactions(InteractionsConfig(path=path))[0][0].items.to_arrow().to_pylist()


def histories(path: Path) -> list[str]:
    return read_interactions(InteractionsConfig(path=path, layout="histories"))[0][0].items.to_arrow().to_pylist()


def refused(read: Callable[[Path], object], path: Path, line: int | None, message: str) -> None:
    with pytest.raises(PlaitError) as caught:
        read(path)
    place = str(path) if line is None else f"{path}:{line}"
    assert str(caught.value).startswith(f"{place}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700 + len(str(path))


@pytest.mark.parametrize("form", ["nt", "ttl", "store", "rdf"])
def test_a_literal_of_ten_megabytes_in_rdf(tmp_path: Path, form: str) -> None:
    path = tmp_path / ("g.rdf" if form == "rdf" else "g.nt" if form == "nt" else "g.ttl")
    spaces = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/"'
    statement = f"<rdf:Description rdf:about='http://e/a'><e:p>{LITERAL}</e:p></rdf:Description>"
    xml = f"<rdf:RDF {spaces}>{statement}</rdf:RDF>"
    path.write_text(xml if form == "rdf" else f'<http://e/a> <http://e/p> "{LITERAL}" .\n')
    assert (store if form == "store" else rdf)(path).literals.value.to_pylist() == [LITERAL]


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        (
            "g.nt",
            f'<http://e/a> <http://e/p> "b" .\n<http://e/a> <http://e/p> "\\t{LINE}" .',
            2,
            "a term is longer than 16 MiB",
        ),
        ("g.nt", LINE, 1, "a term is longer than 16 MiB"),
        ("g.ttl", f'<http://e/a> <http://e/p> """{LINE}""" .', None, "a term is longer than 16 MiB"),
        ("g.rdf", LINE, None, "more than 16 MiB without a tag"),
        ("g.jsonld", LINE, 1, "malformed RDF"),
    ],
    ids=["escaped literal", "nt", "ttl", "rdf", "jsonld"],
)
def test_a_term_that_never_ends_in_rdf(tmp_path: Path, name: str, text: str, line: int | None, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    refused(rdf, path, line, message)


def test_a_cell_of_ten_megabytes(tmp_path: Path) -> None:
    table = tmp_path / "n.csv"
    table.write_text(f":ID,name\na,{LITERAL}\nb,c\n")
    assert nodes(table).literals.value.to_pylist() == [LITERAL, "c"]
    bare = tmp_path / "t.txt"
    bare.write_text(f"a\tr\t{LITERAL}\nb\tr\tc\n")
    assert triples(bare).entities.to_arrow().to_pylist() == ["a", "b", LITERAL, "c"]
    lines = tmp_path / "l.jsonl"
    row = json.dumps({"user_id": "u", "item_id": "i"}) + "\n"
    # Once in the first block, and once beyond it.
    for before in (0, 200_000):
        lines.write_text(row * before + json.dumps({"user_id": "v", "item_id": LITERAL}) + "\n" + row)
        assert sorted(log(lines)) == ["i", LITERAL]


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("l.csv", LINE, 1, "the first line does not end"),
        ("l.csv", "user_id,item_id\n" + LINE, 2, "Expected 2 columns"),
        ("l.jsonl", '{"user_id": "u", "item_id": "' + "x" * (70 * MEBI) + '"}', None, "a row is longer than 64 MiB"),
    ],
    ids=["header", "row", "object"],
)
def test_a_row_that_never_ends(tmp_path: Path, name: str, text: str, line: int | None, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    refused(log, path, line, message)


def test_metadata_of_twenty_megabytes_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"asin": "a"}\n' * 3 + json.dumps({"asin": "b", "title": LINE}) + "\n")
    refused(amazon, path, 4, "the line is longer than 4,194,304 bytes")


@pytest.mark.parametrize("read", [log, triples], ids=["log", "triples"])
def test_a_hundred_thousand_columns(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "w.csv"
    path.write_text(",".join(f"column{n}" for n in range(COLUMNS)) + "\n" + ",".join("1" * COLUMNS) + "\n")
    if read is triples:  # takes the first three columns, and the first line for a triple
        assert triples(path).entities.to_arrow().to_pylist() == ["column0", "1", "column2"]
    else:
        refused(read, path, None, f"({COLUMNS:,} in all)")


def test_a_hundred_thousand_relations_and_types(tmp_path: Path) -> None:
    path = tmp_path / "g.nt"
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    n = 100_000
    with path.open("w") as file:
        file.writelines(f"<http://e/a{i}> <http://e/r{i}> <http://e/b{i % 7}> .\n" for i in range(n))
        file.writelines(f"<http://e/a{i}> {kind} <http://e/T{i}> .\n" for i in range(n))
    graph = rdf(path)
    assert (len(graph.relations), len(graph.types), graph.n_entities) == (n, n, n + 7)


def test_categories_in_a_chain_a_circle_and_an_item_that_is_its_own_brand(tmp_path: Path) -> None:
    n = 200_000
    path = tmp_path / "t.txt"
    chain = "".join(f"c{i}\tparent\tc{i + 1}\n" for i in range(n))
    circle = "".join(f"d{i}\tparent\td{(i + 1) % 1000}\n" for i in range(1000))
    path.write_text(chain + circle + "i\tbrand\ti\ni\tcategory\ti\ni\tparent\ti\n")
    graph = triples(path)
    assert graph.n_triples == n + 1000 + 3
    (tree,) = find_hierarchies(graph, ("parent",))
    assert (tree.max_depth, tree.n_cycles, len(tree.roots)) == (n, 2, 1 + 1000 + 1)


def test_where_every_head_is_its_tail(tmp_path: Path) -> None:
    path = tmp_path / "g.nt"
    path.write_text("".join(f"<http://e/{i % 5}> <http://e/r{i % 3}> <http://e/{i % 5}> .\n" for i in range(3000)))
    graph = rdf(path)
    assert graph.n_triples == 15 and (graph.head == graph.tail).all()


# In a process of its own from here on: all cases of a test in one.

CHILD = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import {module} as m
from plait.kg import PlaitError
for read, path in json.loads(sys.argv[2]):
    try:
        getattr(m, read)(Path(path))
        said = "was read"
    except PlaitError as error:
        said = str(error)
    print(said, flush=True)
lines = Path("/proc/self/status").read_text().splitlines()
print(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) >> 10)
"""


def apart(cases: list[tuple[Callable[[Path], object], Path]]) -> tuple[list[str], int]:
    """What becomes of reading some files in another process, and how many MiB of memory that took at most."""
    code = CHILD.format(module=Path(__file__).stem)
    told = json.dumps([(read.__name__, str(path)) for read, path in cases])
    command = [sys.executable, "-c", code, str(Path(__file__).parent), told]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    said = done.stdout.splitlines()
    assert done.returncode == 0, f"after {said}: {done.stderr[-2000:]}"
    return said[:-1], int(said[-1])


def gzip_of_zeros() -> bytes:
    """A megabyte that unpacks to a gigabyte of NUL without a line break."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    zeros = bytes(MEBI)
    return b"".join(packer.compress(zeros) for _ in range(1024)) + packer.flush()


BOMBS: list[tuple[str, Callable[[Path], object]]] = [
    ("g.nt.gz", rdf), ("g.ttl.gz", rdf), ("g.rdf.gz", rdf), ("g.jsonld.gz", rdf), ("s.nt.gz", store), ("l.csv.gz", log),
    ("l.jsonl.gz", log), ("h.txt.gz", histories), ("h.json.gz", histories), ("t.txt.gz", triples), ("a.jsonl.gz", amazon),
]  # fmt: skip


def test_a_megabyte_that_unpacks_to_a_gigabyte(tmp_path: Path) -> None:
    bomb = gzip_of_zeros()
    cases = [(read, tmp_path / name) for name, read in BOMBS]
    for _, path in cases:
        path.write_bytes(bomb)
    said, peak = apart(cases)
    assert [text.startswith(f"{path}:") for text, (_, path) in zip(said, cases, strict=True)] == [True] * len(cases), (
        said
    )
    assert peak < 2500


def row(**more: str) -> str:
    return '{"user_id": "u", "item_id": "i", ' + ", ".join(f'"{key}": {value}' for key, value in more.items()) + "}\n"


NESTED: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "lists": ("l.jsonl", row(x=DEEP), log), "objects": ("l.jsonl", row(x=DEEP_OBJECT), log),
    "late": ("l.jsonl", row(x="1") * 150_000 + row(x=DEEP), log),
    "over lines": ("l.jsonl", row(x=DEEP.replace("[", "[\n")), log),
    "closed in strings": ("l.jsonl", row(x='["]",' * 30_000 + "1" + "]" * 30_000), log),
    "behind a long string": ("l.jsonl", row(x='"' + "[" * 100 + "x" * 5_000_000 + '"', y=DEEP), log),
    "nothing else": ("l.json", DEEP, log), "histories": ("h.json", '{"u": ' + DEEP + "}", histories),
    "null": ("l.jsonl", "null\n" + row(x="1"), log), "null behind": ("l.jsonl", row(x="1") * 2 + "\t \n null\n", log),
    "null beside": ("l.jsonl", row(x="1").strip() + "null\n", log), "null late": ("l.jsonl", row(x="1") * 150_000 + "null", log),
    "amazon": ("a.jsonl", '{"asin": "a"}\n{"asin": "b", "x": ' + DEEP_OBJECT + "}\n", amazon),
    "amazon first": ("a.jsonl", '{"asin": "b", "x": ' + DEEP + "}\n", amazon),
    "amazon whole": ("a.json", '{"b":\n{"x": ' + DEEP + "}}\n", amazon),
    "2014": ("a.json", "{'asin': 'a'}\n{'asin': 'b', 'x': " + DEEP + "}\n", amazon),
    "2014 signs": ("a.json", "{'asin': 'a'}\n{'asin': 'b', 'x': " + "-" * 100_000 + "1}\n", amazon),
    "2014 sums": ("a.json", "{'asin': 'a'}\n{'asin': 'b', 'x': 1" + "+1j" * 200_000 + "}\n", amazon),
    "2014 calls": ("a.json", "{'asin': 'a'}\n{'asin': __import__('os').getcwd()}\n", amazon),
    "description": ("g.json", '{"nodes": ' + DEEP + "}", graphstorm),
    "json-ld": ("g.jsonld", '{"@id": "http://e/a", "http://e/p": ' + DEEP_OBJECT + "}", rdf),
}  # fmt: skip


def test_brackets_within_brackets(tmp_path: Path) -> None:
    cases = []
    for case, (name, text, read) in NESTED.items():
        (tmp_path / case).mkdir()
        (tmp_path / case / name).write_text(text)
        cases.append((read, tmp_path / case / name))
    said, _ = apart(cases)
    assert [text.startswith(f"{path}:") for text, (_, path) in zip(said, cases, strict=True)] == [True] * len(cases), (
        said
    )


def test_brackets_in_strings_are_text(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    path.write_text(row(x=json.dumps('["' * 5000), y="[" * 400 + "]" * 400, z='"} null"', n="[1,\n null]") * 3)
    assert log(path) == ["i"]


def test_digits_without_end(tmp_path: Path) -> None:
    digits = "9" * 500_000
    (tmp_path / "g.json").write_text(f'{{"version": {digits}}}')
    refused(graphstorm, tmp_path / "g.json", None, "no valid JSON")
    (tmp_path / "a.jsonl").write_text(f'{{"asin": "a"}}\n{{"asin": "b", "price": {digits}}}\n')
    refused(amazon, tmp_path / "a.jsonl", 2, "the line is no JSON object")
    (tmp_path / "h.json").write_text(f'{{"u": [{digits}]}}')
    assert histories(tmp_path / "h.json") == [digits]  # an id is text


@pytest.mark.parametrize("read", [rdf, store], ids=["rdf", "store"])
def test_xml_entities_that_multiply(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "g.rdf"
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">\n' for n in range(1, 6))
    start = f'<?xml version="1.0"?>\n<!DOCTYPE l [<!ENTITY a0 "lol">\n{entities}]>\n'
    spaces = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/"'
    path.write_text(start + f'<rdf:RDF {spaces}><rdf:Description rdf:about="http://e/a" e:p="&a5;"/></rdf:RDF>')
    refused(read, path, 3, "the XML entity 'a1' holds other entities")
    long = f'<!DOCTYPE l [<!ENTITY a0 "{"l" * 257}">]>\n'
    path.write_text(long + f"<rdf:RDF {spaces}/>")
    refused(read, path, 1, "more than 256 characters")
    path.write_text(
        f'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<rdf:RDF {spaces}><e:T e:p="&a;"/></rdf:RDF>'
    )
    refused(read, path, 2, "malformed RDF")


PLACES = ["folder", "pipe", "device", "circle", "nowhere", "long name", "NUL", "below a file", "half a character"]
SUFFIXES: list[tuple[str, Callable[[Path], object]]] = [
    (".nt", rdf), (".ttl", rdf), (".nt", store), (".csv", log), (".parquet", log), (".jsonl", log), (".txt", log), (".txt", histories),
    (".csv", triples), (".kg", triples), (".csv", nodes), (".jsonl", amazon), (".json", graphstorm), ("", kgat), ("", read_store),
]  # fmt: skip


def odd(folder: Path, suffix: str, place: str) -> Path:
    path = folder / f"x{suffix}"
    if place == "folder":
        path.mkdir()
    elif place == "pipe":
        os.mkfifo(path)
    elif place in ("device", "circle", "nowhere"):
        path.symlink_to({"device": "/dev/zero", "circle": path, "nowhere": folder / "absent"}[place])
    elif place == "long name":
        path = folder / ("x" * 300 + suffix)
    elif place == "NUL":
        path = folder / f"x\0{suffix}"
    elif place == "below a file":
        (folder / "file").write_text("x")
        path = folder / "file" / f"x{suffix}"
    else:
        path = folder / f"\ud800{suffix}"
    return path


@pytest.mark.timeout(20)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("suffix", "read"), SUFFIXES, ids=[f"{read.__name__}{suffix}" for suffix, read in SUFFIXES])
def test_what_is_no_regular_file(tmp_path: Path, suffix: str, read: Callable[[Path], object], place: str) -> None:
    path = odd(tmp_path, suffix, place)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(("suffix", "read"), SUFFIXES[:-2], ids=[f"{read.__name__}{s}" for s, read in SUFFIXES[:-2]])
def test_what_may_not_be_read(tmp_path: Path, suffix: str, read: Callable[[Path], object]) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_text("x")
    path.chmod(0)
    refused(read, path, None, "")


@pytest.mark.parametrize(
    "files", ["**x", "/*.csv", "a\0*", "a\0b", "\ud800", "x" * 5000, "../x.csv", "/etc/passwd"], ids=ascii
)  # fmt: skip
def test_a_description_that_names_odd_files(tmp_path: Path, files: str) -> None:
    path = tmp_path / "g.json"
    path.write_text(json.dumps({"nodes": [{"node_type": "a", "files": files, "node_id_col": "x"}]}))
    refused(graphstorm, path, None, "nodes.0.files")


def test_patterns_of_rdf_files_that_are_none(tmp_path: Path) -> None:
    refused(rdf, tmp_path / "**x.nt", None, "")


BYTES = {
    "bytes": pa.array([b"a", b"\xff"]), "blocks": pa.array([b"ab", b"c\xff"], pa.binary(2)),
    "lists": pa.array([["a"], ["b"]]), "structures": pa.array([{"a": 1}, {"a": 2}]),
    "maps": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "broken text": pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")),
}  # fmt: skip
ROLES = ["user_id", "item_id", "rating", "timestamp", "head", "relation", "tail", ":ID", ":LABEL"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", BYTES)
def test_parquet_columns_that_hold_no_ids(tmp_path: Path, kind: str, role: str) -> None:
    path = tmp_path / "t.parquet"
    usual = [("user_id", "item_id"), ("head", "relation", "tail"), (":ID",)]
    group = next((names for names in usual if role in names), usual[2] if role.startswith(":") else usual[0])
    columns = dict.fromkeys(group, pa.array(["a", "b"]))
    pq.write_table(pa.table(columns | {role: BYTES[kind]}), path)
    read = {2: log, 3: triples, 1: nodes}[len(group)]
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_text_as_bytes_and_views_is_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": pa.array([b"007", b"7"]), "y": pa.array(["a", "b"], pa.string_view())}), path)
    assert read_table(path).to_pylist() == [{"x": "007", "y": "a"}, {"x": "7", "y": "b"}]
