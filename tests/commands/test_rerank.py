"""`plait recommend` with the options that re-rank, and `plait rerank-price`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import plait
from plait.commands import ask
from plait.commands.rerank import caps_of, rerank_price
from plait.fusion.rerank import DppConfig, MmrConfig, RelevanceConfig
from plait.kg import ConfigError, PlaitError

APP = typer.Typer()
APP.command("recommend")(ask.recommend)
APP.command("rerank-price")(rerank_price)


def run(*words: object, fails: bool = False) -> str:
    done = CliRunner().invoke(APP, [str(word) for word in words])
    if fails:
        assert isinstance(done.exception, PlaitError), (done.output, done.exception)
        return str(done.exception)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_options_say_what_the_configuration_says(shop_model: Path) -> None:
    recommender = plait.load(shop_model)
    brand = next(name for name in recommender.graph.relations if "brand" in name.lower())
    cases = [
        (["--diversity", "0.8"], MmrConfig(diversity=0.8)),
        (["--diversity", "0.8", "--method", "dpp", "--pool", "30"], DppConfig(diversity=0.8, pool=30)),
        (["--diversity", "1", "--space", "entities"], MmrConfig(diversity=1, space="entities")),
        (["--cap", f"{brand}=1"], RelevanceConfig(cap={brand: 1})),
    ]
    for words, config in cases:
        found = json.loads(run("recommend", shop_model, "-u", "C00007", "-k", "6", "--json", *words))
        expected = recommender.recommend(["C00007"], 6, rerank=config)
        assert [f["item_id"] for f in found] == [f.item_id for f in expected]


def test_a_list_that_caps_leave_short_is_told(shop_model: Path) -> None:
    recommender = plait.load(shop_model)
    brand = next(name for name in recommender.graph.relations if "brand" in name.lower())
    n = len(recommender.recommend(["C00007"], 90, rerank=RelevanceConfig(cap={brand: 1})))
    done = CliRunner().invoke(APP, ["recommend", str(shop_model), "-u", "C00007", "-k", "90", "--cap", f"{brand}=1"])
    assert f"No list of more than {n} unseen items was found within the caps." in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "dpp"], "there is no --diversity"),
        (["--cap", "brand=1", "--space", "text"], "there is no --diversity"),
        (["--pool", "30"], "give one of them"),
        (["--cap", "brand"], "--cap is 'brand', expected RELATION=N"),
        (["--cap", "brand=0"], "with N of 1 or more"),
        (["--cap", "=3"], "expected RELATION=N"),
        (["--cap", "brand=\u0663"], "expected RELATION=N"),
        (["--cap", "colour=3"], "no relation 'colour'"),
        (["--exposure", "colour"], "no relation 'colour'"),
    ],
)
def test_what_cannot_be_asked(shop_model: Path, words: list[str], message: str) -> None:
    assert message in run("recommend", shop_model, "-u", "C00007", *words, fails=True)


def test_an_iri_may_hold_an_equals_sign() -> None:
    assert caps_of(["http://x/?p=brand=2", "a=1"]) == {"http://x/?p=brand": 2, "a": 1}
    with pytest.raises(ConfigError, match="'a' twice"):
        caps_of(["a=1", "a=2"])


def test_the_price_is_printed_and_drawn(shop_model: Path, tmp_path: Path) -> None:
    words = ["rerank-price", shop_model, "-k", "4", "--method", "mmr", "--space", "entities", "--users", "25"]
    record = json.loads(run(*words, "--plot", tmp_path / "price.svg", "--json"))
    assert (record["users"], record["k"], record["space"]) == (25, 4, "entities")
    assert [point["trade_off"] for point in record["points"]] == [n / 10 for n in range(10)]
    assert (tmp_path / "price.svg").stat().st_size > 1000
    table = run(*words)
    assert f"{record['points'][3]['metrics']['ndcg']:.4f}" in table
    words += ["--cap", "brand=1", "--exposure", "brand"]
    points = json.loads(run(*words, "--json"))["points"]
    # A relation that is not there is told before anything is read.
    told = run(*words, "--cap", "colour=2", fails=True)
    assert "no relation 'colour'" in told
    assert "read interactions" not in told
    assert [point["method"] for point in points] == ["none", "caps"] + ["exposure"] * 4 + ["mmr"] * 10
    assert "short" in run(*words)
