"""Static embeddings: by hand, against the package model2vec, and broken folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from plait.kg import ConfigError, DataError
from plait.text.config import Prompts, TextConfig
from plait.text.load import load_encoder
from plait.text.static import StaticEncoder

WORDS = ["[PAD]", "[UNK]", "red", "hat", "wool", "blue"]
TABLE = np.array([[9, 9, 9], [8, 8, 8], [1, 0, 2], [3, 4, 0], [0, 0, -6], [5, 1, 1]], dtype=np.float32)
TEXTS = ["red hat", "", "hat", "red sky wool", "sky", "wool " * 30, "blue red blue hat wool"]


def save(folder: Path, tensors: dict[str, npt.NDArray[Any]], **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(folder / "tokenizer.json"))
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", **config}))
    return folder


def test_by_hand(tmp_path: Path) -> None:
    made = StaticEncoder(save(tmp_path, {"embeddings": TABLE}), max_tokens=8)
    # Of "red sky wool" the second word is unknown and does not count.
    expected = [[2, 2, 1], [0, 0, 0], [3, 4, 0], [0.5, 0, -2], [0, 0, 0], [0, 0, -6], [14 / 5, 6 / 5, -2 / 5]]
    np.testing.assert_allclose(made.encode(TEXTS), expected, rtol=1e-6)
    stats = made.stats
    assert (stats.texts, stats.missing, stats.tokens, stats.cut, stats.unknown) == (7, 1, 2 + 1 + 3 + 1 + 8 + 5, 1, 2)


def test_length_one_where_the_folder_says_so(tmp_path: Path) -> None:
    made = StaticEncoder(save(tmp_path, {"embeddings": TABLE}, normalize=True), max_tokens=8)
    np.testing.assert_allclose(made.encode(["hat", "sky"]), [[0.6, 0.8, 0], [0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int8])
@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
def test_as_the_package_reads_it(tmp_path: Path, kind: type, reduced: bool, normalize: bool) -> None:
    package = pytest.importorskip("model2vec")
    tensors: dict[str, npt.NDArray[Any]] = {"embeddings": TABLE.astype(kind)}
    if reduced:
        tensors["mapping"] = np.array([0, 1, 4, 3, 2, 2], dtype=np.int32)
        tensors["weights"] = np.array([1, 1, 0.5, 2, 0.25, 3], dtype=np.float32)
    save(tmp_path, tensors, normalize=normalize)
    theirs = package.StaticModel.from_pretrained(str(tmp_path), force_download=False)
    found = StaticEncoder(tmp_path, max_tokens=512).encode(TEXTS)
    np.testing.assert_allclose(
        found, theirs.encode(TEXTS).astype(np.float32), atol=2e-3 if kind is np.float16 else 1e-6
    )


def test_what_the_package_saves_is_read(tmp_path: Path) -> None:
    package = pytest.importorskip("model2vec")
    source = save(tmp_path / "source", {"embeddings": TABLE})
    model = package.StaticModel.from_pretrained(str(source), force_download=False)
    model.normalize = True
    model.save_pretrained(str(tmp_path / "saved"))
    made = load_encoder(TextConfig(encoder=str(tmp_path / "saved"), cache=None))
    assert isinstance(made, StaticEncoder)
    np.testing.assert_allclose(made.encode(TEXTS), model.encode(TEXTS), atol=1e-6)


def test_the_layout_of_sentence_transformers(tmp_path: Path) -> None:
    save(tmp_path / "0_StaticEmbedding", {"embedding.weight": TABLE})
    modules = [
        {"type": "a.StaticEmbedding", "path": "0_StaticEmbedding"},
        {"type": "a.Normalize", "path": "1_Normalize"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    made = load_encoder(TextConfig(encoder=str(tmp_path), cache=None))
    assert isinstance(made, StaticEncoder)
    np.testing.assert_allclose(made.encode(["hat"]), [[0.6, 0.8, 0]], rtol=1e-6)


def test_more_texts_than_go_at_once_in_any_order(tmp_path: Path) -> None:
    made = StaticEncoder(save(tmp_path, {"embeddings": TABLE}), max_tokens=8)
    texts, seen = TEXTS * 300, list[tuple[int, int]]()
    vectors = made.encode(texts, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1024, 2100), (2048, 2100), (2100, 2100)]
    np.testing.assert_allclose(vectors, np.tile(made.encode(TEXTS), (300, 1)), rtol=1e-6)
    np.testing.assert_allclose(made.encode(texts[::-1]), vectors[::-1], rtol=1e-6)


def test_prompts_and_fingerprint(tmp_path: Path) -> None:
    save(tmp_path, {"embeddings": TABLE})
    plain, told = (
        StaticEncoder(tmp_path, max_tokens=8),
        StaticEncoder(tmp_path, max_tokens=8, prompts=Prompts(query="red ")),
    )
    np.testing.assert_allclose(told.encode(["hat", ""], role="query"), plain.encode(["red hat", ""]))
    before = plain.fingerprint
    save(tmp_path, {"embeddings": TABLE + 1})
    assert StaticEncoder(tmp_path, max_tokens=8).fingerprint != before


def test_a_table_of_another_size_is_refused(tmp_path: Path) -> None:
    made = StaticEncoder(save(tmp_path, {"embeddings": TABLE[:5]}), max_tokens=8)
    with pytest.raises(DataError, match="5 vectors, but the tokenizer has 6 tokens"):
        made.encode(["red"])


def test_a_mapping_to_nowhere_is_refused(tmp_path: Path) -> None:
    save(tmp_path, {"embeddings": TABLE, "mapping": np.array([0, 1, 2, 3, 4, 6], dtype=np.int64)})
    with pytest.raises(DataError, match="names vectors that are not there"):
        StaticEncoder(tmp_path, max_tokens=8).encode(["red"])


def test_a_folder_without_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no static embeddings"):
        StaticEncoder(tmp_path, max_tokens=8)


@pytest.mark.parametrize("wrong", [{"dtype": "int8"}, {"pooling": "cls"}])
def test_settings_that_mean_nothing_here_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    save(tmp_path, {"embeddings": TABLE})
    with pytest.raises(ConfigError, match=f"text.{next(iter(wrong))}"):
        load_encoder(TextConfig(encoder=str(tmp_path), **wrong))
