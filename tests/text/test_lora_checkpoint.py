"""The checkpoint of a tuning: everything comes back as it was, and nothing else is taken for one."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from plait.kg import ModelError
from plait.text.lora_checkpoint import Check, Standing, read_standing, write_standing

STANDING = Standing(
    run="a1",
    step=20,
    best_step=10,
    stale=1,
    seconds=0.1 + 0.2,
    finished=False,
    checks=(Check(0, None, 1 / 3), Check(10, 2 / 7, 0.5), Check(20, 1e-17, None)),
    tensors={"adapter.x.y": torch.tensor([1 / 3, -0.0]), "best.x.y": torch.ones(2, 3), "exp_avg.z": torch.zeros(1)},
)


def test_round_trip(tmp_path: Path) -> None:
    write_standing(STANDING, tmp_path / "new" / "t.safetensors")
    found = read_standing(tmp_path / "new" / "t.safetensors", "a1")
    assert replace(found, tensors={}).__dict__ == replace(STANDING, tensors={}).__dict__
    assert {n: t.numpy().tobytes() for n, t in found.tensors.items()} == {
        n: t.numpy().tobytes() for n, t in STANDING.tensors.items()
    }
    assert found.part("adapter").keys() == {"x.y"}


def test_a_later_one_replaces_it_whole(tmp_path: Path) -> None:
    file = tmp_path / "t.safetensors"
    write_standing(STANDING, file)
    write_standing(replace(STANDING, step=30, tensors={}), file)
    assert read_standing(file, "a1").step == 30
    assert [f.name for f in tmp_path.iterdir()] == ["t.safetensors"]


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_a_pickle_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "t.safetensors").write_bytes(pickle.dumps(Bomb(tmp_path / "gone off")))
    with pytest.raises(ModelError, match="no checkpoint"):
        read_standing(tmp_path / "t.safetensors", "a1")
    torch.save({"x": Bomb(tmp_path / "gone off")}, tmp_path / "u.safetensors")
    with pytest.raises(ModelError, match="no checkpoint"):
        read_standing(tmp_path / "u.safetensors", "a1")
    assert not (tmp_path / "gone off").exists()


@pytest.mark.parametrize(
    "changed", [{"step": "20"}, {"more": 1}, {"checks": [{"step": 1}]}, {"checks": 3}, {"run": None}, {"seconds": "x"}]
)
def test_metadata_that_does_not_fit(tmp_path: Path, changed: dict[str, Any]) -> None:
    told = {"run": "a1", "step": 1, "best_step": 0, "stale": 0, "seconds": 1.0, "finished": False, "checks": []}
    save_file({"x": torch.ones(1)}, tmp_path / "t.safetensors", metadata={"plait": json.dumps(told)})
    assert read_standing(tmp_path / "t.safetensors", "a1").step == 1
    save_file({"x": torch.ones(1)}, tmp_path / "t.safetensors", metadata={"plait": json.dumps(told | changed)})
    with pytest.raises(ModelError, match="no checkpoint"):
        read_standing(tmp_path / "t.safetensors", "a1")


def test_of_another_run(tmp_path: Path) -> None:
    write_standing(STANDING, tmp_path / "t.safetensors")
    with pytest.raises(ModelError, match="other data, settings or seed"):
        read_standing(tmp_path / "t.safetensors", "a2")
