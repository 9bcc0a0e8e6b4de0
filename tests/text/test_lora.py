"""Tuning: what is trained, that it helps, that it ends as it should, and that a killed run goes on bit for bit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import save_file

from plait.kg import ConfigError, IdMap, Interactions, ModelError
from plait.text import lora_modules
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.lora import Tuned, tune
from plait.text.lora_adapter import read_adapter, write_adapter
from plait.text.lora_backbone import Backbone
from plait.text.lora_config import LoraConfig
from plait.text.lora_encoder import TunedEncoder
from plait.text.lora_run import Run
from plait.text.pairs import PairSampler

from .lora_models import save_model, themed_likes, themed_texts

ITEMS, USERS = 150, 100
Vectors = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def shop() -> tuple[list[str], np.ndarray, Interactions]:
    texts, theme = themed_texts(ITEMS, seed=1)
    return texts, theme, themed_likes(theme, USERS, seed=2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def encoder(folder: Path) -> HuggingFaceEncoder:
    return HuggingFaceEncoder(folder, max_tokens=16, tokens_per_batch=256)


def config(**changed: Any) -> LoraConfig:
    return LoraConfig(
        **{
            "rank": 2,
            "steps": 24,
            "users": 10,
            "items_per_user": 2,
            "log_q": 1.0,
            "patience": 5,
            "check_every": 6,
            "learning_rate": 2e-2,
            "max_tokens": 16,
        }
        | changed
    )


def closeness(vectors: Vectors, theme: np.ndarray) -> float:
    """Mean centred cosine within themes, less that across."""
    v = vectors - vectors.mean(axis=0)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    cosine, same = v @ v.T, theme[:, None] == theme
    others = ~np.eye(len(theme), dtype=bool)
    return float(cosine[same & others].mean() - cosine[~same].mean())


def run(folder: Path, shop: tuple[list[str], np.ndarray, Interactions], settings: LoraConfig, **more: Any) -> Tuned:
    texts, theme, likes = shop
    given: dict[str, Any] = {
        "validate": lambda vectors: closeness(vectors, theme),
        "seed": 7,
    } | more
    return tune(folder, texts, np.ones(len(texts), dtype=bool), likes, np.full(len(texts), -1), settings, **given)


def same(a: Tuned, b: Tuned) -> bool:
    """Whether two tunings gave the same, bit for bit."""
    return (a.checks, a.best_step, a.steps) == (b.checks, b.best_step, b.steps) and all(
        a.adapter.tensors[name].tobytes() == b.adapter.tensors[name].tobytes()
        for name in a.adapter.tensors.keys() | b.adapter.tensors.keys()
    )


def test_texts_liked_together_come_closer_seen_or_not(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions]
) -> None:
    result = run(folder, shop, config(steps=60, users=16, check_every=20, layers=None))
    assert result.frozen is not None
    assert result.best is not None
    assert result.best > result.frozen + 0.2
    texts, theme = themed_texts(80, seed=99)
    frozen = closeness(encoder(folder).encode(texts), theme)
    tuned = closeness(TunedEncoder(folder, result.adapter, max_tokens=16, tokens_per_batch=256).encode(texts), theme)
    assert tuned > frozen + 0.1, "texts that were not there at the tuning"


def test_only_adapters_are_trained(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    texts, _, likes = shop
    settings, present = config(layers=2), np.ones(ITEMS, dtype=bool)
    backbone = Backbone.of(folder, texts, present, settings, device="cpu", pooling=None, prompts=None)
    given = settings.model_dump(
        include={"users", "items_per_user", "hard_negatives", "max_history", "popularity_power"}
    )
    sampler = PairSampler(likes, present, np.full(ITEMS, -1), seed=1, **given)
    before = {name: p.clone() for name, p in encoder(folder)._loaded.model.named_parameters()}
    result = Run(backbone, sampler, settings, 1, "name", None, None, None).to_the_end()
    after = dict(backbone.model.named_parameters())
    adapters = {name for name in after if "lora_" in name}
    # Query and value of the last two of three layers, A and B each.
    assert len(adapters) == 2 * 2 * 2
    assert {name for name, p in after.items() if p.grad is not None} == adapters
    assert all(p.requires_grad == (name in adapters) for name, p in after.items())
    for name, value in before.items():
        now = after.get(
            name, after.get(name.replace(".weight", ".base_layer.weight").replace(".bias", ".base_layer.bias"))
        )
        assert now is not None
        assert torch.equal(now, value), name
    assert all(np.abs(t).max() > 0 for t in result.adapter.tensors.values()), "every adapter has moved from B = 0"


def test_the_share_by_hand(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    result = run(folder, shop, config(steps=1))
    whole = sum(p.numel() for p in encoder(folder)._loaded.model.parameters())
    # Two maps in each of two layers, 16 to 16, with A (2 x 16) and B (16 x 2).
    adapters = 2 * 2 * (2 * 16 + 16 * 2)
    assert result.share == adapters / (whole + adapters)
    with pytest.raises(ConfigError, match="2%: lower rank"):
        run(folder, shop, config(rank=64))


@pytest.mark.parametrize("killed_after", [3, 6, 17])
def test_a_killed_run_goes_on_bit_for_bit(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions], tmp_path: Path, killed_after: int
) -> None:
    settings = config(dropout=0.2, hard_negatives=1, items_per_user=3)

    def die(done: int, total: int | None, note: str) -> None:
        if done == killed_after:
            raise RuntimeError("killed")

    whole = run(folder, shop, settings)
    with pytest.raises(RuntimeError, match="killed"):
        run(folder, shop, settings, checkpoint=tmp_path / "deep" / "tuning.safetensors", on_progress=die)
    resumed = run(folder, shop, settings, checkpoint=tmp_path / "deep" / "tuning.safetensors")
    assert whole.steps == 24
    assert same(whole, resumed)


def test_a_finished_tuning_is_not_trained_again(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions], tmp_path: Path
) -> None:
    steps: list[int] = []
    first = run(folder, shop, config(), checkpoint=tmp_path / "t.safetensors")
    again = run(
        folder, shop, config(), checkpoint=tmp_path / "t.safetensors", on_progress=lambda done, *_: steps.append(done)
    )
    assert same(first, again)
    assert set(steps) <= {0}, "texts are made ready, and no step is done"


def test_the_global_generator_is_left_alone(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    run(folder, shop, config(steps=2, dropout=0.3))
    assert torch.equal(torch.rand(3), expected)


def test_a_seed_names_a_tuning(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    first = run(folder, shop, config(steps=6))
    assert same(first, run(folder, shop, config(steps=6)))
    assert not same(first, run(folder, shop, config(steps=6), seed=8))


def test_states_kept_of_the_lower_layers_change_nothing(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions]
) -> None:
    kept, anew = run(folder, shop, config(layers=1)), run(folder, shop, config(layers=1, max_states_mib=0))
    for name, tensor in kept.adapter.tensors.items():
        assert tensor == pytest.approx(anew.adapter.tensors[name], abs=1e-3)
    assert [c.metric for c in kept.checks] == pytest.approx([c.metric for c in anew.checks], abs=1e-3)


def test_ctrl_c_keeps_the_best_so_far(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    def press(done: int, total: int | None, note: str) -> None:
        if done == 13:
            os.kill(os.getpid(), signal.SIGINT)

    whole, cut = run(folder, shop, config()), run(folder, shop, config(), on_progress=press)
    assert cut.interrupted
    assert not whole.interrupted
    assert cut.steps in {13, 14}
    assert cut.checks == whole.checks[:3]
    assert cut.best == max(c.metric for c in cut.checks if c.metric is not None)


def test_patience_and_what_does_not_help(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    values = iter([0.5, 0.4, 0.3, 0.2, 0.1])
    result = run(folder, shop, config(patience=2), validate=lambda _: next(values))
    assert [c.metric for c in result.checks] == [0.5, 0.4, 0.3]
    assert (result.best_step, result.steps) == (0, 12)
    texts = shop[0]
    tuned = TunedEncoder(folder, result.adapter, max_tokens=16, tokens_per_batch=256)
    assert np.array_equal(tuned.encode(texts), encoder(folder).encode(texts)), "step 0 is the frozen encoder"


def test_validation_sees_what_the_tuned_encoder_will_say(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions], tmp_path: Path
) -> None:
    seen: list[Vectors] = []

    def look(vectors: Vectors) -> float:
        seen.append(vectors)
        return float(len(seen))  # each better than the one before

    texts, _, likes = shop
    texts = [*texts[:30], " \n", *texts[31:]]
    present = np.ones(ITEMS, dtype=bool)
    present[[4, 17]] = False
    result = tune(folder, texts, present, likes, np.full(ITEMS, -1), config(dropout=0.5), validate=look, seed=2)
    write_adapter(result.adapter, tmp_path / "adapter")
    tuned = TunedEncoder(folder, tmp_path / "adapter", max_tokens=16, tokens_per_batch=256)
    vectors = tuned.encode(texts)
    assert not vectors[30].any()
    assert seen[-1][present] == pytest.approx(vectors[present], abs=1e-5)
    assert not seen[-1][~present].any()
    assert seen[0][present] == pytest.approx(encoder(folder).encode(texts)[present], abs=1e-5)
    assert np.abs(vectors - encoder(folder).encode(texts)).max() > 0.01
    order = np.random.default_rng(3).permutation(ITEMS)
    assert tuned.encode([texts[i] for i in order]) == pytest.approx(vectors[order], abs=1e-5)
    names = {tuned.fingerprint, encoder(folder).fingerprint}
    assert len(names) == 2
    assert TunedEncoder(folder, result.adapter, max_tokens=16, tokens_per_batch=256).fingerprint in names
    assert read_adapter(tmp_path / "adapter").digest == result.adapter.digest


def test_minutes_end_a_run_and_the_next_goes_on(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions], tmp_path: Path
) -> None:
    file = tmp_path / "t.safetensors"
    short = run(folder, shop, config(minutes=1e-9), checkpoint=file)
    assert short.steps == 1
    assert not short.interrupted
    long = run(folder, shop, config(minutes=60), checkpoint=file)
    assert long.steps == 24
    assert long.seconds > short.seconds


def test_bfloat16_stays_near(folder: Path, shop: tuple[list[str], np.ndarray, Interactions]) -> None:
    exact, rough = run(folder, shop, config(steps=6)), run(folder, shop, config(steps=6, dtype="bfloat16"))
    assert [c.metric for c in rough.checks] == pytest.approx([c.metric for c in exact.checks], abs=0.05)
    assert all(t.dtype == np.float32 for t in rough.adapter.tensors.values())


def test_a_checkpoint_of_another_run_is_refused(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions], tmp_path: Path
) -> None:
    file = tmp_path / "t.safetensors"
    run(folder, shop, config(steps=6), checkpoint=file)
    with pytest.raises(ModelError, match="other data, settings or seed"):
        run(folder, shop, config(steps=6), checkpoint=file, seed=8)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ModelError, match="no checkpoint of a tuning"):
        run(folder, shop, config(steps=6), checkpoint=file)
    save_file({"x": torch.zeros(2)}, file)
    with pytest.raises(ModelError, match="no checkpoint of a tuning"):
        run(folder, shop, config(steps=6), checkpoint=file)


def test_nobody_liked_two_items(folder: Path) -> None:
    likes = Interactions.sorted(IdMap(["u"]), IdMap(["a", "b"]), np.array([0]), np.array([1]))
    with pytest.raises(ConfigError, match="nobody liked two items"):
        tune(folder, ["drill", "saw"], np.ones(2, dtype=bool), likes, np.full(2, -1), config(), seed=0)


def test_without_peft(
    folder: Path, shop: tuple[list[str], np.ndarray, Interactions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lora_modules, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'plait\[tune\]'"):
        run(folder, shop, config())
