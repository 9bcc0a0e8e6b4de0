"""Amazon's product metadata in its published forms."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from plait.kg import DataError, KnowledgeGraph, Schema
from plait.loaders.amazon.reader import AmazonGraph, read_amazon

OF_2014 = [
    {"asin": "0007", "title": "Pan &amp; Lid", "description": "It's \"good\".", "price": 12.5, "imUrl": "http://x/1.jpg",
     "brand": "Acme &amp; Co", "salesRank": {"Home": 5},
     "categories": [["Home", "Kitchen", "Pans"], ["Gifts"]],
     "related": {"also_bought": ["0008", "X1"], "also_viewed": ["0008"], "buy_after_viewing": ["0007"]}},
    {"asin": "0008", "categories": [["Home", "Kitchen"]]},
]  # fmt: skip
OF_2018 = [
    {"asin": "0007", "title": "Pan &amp; Lid", "description": ["It's \"good\"."], "price": "$12.50",
     "image": ["http://x/1.jpg", "http://x/2.jpg"], "brand": "Acme & Co", "rank": [">#5"],
     "category": ["Home", "Kitchen", "Pans", "</span></span>", "Rust free"],
     "also_buy": ["0008", "X1"], "also_view": ["0008"]},
    {"asin": "0008", "category": ["Home", "Kitchen"], "description": [], "price": "", "brand": ""},
]  # fmt: skip
OF_2023 = [
    {"parent_asin": "0007", "title": "Pan & Lid", "description": ["It's \"good\"."], "price": 12.5, "store": "Acme & Co",
     "images": [{"thumb": "http://x/t.jpg", "large": "http://x/1.jpg", "hi_res": None}],
     "categories": ["Home", "Kitchen", "Pans"], "bought_together": None},
    {"parent_asin": "0008", "categories": ["Home", "Kitchen"], "price": None},
]  # fmt: skip


def json_lines(records: Iterable[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def read(*paths: Path, **options: Any) -> tuple[KnowledgeGraph, list[str]]:
    left_out: list[str] = []
    config = AmazonGraph.model_validate({"source": "amazon", "files": paths} | options)
    return read_amazon(config, left_out=left_out), left_out


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = (graph.relations[r] for r in graph.relation)
    return set(zip(graph.entities.ids(graph.head), names, graph.entities.ids(graph.tail), strict=True))


def literals(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    lit = graph.literals
    return set(
        zip(
            graph.entities.ids(lit.entity),
            (lit.predicates[p] for p in lit.predicate),
            lit.value.to_pylist(),
            strict=True,
        )
    )


PAN = "category/Home > Kitchen > Pans"
TREE = {
    ("0007", "in_category", PAN), ("0008", "in_category", "category/Home > Kitchen"), ("0007", "brand", "brand/Acme & Co"),
    (PAN, "parent_category", "category/Home > Kitchen"), ("category/Home > Kitchen", "parent_category", "category/Home"),
}  # fmt: skip
DESCRIBED = {
    ("0007", "title", "Pan & Lid"), ("0007", "description", 'It\'s "good".'), ("0007", "image", "http://x/1.jpg"),
    ("brand/Acme & Co", "title", "Acme & Co"), (PAN, "title", "Pans"), ("category/Home > Kitchen", "title", "Kitchen"),
    ("category/Home", "title", "Home"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "price", "more", "extra"),
    [
        # Python literals with single quotes, as published in 2014.
        ("".join(f"{record!r}\n" for record in OF_2014), "12.5",
         {("0007", "in_category", "category/Gifts"), ("0007", "also_bought", "0008"), ("0007", "also_viewed", "0008"),
          ("0007", "buy_after_viewing", "0007")},
         {("category/Gifts", "title", "Gifts")}),
        (json_lines(OF_2018), "12.50", {("0007", "also_bought", "0008"), ("0007", "also_viewed", "0008")}, set()),
        (json_lines(OF_2023), "12.5", set(), set()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_three_forms_tell_the_same(
    tmp_path: Path, text: str, price: str, more: set[Any], extra: set[Any], packed: bool
) -> None:
    path = tmp_path / ("meta.json.gz" if packed else "meta.json")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    graph, report = read(path)
    assert triples(graph) == TREE | more
    assert literals(graph) == DESCRIBED | extra | {("0007", "price", price)}
    kinds = {name: graph.type_name(number) for number, name in enumerate(graph.entities)}
    assert {kinds["0007"], kinds["0008"]} == {"Product"} and kinds["brand/Acme & Co"] == "Brand"
    assert {kind for name, kind in kinds.items() if name.startswith("category/")} == {"Category"}
    assert {lit.name: lit.kind for lit in Schema.infer(graph).literals}["price"] == "number"
    # X1 has no record; the set of 2023 names no related products.
    lost = ["1 edges left out to products without a record: also_bought from 0007 to X1"]
    assert report == (lost if "X1" in text else [])


def test_related_products_without_a_record(tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    path.write_text(json_lines(OF_2018))
    counts = {}
    for related in ("catalogue", "all", "none"):
        graph, report = read(path, related=related)
        found = {(r, t) for _, r, t in triples(graph) if r.startswith("also")}
        counts[related] = found
        assert len(report) == (related == "catalogue")
        assert ("X1" in graph.entities) == (related == "all")
    assert counts == {
        "catalogue": {("also_bought", "0008"), ("also_viewed", "0008")},
        "all": {("also_bought", "0008"), ("also_viewed", "0008"), ("also_bought", "X1")},
        "none": set(),
    }
    assert graph.type_name(0) == "Product"


def test_of_repeated_products_the_last_counts_and_nothing_of_the_others_stays(tmp_path: Path) -> None:
    first = {"asin": "A", "title": "Old", "brand": "Gone", "category": ["Old tree", "Leaf"], "also_buy": ["B"]}
    last = {"asin": "A", "title": "New", "brand": "Here"}
    path, more = tmp_path / "meta.json", tmp_path / "more.json"
    path.write_text(json_lines([first, {"title": "no id"}, {"asin": " ", "title": "blank"}, {"asin": "B"}]))
    more.write_text(json_lines([last, {"asin": "C"}]))
    graph, report = read(path, more)
    assert triples(graph) == {("A", "brand", "brand/Here")}
    assert literals(graph) == {("A", "title", "New"), ("brand/Here", "title", "Here")}
    assert set(graph.entities) == {"A", "B", "C", "brand/Here"}
    assert report == [
        f"2 dropped without an asin: the record at {path}:2",
        "1 dropped since a later record has the same asin: 'A'",
    ]


@pytest.mark.parametrize(
    ("price", "wanted"),
    [
        ("$1,234.50", "1234.50"), ("12", "12"), (7, "7"), (0.0, "0.0"), (1e-5, "0.00001"), (2.5e20, "250000000000000000000"), ("€3", "3"),
        ("$5.99 - $10.99", None), (".a-box-inner{", None), ("1,23", None), (True, None), (-1, None), ([1], None),
    ],
)  # fmt: skip
def test_prices(tmp_path: Path, price: Any, wanted: str | None) -> None:
    (tmp_path / "meta.json").write_text(json_lines([{"asin": "A", "price": price}]))
    graph, report = read(tmp_path / "meta.json")
    assert literals(graph) == (set() if wanted is None else {("A", "price", wanted)})
    assert len(report) == (wanted is None)
    assert (repr(price)[:40] in str(report)) == (wanted is None)


@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_from_item_to_fields(tmp_path: Path, indent: int | None) -> None:
    table = {
        "0": {"title": "Pan", "brand": " Acme ", "categories": "Home,Kitchen , Pans", "description": ""},
        "00": {"title": "Pot", "brand": "", "categories": ""},
    }
    (tmp_path / "items.json").write_text(json.dumps(table, indent=indent))
    graph, report = read(tmp_path / "items.json")
    assert report == []
    assert triples(graph) == {
        ("0", "brand", "brand/Acme"), ("0", "in_category", PAN), (PAN, "parent_category", "category/Home > Kitchen"),
        ("category/Home > Kitchen", "parent_category", "category/Home"),
    }  # fmt: skip
    assert {("0", "title", "Pan"), ("00", "title", "Pot")} <= literals(graph)
    graph, _ = read(tmp_path / "items.json", category_separator=" , ")
    assert ("0", "in_category", "category/Home,Kitchen > Pans") in triples(graph)


GOOD = '{"asin": "A"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": the file is empty"),
        ("\n\n", ": the file is empty"),
        (GOOD + "\n" + '{"asin": "B"\n', ":3: the line is no JSON object: "),
        (GOOD + "[1, 2]\n", ":2: the line is no JSON object: it holds no object"),
        (GOOD + "{'asin': __import__('os').getpid()}\n", ":2: the line is no JSON object: "),
        (GOOD + "{'asin': " + "(" * 5000 + ")" * 5000 + "}\n", ":2: the line is no JSON object: "),
        (GOOD + '{"asin": ' + "[" * 200_000 + "]" * 200_000 + "}\n", ":2: the line is no JSON object: it is nested too deeply"),
        (GOOD + "{'asin': 'B', 'x': '" + "y" * (1 << 20) + "'}\n", "too long for a Python literal"),
        (GOOD + '{"asin": "' + "y" * (9 << 20) + '"}\n', "the line is longer than 4,194,304 bytes"),
        ("{\n  \"A\": {\"title\": }\n}\n", ":2: neither a JSON object a line nor one JSON object from item id"),
        ("asin,title\nA,Pan\n", ":1: neither a JSON object a line nor"),
        ("[\n1]\n", ": an object from item id to an object of fields is wanted"),
        ('{"title": "x"}\n', ": no product with an asin is there"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "meta.json").write_text(text)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "meta.json")
    assert message in str(caught.value) and str(caught.value).startswith(f"{tmp_path}/meta.json:")


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name, data, message in (
        ("absent.json", None, "no such file"), ("bad.json.gz", b"{}", "cannot be read"),
        ("bad.json", GOOD.encode() + b'{"asin": "\xff"}\n', r"bad\.json:2: the line is no JSON object: it is not UTF-8"),
    ):  # fmt: skip
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=message):
            read(tmp_path / name)


def test_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(json_lines({"asin": str(n)} for n in range(50_001)))
    told: list[tuple[int, int | None, str]] = []
    config = AmazonGraph(source="amazon", files=(tmp_path / "meta.json",))
    graph = read_amazon(config, on_progress=lambda *update: told.append(update))
    assert graph.n_entities == 50_001 and config.paths() == [tmp_path / "meta.json"]
    assert told == [(0, 1, "meta.json: 50,000 records"), (1, 1, "50,001 records")]


@pytest.mark.data
def test_the_published_scientific_set() -> None:
    path = Path(os.environ["PLAIT_DATA"]) / "amazon-scientific" / "Scientific.item.json"
    graph, report = read(path)
    products = json.loads(path.read_text(encoding="utf-8"))
    assert report == []
    kinds = Schema.infer(graph)
    assert {node.name: node.count for node in kinds.node_types}["Product"] == 4_344
    branded = {item for item, entry in products.items() if entry["brand"].strip()}
    assert {h for h, r, _ in triples(graph) if r == "brand"} == branded
    # Every category path can be walked up from its leaf to its root.
    parent = {h: t for h, r, t in triples(graph) if r == "parent_category"}
    for item, _, leaf in (edge for edge in triples(graph) if edge[1] == "in_category"):
        up = [leaf]
        while up[-1] in parent:
            up.append(parent[up[-1]])
        names = [part.strip() for part in products[item]["categories"].split(",") if part.strip()]
        assert len(up) == len(names) and up[-1] == f"category/{names[0].replace('&amp;', '&')}"


def test_facts_are_the_same_in_blocks_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.json"
    records = [
        {"asin": f"B{n}", "title": f"T{n % 3}", "category": ["Home", f"C{n % 2}"], "also_buy": [f"B{n - 1}", "B0"]}
        for n in range(11)
    ]
    path.write_text(json_lines(records))
    whole, _ = read(path)
    monkeypatch.setattr("plait.loaders.amazon.facts.BLOCK", 3)
    parts, _ = read(path)
    assert (triples(parts), literals(parts)) == (triples(whole), literals(whole))
    assert len(triples(whole)) == 11 + 2 + 10 + 10


def test_one_object_on_one_line_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"A": {"title": "x"}, "B": {"title": "y"}}))
    sizes: list[int] = []
    parse = json.loads
    monkeypatch.setattr(json, "loads", lambda text, **options: sizes.append(len(text)) or parse(text, **options))
    assert literals(read(path)[0]) == {("A", "title", "x"), ("B", "title", "y")}
    assert sizes == [path.stat().st_size]


def test_related_ids_are_stripped_as_ids_are(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json_lines([{"asin": " A ", "also_buy": ["B ", " ", "\tB"]}, {"asin": "B"}]))
    graph, left_out = read(path)
    assert (triples(graph), left_out) == ({("A", "also_bought", "B")}, [])
