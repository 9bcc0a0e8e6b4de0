"""What the nets learn: the interacted item out of the catalogue, by a softmax over cosines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["rows", "softmax_loss"]


def softmax_loss(
    users: Tensor, items: Tensor, bias: Tensor, positive: Tensor, temperature: float, sampled: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy of the positives.

    Args:
        users: embeddings of each row's user, shape (batch, d).
        items: embeddings of the items to choose from, shape (items, d). An item that no one met in training must not
            be among them: it could only ever be a wrong answer, and would learn to cancel what the graph says of it.
        bias: added to the logits, shape (items,).
        positive: the item each row's user interacted with, shape (batch,).
        temperature: what cosines are divided by.
        sampled: items drawn uniformly that stand for the catalogue, shape (n,); None for all items. Where a drawn
            item is the row's positive it is left out. Each of the others stands for as many items as it takes for
            them to make up the whole catalogue; the logarithm of that is added, so that the loss estimates the full one.
    """
    u = functional.normalize(users, dim=1) / temperature
    if sampled is None:
        return functional.cross_entropy(u @ functional.normalize(items, dim=1).T + bias, positive)
    own = (u * functional.normalize(rows(items, positive), dim=1)).sum(1) + rows(bias[:, None], positive)[:, 0]
    others = u @ functional.normalize(rows(items, sampled), dim=1).T + rows(bias[:, None], sampled)[:, 0]
    taken = sampled[None, :] == positive[:, None]
    drawn = (~taken).sum(1, keepdim=True).clamp_min(1)
    others = (others + torch.log((len(items) - 1) / drawn)).masked_fill(taken, -torch.inf)
    logits = torch.cat([own[:, None], others], dim=1)
    return functional.cross_entropy(logits, torch.zeros_like(positive))


def rows(table: Tensor, numbers: Tensor) -> Tensor:
    """Rows of a table, shape (n, d).

    `table[numbers]` too, but its gradient is summed in whatever order the threads come: the same seed would not give
    the same net twice.
    """
    return functional.embedding(numbers, table)
