"""From the states of a text's tokens to one vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .encoder import Pooling

__all__ = ["pool"]


def pool(states: Tensor, mask: Tensor, poolings: Sequence[Pooling], *, skip: int = 0) -> Tensor:
    """One vector a text: each pooling of the states, side by side, shape (texts, len(poolings) * dimension), float32.

    Args:
        states: shape (texts, tokens, dimension).
        mask: 1 at the tokens that count, 0 at padding, before or behind them; shape (texts, tokens), at least one 1 a row.
        poolings: at least one.
        skip: tokens at the start of each text, such as a prompt's, that do not count; every text has more.
    """
    states, order = states.float(), mask.cumsum(dim=1) * mask
    # Tokens are numbered 1, 2, 3, ... in each text; 0 is what does not count.
    return torch.cat([_pool(states, order * (order > skip), pooling) for pooling in poolings], dim=1)


def _pool(states: Tensor, order: Tensor, pooling: Pooling) -> Tensor:
    counts = order > 0
    match pooling:
        case "cls":
            return _at(states, counts.int().argmax(dim=1))
        case "lasttoken":
            return _at(states, order.argmax(dim=1))
        case "max":
            return states.masked_fill(~counts.unsqueeze(-1), -torch.inf).amax(dim=1)
        case "mean":
            return _weighted(states, counts) / counts.sum(dim=1, keepdim=True)
        case "mean_sqrt_len":
            return _weighted(states, counts) / counts.sum(dim=1, keepdim=True).sqrt()
        case "weightedmean":
            return _weighted(states, order) / order.sum(dim=1, keepdim=True)


def _at(states: Tensor, places: Tensor) -> Tensor:
    return states[torch.arange(len(states), device=states.device), places]


def _weighted(states: Tensor, weights: Tensor) -> Tensor:
    return torch.einsum("btd,bt->bd", states, weights.to(states.dtype))
