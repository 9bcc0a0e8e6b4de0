"""The relation-aware light graph net: propagation without feature transforms, mean over the layers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import GnnConfig
from .propagation import Propagation
from .unified import UnifiedGraph

__all__ = ["LightNet", "NodeText", "Propagated"]


class NodeText(NamedTuple):
    """Texts of items and entities in node order.

    Attributes:
        vectors: text vectors, shape (items + entities, t).
        present: which nodes have a text, bool, shape (items + entities,); the vectors of the others are not read.
    """

    vectors: Tensor
    present: Tensor


class Propagated(NamedTuple):
    """What the net computes for all nodes.

    Attributes:
        final: mean of all layers, shape (nodes, d).
        inner: sum of all layers but the last, from which users are folded in, shape (nodes, d).
        own: the input layer, shape (nodes, d).
    """

    final: Tensor
    inner: Tensor
    own: Tensor


class LightNet(nn.Module):
    r"""LightGCN over the unified graph, with a learned weight per relation and direction.

    .. math::
        x_v^{(0)} = m_v e_v + W t_v, \qquad
        x_v^{(l+1)} = \sum_{(u, r) \to v} \frac{w_r}{\sqrt{d_u d_v}} x_u^{(l)}, \qquad
        x_v = \frac{1}{L + 1} \sum_{l=0}^{L} x_v^{(l)}

    with a trainable embedding :math:`e_v`, a text vector :math:`t_v` where the node has one, and degrees :math:`d`
    over all edges. He et al., LightGCN, SIGIR 2020, extended to knowledge graphs.

    :math:`m_v` is 0 for users and items without an interaction in training, 1 elsewhere: what they are must come from
    their texts and edges, since an embedding of their own would stay the noise it started as.

    :math:`t_v` is centred by the mean of the texts there are, and 0 where there is none: what is expected of a text
    nobody has read, so that it neither speaks for the node nor passes anything on. A learned vector for "no text" was
    not taken: a node that somebody met has :math:`e_v` to learn it with, and all others would share one direction, by
    which, cosines being scores, items would be alike for nothing but what is not known of them.

    Args:
        graph: the unified graph.
        config: sizes.
        text: texts of items and entities in node order; None for a net without text.
        generator: source of the initial embeddings, on the CPU, so that all devices start alike.
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layers = config.layers
        self.n_users = graph.n_users
        self.embedding = nn.Parameter(torch.empty(graph.n_nodes, config.dimension))
        nn.init.normal_(self.embedding, std=0.1, generator=generator)
        self.register_buffer("met", torch.from_numpy(graph.met).float()[:, None])
        self.bias = nn.Parameter(torch.zeros(graph.n_items))
        self.relation_weight = nn.Parameter(torch.ones(2 * graph.n_relations), requires_grad=config.relation_weights)
        self.projection: nn.Parameter | None = None
        if text is not None:
            centred, projection = _principal_projection(*text, config.dimension, 0.1)
            self.register_buffer("text", centred)
            self.projection = nn.Parameter(projection)

    def inputs(self) -> Tensor:
        """The input layer: trainable embeddings, plus projected text for items and entities, shape (nodes, d)."""
        own = self.embedding * self.get_buffer("met")
        if self.projection is None:
            return own
        told = own[self.n_users :] + self.get_buffer("text") @ self.projection
        return torch.cat([own[: self.n_users], told])

    def forward(self, graph: Propagation, own: Tensor) -> Propagated:
        """Propagate the input layer (nodes, d) through all layers."""
        x, inner = own, torch.zeros_like(own)
        for _ in range(self.layers):
            inner = inner + x
            x = graph(x, self.relation_weight)
        return Propagated((inner + x) / (self.layers + 1), inner, own)


def _principal_projection(text: Tensor, present: Tensor, dimension: int, std: float) -> tuple[Tensor, Tensor]:
    """Text vectors centred, and the projection onto their first principal axes, scaled to a mean deviation of `std`.

    Language models' vectors share a large common part that says nothing; and starting from the principal axes the
    projected texts are as far apart at the start as they can be.

    Returns:
        Centred text, zero where there is none, shape (n, t); and the projection, shape (t, dimension).
    """
    centred = torch.where(present[:, None], text - text[present].mean(0), torch.zeros(()))
    # Of the Gram matrix rather than of the rows: t is some hundreds, the rows may be millions.
    _, axes = torch.linalg.eigh((centred.T @ centred).double())
    projection = torch.zeros(text.shape[1], dimension)
    chosen = axes.flip(1)[:, :dimension].float()
    projection[:, : chosen.shape[1]] = chosen
    # An eigenvector's sign is arbitrary; fixing it makes the start the same on every machine.
    projection *= torch.where(projection.sum(0) < 0, -1.0, 1.0)
    spread = (centred @ projection)[present].square().mean().sqrt()
    # One text, or none, is as far from all others as it is near: nothing to spread.
    return centred, projection * (std / spread) if spread > 0 else projection
