"""What a text encoder is tuned by: telling the item that goes with an anchor from the others of the step."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["anchors", "contrastive_loss"]


def anchors(vectors: Tensor, context: Tensor) -> Tensor:
    """The mean of some vectors for each anchor, at length 1, shape (anchors, d).

    Args:
        vectors: shape (c, d).
        context: rows of `vectors` that make up each anchor, -1 for none, shape (anchors, m).
    """
    # One more row, of zeros, which -1 means. embedding and not indexing: its gradient is summed in a fixed order.
    padded = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
    rows = torch.where(context < 0, len(vectors), context)
    return functional.normalize(functional.embedding(rows, padded).sum(dim=1), dim=1)


def contrastive_loss(
    anchor: Tensor, candidates: Tensor, positive: Tensor, allowed: Tensor, log_q: Tensor, temperature: float
) -> Tensor:
    r"""Mean cross-entropy of the positives (InfoNCE) with in-batch negatives.

    .. math:: -\frac1n \sum_a \log \frac{e^{l_{ap}}}{\sum_{j \in A_a} e^{l_{aj}}}, \quad l_{aj} = \cos(a, j) / \tau - \log q_j

    Where each item of a pair is the other's anchor, as `PairBatch` has it, the loss is the same both ways round.

    Args:
        anchor: vectors of length 1, shape (n, d).
        candidates: vectors of length 1, shape (c, d).
        positive: each anchor's right answer, shape (n,).
        allowed: the candidates it chooses from, its positive among them, shape (n, c).
        log_q: logarithm of how often each candidate is drawn, shape (c,): without it, what is drawn often is pushed away
            often, and learned as further from everything than it is.
        temperature: tau.
    """
    logits = anchor @ candidates.T / temperature - log_q
    return functional.cross_entropy(logits.masked_fill(~allowed, -torch.inf), positive)
