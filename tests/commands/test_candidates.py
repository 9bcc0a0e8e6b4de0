"""`plait recommend --where` and `plait similar --where`: a user's query on a real server, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import plait
from plait.cli import app
from plait.fusion import Recommender
from plait.kg import PlaitError

FILTER = """\
UNWIND $ids AS id
MATCH (item:Product {sku: id}) WHERE item.stock >= $min_stock AND (item)-[:IN]->(:Category {name: $category})
RETURN id
"""
WHOLE = "MATCH (item:Product)-[:IN]->(:Category {name: $category}) WHERE item.stock >= $min_stock RETURN item.sku"


@pytest.fixture(scope="module")
def recommender(shop_model: Path) -> Recommender:
    return plait.load(shop_model)


@pytest.fixture
def ask(fresh_arcade: Any, recommender: Recommender, shop_model: Path, tmp_path: Path, monkeypatch: Any) -> Any:
    """Runs a command with a query file, against a database whose products have stock 0 to 9 and one of two categories."""
    fresh_arcade.fill(
        "UNWIND range(0, size($ids) - 1) AS i MERGE (c:Category {name: CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END})"
        " CREATE (:Product {sku: $ids[i], stock: i % 10})-[:IN]->(c)",
        ids=list(recommender.items),
    )
    server = fresh_arcade.server
    monkeypatch.setenv("NEO4J_URI", server.uri)
    monkeypatch.setenv("NEO4J_USERNAME", "root")
    file = tmp_path / "in_stock.cypher"

    def run(command: str, text: str, *words: str) -> Result:
        file.write_text(text)
        where = ["--where", str(file), "--database", server.database, "--password-file", str(server.password_file)]
        return CliRunner().invoke(app, [command, str(shop_model), *where, *words])

    return run


def allowed(recommender: Recommender, least: int) -> set[str]:
    return {item for n, item in enumerate(recommender.items) if n % 2 == 0 and n % 10 >= least}


@pytest.mark.parametrize("text", [FILTER, WHOLE])
def test_what_passes_is_shown_and_nothing_else(ask: Any, recommender: Recommender, text: str) -> None:
    values = ["--param", "min_stock=4", "--param", "category=even", "--json"]
    passing = allowed(recommender, 4)
    result = ask("recommend", text, "--user", "C00007", "-k", "7", "--explain", *values)
    assert result.exit_code == 0, result.output
    whole = recommender.recommend(["C00007"], 10_000)
    expected = [f.item_id for f in whole if f.item_id in passing][:7]
    found = json.loads(result.stdout)
    assert [f["item_id"] for f in found] == expected
    assert any(f["paths"] for f in found)
    result = ask("similar", text, "--item", "SKU-0012", "-k", "5", *values)
    expected = [f.item_id for f in recommender.similar_items("SKU-0012", 10_000) if f.item_id in passing][:5]
    assert [f["item_id"] for f in json.loads(result.stdout)] == expected


def test_a_list_that_stays_short_is_told(ask: Any) -> None:
    result = ask("recommend", FILTER, "--user", "C00007", "--param", "min_stock=99", "--param", "category=even")
    assert result.exit_code == 0, result.output
    assert "No more than 0 unseen items pass" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (FILTER, ["--param", "min_stock=1"], r"\$category has no value"),
        (FILTER, ["--param", "min_stock=1", "--param", "category=a", "--param", "x=1"], r"no parameter \$x"),
        (WHOLE, ["--param", "min_stock"], "NAME=VALUE"),
        ("MATCH (n:Product)\nRETURN n.sku FOO", [], "cypher:2: the server refuses the query"),
        ("MATCH (n:Product) SET n.stock = 1 RETURN n.sku", [], "the query writes"),
        ("MATCH (c:Category) RETURN c.name", [], "none of the 2 candidates is an item of the model"),
    ],
)
def test_a_mistake_is_one_sentence(ask: Any, text: str, words: list[str], said: str) -> None:
    result = ask("recommend", text, "--user", "C00007", *words)
    assert isinstance(result.exception, PlaitError)
    with pytest.raises(PlaitError, match=said):
        raise result.exception


@pytest.mark.parametrize("words", [["--param", "a=1"], ["--uri", "bolt://h"], ["--database", "d"], ["--by-entity"]])
def test_what_only_a_file_needs_is_refused_without_one(shop_model: Path, words: list[str]) -> None:
    result = CliRunner().invoke(app, ["recommend", str(shop_model), "--user", "C00007", *words])
    assert isinstance(result.exception, PlaitError)
    assert "--where" in str(result.exception)
