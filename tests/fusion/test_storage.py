"""A model folder is whole or refused."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import plait
from plait.fusion import Blend, Evaluation, Popularity
from plait.fusion.storage import load, read_record, save, without_nan
from plait.kg import DataError, ModelError


@pytest.fixture
def copy(shop_model: Path, tmp_path: Path) -> Path:
    """A copy of a good model, to be harmed."""
    return Path(shutil.copytree(shop_model, tmp_path / "model"))


def test_a_changed_byte_in_any_file_is_refused(copy: Path) -> None:
    for file in sorted(copy.iterdir()):
        if file.name == "manifest.json":
            continue
        good = file.read_bytes()
        harmed = bytearray(good)
        harmed[len(harmed) // 2] ^= 1
        file.write_bytes(bytes(harmed))
        with pytest.raises(ModelError, match=rf"{file.name}: the file has changed"):
            load(copy)
        file.write_bytes(good)
    assert load(copy).items == load(copy).items


@pytest.mark.parametrize("name", ["ease.safetensors", "users.parquet", "config.yaml"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: the file is missing"):
        load(copy)


def test_a_half_written_folder_is_refused(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    with pytest.raises(ModelError, match="no manifest.json in it"):
        load(copy)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", 99, "layout 99"),
        ("files", {"../outside": {"sha256": "0", "bytes": 1}}, "no plain file name"),
        ("signals", {"x": {"kind": "os.system", "weight": 1}}, "does not know"),
    ],
)
def test_a_forged_manifest_is_refused(copy: Path, key: str, value: object, message: str) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(ModelError, match=message):
        load(copy)


def test_a_damaged_manifest_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text('{"format": 1')
    with pytest.raises(ModelError, match="manifest is damaged"):
        load(copy)


def test_something_else_is_never_overwritten(shop_model: Path, tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"holds 'dear\.txt', which is no part of a plait model"):
        save(load(shop_model), read_record(shop_model), letters)
    assert (letters / "dear.txt").read_text() == "mine"


def test_another_programs_manifest_is_no_model(shop_model: Path, tmp_path: Path) -> None:
    """Browser extensions have a manifest.json too."""
    (tmp_path / "manifest.json").write_text('{"name": "my extension", "files": {}}')
    with pytest.raises(ModelError, match=r"holds 'manifest\.json'"):
        save(load(shop_model), read_record(shop_model), tmp_path)
    assert "my extension" in (tmp_path / "manifest.json").read_text()


def test_notes_beside_a_model_are_not_swept_away(copy: Path) -> None:
    (copy / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"holds 'notes\.txt'"):
        save(load(copy), read_record(copy), copy)
    assert (copy / "notes.txt").read_text() == "mine"


def test_a_model_is_not_exported_over(copy: Path) -> None:
    with pytest.raises(DataError, match="is a model's folder"):
        load(copy).export(copy)
    assert load(copy).items == load(copy).items


def test_what_is_not_a_number_is_null_in_json() -> None:
    record = {"a": [1.5, float("nan")], "b": {"c": float("-inf"), "d": "NaN"}}
    assert without_nan(record) == {"a": [1.5, None], "b": {"c": None, "d": "NaN"}}
    row = {"name": "x", "part": "test", "metrics": {"ndcg@10": None}, "errors": {"ndcg@10": 0.5}}
    again = Evaluation.from_record({"rows": [row], "users": {"test": 0}, "cold": {"test": 3}}).row("x", "test")
    assert math.isnan(again.metrics["ndcg@10"])
    assert again.errors == {"ndcg@10": 0.5}


def test_saving_again_replaces_and_a_failure_leaves_the_old_one(copy: Path) -> None:
    good, record = load(copy), read_record(copy)

    class Failing(Popularity):
        def arrays(self) -> dict[str, object]:  # type: ignore[override]
            raise OSError("disk full")

    failing = replace(good, blend=Blend({"popularity": Failing(good.seen.sum(axis=0))}, {"popularity": 1.0}))
    with pytest.raises(OSError, match="disk full"):
        save(failing, record, copy)
    assert load(copy).blend.weights == good.blend.weights
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]

    lighter = replace(good, blend=Blend({"gnn": good.blend.signals["gnn"]}, {"gnn": 1.0}))
    save(lighter, record, copy)
    assert load(copy).blend.weights == {"gnn": 1.0}
    assert not (copy / "ease.safetensors").exists()


def test_loading_gives_back_what_was_saved(shop_model: Path, tmp_path: Path) -> None:
    first = load(shop_model)
    save(first, read_record(shop_model), tmp_path / "again")
    again = plait.load(tmp_path / "again")
    assert (first.liked != again.liked).nnz == 0
    assert (first.seen != again.seen).nnz == 0
    assert first.titles.equals(again.titles)
    assert first.graph.entities == again.graph.entities
    assert first.recommend(["C00003"], k=5) == again.recommend(["C00003"], k=5)
