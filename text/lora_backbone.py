"""What training needs of an encoder: its model, the tokens of the texts, and how states become a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .config import Prompts
from .encoder import Pooling
from .huggingface import HuggingFaceEncoder
from .lora_config import LoraConfig

__all__ = ["Backbone"]


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen encoder, taken apart.

    Attributes:
        model: the transformer, in float32 and evaluation mode.
        head: last states, shape (b, t, h), and mask of tokens, shape (b, t), to vectors, shape (b, d).
        tokens: token ids of each text, prompt and special ones included; none for a text that is missing.
        padding: the id that fills up a batch.
        device: where the model is.
        fingerprint: the encoder's.
    """

    model: nn.Module
    head: Callable[[Tensor, Tensor], Tensor]
    tokens: list[npt.NDArray[np.int32]]
    padding: int
    device: torch.device
    fingerprint: str

    @classmethod
    def of(
        cls,
        folder: str | Path,
        texts: Sequence[str],
        present: npt.NDArray[np.bool_],
        config: LoraConfig,
        *,
        device: str,
        pooling: Pooling | None,
        prompts: Prompts | None,
    ) -> Backbone:
        """The encoder in a folder, and these texts as its passages; those not present have no tokens.

        Raises:
            DataError: if the folder cannot be used.
        """
        # An encoder of our own: its model is changed. In float32: whatever is made of that is made for inference.
        encoder = HuggingFaceEncoder(
            folder,
            max_tokens=config.max_tokens,
            tokens_per_batch=config.tokens_per_batch,
            device=device,
            dtype="float32",
            pooling=pooling,
            prompts=prompts,
        )
        loaded = encoder._loaded
        there = [text if known else "" for text, known in zip(texts, present, strict=True)]
        read = loaded.reader.read(there, encoder.prompt("passage"))
        skip = 0 if encoder._recipe.counts_prompt else read.prompt
        head = partial(encoder.head, skip=skip)
        return cls(loaded.model, head, read.ids, loaded.padding, encoder.device, encoder.fingerprint)
