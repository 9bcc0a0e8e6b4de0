"""The relation-aware light graph net: propagation without feature transforms, mean over the layers."""

from __future__ import annotations

import torch
from torch import Tensor

from ..propagation import Propagation
from .embedding_net import EmbeddingNet
from .net import Propagated

__all__ = ["LightNet"]


class LightNet(EmbeddingNet):
    r"""LightGCN over the unified graph, with a learned weight per relation and direction.

    .. math::
        x_v^{(l+1)} = \sum_{(u, r) \to v} \frac{w_r}{\sqrt{d_u d_v}} x_u^{(l)}

    with degrees :math:`d` over all edges. He et al., LightGCN, SIGIR 2020, extended to knowledge graphs.
    """

    def forward(self, graph: Propagation, own: Tensor) -> Propagated:
        """Propagate the input layer (nodes, d) through all layers.

        The mean of the layers is what `GraphNet.forward` would read users out to, without its extra propagation.
        """
        x, inner = own, torch.zeros_like(own)
        for number in range(self.layers):
            inner = inner + x
            x = self.step(graph, x, number)
        return Propagated((inner + x) / (self.layers + 1), inner, own)

    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """The weighted sum of each node's neighbours, shape (nodes, d)."""
        return graph(x, self.relation_weight)
