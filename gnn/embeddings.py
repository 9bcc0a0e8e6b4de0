"""What a trained net leaves: embeddings of users, items and entities, and how a new history becomes a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["Embeddings", "Matrix", "joined", "unit"]

Matrix = npt.NDArray[np.float32]
"""Rows of float32, shape (n, d)."""

SMALLEST_NORM = np.float32(1e-12)
"""That of `torch.nn.functional.normalize`."""


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings of one net, in rows by internal number.

    A user's embedding is a function of the history: `own + weighted sum of fold rows of the history / sqrt(sum of the weights)`. With
    the history of the training it is exactly what the net propagated; with a longer one, or for a user that the net
    has not met in training (whose own part is 0), it is what the net would have propagated had the items stayed as
    they are.

    Attributes:
        user_own: the part of each user that does not come from the history, shape (users, d).
        fold: what each item adds to a user that met it, shape (items, d).
        items: final embeddings of the items, shape (items, d).
        entities: final embeddings of the entities, shape (entities, d).
        bias: learned bias of each item, added to the score, shape (items,).
        temperature: what cosines are divided by.
        blocks: from how many nets trained apart the columns are, side by side; a score is the mean of their scores.
    """

    user_own: Matrix
    fold: Matrix
    items: Matrix
    entities: Matrix
    bias: Matrix
    temperature: float
    blocks: int = 1

    def users(self, history: sp.csr_array, numbers: npt.NDArray[np.int64] | None = None) -> Matrix:
        """Embeddings of users with these histories, shape (batch, d).

        Args:
            history: weight of each item of the histories, 1 unless some count for more, shape (batch, items).
            numbers: user numbers, -1 for a user the net has never met, shape (batch,); all users by default.
        """
        lengths = np.asarray(history.sum(axis=1), dtype=np.float32)
        lengths[lengths == 0] = 1
        folded: Matrix = np.asarray(history @ self.fold, dtype=np.float32)
        folded /= np.sqrt(lengths)[:, None]
        if numbers is None:
            folded += self.user_own
            return folded
        known = numbers >= 0
        folded[known] += self.user_own[numbers[known]]
        return folded

    def scores(self, users: Matrix) -> Matrix:
        """Scores of all items for user embeddings, shape (batch, items): cosine / temperature + bias."""
        items = unit(self.items, self.blocks).T / np.float32(self.temperature * self.blocks)
        return unit(users, self.blocks) @ items + self.bias


def unit(rows: Matrix, blocks: int = 1) -> Matrix:
    """Rows scaled to length 1; a row of zeros stays so, and one all but zero is not blown up: as in training.

    Args:
        rows: shape (n, d).
        blocks: into how many equal parts the columns fall, each scaled by itself.
    """
    parts = rows.reshape(len(rows), blocks, rows.shape[1] // blocks)
    norms = np.linalg.norm(parts, axis=2, keepdims=True)
    return np.asarray(parts / np.maximum(norms, SMALLEST_NORM), dtype=np.float32).reshape(rows.shape)


def joined(nets: Sequence[Embeddings]) -> Embeddings:
    """Nets of one configuration trained apart as one: columns side by side, scores the mean of theirs.

    Items and entities are scaled so that a cosine of theirs is the mean of the nets' cosines.
    """
    if len(nets) == 1:
        return nets[0]
    share = np.float32(1 / np.sqrt(len(nets)))
    return Embeddings(
        user_own=np.concatenate([net.user_own for net in nets], axis=1),
        fold=np.concatenate([net.fold for net in nets], axis=1),
        items=np.concatenate([unit(net.items) * share for net in nets], axis=1),
        entities=np.concatenate([unit(net.entities) * share for net in nets], axis=1),
        bias=np.stack([net.bias for net in nets]).mean(axis=0, dtype=np.float64).astype(np.float32),
        temperature=nets[0].temperature,
        blocks=len(nets),
    )
