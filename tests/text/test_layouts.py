"""Folders as sentence-transformers saves them, against a second, slow reading: plain transformers, one text at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from plait.kg import ConfigError, DataError
from plait.text.config import Prompts
from plait.text.encoder import Pooling
from plait.text.huggingface import HuggingFaceEncoder

from .models import HIDDEN, TEXTS, save_bert, save_llama, save_modules

Vectors = npt.NDArray[np.float32]


def encoder(folder: Path, **options: Any) -> HuggingFaceEncoder:
    return HuggingFaceEncoder(folder, **{"max_tokens": 16, "tokens_per_batch": 40, **options})


def states_of(folder: Path, text: str) -> torch.Tensor:
    """States of one text by plain transformers, without a batch and without padding, shape (tokens, hidden)."""
    inputs = AutoTokenizer.from_pretrained(folder)(text.strip(), truncation=True, max_length=16, return_tensors="pt")
    with torch.no_grad():
        states: torch.Tensor = AutoModel.from_pretrained(folder)(input_ids=inputs["input_ids"]).last_hidden_state[0]
    return states


def pooled(states: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    places = torch.arange(1, len(states) + 1, dtype=torch.float32)[:, None]
    return {
        "mean": states.mean(0),
        "cls": states[0],
        "max": states.max(0).values,
        "lasttoken": states[-1],
        "weightedmean": (states * places).sum(0) / places.sum(),
        "mean_sqrt_len": states.sum(0) / len(states) ** 0.5,
    }[pooling]


@pytest.mark.parametrize("save", [save_bert, save_llama])
@pytest.mark.parametrize("pooling", get_args(Pooling))
def test_each_pooling_equals_one_text_at_a_time(tmp_path: Path, save: Any, pooling: Pooling) -> None:
    save(tmp_path)
    save_modules(tmp_path, "Transformer", "Pooling", pooling={"pooling_mode": pooling})
    vectors = encoder(tmp_path).encode(TEXTS)
    assert vectors.shape == (len(TEXTS), HIDDEN)
    for text, vector in zip(TEXTS, vectors, strict=True):
        expected = pooled(states_of(tmp_path, text), pooling).numpy() if text else np.zeros(HIDDEN)
        np.testing.assert_allclose(vector, expected, atol=2e-5)


def test_a_plain_language_model_is_pooled_at_its_last_token(tmp_path: Path) -> None:
    save_llama(tmp_path)
    vectors = encoder(tmp_path).encode(["red hat", "blue scarf red wool"])
    last = torch.stack([states_of(tmp_path, text)[-1] for text in ["red hat", "blue scarf red wool"]])
    np.testing.assert_allclose(vectors, torch.nn.functional.normalize(last).numpy(), atol=1e-5)


def test_a_language_model_looks_at_no_padding_and_at_no_neighbour(tmp_path: Path) -> None:
    save_llama(tmp_path)
    together = encoder(tmp_path, tokens_per_batch=1000).encode(TEXTS)
    alone = np.concatenate([encoder(tmp_path).encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, ["cls", "mean"]),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, ["max", "mean"]),
        ({"pooling_mode": ["lasttoken", "cls"]}, ["lasttoken", "cls"]),
        ({"pooling_mode": "mean_sqrt_len_tokens"}, ["mean_sqrt_len"]),
    ],
)
def test_several_poolings_stand_side_by_side(tmp_path: Path, modes: dict[str, object], expected: list[Pooling]) -> None:
    save_bert(tmp_path)
    save_modules(tmp_path, "Transformer", "Pooling", pooling=modes)
    states = states_of(tmp_path, "red hat")
    made = encoder(tmp_path)
    assert made.dimension == HIDDEN * len(expected)
    wanted = torch.cat([pooled(states, pooling) for pooling in expected]).numpy()
    np.testing.assert_allclose(made.encode(["red hat"])[0], wanted, atol=2e-5)


def test_dense_layers_and_length_one_follow_in_the_order_of_the_modules(tmp_path: Path) -> None:
    save_bert(tmp_path)
    kinds = ("Transformer", "Pooling", "Dense", "Normalize", "Dense")
    save_modules(tmp_path, *kinds, pooling={"pooling_mode": "mean"})
    vector = states_of(tmp_path, "blue scarf").mean(0)
    for number, kind in enumerate(kinds):
        if kind == "Normalize":
            vector = vector / vector.norm()
        if kind == "Dense":
            weights = load_file(tmp_path / f"{number}_Dense" / "model.safetensors")
            vector = torch.tanh(weights["linear.weight"] @ vector + weights["linear.bias"])
    made = encoder(tmp_path)
    assert made.dimension == 9
    np.testing.assert_allclose(made.encode(["blue scarf"])[0], vector.numpy(), atol=1e-5)


def test_the_fingerprint_changes_with_a_dense_layer(tmp_path: Path) -> None:
    save_bert(tmp_path)
    save_modules(tmp_path, "Transformer", "Pooling", "Dense", pooling={"pooling_mode": "mean"})
    before = encoder(tmp_path).fingerprint
    file = tmp_path / "2_Dense" / "model.safetensors"
    save_file({name: value * 2 for name, value in load_file(file).items()}, file)
    assert encoder(tmp_path).fingerprint != before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation_function": "torch.nn.Softsign"}, "no activation Softsign"),
        ({"module_input_name": "token_embeddings"}, "behind the pooling only"),
        ({"in_features": 13}, r"no linear\.weight of shape \(5, 13\)"),
    ],
)
def test_a_dense_layer_that_cannot_be_read_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    save_bert(tmp_path)
    save_modules(tmp_path, "Transformer", "Pooling", "Dense", pooling={"pooling_mode": "mean"})
    file = tmp_path / "2_Dense" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(DataError, match=message):
        encoder(tmp_path).encode(["red"])


@pytest.mark.parametrize(
    ("prompts", "query", "passage"),
    [
        ({"prompts": {"query": "query: ", "document": "a "}}, "query: ", "a "),
        ({"prompts": {"query": "query: ", "passage": "z ", "document": "a "}}, "query: ", "z "),
        ({"prompts": {"web": "a z "}, "default_prompt_name": "web"}, "a z ", "a z "),
        ({"prompts": {"query": "query: "}, "default_prompt_name": None}, "query: ", ""),
        ({}, "", ""),
    ],
)
def test_prompts_go_before_the_texts_of_their_role(tmp_path: Path, prompts: Any, query: str, passage: str) -> None:
    save_bert(tmp_path)
    save_modules(tmp_path, "Transformer", "Pooling", pooling={"pooling_mode": "mean"}, prompts=prompts)
    made = encoder(tmp_path)
    assert (made.prompt("query"), made.prompt("passage")) == (query, passage)
    for role, prompt in (("query", query), ("passage", passage)):
        expected = states_of(tmp_path, prompt + "red hat").mean(0).numpy()
        np.testing.assert_allclose(made.encode(["  red hat "], role=role)[0], expected, atol=1e-5)  # type: ignore[arg-type]


def test_a_prompt_alone_is_no_text(tmp_path: Path) -> None:
    save_bert(tmp_path)
    made = encoder(tmp_path, prompts=Prompts(query="query: "))
    present = made.encode(["", " \n", "\u200b", "hat", "?"], role="query").any(axis=1)
    assert present.tolist() == [False, False, False, True, True]
    assert made.stats.missing == 3


def test_stated_prompts_and_pooling_go_before_the_folders(tmp_path: Path) -> None:
    save_bert(tmp_path)
    told = {"prompts": {"query": "query: ", "document": "a "}}
    save_modules(tmp_path, "Transformer", "Pooling", pooling={"pooling_mode": "mean"}, prompts=told)
    made = encoder(tmp_path, pooling="max", prompts=Prompts(passage=""))
    assert (made.prompt("query"), made.prompt("passage")) == ("query: ", "")
    expected = states_of(tmp_path, "red hat").max(0).values.numpy()
    np.testing.assert_allclose(made.encode(["red hat"])[0], expected, atol=1e-5)


def test_a_prompt_may_be_left_out_of_the_pooling(tmp_path: Path) -> None:
    save_bert(tmp_path)
    pooling = {"pooling_mode": "mean", "include_prompt": False}
    save_modules(tmp_path, "Transformer", "Pooling", pooling=pooling, prompts={"prompts": {"query": "query: a "}})
    # [CLS] query : a | red hat [SEP]
    expected = states_of(tmp_path, "query: a red hat")[4:].mean(0).numpy()
    np.testing.assert_allclose(encoder(tmp_path).encode(["red hat"], role="query")[0], expected, atol=1e-5)
    whole = states_of(tmp_path, "red hat").mean(0).numpy()
    np.testing.assert_allclose(encoder(tmp_path).encode(["red hat"])[0], whole, atol=1e-5)


def test_a_prompt_that_leaves_no_room_is_refused(tmp_path: Path) -> None:
    save_bert(tmp_path)
    with pytest.raises(ConfigError, match=r"takes all 16 tokens.*raise text\.max_tokens"):
        encoder(tmp_path, prompts=Prompts(query="query: " * 9)).encode(["hat"], role="query")


def test_sentence_transformers_reads_the_same_from_the_same_folder(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    save_bert(tmp_path)
    kinds, prompts = ("Transformer", "Pooling", "Dense", "Normalize"), {"query": "query: ", "document": "a "}
    pooling = {"pooling_mode": "weightedmean", "word_embedding_dimension": HIDDEN, "embedding_dimension": HIDDEN}
    save_modules(tmp_path, *kinds, pooling=pooling, prompts={"prompts": prompts})
    theirs = library.SentenceTransformer(str(tmp_path), device="cpu")
    texts = [text for text in TEXTS if text and len(text) < 40]
    made = encoder(tmp_path)
    np.testing.assert_allclose(made.encode(texts, role="query"), theirs.encode_query(texts), atol=1e-5)
    np.testing.assert_allclose(made.encode(texts), theirs.encode_document(texts), atol=1e-5)
