"""Which texts run together: like with like, so that little is padding, and no more than fits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["PADDING_SHARE", "padded", "token_batches"]

PADDING_SHARE = 0.05
"""No batch has a larger share of padding."""


def token_batches(lengths: npt.NDArray[np.int64], tokens_per_batch: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of texts to run together, longest first: each text of non-zero length once, like with like.

    Longest first, so that a batch too large for the memory fails at once and an estimate of the time left errs upwards.
    A batch ends where another text would make more than 5 % of it padding.

    Args:
        lengths: tokens of each text, shape (texts,).
        tokens_per_batch: bound on a batch's rows times its longest text; a text longer than that runs alone.
    """
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        rows = order[start : start + max(1, tokens_per_batch // longest)]
        run = longest * np.arange(1, len(rows) + 1)
        # Texts only get shorter, so the share of padding only grows: what is within it stands in front.
        rows = rows[: np.count_nonzero(run - np.cumsum(lengths[rows]) <= PADDING_SHARE * run)]
        yield rows
        start += len(rows)


def padded(tokens: list[npt.NDArray[np.int32]], padding: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Token ids filled up on the right with `padding`, and the mask, 1 at tokens; both of shape (texts, longest).

    On the right whatever the tokenizer prefers: with the mask, encoders do not see it, and the tokens of a decoder never
    look to their right.
    """
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    mask = np.arange(int(lengths.max()))[None, :] < lengths[:, None]
    ids = np.full(mask.shape, padding, dtype=np.int64)
    ids[mask] = np.concatenate(tokens)
    return ids, mask.astype(np.int64)
