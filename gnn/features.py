"""What a graph net wants to know of the nodes' texts."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["NodeFeatures"]


class NodeFeatures(Protocol):
    """Text vectors of items, then entities, and which of them exist; whoever made them.

    A row that is not present has no text: nothing of its vector is ever read.
    """

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """One vector a node, shape (items + entities, t)."""

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether a node has a text, shape (items + entities,)."""
