"""What the nets learn: the interacted item out of the catalogue, by a softmax over cosines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["softmax_loss"]


def softmax_loss(
    users: Tensor, items: Tensor, bias: Tensor, positive: Tensor, temperature: float, sampled: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy of the positives.

    Args:
        users: embeddings of each row's user, shape (batch, d).
        items: embeddings of all items, shape (items, d).
        bias: added to the logits, shape (items,).
        positive: the item each row's user interacted with, shape (batch,).
        temperature: what cosines are divided by.
        sampled: items drawn uniformly that stand for the catalogue, shape (n,); None for all items. Where a drawn
            item is the row's positive it is left out. With a uniform draw the correction for the sampling
            probability is the same for every negative; it is added so that the loss estimates the full one.
    """
    u = functional.normalize(users, dim=1) / temperature
    if sampled is None:
        return functional.cross_entropy(u @ functional.normalize(items, dim=1).T + bias, positive)
    own = (u * functional.normalize(items[positive], dim=1)).sum(1) + bias[positive]
    others = u @ functional.normalize(items[sampled], dim=1).T + bias[sampled]
    others = others + torch.log(torch.tensor(max(len(items) - 1, 1) / len(sampled)))
    others = others.masked_fill(sampled[None, :] == positive[:, None], -torch.inf)
    logits = torch.cat([own[:, None], others], dim=1)
    return functional.cross_entropy(logits, torch.zeros_like(positive))
