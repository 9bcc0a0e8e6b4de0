"""LightGCN as published: interactions alone."""

from __future__ import annotations

import torch
from torch import Tensor

from ..config import GnnConfig
from ..propagation import Propagation
from ..unified import UnifiedGraph
from .embedding_net import EmbeddingNet
from .net import Propagated, Readout
from .text_input import NodeText

__all__ = ["LightGcnNet"]


class LightGcnNet(EmbeddingNet):
    r"""LightGCN over users and items; of the knowledge graph nothing is read.

    .. math::
        x_v^{(l+1)} = \sum_{u \in N(v)} \frac{1}{\sqrt{|N(u)| |N(v)|}} x_u^{(l)}

    with :math:`N` the interactions. He et al., LightGCN, SIGIR 2020. What to compare the other nets with. Items
    still start from their texts, where there are some; entities keep the values they start with.
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__(graph, config, text, generator)
        interaction = torch.arange(2 * graph.n_relations) % graph.n_relations == 0
        self.relation_weight.data.copy_(interaction.float())
        self.relation_weight.requires_grad_(False)
        # The graph's norms count all edges of a node: this takes from them the triples' share.
        degree = torch.diff(torch.from_numpy(graph.start))
        met = torch.from_numpy(graph.receiver)[torch.from_numpy(graph.relation) % graph.n_relations == 0]
        likes = torch.bincount(met, minlength=graph.n_nodes)
        ratio = torch.where(likes > 0, degree / likes.clamp_min(1), 0).sqrt()
        self.register_buffer("ratio", ratio.float()[:, None])

    def forward(self, graph: Propagation, own: Tensor) -> Propagated:
        """Propagate the input layer (nodes, d) through all layers; `final` is their mean."""
        x, inner = own, torch.zeros_like(own)
        for number in range(self.layers):
            inner = inner + x
            x = self.step(graph, x, number)
        return Propagated((inner + x) / (self.layers + 1), inner, own)

    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """The sum of each node's neighbours by interaction, shape (nodes, d)."""
        ratio = self.get_buffer("ratio")[graph.node]
        return graph(x * ratio, self.relation_weight) * ratio

    def readout(self, graph: Propagation, out: Propagated) -> Readout:
        """As in every net, an item's part in a user normalised by its interactions alone."""
        return super().readout(graph, out._replace(inner=out.inner * self.get_buffer("ratio")))
