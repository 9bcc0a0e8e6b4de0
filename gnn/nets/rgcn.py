"""R-GCN: a matrix per relation, out of a few bases."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import GnnConfig
from ..propagation import Propagation
from ..unified import UnifiedGraph
from .embedding_net import EmbeddingNet
from .initial import matrices
from .text_input import NodeText

__all__ = ["RgcnNet"]


class RgcnNet(EmbeddingNet):
    r"""R-GCN with basis decomposition, added to the step of the light net.

    .. math::
        x_v^{(l+1)} = \sum_{(u, r) \to v} \frac{w_r}{\sqrt{d_u d_v}} x_u^{(l)}
            + \sigma\Big( W_0 x_v^{(l)} + \sum_{(u, r) \to v} \frac{1}{\sqrt{d_u d_v}} W_r x_u^{(l)} \Big),
        \qquad W_r = \sum_b a_{rb} V_b

    Schlichtkrull et al., Modeling Relational Data with Graph Convolutional Networks, ESWC 2018, eq. 2 and 3, with
    symmetric norms instead of a mean per relation and GELU for :math:`\sigma`. The first term makes it start as the
    light net: :math:`W_0` and :math:`V` are small at first.

    Summed by basis rather than by relation, the second sum is one propagation and one product of matrices for each
    of the few bases: no message is ever held for each edge, as PyG's `RGCNConv` does.

    Attributes:
        coefficient: :math:`a`, shape (layers, bases, 2 * relations).
        basis: :math:`V`, transposed, shape (layers, bases, d, d).
        root: :math:`W_0`, transposed, shape (layers, d, d).
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__(graph, config, text, generator)
        d, bases = config.dimension, config.bases
        self.coefficient = nn.Parameter(torch.empty(config.layers, bases, 2 * graph.n_relations))
        nn.init.normal_(self.coefficient, std=bases**-0.5, generator=generator)
        self.basis = matrices(config.layers, bases, d, d, generator=generator)
        self.root = matrices(config.layers, d, d, generator=generator)

    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """The light step and the relations' own transforms, shape (nodes, d)."""
        told = x @ self.root[number]
        for coefficient, basis in zip(self.coefficient[number], self.basis[number], strict=True):
            told = told + graph(x, coefficient) @ basis
        return graph(x, self.relation_weight) + functional.gelu(told)
