"""The loop that all models of padded batches share: batch, run, put back in order, count."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .batching import padded, token_batches
from .encoder import OnProgress, TextVectors
from .encoding_stats import EncodingStats
from .tokens import TokenTexts

__all__ = ["run_batches"]

Forward = Callable[[Tensor, Tensor], Tensor]
"""Ids and mask, shape (texts, tokens) each, to vectors, shape (texts, dimension)."""


def run_batches(
    texts: TokenTexts,
    forward: Forward,
    *,
    dimension: int,
    padding: int,
    tokens_per_batch: int,
    on_progress: OnProgress | None = None,
) -> tuple[TextVectors, EncodingStats]:
    """Vectors of texts in their order, zero for those without tokens, and the counts of it, tokenising included.

    Args:
        texts: token ids and their counts.
        forward: runs a batch; it may return before a GPU is done.
        dimension: length of each vector.
        padding: the id that fills up a batch.
        tokens_per_batch: bound on a batch's texts times its longest one.
        on_progress: called after each batch with the texts done so far and the texts in all.
    """
    start = time.perf_counter()
    vectors = np.zeros((len(texts.ids), dimension), dtype=np.float32)
    lengths = np.fromiter(map(len, texts.ids), dtype=np.int64, count=len(texts.ids))
    done, filled = int(np.count_nonzero(lengths == 0)), 0
    # One batch behind: a GPU works on this batch while the one before is fetched.
    waiting: list[tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Tensor]] = []
    for rows in token_batches(lengths, tokens_per_batch):
        ids, mask = padded([texts.ids[row] for row in rows], padding)
        filled += mask.size - int(lengths[rows].sum())
        waiting.append((rows, forward(torch.from_numpy(ids), torch.from_numpy(mask))))
        if len(waiting) > 1:
            done += _fetch(waiting.pop(0), vectors, done, on_progress)
    while waiting:
        done += _fetch(waiting.pop(0), vectors, done, on_progress)
    stats = texts.stats
    return vectors, replace(stats, padding=filled, seconds=stats.seconds + time.perf_counter() - start)


def _fetch(
    batch: tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Tensor],
    vectors: TextVectors,
    done: int,
    on_progress: OnProgress | None,
) -> int:
    rows, result = batch
    vectors[rows] = result.float().cpu().numpy()
    if on_progress is not None:
        on_progress(done + len(rows), len(vectors))
    return len(rows)
