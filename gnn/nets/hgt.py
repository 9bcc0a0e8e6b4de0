"""The heterogeneous graph transformer: attention by kind of node and by relation."""

from __future__ import annotations

import weakref
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.utils import scatter, softmax

from ..config import GnnConfig
from ..propagation import Propagation
from ..unified import UnifiedGraph
from .embedding_net import EmbeddingNet
from .initial import matrices
from .text_input import NodeText

__all__ = ["HgtNet"]

KINDS = 3
"""Users, items, entities."""


class Speakers(NamedTuple):
    """The distinct pairs of sender and relation among a graph's edges, in order of the relation.

    Attributes:
        node: sender of each pair, shape (pairs,).
        counts: how many pairs each relation has, 2 * relations numbers.
        of_edge: the pair of each edge, shape (edges,).
    """

    node: Tensor
    counts: list[int]
    of_edge: Tensor

    @classmethod
    def of(cls, graph: Propagation, n_relations: int) -> Speakers:
        """Those of a graph with this many relations, directions counted apart."""
        n = len(graph.node)
        key, of_edge = torch.unique(graph.relation * n + graph.sender, return_inverse=True)
        counts: list[int] = torch.bincount(key // n, minlength=n_relations).tolist()
        return cls(key % n, counts, of_edge)


class HgtNet(EmbeddingNet):
    r"""HGT over users, items and entities, added to the step of the light net.

    .. math::
        \alpha_{urv} &= \operatorname{softmax}_{(u, r) \to v} \;
            \frac{\mu_r}{\sqrt{d / H}} (K_{\tau(u)} x_u)^\top A_r \, Q_{\tau(v)} x_v \\
        h_v &= \sum_{(u, r) \to v} \alpha_{urv} M_r V_{\tau(u)} x_u, \qquad
        x_v^{(l+1)} = \sum_{(u, r) \to v} \frac{w_r}{\sqrt{d_u d_v}} x_u + O_{\tau(v)} \, \mathrm{GELU}(h_v)

    for each of H heads, :math:`\tau` the kind of a node and :math:`r` relation and direction. Hu et al., Heterogeneous
    Graph Transformer, WWW 2020, eq. 3 to 5, with the light step in the place of the skip connection.

    PyG's `HGTConv` transforms every node of a kind for each kind of edge that leaves it; here each sender is
    transformed for the relations it has. With some hundred relations that is the difference between a graph that fits
    and one that does not. Some seven rows are held for each edge and layer.
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__(graph, config, text, generator)
        self.transformers = nn.ModuleList(
            _Transformer(config.dimension, config.heads, 2 * graph.n_relations, generator) for _ in range(config.layers)
        )
        self._last: tuple[weakref.ref[Propagation], Speakers] | None = None

    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """The light step and what the transformer adds, shape (nodes, d)."""
        heard: Tensor = self.transformers[number](graph, self._speakers(graph), x)
        return graph(x, self.relation_weight) + heard

    def _speakers(self, graph: Propagation) -> Speakers:
        """Kept between the steps over one graph: sorting the edges takes as long as a step."""
        if self._last is None or self._last[0]() is not graph:
            self._last = weakref.ref(graph), Speakers.of(graph, len(self.relation_weight))
        return self._last[1]


class _Transformer(nn.Module):
    """One layer: key, query, value and output by kind; attention, message and prior by relation."""

    def __init__(self, dimension: int, heads: int, n_relations: int, generator: torch.Generator) -> None:
        super().__init__()
        d, part = dimension, dimension // heads
        self.heads = heads
        # What attention goes by and what is said keep their lengths; the output is small at first.
        self.key = matrices(KINDS, d, d, generator=generator, gain=1)
        self.query = matrices(KINDS, d, d, generator=generator, gain=1)
        self.value = matrices(KINDS, d, d, generator=generator, gain=1)
        self.output = matrices(KINDS, d, d, generator=generator)
        self.attention = matrices(n_relations, heads, part, part, generator=generator, gain=1)
        self.message = matrices(n_relations, heads, part, part, generator=generator, gain=1)
        self.prior = nn.Parameter(torch.ones(n_relations, heads))

    def forward(self, graph: Propagation, speakers: Speakers, x: Tensor) -> Tensor:
        """What each node hears, shape (nodes, d)."""
        n, d = x.shape
        key = self._by_relation(_by_kind(x, graph.kind, self.key), speakers, self.attention)
        value = self._by_relation(_by_kind(x, graph.kind, self.value), speakers, self.message)
        query = _by_kind(x, graph.kind, self.query)
        asked = functional.embedding(graph.receiver, query) * functional.embedding(speakers.of_edge, key)
        scores = asked.view(-1, self.heads, d // self.heads).sum(-1) / sqrt(d // self.heads)
        weights = softmax(scores * functional.embedding(graph.relation, self.prior), graph.receiver, num_nodes=n)
        said = functional.embedding(speakers.of_edge, value).view(-1, self.heads, d // self.heads) * weights[..., None]
        heard = scatter(said.view(-1, d), graph.receiver, dim_size=n, reduce="sum")
        return _by_kind(functional.gelu(heard), graph.kind, self.output)

    def _by_relation(self, x: Tensor, speakers: Speakers, matrix: Tensor) -> Tensor:
        """Rows of the pairs' senders times their relation's matrix, head by head, shape (pairs, d)."""
        rows = functional.embedding(speakers.node, x).view(-1, self.heads, matrix.shape[-1])
        # Split and unbound rather than indexed: the gradient of each index would be as large as the whole.
        parts = zip(torch.split(rows, speakers.counts), matrix.unbind(0), strict=True)
        return torch.cat([torch.einsum("phi,hij->phj", part, each) for part, each in parts]).flatten(1)


def _by_kind(x: Tensor, kind: Tensor, matrix: Tensor) -> Tensor:
    """Rows of x (nodes, d) times the matrix of their kind (kinds, d, d), shape (nodes, d)."""
    out = torch.zeros_like(x)
    for number in range(KINDS):
        rows = (kind == number).nonzero()[:, 0]
        out = out.index_copy(0, rows, (functional.embedding(rows, x) @ matrix[number]).to(x.dtype))
    return out
