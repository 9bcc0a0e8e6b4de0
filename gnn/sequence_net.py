"""A causal transformer over item embeddings, as torch trains it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .sequence_config import SequenceNetConfig

__all__ = ["Block", "SequenceNet", "dropped"]


class SequenceNet(nn.Module):
    r"""Maps each position of a sequence to what should come next, from the items up to there.

    .. math::
        x^{(0)} = s e, \qquad
        y = x^{(l)} + A(N(x^{(l)})), \qquad
        x^{(l+1)} = y + W_2 \, \mathrm{relu}(W_1 N(y))

    with layer normalisation N, item embeddings e at a learned scale s, and causal attention A whose logits get a
    learned bias by head and by how many items lie between. Where in a history a position is, counted from its
    beginning, is not told: with steps back alone, what was learned at the beginning of histories holds at their end.
    Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, with normalisation first.

    Args:
        config: sizes.
        generator: source of the initial weights, on the CPU.
    """

    def __init__(self, config: SequenceNetConfig, generator: torch.Generator) -> None:
        super().__init__()
        d = config.dimension
        self.dropout = config.dropout
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.blocks = nn.ModuleList(Block(config, generator) for _ in range(config.layers))
        self.norm = nn.LayerNorm(d)

    def forward(self, x: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """Outputs at all positions.

        Args:
            x: item embeddings, oldest first, shape (batch, length, d).
            noise: source of dropout; None for none.

        Returns:
            Output at each position, shape (batch, length, d).
        """
        x = dropped(x * self.scale, self.dropout, noise)
        for block in self.blocks:
            x = block(x, noise)
        out: Tensor = self.norm(x)
        return out


class Block(nn.Module):
    """Attention, then two layers position by position, each added to what came in."""

    def __init__(self, config: SequenceNetConfig, generator: torch.Generator) -> None:
        super().__init__()
        d, self.heads, self.dropout = config.dimension, config.heads, config.dropout
        self.before_attention, self.before_feed = nn.LayerNorm(d), nn.LayerNorm(d)
        self.query_key_value = _matrix(d, 3 * d, generator)
        self.query_key_value_bias = nn.Parameter(torch.zeros(3 * d))
        self.mixed = _matrix(d, d, generator)
        self.mixed_bias = nn.Parameter(torch.zeros(d))
        self.by_distance = nn.Parameter(torch.zeros(self.heads, config.max_length))
        self.feed_in = _matrix(d, d, generator)
        self.feed_in_bias = nn.Parameter(torch.zeros(d))
        self.feed_out = _matrix(d, d, generator)
        self.feed_out_bias = nn.Parameter(torch.zeros(d))

    def forward(self, x: Tensor, noise: torch.Generator | None) -> Tensor:
        """One block, shape (batch, length, d) in and out."""
        x = x + dropped(self._attention(self.before_attention(x)), self.dropout, noise)
        hidden = dropped(functional.relu(self.before_feed(x) @ self.feed_in + self.feed_in_bias), self.dropout, noise)
        return x + dropped(hidden @ self.feed_out + self.feed_out_bias, self.dropout, noise)

    def _attention(self, x: Tensor) -> Tensor:
        batch, length, d = x.shape
        split = (x @ self.query_key_value + self.query_key_value_bias).view(
            batch, length, 3, self.heads, d // self.heads
        )
        query, key, value = split.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=self._bias(length))
        return seen.transpose(1, 2).reshape(batch, length, d) @ self.mixed + self.mixed_bias

    def _bias(self, length: int) -> Tensor:
        """What is added to the attention's logits, -inf for later items, shape (heads, length, length)."""
        place = torch.arange(length, device=self.by_distance.device)
        back = place[:, None] - place
        return self.by_distance[:, back.clamp_min(0)].masked_fill(back < 0, -torch.inf)


def _matrix(rows: int, columns: int, generator: torch.Generator) -> nn.Parameter:
    """Normal entries that keep the length of what is multiplied, about."""
    return nn.Parameter(torch.empty(rows, columns).normal_(std=rows**-0.5, generator=generator))


def dropped(x: Tensor, rate: float, noise: torch.Generator | None) -> Tensor:
    """Dropout with a generator of its own: nothing here touches the global one."""
    if rate == 0 or noise is None:
        return x
    return x * torch.empty_like(x).bernoulli_(1 - rate, generator=noise) / (1 - rate)
