"""GATv2 over users, items and entities, with relation embeddings on the edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATv2Conv

from ..config import GnnConfig
from ..propagation import Propagation
from ..unified import UnifiedGraph
from .embedding_net import START, EmbeddingNet
from .initial import matrices
from .text_input import NodeText

__all__ = ["AttentionNet"]


class AttentionNet(EmbeddingNet):
    r"""Attention over neighbours by what they are and how they are related, added to the step of the light net.

    .. math::
        x_v^{(l+1)} &= \sum_{(u, r) \to v} \frac{w_r}{\sqrt{d_u d_v}} x_u^{(l)}
            + \sum_{(u, r) \to v} \alpha_{urv} \Theta_s x_u^{(l)} \\
        \alpha_{urv} &= \operatorname{softmax}_{(u, r) \to v} \;
            a^\top \operatorname{LeakyReLU}( \Theta_s x_u^{(l)} + \Theta_t x_v^{(l)} + \Theta_e e_r )

    for each head, the heads side by side. Brody et al., How Attentive are Graph Attention Networks?, ICLR 2022 (PyG's
    `GATv2Conv`); with an embedding :math:`e_r` per relation and direction as in Wang et al., KGAT, KDD 2019.

    PyG holds some six rows for each edge and layer: 1.5 GB a layer for a million edges of 64 dimensions. Train large graphs
    on sampled neighbourhoods.

    Attributes:
        relation: :math:`e`, shape (2 * relations, d).
        convolutions: a `GATv2Conv` for each layer.
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__(graph, config, text, generator)
        d, heads = config.dimension, config.heads
        self.relation = nn.Parameter(torch.empty(2 * graph.n_relations, d))
        nn.init.normal_(self.relation, std=START, generator=generator)
        # PyG draws from the global generator: what it draws is replaced, and where that stood is restored.
        with torch.random.fork_rng(devices=[]):
            self.convolutions = nn.ModuleList(
                GATv2Conv(d, d // heads, heads, edge_dim=d, add_self_loops=False, bias=False)
                for _ in range(config.layers)
            )
        for convolution in self.convolutions:
            for name, parameter in convolution.named_parameters():
                parameter.data = matrices(*parameter.shape, generator=generator, gain=GAIN[name]).data

    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """The light step and what attention picks out, shape (nodes, d)."""
        edges = torch.stack([graph.sender, graph.receiver])
        heard: Tensor = self.convolutions[number](x, edges, functional.embedding(graph.relation, self.relation))
        return graph(x, self.relation_weight) + heard


GAIN = {"att": 1.0, "lin_l.weight": 0.1, "lin_r.weight": 1.0, "lin_edge.weight": 1.0}
"""By how much the initial matrices stretch: values are small at first, what attention goes by is not."""
