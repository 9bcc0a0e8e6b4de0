"""What all nets share: where nodes start from, how layers are joined, and how a user is read out of a history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..config import GnnConfig
from ..propagation import Propagation
from ..unified import UnifiedGraph

__all__ = ["GraphNet", "Propagated", "Readout"]


class Propagated(NamedTuple):
    """What a net computes for all nodes of a graph.

    Attributes:
        final: the nodes' embeddings: mean of all layers, shape (nodes, d).
        inner: sum of all layers but the last, from which users are folded in, shape (nodes, d).
        own: the input layer, shape (nodes, d).
    """

    final: Tensor
    inner: Tensor
    own: Tensor


class Readout(NamedTuple):
    """What a net leaves, in the terms of `Embeddings`.

    Attributes:
        user_own: the part of each user that does not come from the history, shape (users, d).
        fold: what each item adds to a user that met it, shape (items, d).
        items: embeddings of the items, shape (items, d).
        entities: embeddings of the entities, shape (entities, d).
    """

    user_own: Tensor
    fold: Tensor
    items: Tensor
    entities: Tensor


class GraphNet(nn.Module, ABC):
    r"""A net over the unified graph of users, items and entities.

    The nets differ in where nodes start from, :math:`x^{(0)}`, and in how :math:`x^{(l+1)}` comes of :math:`x^{(l)}`.
    All join their layers alike, :math:`x_v = \frac{1}{L + 1} \sum_{l=0}^{L} x_v^{(l)}` for items and entities, and all
    read a user out linearly from what they found for the items of the history,

    .. math::
        x_u = \frac{1}{L + 1} \Big( x_u^{(0)}
            + \sum_{i \in H_u} \frac{w}{\sqrt{|H_u| d_i}} \sum_{l=0}^{L-1} x_i^{(l)} \Big),

    with :math:`w` the relation weight of an interaction from item to user and :math:`d` degrees over all edges: so
    someone the training never met, or a longer history, needs no retraining. Where layers are weighted sums, as in the
    light net, this is the mean of the layers.

    A net reads of a graph its nodes, edges and norms, never how many there are: on a sampled part of the graph
    whose seeds have all their neighbours within `layers` steps it gives the seeds what the whole graph gives them.

    Attributes:
        layers: how many propagation steps.
        n_users: users of the graph it was made for.
        bias: added to the score of each item, shape (items,).
        relation_weight: weight per relation, then per relation against its direction, shape (2 * relations,).

    Args:
        graph: the unified graph.
        config: sizes.
    """

    def __init__(self, graph: UnifiedGraph, config: GnnConfig) -> None:
        super().__init__()
        self.layers = config.layers
        self.n_users = graph.n_users
        self.bias = nn.Parameter(torch.zeros(graph.n_items))
        self.relation_weight = nn.Parameter(torch.ones(2 * graph.n_relations), requires_grad=config.relation_weights)

    @abstractmethod
    def inputs(self, nodes: Tensor | None = None) -> Tensor:
        """The input layer.

        Args:
            nodes: numbers of the nodes wanted, in the whole unified graph, shape (n,); all in order by default.

        Returns:
            Their rows, shape (n, d).
        """

    def forward(self, graph: Propagation, own: Tensor) -> Propagated:
        """Propagate the input layer of a graph's nodes (nodes, d) through all layers."""
        layers = [own]
        for number in range(self.layers):
            layers.append(self.step(graph, layers[-1], number))
        inner = torch.stack(layers[:-1]).sum(0)
        mean = (inner + layers[-1]) / len(layers)
        read = (own + graph(inner, self._from_items())) / len(layers)
        return Propagated(torch.where(graph.kind[:, None] == 0, read, mean), inner, own)

    @abstractmethod
    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """One layer: what the nodes become, shape (nodes, d).

        Args:
            graph: the graph.
            x: what they were, shape (nodes, d).
            number: which layer, from 0.
        """

    def readout(self, graph: Propagation, out: Propagated) -> Readout:
        """What is kept of a net: with it `Embeddings.users` gives for the training histories `out.final`.

        Args:
            graph: the whole unified graph.
            out: what the net computed for it.
        """
        first, last = self.n_users, self.n_users + len(self.bias)
        # An item's part in a user: its inner layers, weighted as the edge from item to user is (against relation 0),
        # normalised by the item's degree; the user's own degree is left for the history at hand.
        degree = torch.diff(graph.start)
        weight = self.relation_weight[len(self.relation_weight) // 2]
        scale = weight / degree[first:last].clamp_min(1).sqrt() / (self.layers + 1)
        fold = out.inner[first:last] * scale[:, None]
        return Readout(out.own[:first] / (self.layers + 1), fold, out.final[first:last], out.final[last:])

    def _from_items(self) -> Tensor:
        """The relation weights with all but that of an interaction from item to user at 0, shape (2 * relations,)."""
        only = torch.zeros_like(self.relation_weight)
        only[len(only) // 2] = 1
        return self.relation_weight * only
