"""Property graphs in tables with the headers of neo4j-admin's import."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.kg import DataError, KnowledgeGraph, Schema
from plait.loaders.graph_sources import read_graph
from plait.loaders.property.config import EdgeTable, ForeignKey, NodeTable, TableGraph
from plait.loaders.property.tables import read_property_tables, read_table_graph

XSD = "http://www.w3.org/2001/XMLSchema#"

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
    assert lit.language.null_count == len(lit)
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
        ({"n.csv": ":ID,x\n"}, {}, "n.csv: the graph is empty: no node in this table"),
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


def datatypes(graph: KnowledgeGraph) -> dict[str, set[str | None]]:
    lit, found = graph.literals, {}
    for predicate, datatype in zip(lit.predicate, lit.datatype.to_pylist(), strict=True):
        found.setdefault(lit.predicates[predicate], set()).add(datatype and datatype.removeprefix(XSD))
    return found


def test_every_form_of_header_has_its_datatype(tmp_path: Path) -> None:
    header = (
        "id:ID(P){id-type:int},kind:LABEL,name:string,plain,price:float,n:int,ok:boolean,born:date,at:datetime,"
        "tags:string[],marks:int[],place:point{crs:WGS-84},dc:title,dc:date:date,x:IGNORE"
    )
    row = '7,A;B,Pan,p,3.50,4,true,1999-01-02,1999-01-02T03:04:05,red; hot;,1;2,"{x: 1}",T,1998-07-06,no'
    graph = read_property_tables(written(tmp_path, {"n.csv": f"{header}\n{row}\n8,,,,,,,,,,,,,,\n"}))
    assert types(graph) == {"7": "A", "8": "n"}
    assert literals(graph) == {
        ("7", "id", "7"), ("8", "id", "8"), ("7", "name", "Pan"), ("7", "plain", "p"), ("7", "price", "3.50"),
        ("7", "n", "4"), ("7", "ok", "true"), ("7", "born", "1999-01-02"), ("7", "at", "1999-01-02T03:04:05"),
        # One literal an element, blanks around it and empty ones left out.
        ("7", "tags", "red"), ("7", "tags", "hot"), ("7", "marks", "1"), ("7", "marks", "2"),
        ("7", "place", "{x: 1}"), ("7", "dc:title", "T"), ("7", "dc:date", "1998-07-06"),
    }  # fmt: skip
    assert datatypes(graph) == {
        "id": {None}, "name": {None}, "plain": {None}, "price": {"float"}, "n": {"int"}, "ok": {"boolean"},
        "born": {"date"}, "at": {"dateTime"}, "tags": {None}, "marks": {"int"}, "place": {None}, "dc:title": {None}, "dc:date": {"date"},
    }  # fmt: skip
    kinds = {lit.name: lit.kind for lit in Schema.infer(graph).literals}
    assert (kinds["price"], kinds["born"], kinds["at"], kinds["name"]) == ("number", "date", "date", "label")


def test_parquet_types_and_lists(tmp_path: Path) -> None:
    import datetime as dt

    when = dt.datetime(2020, 1, 2, 3, 4, 5)
    table = {
        ":ID": ["a", "b"],
        "tags": [["x", "y"], None],
        "n": [[1, 2], []],
        "day": [when.date(), None],
        "at": [None, when],
    }
    pq.write_table(pa.table(table), tmp_path / "n.parquet")
    graph = read_property_tables([tmp_path / "n.parquet"])
    assert literals(graph) == {
        ("a", "tags", "x"), ("a", "tags", "y"), ("a", "n", "1"), ("a", "n", "2"), ("a", "day", "2020-01-02"),
        ("b", "at", "2020-01-02T03:04:05.000000"),
    }  # fmt: skip
    assert datatypes(graph) == {"tags": {None}, "n": {"long"}, "day": {"date"}, "at": {"dateTime"}}


@pytest.mark.parametrize(
    ("column", "message"),
    [([{"x": 1}], "single values of text or numbers are wanted")],
)
def test_structures_are_refused(tmp_path: Path, column: list[Any], message: str) -> None:
    pq.write_table(pa.table({":ID": ["a"], "name": ["A"], "v": column}), tmp_path / "n.parquet")
    with pytest.raises(DataError, match=rf"n\.parquet:1: the column 'v' holds .*{message}"):
        read_property_tables([tmp_path / "n.parquet"], [])
    kept = NodeTable(path=tmp_path / "n.parquet", columns={"name": "title"})
    assert literals(read_property_tables([kept])) == {("a", "title", "A")}


PRODUCTS = "sku,what,brand_id,cats,cost:float\n007,Pan,1,c1;c2,3\n7,Pot,,c2,\n70,Lid,2,,5\n"
MAKERS = "id,name\n1,Acme\n2,Emca\n"


def shop(folder: Path, **changes: Any) -> TableGraph:
    written(
        folder,
        {
            "products.csv": PRODUCTS,
            "brands.csv": MAKERS,
            "buys.csv": "who,sku,how,n,at\n1,007,LIKES,2.5,1970-01-02\n1,7,,,\n",
        },
    )
    brand = {"name": "brand", "space": "Brand"} | changes.pop("brand", {})
    nodes = [
        {"path": folder / "products.csv", "id": "sku", "type": "Product", "columns": {"what": "name", "cost": "price"},
         "id_space": "Product",
         "relations": {"brand_id": brand, "cats": {"name": "category", "space": "Category", "create": True}}},
        {"path": folder / "brands.csv", "id": "id", "type": "Brand", "id_space": "Brand"},
    ]  # fmt: skip
    edges = [{"path": folder / "buys.csv", "source": "who", "target": "sku", "relation": "BUYS", "relation_column": "how",
              "weight": "n", "time": "at", "source_space": "Brand", "target_space": "Product"}]  # fmt: skip
    return TableGraph.model_validate({"source": "tables", "nodes": nodes, "edges": edges} | changes)


def test_columns_and_foreign_keys_named_in_the_configuration(tmp_path: Path) -> None:
    config = shop(tmp_path, item_space="Product")
    graph = read_table_graph(config)
    # The items' space keeps its ids, so that a log with them links without a map; 007 is not 7.
    assert types(graph) == {
        "007": "Product", "7": "Product", "70": "Product", "Brand/1": "Brand", "Brand/2": "Brand",
        "Category/c1": "untyped", "Category/c2": "untyped",
    }  # fmt: skip
    assert triples(graph) == {
        ("007", "brand", "Brand/1"), ("70", "brand", "Brand/2"),
        ("007", "category", "Category/c1"), ("007", "category", "Category/c2"), ("7", "category", "Category/c2"),
        ("Brand/1", "LIKES", "007"), ("Brand/1", "BUYS", "7"),
    }  # fmt: skip
    assert literals(graph) == {
        ("007", "name", "Pan"), ("7", "name", "Pot"), ("70", "name", "Lid"), ("007", "price", "3"), ("70", "price", "5"),
        ("Brand/1", "name", "Acme"), ("Brand/2", "name", "Emca"),
    }  # fmt: skip
    assert config.paths() == [tmp_path / "products.csv", tmp_path / "brands.csv", tmp_path / "buys.csv"]
    assert graph.weight is not None and graph.time is not None
    at = {graph.relations[r]: (w, t) for r, w, t in zip(graph.relation, graph.weight, graph.time, strict=True)}
    assert at["LIKES"] == (2.5, 86400.0)  # 1970-01-02 is one day after the epoch
    assert np.isnan(at["BUYS"]).all() and np.isnan(at["brand"]).all()


def test_typed_weight_and_time_need_no_configuration(tmp_path: Path) -> None:
    nodes = written(tmp_path, {"n.csv": ":ID\na\nb\n"})
    text = ":START_ID,:END_ID,weight:double,time:datetime,since:int\na,b,0.25,1970-01-01T00:01:00,3\nb,a,,,\n"
    graph = read_property_tables(nodes, written(tmp_path, {"e.csv": text}))
    assert graph.weight is not None and graph.time is not None
    assert graph.weight[0] == 0.25 and graph.time[0] == 60 and np.isnan(graph.weight[1]) and np.isnan(graph.time[1])
    # Without a type the column is an ordinary property of the edge, and those are left out.
    (plain,) = written(tmp_path, {"e.csv": ":START_ID,:END_ID,weight,time\na,b,heavy,soon\n"})
    graph = read_property_tables(nodes, [plain])
    assert graph.weight is None and graph.time is None


def test_what_pandas_writes_for_a_missing_number_is_unknown(tmp_path: Path) -> None:
    nodes = written(tmp_path, {"n.csv": ":ID\na\nb\n"})
    table = {":START_ID": ["a", "a", "b"], ":END_ID": ["a", "b", "a"], "weight": [0.5, float("nan"), None]}
    pq.write_table(pa.table(table), tmp_path / "e.parquet")
    graph = read_property_tables(nodes, [tmp_path / "e.parquet"])
    assert graph.weight is not None and graph.weight[0] == 0.5 and np.isnan(graph.weight[1:]).all()


@pytest.mark.parametrize("at", range(4))
def test_an_edge_keeps_its_attributes_wherever_its_row_stands(tmp_path: Path, at: int) -> None:
    rows = [("a", "b", 1), ("b", "c", 2), ("c", "a", 3), ("a", "c", 4)]
    turned = rows[at:] + rows[:at]
    nodes = written(tmp_path, {"n.csv": ":ID\na\nb\nc\n"})
    edges = written(tmp_path, {"e.csv": "h,t,w\n" + "".join(f"{h},{t},{w}\n" for h, t, w in turned)})
    graph = read_property_tables(nodes, [EdgeTable(path=edges[0], source="h", target="t", weight="w")])
    assert graph.weight is not None
    ends = zip(graph.entities.ids(graph.head), graph.entities.ids(graph.tail), graph.weight.tolist(), strict=True)
    assert set(ends) == set(rows)


@pytest.mark.parametrize(
    ("change", "file", "message"),
    [
        ({}, ("brands.csv", "id,name\n2,Emca\n"), "products.csv:2: brand_id 'Brand/1' is in no node table"),
        # The third row has the second foreign key: the row is named, not the key.
        ({}, ("brands.csv", "id,name\n1,Acme\n"), "products.csv:4: brand_id 'Brand/2' is in no node table"),
        ({"brand": {"space": "Brnd"}}, None, "products.csv: brand_id names an id space that no node table has: 'Brnd'"),
        ({"item_space": "Item"}, None, "item_space is 'Item', which no node table has as its id space; there are Brand, "),
        ({}, ("products.csv", PRODUCTS.replace("Lid,2,,5", "Lid,2,,cheap")), "products.csv:4: cost:float is 'cheap', a number"),
        ({}, ("products.csv", PRODUCTS.replace("brand_id", "brand")), "products.csv: no column 'brand_id' for `relations`"),
        ({}, ("buys.csv", "who,sku,how,n,at\n1,7,,,\n1,007,,x,\n"), "buys.csv:3: the weight is 'x', not a finite number"),
        ({}, ("buys.csv", "who,sku,how,n,at\n1,7,,,\n1,007,,,soon\n"), "buys.csv:3: the time 'soon' is neither"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_named_columns_is_told(
    tmp_path: Path, change: dict[str, Any], file: tuple[str, str] | None, message: str
) -> None:
    config = shop(tmp_path, **change)
    if file is not None:
        written(tmp_path, dict([file]))
    with pytest.raises(DataError) as caught:
        read_table_graph(config)
    assert message in str(caught.value)


def test_a_foreign_key_may_hold_semicolons_or_a_list(tmp_path: Path) -> None:
    nodes = written(tmp_path, {"n.csv": "id,to\na;b,a;b\n"})
    key = ForeignKey(name="next", separator=None)
    graph = read_property_tables([NodeTable(path=nodes[0], id="id", relations={"to": key})])
    assert triples(graph) == {("a;b", "next", "a;b")}
    pq.write_table(pa.table({"id": [1, 2, 3], "to": [[2, 3], None, [1]]}), tmp_path / "n.parquet")
    graph = read_property_tables([NodeTable(path=tmp_path / "n.parquet", id="id", relations={"to": key})])
    assert triples(graph) == {("1", "next", "2"), ("1", "next", "3"), ("3", "next", "1")}


def test_a_path_alone_is_a_table() -> None:
    config = TableGraph.model_validate({"source": "tables", "nodes": ["n.csv"], "edges": ["e.csv"]})
    assert config.nodes == (NodeTable(path=Path("n.csv")),) and config.edges == (EdgeTable(path=Path("e.csv")),)
    with pytest.raises(ValueError, match=r"nodes\.0\.lable"):
        TableGraph.model_validate({"source": "tables", "nodes": [{"path": "n.csv", "lable": "x"}]})


def test_an_id_without_a_space_that_looks_like_one_of_a_space_is_refused(tmp_path: Path) -> None:
    nodes = written(tmp_path, {"b.csv": ":ID(Brand)\n1\n2\n", "p.csv": ":ID(Product)\n7\n"})
    (edges,) = written(tmp_path, {"e.csv": ":START_ID(Product),to\n7,free\n7,Brand/2\n"})
    # Created without a space, "Brand/2" would be the brand 2.
    made = EdgeTable(path=edges, target="to", create=True)
    with pytest.raises(DataError, match=r"e\.csv:3: to 'Brand/2' could be the id of an id space too; state the space"):
        read_property_tables(nodes, [made])
    # Nor may two created ones become one, each of another table.
    (more,) = written(tmp_path, {"m.csv": ":START_ID(Product),:END_ID(Brand)\n7,free\n"})
    edges.write_text(":START_ID(Product),to\n7,Brand/free\n")
    with pytest.raises(DataError, match=r"e\.csv:2: to 'Brand/free' could be"):
        read_property_tables(nodes, [EdgeTable(path=more, create=True), made])
    edges.write_text(":START_ID(Product),to\n7,brand/2\n7,Brand/\n")
    assert list(read_property_tables(nodes, [made]).entities)[3:] == ["brand/2", "Brand/"]


def test_vectors_are_left_out_and_told(tmp_path: Path) -> None:
    table = {":ID": ["a", "b"], "name": ["A", "B"], "v": [[0.5, 1.5], None], "tags": [["x"], []]}
    pq.write_table(pa.table(table), tmp_path / "n.parquet")
    config = TableGraph.model_validate({"source": "tables", "nodes": [tmp_path / "n.parquet"]})
    mapped = read_graph(config)
    assert literals(mapped.graph) == {("a", "name", "A"), ("b", "name", "B"), ("a", "tags", "x")}
    assert [step.text for step in mapped.steps] == ["the column v (n.parquet) holds vectors, which are left out"]
    stated = NodeTable(path=tmp_path / "n.parquet", columns={"v": "v"})
    with pytest.raises(DataError, match=r"n\.parquet:1: the column 'v' holds .*vectors of numbers"):
        read_property_tables([stated])
