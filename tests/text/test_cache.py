"""CachedEncoder: what it encodes, what it reuses, and what it survives."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from plait.kg import DataError
from plait.text.cache import CachedEncoder
from plait.text.encoder import Role, TextEncoder
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

    def prompt(self, role: Role) -> str:
        return "query: " if role == "query" else ""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: Callable[[int, int], None] | None = None
    ) -> Vectors:
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
    # A fast encoder's portions grow: 512 texts, then the 789 others in one.
    assert seen == [(0, 1301), (512, 1301), (1301, 1301), (1301, 1301)]
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


def test_roles_differ_where_prompts_do(tmp_path: Path) -> None:
    encoder = LetterCounts()
    cached = CachedEncoder(encoder, tmp_path)
    cached.encode(["wool"])
    cached.encode(["wool"], role="query")
    assert (cached.encoded, encoder.read) == (1, ["wool", "wool"])
    # A text that looks like a prompt and a text is not taken for them.
    cached.encode(["query: wool"])
    assert cached.encoded == 1


def test_the_dimension_is_known_from_the_cache_alone(tmp_path: Path) -> None:
    class Unasked(LetterCounts):
        @property
        def dimension(self) -> int:
            raise AssertionError("the encoder was asked")

        @dimension.setter
        def dimension(self, value: int) -> None: ...

    CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)
    cached = CachedEncoder(Unasked(), tmp_path)
    assert cached.dimension == 6
    assert cached.encode(TEXTS).shape == (8, 6)


class Halves(LetterCounts):
    """Gives what float16 holds, and says so."""

    stored = "float16"

    def __init__(self, step: float = 0.5) -> None:
        super().__init__("wol")
        self._step = step

    def counts(self, texts: Sequence[str]) -> Vectors:
        return super().counts(texts) * np.float32(self._step)


def test_float16_is_kept_where_it_is_exact(tmp_path: Path) -> None:
    expected = CachedEncoder(Halves(), tmp_path).encode(TEXTS)
    cached = CachedEncoder(Halves(), tmp_path)
    again = cached.encode(TEXTS)
    np.testing.assert_array_equal(again, expected)
    assert (again.dtype, cached.encoded) == (np.float32, 0)
    with pytest.raises(ValueError, match="says that its vectors are float16, and they are not"):
        CachedEncoder(Halves(0.1), tmp_path / "other").encode(TEXTS)


def test_two_models_under_one_name_are_told(tmp_path: Path) -> None:
    CachedEncoder(LetterCounts("adeorw"), tmp_path).encode(TEXTS)
    impostor = LetterCounts("wol")
    impostor.fingerprint = "counts of adeorw"
    with pytest.raises(DataError, match="have 6 dimensions and the encoder's have 3"):
        # Known texts are answered; only the new one tells.
        CachedEncoder(impostor, tmp_path).encode([*TEXTS, "new"])


def test_what_is_too_dear_is_refused_before_the_first_text(tmp_path: Path) -> None:
    class Dear(LetterCounts):
        def check_cost(self, texts: Sequence[str], *, role: Role = "passage") -> None:
            if len(texts) > 4:
                raise DataError(f"{len(texts)} texts are too dear")

    encoder = Dear()
    with pytest.raises(DataError, match="6 texts are too dear"):
        CachedEncoder(encoder, tmp_path).encode(TEXTS)
    assert encoder.read == []
    CachedEncoder(encoder, tmp_path).encode(TEXTS[:4])
    CachedEncoder(encoder, tmp_path).encode(TEXTS)
    assert len(encoder.read) == 6


def test_an_old_cache_is_not_read_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = tmp_path / "vectors.sqlite"
    old.write_bytes(b"SQLite format 3")
    caplog.set_level("INFO", "plait.text.cache")
    CachedEncoder(LetterCounts(), tmp_path).encode(TEXTS)
    assert f"{old}: a text cache of an older version, which is not read" in caplog.text
    assert old.read_bytes() == b"SQLite format 3"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match=r"taken/.*: the text cache cannot be used"):
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
