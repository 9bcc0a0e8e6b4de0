"""An exported BERT gives what the BERT gives; folders and graphs that cannot be."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertModel

from plait.kg import ConfigError, DataError
from plait.text.config import Prompts, TextConfig
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.load import load_encoder
from plait.text.onnx import OnnxEncoder

from .models import TEXTS, save_bert, save_modules

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")  # torch needs it to export


class Exported(torch.nn.Module):
    """BERT with all that its own code makes from the shape of the example made from the input instead."""

    def __init__(self, model: BertModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        hidden = (mask[:, None, None, :].float() - 1) * 1e9
        places = torch.cumsum(torch.ones_like(ids), 1) - 1
        states: torch.Tensor = self.model(
            input_ids=ids, attention_mask=hidden, token_type_ids=types, position_ids=places
        ).last_hidden_state
        return states


def export(model: torch.nn.Module, file: Path, inputs: list[str], output: str) -> None:
    example = torch.ones(2, 5, dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (example,) * len(inputs), str(file), dynamo=False, input_names=inputs, output_names=[output],
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in [*inputs, output]},
        )  # fmt: skip


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def exported(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(bert, tmp_path_factory.mktemp("onnx") / "model"))
    model = BertModel.from_pretrained(bert, attn_implementation="eager").eval()
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    export(Exported(model), folder / "model.onnx", inputs, "last_hidden_state")
    (folder / "model.safetensors").unlink()
    return folder


@pytest.fixture
def copied(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copied"))


def encoder(folder: Path, **options: Any) -> OnnxEncoder:
    return OnnxEncoder(folder, **{"max_tokens": 64, "tokens_per_batch": 40, **options})


def original(folder: Path, **options: Any) -> HuggingFaceEncoder:
    return HuggingFaceEncoder(folder, **{"max_tokens": 64, "tokens_per_batch": 40, **options})


def test_the_same_as_before_the_export(bert: Path, exported: Path) -> None:
    made = load_encoder(TextConfig(encoder=str(exported), cache=None))
    assert isinstance(made, OnnxEncoder)
    np.testing.assert_allclose(made.encode(TEXTS), original(bert).encode(TEXTS), atol=1e-5)
    assert made.stats.texts == len(TEXTS)


def test_batching_changes_nothing(exported: Path) -> None:
    together, alone = encoder(exported, tokens_per_batch=1000), encoder(exported, tokens_per_batch=1)
    np.testing.assert_allclose(together.encode(TEXTS), alone.encode(TEXTS[::-1])[::-1], atol=1e-5)


@pytest.mark.parametrize("options", [{"pooling": "max"}, {"prompts": Prompts(passage="query: ")}])
def test_pooling_and_prompts_are_those_of_all(bert: Path, exported: Path, options: dict[str, Any]) -> None:
    found, expected = encoder(exported, **options), original(bert, **options)
    np.testing.assert_allclose(found.encode(TEXTS), expected.encode(TEXTS), atol=1e-5)


def test_dense_layers_follow(bert: Path, copied: Path, tmp_path: Path) -> None:
    full = Path(shutil.copytree(bert, tmp_path / "full"))
    for folder in (full, copied):
        save_modules(folder, "Transformer", "Pooling", "Dense", pooling={"pooling_mode": "cls"})
    made = encoder(copied)
    assert made.dimension == 5
    np.testing.assert_allclose(made.encode(TEXTS), original(full).encode(TEXTS), atol=1e-5)


def test_vectors_that_the_graph_pools_itself_are_taken_as_they_are(copied: Path) -> None:
    class Sums(torch.nn.Module):
        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return torch.stack([(ids * mask).sum(1), mask.sum(1)], dim=1).float()

    export(Sums(), copied / "model.onnx", ["input_ids", "attention_mask"], "sentence_embedding")
    # [CLS] red hat [SEP] and [CLS] hat [SEP]
    assert encoder(copied).encode(["red hat", "", "hat"]).tolist() == [[2 + 4 + 6 + 3, 4], [0, 0], [2 + 6 + 3, 3]]


def test_one_of_several_files_is_named(copied: Path) -> None:
    (copied / "onnx").mkdir()
    for name in ("model_int8.onnx", "model_fp16.onnx"):
        shutil.copy(copied / "model.onnx", copied / "onnx" / name)
    before = encoder(copied).fingerprint
    (copied / "model.onnx").unlink()
    with pytest.raises(
        DataError, match=r"several ONNX files \(onnx/model_fp16\.onnx, onnx/model_int8\.onnx\): name one"
    ):
        encoder(copied)
    made = load_encoder(TextConfig(encoder=str(copied / "onnx" / "model_int8.onnx"), cache=None))
    assert made.encode(["red"]).any()
    assert made.fingerprint != before


def no_graph(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def broken_graph(folder: Path) -> None:
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:200])


def strange_input(folder: Path) -> None:
    export(torch.nn.Identity(), folder / "model.onnx", ["pixels"], "last_hidden_state")


def strange_output(folder: Path) -> None:
    export(torch.nn.Identity(), folder / "model.onnx", ["input_ids"], "logits")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_graph, "no ONNX file"),
        (broken_graph, "onnxruntime cannot load"),
        (strange_input, "an input that plait does not know: pixels"),
        (strange_output, "the graph gives logits"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(copied: Path, damage: Any, message: str) -> None:
    damage(copied)
    with pytest.raises(DataError, match=message) as caught:
        encoder(copied)
    assert str(copied) in str(caught.value)


def test_a_dtype_cannot_be_asked_for(exported: Path) -> None:
    with pytest.raises(ConfigError, match=r"text\.dtype: an ONNX file"):
        load_encoder(TextConfig(encoder=str(exported), dtype="int8"))
