"""Ids through every reader, as the file spells them: no number, no null, no trimming, no Unicode normalisation."""

from __future__ import annotations

import csv
import gzip
import io
import json
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.kg import IdMap, KnowledgeGraph
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
    read_store,
    read_table_graph,
    read_triples,
)

IDS = [
    "007", "7", "7.0", "+7", "07", "1e5", "100000", "0x1F", "1_000", "inf", "nan", "NaN", "NA", "N/A", "null", "NULL", "None",
    "true", "True", "-", "2020-01-01", "\\N", "\\", "a\\tb", " a", "a", "a ", "two words", "\u00a0x", 'q"uote', '"all"', "'",
    "a,b", "a;b", "a|b", "#c", "&amp;", "&", "<b>", "_:b", "%41", "A", "a/b", "caf\u00e9", "cafe\u0301", "\uff17", "🎬", "x" * 10_000,
]  # fmt: skip
Read = Callable[[Path, Sequence[str]], list[str]]


def cells(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], separator: str = ",") -> Path:
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator="\n").writerows([header, *rows])
    data = file.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def bare(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """A file of tabs that never quotes."""
    path.write_text("".join("\t".join(row) + "\n" for row in ([header] if header else []) + list(rows)), newline="")
    return path


def entities(graph: KnowledgeGraph) -> list[str]:
    return graph.entities.to_arrow().to_pylist()


def items_of(path: Path, layout: str = "auto") -> list[str]:
    (log,), report = read_interactions(InteractionsConfig(path=path, layout=layout))  # type: ignore[arg-type]
    assert report.duplicates == 0
    users, items = log.users.to_arrow().to_pylist(), log.items.to_arrow().to_pylist()
    if layout != "histories":
        assert users == items  # each id stands once as user and once as item, in this order
    return items


def pairs(ids: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in ids]


def of_parquet(folder: Path, ids: Sequence[str]) -> list[str]:
    column = pa.array(ids)
    pq.write_table(pa.table({"user_id": column, "item_id": column.dictionary_encode()}), folder / "a.parquet")
    return items_of(folder / "a.parquet")


def of_json_lines(folder: Path, ids: Sequence[str]) -> list[str]:
    lines = (json.dumps({"user_id": name, "item_id": name}) + "\n" for name in ids)
    (folder / "a.jsonl").write_text("".join(lines))
    return items_of(folder / "a.jsonl")


def of_histories(folder: Path, ids: Sequence[str]) -> list[str]:
    (folder / "h.json").write_text(json.dumps({"u": ids[:20], "007": ids[20:]}, ensure_ascii=False))
    return items_of(folder / "h.json", "histories")


def of_history_lines(folder: Path, ids: Sequence[str]) -> list[str]:
    # In text of words an id cannot hold a blank: those that do are left to the other forms.
    words = [name for name in ids if not set(name) & set(" \t")]
    (folder / "h.txt").write_text("u " + " ".join(words))
    assert items_of(folder / "h.txt", "histories") == words
    return list(ids)


def of_triples(name: str) -> Read:
    def read(folder: Path, ids: Sequence[str]) -> list[str]:
        rows = [(one, "r", two) for one, two in zip(ids, [*ids[1:], ids[0]], strict=True)]
        if name.endswith(".parquet"):
            columns = zip(*rows, strict=True)
            table = pa.table({part: pa.array(c) for part, c in zip(("head", "relation", "tail"), columns, strict=True)})
            pq.write_table(table, folder / name)
        elif name.endswith(".csv"):
            cells(folder / name, ("head", "relation", "tail"), rows)
        else:
            bare(folder / name, ("h:token", "r:token", "t:token") if name.endswith(".kg") else (), rows)
        graph = read_triples(TripleGraph(source="triples", files=(folder / name,)))
        assert graph.n_triples == len(ids)
        return entities(graph)

    return read


def of_relations(folder: Path, ids: Sequence[str]) -> list[str]:
    path = cells(folder / "t.csv", ("head", "relation", "tail"), [("a", name, "b") for name in ids])
    return list(read_triples(TripleGraph(source="triples", files=(path,))).relations)


def of_nodes(folder: Path, ids: Sequence[str]) -> list[str]:
    nodes = cells(folder / "n.csv", (":ID", "name"), pairs(ids))
    edges = cells(folder / "e.csv", (":START_ID", ":END_ID"), pairs(ids))
    graph = read_table_graph(TableGraph.model_validate({"source": "tables", "nodes": [nodes], "edges": [edges]}))
    assert graph.head.tolist() == graph.tail.tolist() == list(range(len(ids)))
    assert graph.literals.value.to_pylist() == ids
    return entities(graph)


def of_graphstorm(folder: Path, ids: Sequence[str]) -> list[str]:
    cells(folder / "n.csv", ("id", "x"), pairs(ids), "|")
    lines = (json.dumps({"s": name, "d": name}) + "\n" for name in ids)
    (folder / "e.json").write_text("".join(lines))
    nodes = {"node_type": "i", "format": {"name": "csv", "separator": "|"}, "files": "n.csv", "node_id_col": "id"}
    edges = {"relation": ["i", "r", "i"], "files": "e.json", "source_id_col": "s", "dest_id_col": "d"}
    (folder / "g.json").write_text(json.dumps({"nodes": [nodes], "edges": [edges]}))
    graph = read_graphstorm(GraphStormGraph(source="graphstorm", path=folder / "g.json"))
    assert graph.head.tolist() == graph.tail.tolist() == list(range(len(ids)))
    return entities(graph)


def of_kgat(folder: Path, ids: Sequence[str]) -> list[str]:
    listed = "".join(f"{name} {n}\n" for n, name in enumerate(ids))
    (folder / "entity_list.txt").write_text("org_id remap_id\n" + listed)
    (folder / "relation_list.txt").write_text("org_id remap_id\nr 0\n")
    (folder / "item_list.txt").write_text(f"org_id remap_id\n{ids[0]} 0\n")
    (folder / "kg_final.txt").write_text("0 0 1\n")
    return entities(read_kgat(KgatGraph(source="kgat", folder=folder)))


def of_amazon(folder: Path, ids: Sequence[str]) -> list[str]:
    # The reader strips asins, since the published sets pad some: blanks around one are no part of it.
    padded = [name for name in ids if name != name.strip()]
    lines = (json.dumps({"asin": name, "also_buy": [name]}) + "\n" for name in ids if name not in padded)
    (folder / "a.jsonl").write_text("".join(lines))
    left_out: list[str] = []
    graph = read_amazon(AmazonGraph(source="amazon", files=(folder / "a.jsonl",)), left_out=left_out)
    assert left_out == [] and graph.n_triples == len(ids) - len(padded)
    return with_padded(entities(graph), ids)


def with_padded(found: list[str], ids: Sequence[str]) -> list[str]:
    """What was found, and at their places the ids that were not asked for."""
    left = iter(found)
    return [name if name != name.strip() else next(left, "none") for name in ids]


def of_old_amazon(folder: Path, ids: Sequence[str]) -> list[str]:
    (folder / "a.json").write_text("".join(f"{ {'asin': name}!r}\n" for name in ids if name == name.strip()))
    return with_padded(entities(read_amazon(AmazonGraph(source="amazon", files=(folder / "a.json",)))), ids)


def of_links(folder: Path, ids: Sequence[str]) -> list[str]:
    path = cells(folder / "links.csv", ("item_id", "entity_id"), list(zip(ids, reversed(ids), strict=True)))
    none = pa.array([], pa.int64()).to_numpy()
    graph = KnowledgeGraph.build(IdMap(ids), [], none, none, none)
    items, linked = read_links(LinksConfig(path=path), IdMap(ids[:3]), graph)
    assert linked.tolist() == list(reversed(range(len(ids))))
    return items.to_arrow().to_pylist()


def of_item_table(folder: Path, ids: Sequence[str]) -> list[str]:
    path = cells(folder / "items.csv", ("item_id", "title"), list(zip(ids, reversed(ids), strict=True)))
    return list(reversed(read_items(ItemsConfig(path=path), IdMap(ids)).titles.to_pylist()))


def of_filter(folder: Path, ids: Sequence[str]) -> list[str]:
    (log,), _ = read_interactions(InteractionsConfig(path=cells(folder / "l.csv", ("user_id", "item_id"), pairs(ids))))
    kept = []
    for part in (ids[::2], ids[1::2]):
        chosen, dropped = filtered(log, FiltersConfig(items=cells(folder / "s.csv", ("item",), [(i,) for i in part])))
        assert chosen.items.to_arrow().to_pylist() == part
        assert sum(entry.rows for entry in dropped) == len(ids) - len(part)
        kept += part
    return sorted(kept, key=list(ids).index)


READERS: dict[str, Read] = {
    "log.csv": lambda folder, ids: items_of(cells(folder / "a.csv", ("user_id", "item_id"), pairs(ids))),
    "log.csv.gz": lambda folder, ids: items_of(cells(folder / "a.csv.gz", ("user_id", "item_id"), pairs(ids))),
    "log.tsv": lambda folder, ids: items_of(cells(folder / "a.tsv", ("user_id", "item_id"), pairs(ids), "\t")),
    "log.inter": lambda folder, ids: items_of(bare(folder / "a.inter", ("user_id:token", "item_id:token"), pairs(ids))),
    "log.parquet": of_parquet, "log.jsonl": of_json_lines, "histories.json": of_histories, "histories.txt": of_history_lines,
    "triples.csv": of_triples("t.csv"), "triples.txt": of_triples("t.txt"), "triples.tsv": of_triples("t.tsv"),
    "triples.kg": of_triples("t.kg"), "triples.parquet": of_triples("t.parquet"), "relations": of_relations,
    "nodes": of_nodes, "graphstorm": of_graphstorm, "kgat": of_kgat, "amazon": of_amazon, "amazon of 2014": of_old_amazon,
    "links": of_links, "items": of_item_table, "filter": of_filter,
}  # fmt: skip


def test_the_ids_are_told_apart_by_little() -> None:
    assert len(set(IDS)) == len(IDS)
    assert len({unicodedata.normalize("NFKC", name).strip() for name in IDS}) < len(IDS) - 3


@pytest.mark.parametrize("reader", READERS)
def test_every_id_comes_out_as_it_is_spelled(tmp_path: Path, reader: str) -> None:
    assert READERS[reader](tmp_path, IDS) == IDS


IRIS = ["http://e/" + quote(name, safe="") for name in IDS] + [
    "http://e/caf\u00e9", "http://e/cafe\u0301", "http://E/a", "http://e/%7e", "http://e/%7E", "http://e/~", "http://e/🎬",
    "http://e/a#", "http://e/a?", "http://e/./a", "http://e/b/../a", "HTTP://e/a", "urn:x:007", "urn:x:7",
]  # fmt: skip


def rdf(form: str) -> str:
    statements = "".join(f"<{iri}> <http://e/p> {json.dumps(iri, ensure_ascii=False)} .\n" for iri in IRIS)
    if form == "jsonld":
        return json.dumps([{"@id": iri, "http://e/p": iri} for iri in IRIS])
    if form == "rdf":
        spaces = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/"'
        inner = "".join(f"<rdf:Description rdf:about={quoteattr(iri)} e:p={quoteattr(iri)}/>\n" for iri in IRIS)
        return f"<rdf:RDF {spaces}>\n{inner}</rdf:RDF>"
    return statements.replace(" .\n", " <http://g> .\n") if form == "nq" else statements


@pytest.mark.parametrize("form", ["nt", "nq", "ttl", "trig", "rdf", "jsonld"])
def test_iris_are_not_normalised(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"g.{form}"
    path.write_text(rdf(form), encoding="utf-8")
    graph = read_rdf([path])
    assert entities(graph) == graph.literals.value.to_pylist() == IRIS
    load_store([path], tmp_path / "store")
    assert sorted(entities(read_store(tmp_path / "store"))) == sorted(IRIS)
