"""What is known of items besides who liked them, as a few numbers each: their entities and their text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from ...text import TextFeatures

__all__ = ["item_content"]

Rows = npt.NDArray[np.float32]


def item_content(entities: sp.csr_array, text: TextFeatures | None, dimension: int) -> Rows:
    """Principal components of items' entities and text side by side, float32, shape (items, at most `dimension`).

    Entities of two and more items count, the rarer the more (by the logarithm of the share of items that have them);
    text counts as the direction from the mean text. Each of the two has length 1 in an item that has it, and 0 in one
    that has not. Components come with the largest first, each as long as the data are wide along it.

    Args:
        entities: binary item-entity matrix, shape (items, entities).
        text: text vectors of the nodes, items first, or None.
        dimension: how many components are kept at most.
    """
    n = entities.shape[0]
    parts = [_of_entities(entities, dimension)]
    if text is not None:
        parts.append(_of_text(TextFeatures(text.vectors[:n], text.present[:n])))
    joined = np.concatenate(parts, axis=1)
    if not joined.shape[1]:
        return joined
    variances, directions = np.linalg.eigh((joined.T @ joined).astype(np.float64))
    kept = np.flatnonzero(variances > 1e-6 * max(variances[-1], 1e-12))[::-1][:dimension]
    return np.ascontiguousarray(joined @ directions[:, kept], dtype=np.float32)


def _of_entities(entities: sp.csr_array, dimension: int) -> Rows:
    """Principal components of the rows of weighted entities, each row of length 1 before, shape (items, components)."""
    linked = np.asarray(entities.sum(axis=0)).ravel()
    shared = np.flatnonzero(linked >= 2)
    n = entities.shape[0]
    rarity = np.log1p(n / linked[shared])
    weighted = sp.csr_array(entities[:, shared].astype(np.float64) * rarity)
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    rows = sp.csr_array(sp.diags_array(1 / np.where(length > 0, length, 1)) @ weighted)
    k = min(dimension, *(size - 1 for size in rows.shape))
    if k < 1 or not rows.nnz:
        return np.asarray(rows.toarray() if 0 < rows.shape[1] <= 1 else np.zeros((n, 0)), dtype=np.float32)
    # A fixed start makes the iteration the same every time.
    left, size, _ = svds(rows, k=k, v0=np.ones(min(rows.shape)), random_state=0)
    return np.asarray(left * size, dtype=np.float32)


def _of_text(text: TextFeatures) -> Rows:
    """Directions of the texts from their mean, 0 where there is none, shape (items, d)."""
    if not text.present.any():
        return np.zeros((len(text), 0), dtype=np.float32)
    moved = np.where(text.present[:, None], text.vectors - text.vectors[text.present].mean(axis=0), 0)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(length > 0, length, 1), dtype=np.float32)
