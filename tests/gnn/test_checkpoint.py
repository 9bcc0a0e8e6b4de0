"""Checkpoints: a training gone on with is to the bit the one nobody stopped; another's is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from plait.gnn import Embeddings, GnnConfig
from plait.gnn.training import Epoch, TrainingResult, train_net
from plait.kg import ModelError

if TYPE_CHECKING:
    from conftest import World

METRICS = {2: 0.5, 4: 0.4, 6: 0.6, 8: 0.3, 10: 0.2}
"""By epoch: the best look lies before the stop or after it, as the test wants."""


@pytest.fixture
def world(make_world: type[World]) -> World:
    """Seven users, six items, four entities, three relations."""
    rng = np.random.default_rng(0)
    pairs = [(int(user), int(item)) for user, item in rng.integers(0, (7, 6), (23, 2))]
    triples = [(int(h), int(r), 6 + int(t)) for h, r, t in rng.integers(0, (6, 3, 4), (11, 3))]
    return make_world((7, 6, 4), 3, pairs, triples)


def config_of(**options: object) -> GnnConfig:
    settings = {"dimension": 8, "epochs": 10, "evaluate_every": 2, "patience": 2, "batch_size": 16, "fan_out": [3, 2]}
    return GnnConfig.model_validate(settings | options)


def trained(
    world: World,
    config: GnnConfig,
    checkpoint: Path | None,
    *,
    stop_in: int | None = None,
    seed: int = 1,
    metrics: dict[int, float] = METRICS,
) -> tuple[TrainingResult, list[Epoch]]:
    """A training stopped in an epoch, and what it told; the metric is a function of the epoch."""
    news: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        news.append(epoch)
        if epoch.number == stop_in:
            raise KeyboardInterrupt

    looks = [epoch for epoch in metrics if checkpoint is None or not checkpoint.exists() or epoch > begun(checkpoint)]
    left = iter(looks)
    validate: Callable[[Embeddings], float] = lambda _: metrics[next(left)]
    result = train_net(
        world.interactions,
        world.graph,
        None,
        config,
        validate=validate,
        seed=seed,
        device=torch.device("cpu"),
        on_epoch=on_epoch,
        checkpoint=checkpoint,
    )
    return result, news


def begun(checkpoint: Path) -> int:
    """The epoch a checkpoint is of, read without plait."""
    import json

    from safetensors import safe_open

    with safe_open(checkpoint, framework="np") as file:
        return int(json.loads(file.metadata()["plait"])["number"])


def same(one: TrainingResult, other: TrainingResult) -> bool:
    names = ("user_own", "fold", "items", "entities", "bias")
    rows = all(np.array_equal(getattr(one.embeddings, n), getattr(other.embeddings, n)) for n in names)
    rest = [(r.epochs, r.best_epoch, r.best_metric) for r in (one, other)]
    return rows and rest[0] == rest[1] and np.array_equal(one.relation_weights, other.relation_weights)


@pytest.mark.parametrize(
    ("options", "stop_in"),
    [
        ({}, 1),
        ({}, 3),
        ({}, 7),
        ({"average": 0.9, "warm_up": 3, "decay": "linear", "negatives": 4, "popularity_share": 0.5}, 5),
        ({"links": {"batch_size": 8}, "denoise": {}, "contrast": {"view": "noise"}, "edge_dropout": 0.1}, 5),
        ({"regime": "sampled", "objective": "bpr", "hard_negatives": 2}, 5),
    ],
)
def test_a_training_gone_on_with_is_the_one_nobody_stopped(
    world: World, tmp_path: Path, options: dict[str, object], stop_in: int
) -> None:
    config, path = config_of(**options), tmp_path / "training.safetensors"
    whole, told = trained(world, config, None)
    stopped, before = trained(world, config, path, stop_in=stop_in)
    assert stopped.interrupted and path.exists() == (stop_in > 1)
    resumed, after = trained(world, config, path)
    assert same(resumed, whole) and not resumed.interrupted
    # Best at 6; four epochs later, none better.
    assert (whole.epochs, whole.best_epoch) == (10, 6)
    # Each epoch's losses are the same too; those after the last checkpoint are trained again.
    assert [*before[: after[0].number - 1], *after] == told


def test_the_best_look_may_lie_before_the_stop(world: World, tmp_path: Path) -> None:
    metrics = {2: 0.5, 4: 0.6, 6: 0.4, 8: 0.3}
    path = tmp_path / "training.safetensors"
    whole, _ = trained(world, config_of(), None, metrics=metrics)
    trained(world, config_of(), path, stop_in=6, metrics=metrics)
    resumed, after = trained(world, config_of(), path, metrics=metrics)
    assert same(resumed, whole) and whole.best_epoch == 4 and [epoch.number for epoch in after] == [7, 8]


def test_a_training_that_ended_is_not_trained_again(world: World, tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    first, _ = trained(world, config_of(), path)
    again, news = trained(world, config_of(), path)
    assert same(first, again) and news == []


def test_a_checkpoint_of_another_training_is_refused(world: World, make_world: type[World], tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    trained(world, config_of(), path, stop_in=3)
    fewer = make_world((7, 6, 4), 3, world.pairs[1:-3], world.triples)
    turned = make_world((7, 6, 4), 3, world.pairs, [(h, 2 - r, t) for h, r, t in world.triples])
    for another, config, seed in (
        (world, config_of(learning_rate=0.001), 1),
        (world, config_of(), 2),
        (fewer, config_of(), 1),
        (turned, config_of(), 1),
    ):
        with pytest.raises(ModelError, match="training.safetensors: this checkpoint is of a training with other"):
            trained(another, config, path, seed=seed)


def test_a_checkpoint_that_lacks_a_tensor_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    trained(world, config_of(), path, stop_in=3)
    with safe_open(path, framework="pt") as file:
        head, kept = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del kept["steps"]
    save_file(kept, path, metadata=head)
    with pytest.raises(ModelError, match=r"training\.safetensors: this checkpoint lacks 'steps'"):
        trained(world, config_of(), path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_broken_file_is_refused(world: World, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "training.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="no checkpoint of a training; delete it"):
        train_net(
            world.interactions,
            world.graph,
            None,
            config_of(),
            validate=None,
            seed=1,
            device=torch.device("cpu"),
            checkpoint=path,
        )
    assert path.read_bytes() == content


def test_where_nothing_can_be_written_is_told_before_the_first_epoch(world: World, tmp_path: Path) -> None:
    news: list[Epoch] = []
    for path, message in ((tmp_path / "no" / "c.safetensors", "folder is not there"), (tmp_path, "no checkpoint")):
        with pytest.raises(ModelError, match=message):
            train_net(
                world.interactions, world.graph, None, config_of(), validate=None, seed=1, device=torch.device("cpu"),
                checkpoint=path, on_epoch=news.append,
            )  # fmt: skip
    assert not news
