"""Nets whose nodes start from an embedding of their own and from what their text says."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import GnnConfig
from ..unified import UnifiedGraph
from .net import GraphNet
from .text_input import NodeText, centred, mean_text, principal_projection

__all__ = ["START", "EmbeddingNet"]

START = 0.1
"""Standard deviation of the components of the input layer before training."""


class EmbeddingNet(GraphNet):
    r"""A net that starts from :math:`x_v^{(0)} = m_v e_v + W t_v`.

    :math:`e_v` is a trainable embedding, :math:`t_v` a text vector where the node has one.

    :math:`m_v` is 0 for users and items without an interaction in training, 1 elsewhere: what they are must come from
    their texts and edges, since an embedding of their own would stay the noise it started as.

    :math:`t_v` is centred by the mean of the texts there are, and 0 where there is none: what is expected of a text
    nobody has read, so that it neither speaks for the node nor passes anything on. A learned vector for "no text" was
    not taken: a node that somebody met has :math:`e_v` to learn it with, and all others would share one direction, by
    which, cosines being scores, items would be alike for nothing but what is not known of them.

    Attributes:
        embedding: :math:`e`, shape (nodes, d).
        projection: :math:`W`, shape (t, d); None for a net without text.

    Args:
        graph: the unified graph.
        config: sizes.
        text: texts of items and entities in node order; None for a net without text.
        generator: source of the initial values, on the CPU, so that all devices start alike.
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__(graph, config)
        self.embedding = nn.Parameter(torch.empty(graph.n_nodes, config.dimension))
        nn.init.normal_(self.embedding, std=START, generator=generator)
        self.register_buffer("met", torch.from_numpy(graph.met).float()[:, None])
        self.projection: nn.Parameter | None = None
        if text is not None:
            rows = centred(text, mean_text(text))
            self.register_buffer("text", rows)
            self.projection = nn.Parameter(principal_projection(rows, text.present, config.dimension, START))

    def inputs(self, nodes: Tensor | None = None) -> Tensor:
        """Trainable embeddings, plus projected text for items and entities, shape (n, d); see `GraphNet.inputs`."""
        if nodes is not None:
            return self._inputs_of(nodes)
        own = self.embedding * self.get_buffer("met")
        if self.projection is None:
            return own
        told = own[self.n_users :] + self.get_buffer("text") @ self.projection
        return torch.cat([own[: self.n_users], told])

    def _inputs_of(self, nodes: Tensor) -> Tensor:
        own = functional.embedding(nodes, self.embedding) * self.get_buffer("met")[nodes]
        if self.projection is None:
            return own
        telling = (nodes >= self.n_users).nonzero()[:, 0]
        told = self.get_buffer("text")[nodes[telling] - self.n_users] @ self.projection
        return own.index_add(0, telling, told.to(own.dtype))
