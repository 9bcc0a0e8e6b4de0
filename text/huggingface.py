"""Local Hugging Face models as text encoders: tokenise once, batch by length, pool, put back in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .batching import token_batches
from .config import Prompts
from .content import content_hash
from .encoder import OnProgress, Pooling, Precision, Role, TextVectors
from .encoding_stats import EncodingStats
from .folder import Recipe, read_recipe
from .loading import check_weights, load_model, load_tokenizer, positions, read_model_config, reads_left_to_right
from .passes import run_batches
from .pooling import pool
from .precision import in_precision, resolve_precision
from .tokens import TokenReader

__all__ = ["HuggingFaceEncoder", "token_batches"]

_CONTENT = (
    "*.safetensors",
    "*.index.json",
    "*.model",
    "config.json",
    "merges.txt",
    "tokenizer*",
    "vocab*",
    "*token*.json",
)
"""The files of a model folder that its vectors depend on."""


class HuggingFaceEncoder:
    """Vectors of texts by a transformer in a local folder: an encoder, or a language model that reads from left to right.

    Texts are stripped, put behind the prompt of their role, and cut at `max_tokens`; the last layer's states are pooled
    and scaled to length 1, all as a sentence-transformers folder says of itself (modules.json, with dense layers; prompts
    of config_sentence_transformers.json). A plain Hugging Face folder gets length 1 and the mean over its tokens, special
    ones included, or for a language model the last token. A text without a token of its own gets the zero vector. Weights
    and tokenizer are loaded at the first text, so a run that finds all vectors in its cache never waits for them.

    Args:
        folder: a Hugging Face or sentence-transformers folder with safetensors weights.
        max_tokens: longest text in tokens, special ones included; the model's own limit where that is lower.
        tokens_per_batch: tokens in one forward pass, padding included.
        device: a torch device.
        dtype: what is computed in; pooling and what follows it are in float32 always.
        pooling: in place of what the folder says.
        prompts: in place of what the folder says.

    Attributes:
        dimension: length of each vector.
        fingerprint: sha256 over config, weights, tokenizer, pooling, `max_tokens` and `dtype`, as 64 hexadecimal digits. With
            dtype "auto" it is the same on machines with and without bfloat16.
        stats: counts of all calls so far.

    Raises:
        DataError: if the folder is missing, incomplete, or asks for what plait does not do: code of its own, pickled
            weights, another pooling.
        ConfigError: if the device does not do that dtype.
        ValueError: if `max_tokens` or `tokens_per_batch` is below 1.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        max_tokens: int,
        tokens_per_batch: int,
        device: str = "cpu",
        dtype: Precision = "float32",
        pooling: Pooling | None = None,
        prompts: Prompts | None = None,
    ) -> None:
        if min(max_tokens, tokens_per_batch) < 1:
            raise ValueError(f"max_tokens ({max_tokens}) and tokens_per_batch ({tokens_per_batch}) must be at least 1")
        self.max_tokens = max_tokens
        self.tokens_per_batch = tokens_per_batch
        self.device = torch.device(device)
        self.precision = resolve_precision(dtype, self.device)
        recipe = read_recipe(Path(folder)).override(pooling, prompts)
        check_weights(recipe.weights)
        config = read_model_config(recipe.weights)
        self._recipe = replace(recipe, poolings=recipe.poolings or (_usual_pooling(config),))
        self.dimension = _dimension(self._recipe, int(config.get_text_config().hidden_size))
        self.fingerprint = _fingerprint(self._recipe, f"{max_tokens} {dtype}")
        self.stats = EncodingStats()

    def prompt(self, role: Role) -> str:
        """What goes before a text of that role."""
        return self._recipe.prompts[role]

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Args:
            texts: any number of texts, of any length.
            role: what the texts are.
            on_progress: called after each batch with the texts done so far and the texts in all.

        Raises:
            DataError: at the first text, if weights or tokenizer cannot be loaded.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        loaded, start = self._loaded, time.perf_counter()
        read = loaded.reader.read(texts, self.prompt(role))
        tokenising = time.perf_counter() - start
        skip = 0 if self._recipe.counts_prompt else read.prompt

        @torch.inference_mode()
        def forward(ids: Tensor, mask: Tensor) -> Tensor:
            ids, mask = ids.to(self.device), mask.to(self.device)
            # Without padding no mask is needed, and attention has faster ways.
            states = loaded.model(input_ids=ids, attention_mask=None if mask.all() else mask)
            return self.head(states.last_hidden_state, mask, skip=skip)

        vectors, stats = run_batches(
            read,
            forward,
            dimension=self.dimension,
            padding=loaded.padding,
            tokens_per_batch=self.tokens_per_batch,
            on_progress=on_progress,
        )
        self.stats += replace(stats, seconds=stats.seconds + tokenising)
        return vectors

    def head(self, states: Tensor, mask: Tensor, *, skip: int = 0) -> Tensor:
        """From the last layer's states to the vectors: pooling, dense layers, length 1; gradients flow through.

        Args:
            states: shape (texts, tokens, hidden).
            mask: 1 at tokens, 0 at padding, shape (texts, tokens).
            skip: tokens at the start of each text that are not pooled.
        """
        vectors = pool(states, mask, self._recipe.poolings, skip=skip)
        for dense in self._dense:
            vectors = torch.nn.functional.normalize(vectors, dim=1) if dense is None else dense(vectors)
        return vectors

    def tokenise(self, texts: Sequence[str], *, role: Role = "passage") -> list[npt.NDArray[np.int32]]:
        """Token ids of each text, prompt and special ones included, at most `max_tokens`; none for a text without its own."""
        return self._loaded.reader.read(texts, self.prompt(role)).ids if texts else []

    @cached_property
    def _dense(self) -> list[Callable[[Tensor], Tensor] | None]:
        return [None if dense is None else dense.load(self.device) for dense in self._recipe.head]

    def _weights(self) -> Any:
        """The model in float32, before it is put on the device in its precision."""
        return load_model(self._recipe.weights)

    @cached_property
    def _loaded(self) -> _Loaded:
        tokenizer = load_tokenizer(self._recipe.weights)
        model = self._weights()
        limit = min(self.max_tokens, positions(model), int(tokenizer.model_max_length))
        reader = TokenReader(tokenizer, limit, lowercase=self._recipe.lowercase)
        return _Loaded(in_precision(model, self.precision, self.device), tokenizer, reader)


@dataclass(frozen=True)
class _Loaded:
    """A model ready to run, and what makes its input."""

    model: Any
    tokenizer: Any
    reader: TokenReader

    @property
    def padding(self) -> int:
        """The id that fills up a batch."""
        return self.reader.padding


def _usual_pooling(config: Any) -> Pooling:
    return "lasttoken" if reads_left_to_right(config) else "mean"


def _dimension(recipe: Recipe, hidden: int) -> int:
    dense = [layer.outputs for layer in recipe.head if layer is not None]
    return dense[-1] if dense else hidden * len(recipe.poolings)


def _fingerprint(recipe: Recipe, settings: str) -> str:
    # The leading number counts the versions of this package's own arithmetic: raise it when vectors change.
    files = [file for pattern in _CONTENT for file in recipe.weights.glob(pattern) if file.is_file()]
    dense = [layer.folder / "model.safetensors" for layer in recipe.head if layer is not None]
    return content_hash(f"2 {recipe.describe()} {settings}", [*files, *dense])
