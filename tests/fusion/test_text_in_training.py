"""A training with all that text can do: the encoder tuned, vectors reduced, users and reviews with texts of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pytest
import yaml

import plait
from plait.fusion.signals.text_signal import TextSignal
from plait.fusion.storage import read_record
from plait.kg import ModelError
from plait.text.lora_adapter import read_adapter

pytestmark = pytest.mark.encoder


@pytest.fixture(scope="module")
def config(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's data in a folder of its own, with reviews in its log and a profile of two customers."""
    folder = tmp_path_factory.mktemp("texts")
    for file in shop.parent.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    values = yaml.safe_load(shop.read_text(encoding="utf-8"))
    log = folder / values["data"]["interactions"]["path"]
    table = pc_csv.read_csv(log)
    opinions = ["The handle is great", "The handle is awful", "Great colour. The handle is great", "Fits well"]
    reviews = [opinions[row % 4] for row in range(len(table))]
    pc_csv.write_csv(table.append_column("review", pa.array(reviews)), log)
    (folder / "users.csv").write_text('user_id,profile\nC00001,"I love blue lamps"\nnobody,cats\n', encoding="utf-8")
    values["data"]["users"] = {"path": "users.csv", "texts": ["profile"]}
    values["data"]["reviews"] = {"min_reviews": 3, "min_items": 2}
    values["text"] = {
        "cache": "texts",
        "max_tokens": 48,
        "tune": {"steps": 24, "layers": 1, "check_every": 4, "max_tokens": 24, "patience": 6, "learning_rate": 5e-3},
        "reduce": {"method": "pca", "dimension": 24, "storage": "int8"},
    }
    values["evaluation"] = {**values.get("evaluation", {}), "ablations": False}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(config: Path) -> Path:
    folder = config.parent / "model"
    plait.train(plait.read_config(config)).save(folder)
    return folder


def test_each_step_is_in_the_record(model: Path) -> None:
    record = read_record(model)
    text = record.details["text"]
    assert 0 < text["tuning"]["share"] < 0.02
    assert text["tuning"]["tuned"] > text["tuning"]["frozen"]
    assert text["reduction"]["dimension"] == 24
    assert 0 < text["reduction"]["neighbour_overlap"] <= 1
    stages = {stage["name"]: stage["result"] for stage in record.details["stages"]}
    assert "of the parameters" in stages["tune text encoder"]
    assert "reviews of the train part" in stages["read reviews"]
    assert stages["read texts of users"] == "1 of 150 users have a text; 1 rows of users that the log does not have"
    assert stages["encode texts of users"].startswith("150 texts")
    assert "1 users with a text of their own" in stages["compare texts"]


def test_aspects_of_the_reviews_are_in_the_graph(model: Path) -> None:
    recommender = plait.load(model)
    assert "aspect/handle" in set(recommender.graph.entities)
    assert {"praised_for", "criticised_for"} & set(recommender.graph.relations)


def test_a_saved_model_reads_queries_with_its_adapters_and_reduces_them(model: Path) -> None:
    recommender = plait.load(model)
    signal = recommender.blend.signals["text"]
    assert isinstance(signal, TextSignal)
    assert (signal.vectors.dtype, signal.vectors.shape[1]) == (np.int8, 24)
    assert read_adapter(model).rank == 8
    titled = [(item, recommender._title(recommender._item(item))) for item in list(recommender.items)[:30]]
    assert all(recommender.search(title, k=1)[0].title == title for item, title in titled if title != item)


def test_a_model_without_its_adapters_is_refused(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    (copy / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="adapter_model"):
        plait.load(copy)


def test_the_same_again_tunes_nothing_and_gives_the_same_model(config: Path, model: Path) -> None:
    again = plait.train(plait.read_config(config))
    first = plait.load(model)
    tuned = [file for file in (config.parent / "texts" / "tuning").iterdir() if file.suffix == ".safetensors"]
    assert len(tuned) == 1
    np.testing.assert_array_equal(again.recommender.embeddings.items, first.embeddings.items)
    signal, other = again.recommender.blend.signals["text"], first.blend.signals["text"]
    assert isinstance(signal, TextSignal)
    assert isinstance(other, TextSignal)
    np.testing.assert_array_equal(signal.vectors, other.vectors)


def test_other_surroundings_are_another_tuning_and_more_time_is_not(config: Path, model: Path) -> None:
    """The groups come from the graph around the items: a tuning with others must not meet the first one's checkpoint."""
    folder = config.parent
    shutil.copytree(folder / "texts", folder / "texts-2")
    values = yaml.safe_load(config.read_text(encoding="utf-8"))
    values["text"]["cache"] = "texts-2"
    values["data"]["users"] = None
    tunings = []
    for minutes, least in ((9, None), (None, 4)):
        values["text"]["tune"]["minutes"] = minutes
        if least is not None:
            values["data"]["graph"]["around"] = {"min_degree": least}
        path = folder / "other.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        plait.train(plait.read_config(path))
        tunings.append(len(list((folder / "texts-2" / "tuning").glob("*.safetensors"))))
    assert tunings == [1, 2]
