"""Vectors of texts together with the knowledge of which of them exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # encoder.py is about encoders, which give features: at run time neither needs the other
    from .encoder import OnProgress, Role, TextEncoder

__all__ = ["TextFeatures", "text_features"]


@dataclass(frozen=True)
class TextFeatures:
    """One vector a text, and whether there is one.

    A text that is missing (empty, nothing but blanks, an id without a stored vector) has no vector: its row in `vectors`
    is 0 and means nothing. Who reads `vectors` looks at `present` first; a vector of zeros is not "a text about nothing".

    Attributes:
        vectors: float32, shape (texts, dimension); 0 in the rows that are not present.
        present: bool, shape (texts,).

    Raises:
        ValueError: if the shapes do not go together, or a row that is not present is not 0.
    """

    vectors: npt.NDArray[np.float32]
    present: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check that one goes with the other."""
        if self.vectors.ndim != 2 or self.present.shape != self.vectors.shape[:1]:
            raise ValueError(f"vectors {self.vectors.shape} and present {self.present.shape} do not go together")
        if self.vectors[~self.present].any():
            raise ValueError("a text that is not present has a vector")

    def __len__(self) -> int:
        """Texts, present or not."""
        return len(self.present)

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return int(self.vectors.shape[1])

    @property
    def n_missing(self) -> int:
        """Texts without a vector."""
        return int(np.count_nonzero(~self.present))


def text_features(
    encoder: TextEncoder,
    texts: Sequence[str],
    *,
    role: Role = "passage",
    on_progress: OnProgress | None = None,
) -> TextFeatures:
    """Vectors of `texts` by `encoder`, with a mark at those that have none.

    Every encoder gives exactly 0 to a text without a token of its own, and to no other: this is where that becomes a
    mark.

    Args:
        encoder: any encoder, cached or not.
        texts: any number of texts; an empty one is missing.
        role: what the texts are: passages to be found, or queries that look for them.
        on_progress: called with the texts done so far and the texts in all.
    """
    vectors = encoder.encode(texts, role=role, on_progress=on_progress)
    return TextFeatures(vectors, np.asarray(vectors.any(axis=1)))
