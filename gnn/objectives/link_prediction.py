"""The knowledge graph as an objective: the right tail of a triple out of tails at random."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...kg import ConfigError
from ..training_config import LinkPredictionConfig
from ..unified import UnifiedGraph
from .softmax import rows

__all__ = ["LinkPrediction"]


class LinkPrediction(nn.Module):
    r"""Head and relation ask for a tail; the answer is a softmax over the right tail and tails drawn alike.

    With query :math:`q` of head :math:`h` and relation :math:`r`, a tail :math:`t` scores

    - `distmult`: :math:`q = h \circ r`, score :math:`q \cdot t` (Yang et al., ICLR 2015),
    - `transe`: :math:`q = h + r`, score :math:`-\|q - t\|^2` (Bordes et al., NIPS 2013),
    - `rotate`: :math:`q = h \circ e^{i r}` over complex numbers, score :math:`-\|q - t\|^2` (Sun et al., ICLR 2019).

    Embeddings are scaled to length 1 first, so that the net's own sizes are no matter. Other right tails of the same
    head and relation may be among those drawn; they are not looked up.

    Args:
        graph: the unified graph, whose triples without the interactions are learned.
        config: which model, how many.
        dimension: length of the embeddings.
        generator: source of the relations' initial embeddings, on the CPU.

    Raises:
        ConfigError: for `rotate` with an odd dimension.
    """

    def __init__(
        self, graph: UnifiedGraph, config: LinkPredictionConfig, dimension: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        if config.model == "rotate" and dimension % 2:
            raise ConfigError(f"gnn.links.model rotate pairs the components; gnn.dimension {dimension} is odd")
        self.config = config
        forward = np.flatnonzero((graph.relation > 0) & (graph.relation < graph.n_relations))
        columns = graph.sender[forward], graph.relation[forward] - 1, graph.receiver[forward]
        self.register_buffer("triples", torch.from_numpy(np.stack(columns, axis=1).astype(np.int64)))
        self.first, self.n_nodes = graph.n_users, graph.n_nodes
        sizes = graph.n_relations - 1, dimension // 2 if config.model == "rotate" else dimension
        self.relation = nn.Parameter(torch.empty(sizes))
        # DistMult's relations start at 1 ("alike"), those that add or turn at 0.
        nn.init.normal_(self.relation, float(config.model == "distmult"), 0.1, generator=generator)

    def forward(self, inputs: Callable[[Tensor], Tensor], generator: torch.Generator) -> Tensor:
        """The loss over a batch of triples at random; 0 where there are no triples.

        Args:
            inputs: gives embeddings (n, d) of nodes (n,).
            generator: draws triples and tails, on the CPU.
        """
        triples = self.get_buffer("triples")
        if len(triples) == 0:
            return self.relation.sum() * 0
        chosen = torch.randint(len(triples), (self.config.batch_size,), generator=generator).to(triples.device)
        wrong = torch.randint(self.first, self.n_nodes, (self.config.negatives,), generator=generator)
        wrong = wrong.to(triples.device)
        head, relation, tail = triples[chosen].T
        query = self.query(functional.normalize(inputs(head), dim=1), relation)
        right = self._scores(query[:, None], functional.normalize(inputs(tail), dim=1)[:, None])[:, 0]
        others = self._scores(query[None], functional.normalize(inputs(wrong), dim=1)[None])[0]
        others = others.masked_fill(wrong[None, :] == tail[:, None], -torch.inf)
        logits = torch.cat([right, others], dim=1) / self.config.temperature
        return functional.cross_entropy(logits, torch.zeros_like(tail))

    def query(self, head: Tensor, relation: Tensor) -> Tensor:
        """What head rows (n, d) and relations (n,) ask for, shape (n, d)."""
        r = rows(self.relation, relation)
        if self.config.model == "distmult":
            return head * r
        if self.config.model == "transe":
            return head + r
        real, imaginary = head.chunk(2, dim=1)
        cos, sin = torch.cos(math.pi * r), torch.sin(math.pi * r)
        return torch.cat([real * cos - imaginary * sin, real * sin + imaginary * cos], dim=1)

    def _scores(self, query: Tensor, tail: Tensor) -> Tensor:
        """Scores of tails for queries, shapes (b, n, d) and (b, m, d) to (b, n, m)."""
        products = query @ tail.transpose(1, 2)
        if self.config.model == "distmult":
            return products
        return 2 * products - query.square().sum(2, keepdim=True) - tail.square().sum(2)[:, None, :]
