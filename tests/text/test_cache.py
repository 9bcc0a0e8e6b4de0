"""CachedEncoder: what it encodes, what it reuses, and what it survives."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from plait.kg import DataError
from plait.text.cache import CachedEncoder
from plait.text.encoder import TextEncoder
from plait.text.huggingface import HuggingFaceEncoder

Vectors = npt.NDArray[np.float32]

TEXTS = ["red hat", "", "blue scarf", "red hat", "wool", "\ud83d half a pair", "red  hat", "wool"]  # six different ones


class LetterCounts:
    """An encoder small enough to see through: how often each letter occurs. It notes which texts it has read."""

    def __init__(self, letters: str = "adeorw", *, stop_at: int | None = None) -> None:
        self.letters = letters
        self.dimension = len(letters)
        self.fingerprint = f"counts of {letters}"
        self.read: list[str] = []
        self._stop_at = stop_at

    def encode(self, texts: Sequence[str], *, on_progress: Callable[[int, int], None] | None = None) -> Vectors:
        if self._stop_at is not None and len(self.read) >= self._stop_at:
            raise KeyboardInterrupt
        self.read.extend(texts)
        if on_progress is not None:
            on_progress(len(texts), len(texts))
        return self.counts(texts)

    def counts(self, texts: Sequence[str]) -> Vectors:
        rows = [[text.count(letter) for letter in self.letters] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimension)


def test_it_is_an_encoder_like_the_one_it_wraps(tmp_path: Path) -> None:
    cached = CachedEncoder(LetterCounts(), tmp_path)
    assert isinstance(cached, TextEncoder)
    assert (cached.dimension, cached.fingerprint) == (6, "counts of adeorw")


def test_equal_texts_are_encoded_once(tmp_path: Path) -> None:
    encoder = LetterCounts()
    cached = CachedEncoder(encoder, tmp_path)
    np.testing.assert_array_equal(cached.encode(TEXTS), encoder.counts(TEXTS))
    assert sorted(encoder.read) == sorted(set(TEXTS))
    assert (cached.encoded, cached.reused) == (6, 2)


def test_a_second_run_encodes_nothing(tmp_path: Path) -> None:
    CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)
    encoder = LetterCounts()
    cached = CachedEncoder(encoder, tmp_path)
    vectors = cached.encode(TEXTS[::-1])
    np.testing.assert_array_equal(vectors, encoder.counts(TEXTS[::-1]))
    assert vectors.dtype == np.float32
    assert encoder.read == []
    assert (cached.encoded, cached.reused) == (0, 8)


def test_a_changed_text_is_encoded_alone(tmp_path: Path) -> None:
    encoder = LetterCounts()
    cached = CachedEncoder(encoder, tmp_path)
    cached.encode(TEXTS)
    encoder.read.clear()
    changed = [*TEXTS[:2], "blue scarfs", *TEXTS[3:]]
    np.testing.assert_array_equal(cached.encode(changed), encoder.counts(changed))
    assert encoder.read == ["blue scarfs"]
    assert (cached.encoded, cached.reused) == (1, 7)


def test_models_share_a_folder_without_mixing(tmp_path: Path) -> None:
    one, other = LetterCounts("adeorw"), LetterCounts("wol")
    CachedEncoder(one, tmp_path).encode(TEXTS)
    np.testing.assert_array_equal(CachedEncoder(other, tmp_path).encode(TEXTS), other.counts(TEXTS))
    assert len(other.read) == 6


def test_more_texts_than_fit_a_query_or_a_commit(tmp_path: Path) -> None:
    texts = [f"{'wool ' * (number % 7)}{number}" for number in range(1301)]
    encoder = LetterCounts()
    cached = CachedEncoder(encoder, tmp_path)
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        vectors = cached.encode(texts, on_progress=lambda done, total: seen.append((done, total)))
        np.testing.assert_array_equal(vectors, encoder.counts(texts))
    assert seen == [(0, 1301), (512, 1301), (1024, 1301), (1301, 1301), (1301, 1301)]
    assert len(encoder.read) == 1301


def test_no_texts_need_no_file(tmp_path: Path) -> None:
    assert CachedEncoder(LetterCounts(), tmp_path).encode([]).shape == (0, 6)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_keeps_what_it_had(tmp_path: Path) -> None:
    texts = [f"scarf {number}" for number in range(700)]
    interrupted = CachedEncoder(LetterCounts(stop_at=1), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        interrupted.encode(texts)
    assert interrupted.encoded == 512
    encoder = LetterCounts()
    np.testing.assert_array_equal(CachedEncoder(encoder, tmp_path).encode(texts), encoder.counts(texts))
    assert len(encoder.read) == 700 - 512


def test_a_vector_that_is_not_finite_is_not_kept(tmp_path: Path) -> None:
    class Broken(LetterCounts):
        def counts(self, texts: Sequence[str]) -> Vectors:
            return np.full((len(texts), self.dimension), np.nan, dtype=np.float32)

    with pytest.raises(DataError, match="not finite"):
        CachedEncoder(Broken(), tmp_path).encode(TEXTS)
    assert CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)[0].any()


def overwrite_all(file: Path) -> None:
    file.write_bytes(b"no database at all " * 300)


def overwrite_the_end(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def shorten_the_vectors(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE vector SET value = substr(value, 1, 9)")


@pytest.mark.parametrize("damage", [overwrite_all, overwrite_the_end, shorten_the_vectors])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)
    (file,) = tmp_path.iterdir()
    damage(file)
    with pytest.raises(DataError, match=r"damaged.*remove this file") as caught:
        CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)
    assert caught.value.path == file
    file.unlink()
    assert CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS).any()


def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "vectors.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE vector (mine TEXT)")
    before = file.read_bytes()
    with pytest.raises(DataError, match=r"another program's.*remove this file") as caught:
        CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)
    assert caught.value.path == file
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match=r"taken/vectors\.sqlite: the text cache cannot be used"):
        CachedEncoder(LetterCounts(), tmp_path / "taken").encode(TEXTS)


@pytest.mark.parametrize("attempt", range(5))
def test_several_threads_may_begin_one_cache(tmp_path: Path, attempt: int) -> None:
    texts = [f"wool {number}" for number in range(40 + attempt)]
    with ThreadPoolExecutor(7) as pool:
        results = list(pool.map(lambda _: CachedEncoder(LetterCounts(), tmp_path).encode(texts), range(7)))
    for vectors in results:
        np.testing.assert_array_equal(vectors, LetterCounts().counts(texts))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A random BERT over ten digits: child processes can import it, which a class of this file they cannot."""
    folder = tmp_path / "model"
    torch.manual_seed(7)
    BertModel(
        BertConfig(
            vocab_size=12,
            hidden_size=6,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=5,
            max_position_embeddings=9,
        )
    ).save_pretrained(folder)
    words = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *"0123456789"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]").save_pretrained(folder)
    return folder


def test_two_processes_write_one_cache_at_once(model: Path, tmp_path: Path) -> None:
    texts = [str(number) for number in range(2300)]
    encoder = HuggingFaceEncoder(model, max_tokens=8, tokens_per_batch=4096)
    expected = encoder.encode(texts)
    cached = CachedEncoder(HuggingFaceEncoder(model, max_tokens=8, tokens_per_batch=4096), tmp_path / "cache")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        forward, backward = pool.submit(cached.encode, texts), pool.submit(cached.encode, texts[::-1])
        np.testing.assert_allclose(forward.result(), expected, atol=1e-5)
        np.testing.assert_allclose(backward.result(), expected[::-1], atol=1e-5)
    np.testing.assert_allclose(cached.encode(texts), expected, atol=1e-5)
    assert (cached.encoded, cached.reused) == (0, 2300)
