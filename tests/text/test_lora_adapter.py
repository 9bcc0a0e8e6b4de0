"""Adapters: where they go, peft's own reading of our files, and folders that are not to be trusted."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.numpy import load_file, save_file
from transformers import AutoModel, PretrainedConfig

from plait.kg import DataError, ModelError
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.lora_adapter import Adapter, merge_adapter, read_adapter, target_names, write_adapter
from plait.text.lora_encoder import TunedEncoder

from .lora_models import save_model

QUERY, VALUE = "encoder.layer.1.attention.self.query", "encoder.layer.2.attention.self.value"
TEXTS = ["blue drill", "small heavy beaker pack", "", "new"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


def adapter(scale: float = 1.5, rank: int = 3) -> Adapter:
    rng = np.random.default_rng(4)
    tensors = {}
    for name in (QUERY, VALUE):
        tensors[f"base_model.model.{name}.lora_A.weight"] = rng.normal(size=(rank, 16)).astype(np.float32)
        tensors[f"base_model.model.{name}.lora_B.weight"] = rng.normal(size=(16, rank)).astype(np.float32)
    return Adapter(tensors, scale, rank)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    write_adapter(adapter(), tmp_path / "adapter")
    return tmp_path / "adapter"


def changed(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | values))


def tuned(folder: Path, of: Adapter | Path) -> TunedEncoder:
    return TunedEncoder(folder, of, max_tokens=16, tokens_per_batch=64)


def test_one_weight_by_hand(folder: Path) -> None:
    model = AutoModel.from_pretrained(folder)
    before = model.encoder.layer[1].attention.self.query.weight.clone()
    down, up = np.zeros((1, 16), np.float32), np.zeros((16, 1), np.float32)
    down[0, 2], up[5, 0] = 3.0, 0.5
    base = f"base_model.model.{QUERY}"
    merge_adapter(model, Adapter({f"{base}.lora_A.weight": down, f"{base}.lora_B.weight": up}, 4.0, 1))
    difference = model.encoder.layer[1].attention.self.query.weight - before
    assert difference[5, 2].item() == pytest.approx(4.0 * 0.5 * 3.0, rel=1e-5)
    assert np.count_nonzero(difference.detach().numpy()) == 1


def test_peft_reads_what_we_write(folder: Path, saved: Path) -> None:
    with torch.no_grad():
        theirs = peft.PeftModel.from_pretrained(AutoModel.from_pretrained(folder), saved).merge_and_unload()
        ours = AutoModel.from_pretrained(folder)
        plain = ours.encoder.layer[1].attention.self.query.weight.clone()
        merge_adapter(ours, read_adapter(saved))
    their = dict(theirs.named_parameters())
    assert dict(ours.named_parameters()).keys() == their.keys()
    for name, weight in ours.named_parameters():
        assert torch.allclose(weight, their[name], atol=1e-6), name
    assert not torch.allclose(ours.encoder.layer[1].attention.self.query.weight, plain, atol=0.1)


@pytest.mark.parametrize("rslora", [False, True])
def test_we_read_what_peft_writes(folder: Path, tmp_path: Path, rslora: bool) -> None:
    model = AutoModel.from_pretrained(folder)
    torch.manual_seed(1)
    config = peft.LoraConfig(r=4, lora_alpha=12, target_modules=["query", "value"], use_rslora=rslora)
    with_adapters = peft.get_peft_model(model, config)
    with torch.no_grad():
        for name, p in with_adapters.named_parameters():
            if "lora_B" in name:
                p.normal_()
    with_adapters.save_pretrained(tmp_path / "peft")
    found = read_adapter(tmp_path / "peft")
    assert (found.rank, found.scale) == (4, pytest.approx(12 / 2 if rslora else 12 / 4))
    merged = AutoModel.from_pretrained(folder)
    merge_adapter(merged, found)
    ids = torch.tensor([[2, 5, 17, 3]])
    with torch.no_grad():
        expected = with_adapters.eval()(input_ids=ids).last_hidden_state
        assert torch.allclose(merged.eval()(input_ids=ids).last_hidden_state, expected, atol=1e-4)


def test_the_fingerprint_follows_every_value(folder: Path, saved: Path) -> None:
    plain = HuggingFaceEncoder(folder, max_tokens=16, tokens_per_batch=64)
    other = adapter()
    next(iter(other.tensors.values()))[0, 0] += 1e-6
    names = {
        plain.fingerprint,
        tuned(folder, saved).fingerprint,
        tuned(folder, adapter(scale=1.6)).fingerprint,
        tuned(folder, other).fingerprint,
    }
    assert len(names) == 4
    assert tuned(folder, saved).fingerprint == tuned(folder, adapter()).fingerprint
    assert tuned(folder, saved).encode(TEXTS) == pytest.approx(tuned(folder, adapter()).encode(TEXTS))
    assert np.abs(tuned(folder, saved).encode(TEXTS) - plain.encode(TEXTS)).max() > 0.01


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_pickles_are_refused_and_never_opened(folder: Path, saved: Path, tmp_path: Path) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "gone off"))
    (saved / "adapter_model.bin").write_bytes(bomb)
    (saved / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="pickled weights can run code"):
        tuned(folder, saved)
    (saved / "adapter_model.safetensors").write_bytes(bomb)
    with pytest.raises(ModelError, match="cannot be read as an adapter"):
        tuned(folder, saved)
    (saved / "adapter_config.json").write_bytes(bomb)
    with pytest.raises(ModelError, match="not the configuration"):
        tuned(folder, saved)
    assert not (tmp_path / "gone off").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"peft_type": "IA3"}, "has IA3"),
        ({"use_dora": True}, "has use_dora"),
        ({"bias": "all"}, "has bias"),
        ({"rank_pattern": {"query": 4}}, "has rank_pattern"),
        ({"modules_to_save": ["pooler"]}, "has modules_to_save"),
        ({"r": 0}, "rank 0"),
        ({"r": "many"}, "not the configuration"),
        ({"lora_alpha": float("inf")}, "alpha inf"),
    ],
)
def test_what_is_no_plain_lora(folder: Path, saved: Path, values: dict[str, Any], told: str) -> None:
    changed(saved, **values)
    with pytest.raises(ModelError, match=told):
        tuned(folder, saved)


def test_folders_that_are_none(folder: Path, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no adapter"):
        read_adapter(tmp_path / "nowhere")
    tensors = load_file(saved / "adapter_model.safetensors")
    half = {name: t for name, t in tensors.items() if name != f"base_model.model.{QUERY}.lora_B.weight"}
    save_file(half, saved / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="one half"):
        read_adapter(saved)
    save_file({"base_model.model.embeddings.lora_embedding_A": np.ones((2, 2))}, saved / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="no tensor of a plain LoRA"):
        read_adapter(saved)


def test_adapters_of_another_model(folder: Path, tmp_path: Path) -> None:
    shallow = save_model(tmp_path / "shallow", layers=1)
    with pytest.raises(DataError, match="no linear map"):
        tuned(shallow, adapter()).encode(TEXTS)
    wide = adapter()
    name = f"base_model.model.{QUERY}.lora_A.weight"
    with pytest.raises(DataError, match="another model"):
        tuned(folder, Adapter({**wide.tensors, name: np.ones((3, 17), np.float32)}, 1.0, 3)).encode(TEXTS)
    with pytest.raises(DataError, match="not finite"):
        tuned(folder, Adapter({**wide.tensors, name: np.full((3, 16), np.nan, np.float32)}, 1.0, 3)).encode(TEXTS)


SMALL: dict[str, Any] = {"vocab_size": 40, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
KINDS: list[tuple[PretrainedConfig, set[str], set[str]]] = [
    (transformers.BertConfig(**SMALL, hidden_size=16), {"query", "value"}, {"query", "key", "value", "dense"}),
    (transformers.RobertaConfig(**SMALL, hidden_size=16), {"query", "value"}, {"query", "key", "value", "dense"}),
    (
        transformers.DistilBertConfig(vocab_size=40, n_layers=3, n_heads=2, dim=16, hidden_dim=24),
        {"q_lin", "v_lin"},
        {"q_lin", "k_lin", "v_lin", "out_lin"},
    ),
    (transformers.MPNetConfig(**SMALL, hidden_size=16), {"q", "v"}, {"q", "k", "v", "o"}),
    (
        transformers.ModernBertConfig(**SMALL, hidden_size=16, pad_token_id=0, local_attention=8),
        {"Wqkv"},
        {"Wqkv", "Wo"},
    ),
    (
        transformers.Qwen2Config(**SMALL, hidden_size=16, num_key_value_heads=2),
        {"q_proj", "v_proj"},
        {"q_proj", "k_proj", "v_proj", "o_proj"},
    ),
]


@pytest.mark.parametrize(("config", "two", "four"), KINDS, ids=lambda value: getattr(value, "model_type", ""))
def test_targets_by_architecture(config: PretrainedConfig, two: set[str], four: set[str]) -> None:
    model = AutoModel.from_config(config)
    names = target_names(model, "query_value", 2)
    assert {name.rsplit(".", 1)[-1] for name in names} == two
    assert len(names) == 2 * len(two)
    attention = target_names(model, "attention", None)
    assert {name.rsplit(".", 1)[-1] for name in attention} == four
    assert len(attention) == 3 * len(four), "the feed-forward net's maps are none of the attention's"
    assert len(target_names(model, "linear", None)) > len(attention)
