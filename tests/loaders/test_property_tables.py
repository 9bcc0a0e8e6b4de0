"""Property graphs in tables with the headers of neo4j-admin's import."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.kg import DataError, KnowledgeGraph, Schema
from plait.loaders import read_property_tables

NODES = ":ID(Product),name,price:float,colour,dump:IGNORE,:LABEL\n1,Pan,3.50,red,x,Product;Thing\n2,Pot,,red,x,\n3,Lid,7,,x,Part\n"
BRANDS = "brandId:ID(Brand)\tname\n1\tAcme\n"
EDGES = ":START_ID(Product),:END_ID(Brand),since:int,:TYPE\n2,1,1999,MADE_BY\n1,1,2001,\n2,1,1999,MADE_BY\n"
PARTS = ":START_ID(Product),:END_ID(Product)\n3,2\n"


def written(folder: Path, files: dict[str, str]) -> list[Path]:
    for name, data in files.items():
        (folder / name).write_bytes(gzip.compress(data.encode()) if name.endswith(".gz") else data.encode())
    return [folder / name for name in files]


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    return {(h, r, t) for h, t, r in graph.to_networkx().edges(keys=True)}


def types(graph: KnowledgeGraph) -> dict[str, str]:
    return {name: graph.type_name(number) for number, name in enumerate(graph.entities)}


def literals(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    lit = graph.literals
    assert lit.language.null_count == lit.datatype.null_count == len(lit)
    predicates = [lit.predicates[p] for p in lit.predicate]
    found = list(zip(graph.entities.ids(lit.entity), predicates, lit.value.to_pylist(), strict=True))
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_graph_of_two_id_spaces(tmp_path: Path, packed: str) -> None:
    nodes = written(tmp_path, {f"products.csv{packed}": NODES, f"brands.tsv{packed}": BRANDS})
    edges = written(tmp_path, {f"made.csv{packed}": EDGES, f"part_of.csv{packed}": PARTS})
    graph = read_property_tables(nodes, edges)
    # Product 1 and brand 1 are two nodes: the id space tells them apart.
    assert types(graph) == {
        "Product/1": "Product",  # of several labels the first
        "Product/2": "products",  # of none, the file's name
        "Product/3": "Part",
        "Brand/1": "brands",
    }
    assert triples(graph) == {
        ("Product/2", "MADE_BY", "Brand/1"),
        ("Product/1", "made", "Brand/1"),
        ("Product/3", "part_of", "Product/2"),
    }
    assert graph.duplicates == 1
    assert literals(graph) == {
        ("Product/1", "name", "Pan"), ("Product/1", "price", "3.50"), ("Product/1", "colour", "red"),
        ("Product/2", "name", "Pot"), ("Product/2", "colour", "red"),
        ("Product/3", "name", "Lid"), ("Product/3", "price", "7"),
        ("Brand/1", "brandId", "1"), ("Brand/1", "name", "Acme"),
    }  # fmt: skip
    assert {lit.name: lit.kind for lit in Schema.infer(graph).literals}["price"] == "number"


def test_one_id_space_needs_no_prefix(tmp_path: Path) -> None:
    nodes = written(tmp_path, {"products.csv": NODES})
    assert list(read_property_tables(nodes, []).entities) == ["1", "2", "3"]
    for header in (":START_ID(Product),:END_ID(Product)", ":START_ID,:END_ID", ":END_ID,:START_ID"):
        (edges,) = written(tmp_path, {"next.csv": f"{header}\n1,2\n"})
        wanted = ("2", "next", "1") if header.startswith(":END") else ("1", "next", "2")
        assert triples(read_property_tables(nodes, [edges])) == {wanted}


def test_parquet_tables_and_numbers_as_ids(tmp_path: Path) -> None:
    nodes: dict[str, Any] = {":ID": [10, 20], "price": [1.5, None], "new": [True, False], ":LABEL": ["Pan", "Pot"]}
    pq.write_table(pa.table(nodes), tmp_path / "n.parquet")
    pq.write_table(pa.table({":START_ID": [20], ":END_ID": [10], ":TYPE": ["LIKE"]}), tmp_path / "e.parquet")
    graph = read_property_tables([tmp_path / "n.parquet"], [tmp_path / "e.parquet"])
    assert types(graph) == {"10": "Pan", "20": "Pot"}
    assert triples(graph) == {("20", "LIKE", "10")}
    assert literals(graph) == {("10", "price", "1.5"), ("10", "new", "true"), ("20", "new", "false")}


def test_a_graph_without_edges_or_properties(tmp_path: Path) -> None:
    graph = read_property_tables(written(tmp_path, {"Film.csv": ":ID\na\n"}), [])
    assert (types(graph), graph.relations, len(graph.literals)) == ({"a": "Film"}, (), 0)
    edges = written(tmp_path, {"none.csv": ":START_ID,:END_ID,:TYPE\n"})
    assert read_property_tables([tmp_path / "Film.csv"], edges).n_triples == 0
    # A table without rows beside one with rows is no harm.
    nodes = written(tmp_path, {"empty.csv": ":ID,name\n", "Film.csv": ":ID\na\n"})
    assert list(read_property_tables(nodes, []).entities) == ["a"]


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        ({"n.csv": ":ID\na\n"}, {"e.csv": ":START_ID,:END_ID\na,a\n\na,b\n"}, "e.csv:4: :END_ID 'b' is in no node table"),
        ({"n.csv": ":ID\na\n"}, {"e.csv": ":START_ID,:END_ID\nx,b\n"}, "e.csv:2: :START_ID 'x' is in no node table"),
        ({"n.csv": NODES, "b.tsv": BRANDS}, {"e.csv": ":START_ID(Product),:END_ID(Brand)\n1,3\n"},
         "e.csv:2: :END_ID(Brand) 'Brand/3' is in no node table"),
        # One id space read as another would join the wrong nodes.
        ({"n.csv": NODES}, {"e.csv": EDGES}, "e.csv: :END_ID(Brand) names an id space that no node table has"),
        ({"n.csv": ":ID,x\na,1\n\nb,2\na,3\n"}, {}, "n.csv:5: the id 'a' has a row already"),
        ({"n.csv": ":ID\na\n", "m.csv": ":ID\nb\na\n"}, {}, "m.csv:3: the id 'a' has a row already"),
        ({"n.csv": ":ID,x\na,1\n,2\n"}, {}, "n.csv:3: :ID is empty"),
        ({"n.csv": ":ID\na\n"}, {"e.csv": ":START_ID,:END_ID\na,\n"}, "e.csv:2: :END_ID is empty"),
        ({"n.csv": "id,name\na,1\n"}, {}, "n.csv: no :ID column among id, name"),
        ({"n.csv": ":START_ID,name\na,1\n"}, {}, "n.csv: no :ID column among :START_ID, name"),
        ({"n.csv": ":ID\na\n"}, {"e.csv": ":START_ID,to\na,a\n"}, "e.csv: no :END_ID column among :START_ID, to"),
        ({"n.csv": ":ID\na\n"}, {"e.csv": ":START_ID,:END_ID\na\n"}, "e.csv:2: cannot be read: Expected 2 columns"),
        ({"n.csv": ":ID,x\n"}, {}, "the graph is empty: no node in "),
        ({}, {}, "the graph is empty: no node in no file given"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, nodes: dict[str, str], edges: dict[str, str], message: str
) -> None:
    files = written(tmp_path, nodes), written(tmp_path, edges)
    with pytest.raises(DataError) as caught:
        read_property_tables(*files)
    assert message in str(caught.value)
    if caught.value.path is not None:
        assert str(caught.value).startswith(f"{tmp_path}/{message}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (nodes,) = written(tmp_path, {"n.csv": ":ID\na\n"})
    for files in (([tmp_path / "absent.csv"], []), ([nodes], [tmp_path / "absent.csv"])):
        with pytest.raises(DataError, match=r"absent\.csv: no such file"):
            read_property_tables(*files)


def test_lists_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({":ID": ["a"], "tags": [["x", "y"]]}), tmp_path / "n.parquet")
    with pytest.raises(DataError, match=r"n\.parquet: the column 'tags' holds list.*, single values are wanted"):
        read_property_tables([tmp_path / "n.parquet"], [])
