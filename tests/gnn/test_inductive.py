"""A trained GraphSAGE answers for what came later, from its tensors alone, in memory or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from plait.gnn import GnnConfig
from plait.gnn.inductive import InductiveNet
from plait.gnn.training import TrainingResult, train_net
from plait.kg import ModelError
from plait.text import TextFeatures

if TYPE_CHECKING:
    from conftest import World

CONFIG = GnnConfig(net="sage", dimension=8, epochs=6, evaluate_every=2, patience=9, batch_size=16, negatives=3)


def texts(world: World) -> TextFeatures:
    """A text of five numbers for each item and entity, by its name, but for the second."""
    names = [f"i{n}" for n in range(world.n_items)] + [f"e{n}" for n in range(world.n_entities)]
    seeds = [sum(map(ord, name)) * 7 + ord(name[0]) for name in names]
    vectors = np.array([np.random.default_rng(seed).normal(size=5) for seed in seeds], dtype=np.float32)
    vectors[1] = 0
    return TextFeatures(vectors, np.arange(len(names)) != 1)


def trained(world: World, text: TextFeatures | None, config: GnnConfig = CONFIG, **more: object) -> TrainingResult:
    metric = iter([0.2, 0.5, 0.4, 0.3])
    return train_net(
        world.interactions, world.graph, text, config, validate=lambda _: next(metric), seed=3,
        device=torch.device("cpu"), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def grown(world: World) -> World:
    """With an item behind the others that has the edges of item 0, and a user who met it alone."""
    n = world.n_items
    moved = [(h + (h >= n), r, t + (t >= n)) for h, r, t in world.triples]
    like = [(n if h == 0 else h, r, n if t == 0 else t) for h, r, t in moved if 0 in (h, t)]
    return type(world)((world.n_users, n + 1, world.n_entities), world.n_relations, world.pairs, moved + like)


@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize("average", [0.0, 0.9])
def test_on_the_graph_of_the_training_it_says_what_the_training_said(
    any_world: World, with_text: bool, average: float
) -> None:
    """That of the best epoch, though two more were trained."""
    text = texts(any_world) if with_text else None
    result = trained(any_world, text, CONFIG.model_copy(update={"average": average}))
    assert (result.best_epoch, result.epochs) == (4, 6)
    assert result.inductive is not None
    again = result.inductive.embeddings(any_world.interactions, any_world.graph, text)
    for name in ("user_own", "fold", "items", "entities", "bias"):
        assert getattr(again, name) == pytest.approx(getattr(result.embeddings, name), abs=1e-6), name
    assert again.temperature == result.embeddings.temperature


def test_an_item_that_came_later_is_known_by_text_and_edges(make_world: type[World]) -> None:
    rng = np.random.default_rng(0)
    pairs = [(int(u), int(i)) for u, i in rng.integers(0, (7, 6), (23, 2))]
    world = make_world(
        (7, 6, 4), 3, pairs, [(int(h), int(r), 6 + int(t)) for h, r, t in rng.integers(0, (6, 3, 4), (11, 3))]
    )
    result = trained(world, texts(world))
    assert result.inductive is not None
    later = grown(world)
    found = result.inductive.embeddings(later.interactions, later.graph, texts(later))
    assert found.items.shape == (7, 8)
    assert np.isfinite(found.items).all()
    assert np.abs(found.items[6]).max() > 0
    # Another text is another item; and nobody met it, so its bias is that of an item without users.
    other = texts(later)
    other.vectors[6] = -other.vectors[6]
    assert (
        np.abs(result.inductive.embeddings(later.interactions, later.graph, other).items[6] - found.items[6]).max()
        > 1e-3
    )
    assert found.bias[6] <= found.bias[:6].max()
    with pytest.raises(ValueError, match="add new items after the known ones"):
        trained(later, texts(later)).inductive.embeddings(world.interactions, world.graph, texts(world))  # type: ignore[union-attr]


def test_other_nets_have_none(any_world: World) -> None:
    assert trained(any_world, None, CONFIG.model_copy(update={"net": "light"})).inductive is None


def test_a_file_brings_it_back_and_others_are_refused(any_world: World, tmp_path: Path) -> None:
    text = texts(any_world)
    net = trained(any_world, text).inductive
    assert net is not None
    net.save(tmp_path / "sage.safetensors")
    again = InductiveNet.load(tmp_path / "sage.safetensors")
    assert again.config == net.config
    one, other = (n.embeddings(any_world.interactions, any_world.graph, text) for n in (net, again))
    assert (one.items == other.items).all()
    (tmp_path / "torn.safetensors").write_bytes((tmp_path / "sage.safetensors").read_bytes()[:-7])
    (tmp_path / "text.safetensors").write_text("no net")
    for name in ("torn.safetensors", "text.safetensors", "gone.safetensors"):
        with pytest.raises(ModelError, match=rf"{name}: this is no inductive net"):
            InductiveNet.load(tmp_path / name)


def test_a_training_that_was_taken_up_has_the_same_net(any_world: World, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    whole = trained(any_world, None).inductive

    def stop(epoch: object) -> None:
        if getattr(epoch, "number", 0) == 5:
            raise RuntimeError("down")

    with pytest.raises(RuntimeError, match="down"):
        trained(any_world, None, checkpoint=path, on_epoch=stop)
    # The best look lies before the stop: it comes from the file.
    again = train_net(
        any_world.interactions, any_world.graph, None, CONFIG, validate=lambda _: 0.1, seed=3,
        device=torch.device("cpu"), checkpoint=path,
    ).inductive  # fmt: skip
    assert whole is not None and again is not None
    assert set(whole.state) == set(again.state)
    assert all(torch.equal(tensor, again.state[name]) for name, tensor in whole.state.items())
