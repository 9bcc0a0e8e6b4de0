"""Items as a sequential net sees them: an embedding of their own, their text, their entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional

from .features import NodeFeatures
from .nets.text_input import NodeText, centred, mean_text, principal_projection

__all__ = ["Bag", "ItemTable"]

START = 0.1
"""Standard deviation of embeddings at the start."""


@dataclass(frozen=True, eq=False)
class Bag:
    """A sparse matrix that rows of a table are summed by, and its transpose, on a device.

    Attributes:
        start, column, value: where each row begins (rows,), and its entries (entries,).
        back: the same of the transpose.
    """

    start: Tensor
    column: Tensor
    value: Tensor
    back: tuple[Tensor, Tensor, Tensor]

    @classmethod
    def of(cls, matrix: sp.csr_array, device: torch.device) -> Bag:
        """That of a matrix, shape (rows, columns)."""
        return cls(*_parts(matrix, device), _parts(sp.csr_array(matrix.T), device))

    def __call__(self, table: Tensor) -> Tensor:
        """The product of the matrix and a table (columns, d), shape (rows, d)."""
        return _Product.apply(table, self)  # type: ignore[no-any-return, no-untyped-call]


def _parts(matrix: sp.csr_array, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    start = torch.from_numpy(matrix.indptr[:-1].astype(np.int64)).to(device)
    column = torch.from_numpy(matrix.indices.astype(np.int64)).to(device)
    return start, column, torch.from_numpy(matrix.data.astype(np.float32)).to(device)


class _Product(torch.autograd.Function):
    """Sparse times dense; autograd's own way back through `embedding_bag` is several times slower."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, bag: Bag) -> Tensor:
        ctx.bag = bag
        return _summed(table, (bag.start, bag.column, bag.value))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _summed(gradients[0].contiguous(), ctx.bag.back), None


def _summed(table: Tensor, parts: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    start, column, value = parts
    return functional.embedding_bag(column, table, start, mode="sum", per_sample_weights=value)


class ItemTable(nn.Module):
    r"""Embeddings of all items.

    .. math:: x_i = m_i e_i + W t_i + \frac{1}{\sqrt{|F_i|}} \sum_{f \in F_i} g_f

    with a trainable embedding :math:`e_i`, :math:`m_i` 0 for items that nobody met in training (theirs would stay
    noise) and 1 elsewhere, the centred text :math:`t_i` where there is one, and a trainable vector :math:`g_f` of each
    node f that the item is linked to.

    Args:
        met: which items somebody met in training, shape (items,).
        entities: which nodes each item is linked to, binary, shape (items, nodes); None for none.
        text: text vectors of the items, or None.
        dimension: d.
        generator: source of the initial embeddings, on the CPU.
        device: where the sparse matrix is kept.
        own_dropout: share of the items whose own embedding is left out in a step of training.
    """

    def __init__(
        self,
        met: Tensor,
        entities: sp.csr_array | None,
        text: NodeFeatures | None,
        dimension: int,
        generator: torch.Generator,
        device: torch.device,
        own_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.own_dropout = own_dropout
        self.register_buffer("met", met.float()[:, None])
        self.own = nn.Parameter(torch.empty(len(met), dimension).normal_(std=START, generator=generator))
        self.projection: nn.Parameter | None = None
        if text is not None and text.present.any():
            told = NodeText(torch.from_numpy(text.vectors), torch.from_numpy(text.present))
            told = told._replace(vectors=centred(told, mean_text(told)))
            self.register_buffer("text", told.vectors)
            self.projection = nn.Parameter(principal_projection(*told, dimension, START))
        self.entity: nn.Parameter | None = None
        if entities is not None and entities.nnz:
            # A node that one item alone is linked to says nothing that the item's own embedding could not.
            shared = entities[:, np.asarray(entities.sum(axis=0)).ravel() > 1]
            degree = np.maximum(np.diff(shared.indptr), 1).astype(np.float32)
            self.bag = Bag.of(sp.csr_array(sp.diags_array(degree**-0.5) @ shared), device)
            self.entity = nn.Parameter(torch.empty(shared.shape[1], dimension).normal_(std=START, generator=generator))

    def forward(self, noise: torch.Generator | None = None) -> Tensor:
        """All embeddings, shape (items, d).

        Args:
            noise: source of which items are their content alone this time; None for none.
        """
        kept = self.get_buffer("met")
        if noise is not None and self.own_dropout and (self.projection is not None or self.entity is not None):
            # Not scaled up where kept: an embedding is used as a whole or not at all.
            kept = kept * torch.empty_like(kept).bernoulli_(1 - self.own_dropout, generator=noise)
        x = self.own * kept
        if self.projection is not None:
            x = x + self.get_buffer("text") @ self.projection
        if self.entity is not None:
            x = x + self.bag(self.entity)
        return x
