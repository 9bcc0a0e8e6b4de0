"""`plait compare` as typed, on folders that hold what a trained model's do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.fusion.evaluation import PerUser, read_per_user, write_per_user
from plait.fusion.evaluation.saved import evaluate_saved
from plait.fusion.storage import sha256_of

Copy = Callable[..., Path]


@pytest.fixture(scope="module")
def kept(shop_model: Path) -> PerUser:
    found = evaluate_saved(shop_model).per_user
    assert found is not None
    return found


@pytest.fixture
def copy(shop_model: Path, kept: PerUser, tmp_path: Path) -> Copy:
    """A copy of the model whose users all did better by so much, where that is possible."""

    def make(name: str, more: float) -> Path:
        folder = tmp_path / name
        shutil.copytree(shop_model, folder)
        values = {
            scorer: {metric: np.minimum(column + np.float32(more), 1) for metric, column in metrics.items()}
            for scorer, metrics in kept.values.items()
        }
        write_per_user(PerUser(kept.users, values), folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"]["per_user.parquet"] = {"sha256": sha256_of(folder / "per_user.parquet")}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


def test_two_models(plait: Any, copy: Copy) -> None:
    better, worse = copy("better", 0.2), copy("worse", 0.0)
    done = plait("compare", better, worse)
    assert "Test ndcg@10" in done.stdout
    assert "p (Holm)" in done.stdout
    record = json.loads(plait("compare", better, worse, "--json", "--metric", "recall@5").stdout)
    assert record["metric"] == "recall@5"
    assert [one["name"] for one in record["contenders"]] == ["better", "worse"]
    pair = record["pairs"][0]
    assert 0 < pair["low"] < pair["difference"] < pair["high"] <= 0.2 + 1e-6
    assert pair["worse"] == 0
    assert pair["adjusted"] < 0.001


def test_scorers_of_one_model(plait: Any, copy: Copy, kept: PerUser) -> None:
    record = json.loads(plait("compare", copy("a", 0), "-s", "blend", "-s", "popularity", "--json").stdout)
    means = [float(kept.values[name]["ndcg@10"].mean()) for name in ("blend", "popularity")]
    assert [one["mean"] for one in record["contenders"]] == pytest.approx(means)
    assert record["users"] == len(kept.users)


def test_lists_of_seeds_against_each_other(plait: Any, copy: Copy) -> None:
    folders = [
        copy(f"{name}-{seed}", more)
        for name, seed, more in (("a", 1, 0.1), ("a", 2, 0.3), ("b", 1, 0.0), ("b", 2, 0.0))
    ]
    done = plait("compare", *folders[:2], "--against", *folders[2:], "--json")
    record = json.loads(done.stdout)
    assert [one["runs"] for one in record["contenders"]] == [2, 2]
    assert record["contenders"][0]["spread"] > 0
    assert record["contenders"][1]["spread"] == pytest.approx(0, abs=1e-7)
    assert record["pairs"][0]["difference"] > 0.05


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "one side alone is no comparison"),
        (["a", "--against"], "--against stands once"),
        (["a", "--again", "b"], "there is no option '--again'"),
        (["a", "b", "--metric", "ndcg"], "'ndcg' was not kept for each user; there is recall@"),
        (["a", "missing"], "no such model folder"),
        (["a", "--against", "b", "-s", "blend", "-s", "ease"], "--against compares one scorer"),
    ],
)
def test_what_cannot_be_compared_is_told(plait: Any, copy: Copy, words: list[str], message: str) -> None:
    copy("a", 0), copy("b", 0)
    assert message in plait("compare", *words, fails=True)


def test_a_model_without_figures_of_users_is_told(plait: Any, shop_model: Path, copy: Copy, tmp_path: Path) -> None:
    old = copy("old", 0)
    (old / "per_user.parquet").unlink()
    manifest = json.loads((old / "manifest.json").read_text())
    del manifest["files"]["per_user.parquet"]
    (old / "manifest.json").write_text(json.dumps(manifest))
    assert "keeps no figures of its users" in plait("compare", copy("a", 0), old, fails=True)
    assert read_per_user(old) is None
