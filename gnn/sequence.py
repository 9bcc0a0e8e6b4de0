"""A trained sequential net: its numbers, and how it scores histories, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .embeddings import Matrix, unit
from .sequence_histories import Histories

__all__ = ["SequenceModel"]

CELLS = 1 << 14
"""Positions computed at a time."""

EPSILON = np.float32(1e-5)
"""That of `torch.nn.LayerNorm`."""


@dataclass(frozen=True, eq=False)
class SequenceModel:
    """A causal transformer over item embeddings; `SequenceNet` has the equations.

    Attributes:
        items: item embeddings, both what goes in and what comes out is compared with, shape (items, d).
        bias: added to the score of each item, shape (items,).
        scale: what embeddings are multiplied by when they go in, shape (1,).
        temperature: what cosines are divided by, shape (1,).
        norms: scale and offset of the normalisation before attention, before the feed-forward part, shape
            (layers, 2, 2, d).
        last_norm: those of the last one, shape (2, d).
        query_key_value, query_key_value_bias: shapes (layers, d, 3 d) and (layers, 3 d).
        mixed, mixed_bias: what mixes the heads, shapes (layers, d, d) and (layers, d).
        by_distance: added to the logits of attention by items back, shape (layers, heads, max_length).
        feed_in, feed_in_bias, feed_out, feed_out_bias: the feed-forward part, shapes (layers, d, d) and (layers, d).
    """

    items: Matrix
    bias: Matrix
    scale: Matrix
    temperature: Matrix
    norms: Matrix
    last_norm: Matrix
    query_key_value: Matrix
    query_key_value_bias: Matrix
    mixed: Matrix
    mixed_bias: Matrix
    by_distance: Matrix
    feed_in: Matrix
    feed_in_bias: Matrix
    feed_out: Matrix
    feed_out_bias: Matrix

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All attributes."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> SequenceModel:
        """The model of these arrays."""
        return cls(**arrays)

    def scores(self, steps: sp.csr_array) -> Matrix:
        """Scores of all items, shape (batch, items): cosine / temperature + bias, 0 for an empty history.

        Args:
            steps: by how many steps ago each item was met, 1 the last, shape (batch, items).
        """
        scores = unit(self.users(steps)) @ self._towards + self.bias
        scores[np.diff(steps.indptr) == 0] = 0
        return scores

    def users(self, steps: sp.csr_array) -> Matrix:
        """What should come next by each history, 0 for an empty one, shape (batch, d)."""
        histories = Histories.of(steps).last(self.by_distance.shape[2])
        users = np.zeros((len(histories), self.items.shape[1]), dtype=np.float32)
        for rows in histories.batches(CELLS, np.flatnonzero(histories.lengths)):
            users[rows] = self._last(*histories.padded(rows))
        return users

    def _last(self, items: npt.NDArray[np.int64], filled: npt.NDArray[np.bool_]) -> Matrix:
        """Output at the last item of each sequence, shape (rows, d)."""
        x = self.items[items] * self.scale
        for layer in range(len(self.mixed)):
            x = x + self._attention(layer, _normal(x, self.norms[layer, 0]))
            hidden = _normal(x, self.norms[layer, 1]) @ self.feed_in[layer] + self.feed_in_bias[layer]
            x = x + np.maximum(hidden, 0) @ self.feed_out[layer] + self.feed_out_bias[layer]
        return _normal(x[np.arange(len(x)), filled.sum(1) - 1], self.last_norm)

    def _attention(self, layer: int, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        (batch, length, d), heads = x.shape, self.by_distance.shape[1]
        joint = x @ self.query_key_value[layer] + self.query_key_value_bias[layer]
        query, key, value = joint.reshape(batch, length, 3, heads, d // heads).transpose(2, 0, 3, 1, 4)
        back = np.arange(length)[:, None] - np.arange(length)
        bias = np.where(back < 0, -np.inf, self.by_distance[layer][:, np.maximum(back, 0)]).astype(np.float32)
        logits = query @ key.swapaxes(2, 3) * np.float32((d // heads) ** -0.5) + bias
        weights = np.exp(logits - logits.max(axis=3, keepdims=True))
        weights /= weights.sum(axis=3, keepdims=True)
        seen = (weights @ value).swapaxes(1, 2).reshape(batch, length, d)
        return np.asarray(seen @ self.mixed[layer] + self.mixed_bias[layer])

    @cached_property
    def _towards(self) -> Matrix:
        """Directions of the items over the temperature, shape (d, items)."""
        return np.ascontiguousarray((unit(self.items) / self.temperature).T)


def _normal(x: npt.NDArray[np.float32], norm: Matrix) -> npt.NDArray[np.float32]:
    """Rows with mean 0 and deviation 1, then scaled and moved."""
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
    return np.asarray(centred / deviation * norm[0] + norm[1])
