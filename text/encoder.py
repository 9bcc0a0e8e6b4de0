"""What a text encoder is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["OnProgress", "Pooling", "Precision", "Role", "TextEncoder", "TextVectors"]

TextVectors = npt.NDArray[np.float32]
"""One vector a text, shape (texts, dimension)."""

OnProgress = Callable[[int, int], None]
"""Called with the texts done so far and the texts in all, after each batch."""


Pooling = Literal["mean", "cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len"]
"""From the states of a text's tokens to one vector. mean: over the tokens. cls: the first token. max: the largest of each
coordinate. lasttoken: the last one, which alone has seen the whole text in a language model. weightedmean: mean with weights
1, 2, 3, ... in reading order. mean_sqrt_len: sum over the square root of the number of tokens."""

Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]
"""What a transformer computes in; see `TextConfig.dtype`."""

Role = Literal["passage", "query"]
"""What a text is: a passage that can be found, or a query that looks for passages. Some models want to be told."""


@runtime_checkable
class TextEncoder(Protocol):
    """A function from texts to vectors, with a name for its content."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    @property
    def fingerprint(self) -> str:
        """Names what the vectors depend on: two encoders with one fingerprint give the same vectors, up to rounding."""

    def prompt(self, role: Role) -> str:
        """What the model wants before a text of that role, such as "query: "; "" where it wants nothing."""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        The encoder itself puts its prompt before each text. A text without a token of its own (the prompt is none) gets
        all zeros, and no other text does: see `TextFeatures`.
        """
