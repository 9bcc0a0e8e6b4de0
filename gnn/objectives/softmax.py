"""What the nets learn: the interacted item out of the catalogue, by a softmax over cosines."""

from __future__ import annotations

from typing import Any

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
        loss: Tensor = _FullSoftmax.apply(u, functional.normalize(items, dim=1), bias, positive)  # type: ignore[no-untyped-call]
        return loss
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


CHUNK = 1 << 20
"""Logits computed at a time on a CPU: 4 MiB, which stay in its caches."""


class _FullSoftmax(torch.autograd.Function):
    """Mean cross-entropy over all items, a few rows at a time, gradients included.

    Autograd keeps the whole matrix of logits and makes another two of its size on the way back; for 4,096 users and
    4,000 items most of the time went into asking the system for those. Here the gradient of each chunk is computed
    while its logits are at hand, and only the (small) gradients of users, items and biases are kept.
    """

    @staticmethod
    def forward(ctx: Any, users: Tensor, items: Tensor, bias: Tensor, positive: Tensor) -> Tensor:
        n = len(users)
        to_users, to_items, to_bias = torch.empty_like(users), torch.zeros_like(items), torch.zeros_like(bias)
        total = users.new_zeros(())
        step = n if users.is_cuda else max(1, CHUNK // len(items))
        for first in range(0, n, step):
            chunk = slice(first, first + step)
            logits = torch.mm(users[chunk], items.T).add_(bias)
            own = positive[chunk, None]
            right = logits.gather(1, own)
            top = logits.amax(1, keepdim=True)
            weights = logits.sub_(top).exp_()
            mass = weights.sum(1, keepdim=True)
            total += (mass.log() + top - right).sum()
            # The gradient of the logits: softmax less 1 at the positive, for a mean over n rows.
            weights.div_(mass).scatter_add_(1, own, torch.full_like(right, -1.0)).div_(n)
            torch.mm(weights, items, out=to_users[chunk])
            to_items.addmm_(weights.T, users[chunk])
            to_bias += weights.sum(0)
        ctx.save_for_backward(to_users, to_items, to_bias)
        return total / n

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        to_users, to_items, to_bias = ctx.saved_tensors
        scale = gradients[0]
        return to_users * scale, to_items * scale, to_bias * scale, None
