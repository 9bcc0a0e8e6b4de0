"""The interacted item out of the catalogue, or out of items drawn, by a softmax over cosines."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Drawn", "rows", "sampled_softmax_loss", "softmax_loss"]


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
        sampled: items drawn uniformly that stand for the catalogue, shape (n,); None for all items.
    """
    if sampled is not None:
        log_q = torch.full((len(items),), -math.log(len(items)), dtype=users.dtype, device=users.device)
        drawn = Drawn(sampled, log_q[sampled], log_q[positive])
        own, others = (rows(items, numbers) for numbers in (positive, sampled))
        biases = [rows(bias[:, None], numbers)[:, 0] for numbers in (positive, sampled)]
        return sampled_softmax_loss(users, (own, biases[0]), (others, biases[1]), positive, drawn, temperature)
    u = functional.normalize(users, dim=1) / temperature
    loss: Tensor = _FullSoftmax.apply(u, functional.normalize(items, dim=1), bias, positive)  # type: ignore[no-untyped-call]
    return loss


class Drawn(NamedTuple):
    """Items drawn with replacement, and how likely each draw was.

    Attributes:
        item: their numbers, shape (n,).
        log_q: logarithm of the probability that a draw gives each of them, shape (n,).
        log_q_positive: the same for each row's positive, shape (batch,).
    """

    item: Tensor
    log_q: Tensor
    log_q_positive: Tensor


def sampled_softmax_loss(
    users: Tensor,
    own: tuple[Tensor, Tensor],
    others: tuple[Tensor, Tensor],
    positive: Tensor,
    drawn: Drawn,
    temperature: float,
) -> Tensor:
    r"""Mean cross-entropy of the positives, the other items represented by items drawn with probabilities `q`.

    .. math::
        \mathcal{L} = -\log \frac{e^{s_+}}{e^{s_+} + \frac{1}{m} \sum_{j \ne +} \frac{1 - q_+}{q_j} e^{s_j}}

    over the `m` draws that are not the row's positive: given that, each has probability :math:`q_j / (1 - q_+)`, so
    that the denominator is that of the full softmax on average. Bengio and Senecal, IEEE TNN 2008; the correction is
    the "logQ" of Yi et al., RecSys 2019.

    Args:
        users: embeddings of each row's user, shape (batch, d).
        own: embeddings (batch, d) and biases (batch,) of the rows' positives.
        others: embeddings (n, d) and biases (n,) of the items drawn.
        positive: numbers of the positives, shape (batch,).
        drawn: what was drawn.
        temperature: what cosines are divided by.
    """
    u = functional.normalize(users, dim=1) / temperature
    right = (u * functional.normalize(own[0], dim=1)).sum(1) + own[1]
    table, offset = functional.normalize(others[0], dim=1), others[1] - drawn.log_q.to(users.dtype)
    # log(1 - q) of a q that rounds to 1 (one item alone is ever drawn): nothing else is left to draw then.
    left = torch.log1p(-drawn.log_q_positive.exp().clamp_max(1 - 1e-7)).to(users.dtype)
    loss: Tensor = _SampledSoftmax.apply(u, right, table, offset, left, positive, drawn.item)  # type: ignore[no-untyped-call]
    return loss


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
        for chunk in _chunks(users, len(items)):
            logits = _product(users[chunk], items).add_(bias)
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


class _SampledSoftmax(torch.autograd.Function):
    """The same over items drawn: logits of the positives are given, each row leaves its own positive out of the draws."""

    @staticmethod
    def forward(
        ctx: Any,
        users: Tensor,
        right: Tensor,
        items: Tensor,
        offset: Tensor,
        left: Tensor,
        positive: Tensor,
        drawn: Tensor,
    ) -> Tensor:
        n = len(users)
        to_users, to_right = torch.empty_like(users), torch.empty_like(right)
        to_items, to_offset = torch.zeros_like(items), torch.zeros_like(offset)
        total = users.new_zeros(())
        for chunk in _chunks(users, len(items)):
            taken = drawn[None, :] == positive[chunk, None]
            logits = _product(users[chunk], items).add_(offset).masked_fill_(taken, -torch.inf)
            share = left[chunk] - (len(drawn) - taken.sum(1)).clamp_min(1).to(users.dtype).log()
            top = torch.maximum(logits.amax(1) + share, right[chunk])
            weights = logits.add_((share - top)[:, None]).exp_()
            own = (right[chunk] - top).exp()
            mass = weights.sum(1) + own
            total += (mass.log() + top - right[chunk]).sum()
            weights.div_(mass[:, None] * n)
            to_right[chunk] = (own / mass - 1) / n
            torch.mm(weights, items, out=to_users[chunk])
            to_items.addmm_(weights.T, users[chunk])
            to_offset += weights.sum(0)
        ctx.save_for_backward(to_users, to_right, to_items, to_offset)
        return total / n

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        scale = gradients[0]
        return *(gradient * scale for gradient in ctx.saved_tensors), None, None, None


def _chunks(users: Tensor, columns: int) -> list[slice]:
    """Rows to do at a time: on a GPU all, on a CPU as many as stay in the caches."""
    step = len(users) if users.is_cuda else max(1, CHUNK // max(1, columns))
    return [slice(first, first + step) for first in range(0, len(users), step)]


def _product(users: Tensor, items: Tensor) -> Tensor:
    """Inner products; under autocast multiplied in half precision and continued in full."""
    return torch.mm(users, items.T).to(users.dtype)
