"""The command line of a search, on the shop's model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import plait
from plait.cli import app
from plait.fusion.storage import read_record, save
from plait.kg import PlaitError

pytestmark = pytest.mark.encoder


def test_json_is_what_python_gives(shop_model: Path) -> None:
    query = "blue lamp under 60 euro"
    result = CliRunner().invoke(app, ["search", str(shop_model), query, "--user", "C00007", "-k", "3", "--json"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    recommender = plait.load(shop_model)
    assert record["intent"] == json.loads(json.dumps(recommender.intent(query).as_record()))
    assert record["intent"]["price"]["currency"] == "EUR"
    hits = recommender.search(query, "C00007", 3)
    assert [hit["item_id"] for hit in record["hits"]] == [hit.item_id for hit in hits]


def test_the_table_says_what_was_understood_and_why(shop_model: Path) -> None:
    brand = next(
        str(label)
        for label, kind in zip(
            plait.load(shop_model).graph.label.to_pylist(),
            plait.load(shop_model).graph.type_name.to_pylist(),
            strict=True,
        )
        if kind.endswith("Brand")
    )
    result = CliRunner().invoke(app, ["search", str(shop_model), brand, "--explain"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert f"brand: {brand}" in result.stdout
    assert "←brand─" in result.stdout


def test_a_title_is_found_first(shop_model: Path) -> None:
    """Known items by their very titles, and by half of their words: the first ten hold nearly all."""
    recommender = plait.load(shop_model)
    items = list(recommender.items)[:60]
    titled = [(item, recommender._title(recommender._item(item))) for item in items]
    assert all(recommender.search(title, k=1)[0].title == title for item, title in titled if title != item)


def test_what_cannot_be_searched_is_one_sentence(shop_model: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["search", str(shop_model), " "], "no word to search for"),
        (["search", str(shop_model), "lamp", "--encoder", str(tmp_path / "none")], "cannot be loaded"),
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 1
        assert isinstance(result.exception, PlaitError)
        assert message in str(result.exception)


def test_a_saved_model_is_searched_as_before(shop_model: Path, tmp_path: Path) -> None:
    first = plait.load(shop_model)
    save(first, read_record(shop_model), tmp_path / "again")
    again = plait.load(tmp_path / "again")
    assert again.prices is not None
    assert again.search("wooden table", "C00003") == first.search("wooden table", "C00003")


def test_a_model_from_before_there_was_a_search_loads(shop_model: Path, tmp_path: Path) -> None:
    """Without the files and the signal that came with it, it recommends, and says why it cannot be searched."""
    import shutil

    old = Path(shutil.copytree(shop_model, tmp_path / "old"))
    manifest = json.loads((old / "manifest.json").read_text())
    # A judge would ask for the text signal; there was none then either.
    for name in {"encoder.json", "prices.parquet", "text.safetensors", "judge.json"} & set(manifest["files"]):
        (old / name).unlink()
        del manifest["files"][name]
    weight = manifest["signals"].pop("text")["weight"]
    for entry in manifest["signals"].values():
        entry["weight"] = entry["weight"] / (1 - weight) if weight < 1 else 1 / len(manifest["signals"])
    (old / "manifest.json").write_text(json.dumps(manifest))
    recommender = plait.load(old)
    assert len(recommender.recommend(["C00007"], k=3)) == 3
    with pytest.raises(PlaitError, match="knows no texts"):
        recommender.search("lamp")
