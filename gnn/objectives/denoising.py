"""A learned gate per triple, which closes on those that do not help."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from ..unified import UnifiedGraph
from .softmax import rows

__all__ = ["Gates"]

BETA, LOW, HIGH = 2 / 3, -0.1, 1.1
"""Temperature and stretch of the hard concrete distribution, as in its paper."""

START = 2.5
"""Logit the gates start with: open (value 1), and in half of the noisy draws too."""


class Gates(nn.Module):
    r"""Hard concrete gates of the knowledge graph's triples: exactly 0 or 1 where they are sure.

    .. math::
        z = \min(1, \max(0, \sigma((\log \tfrac{u}{1-u} + \log\alpha) / \beta)(\zeta - \gamma) + \gamma))

    with :math:`u` uniform in training and no noise (and no :math:`\beta`) after it; the expected share of open gates,
    :math:`\sigma(\log\alpha - \beta \log(-\gamma/\zeta))`, is the penalty. Louizos et al., L0 regularization, ICLR
    2018, equations 10 to 13. Interactions have no gate. Both directions of a triple share one.

    Args:
        graph: the unified graph.
    """

    def __init__(self, graph: UnifiedGraph) -> None:
        super().__init__()
        triple = np.flatnonzero(graph.relation % graph.n_relations > 0)
        forward = triple[graph.relation[triple] < graph.n_relations]
        gate = np.full(len(graph.relation), -1, dtype=np.int64)
        gate[forward] = np.arange(len(forward))
        gate[graph.reverse[forward]] = np.arange(len(forward))
        self.register_buffer("gate", torch.from_numpy(gate))
        self.logit = nn.Parameter(torch.full((len(forward),), START))

    def forward(self, edges: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """What each edge's normalisation is multiplied by, 1 for interactions, shape (edges,).

        Args:
            edges: edges of the whole graph to ask for, shape (n,); all by default.
            generator: source of the noise, on the gates' device; None for the gates without noise.
        """
        values = torch.cat([self._values(generator), self.logit.new_ones(1)])
        gate = self.get_buffer("gate")
        gate = gate if edges is None else gate[edges]
        return rows(values[:, None], torch.where(gate < 0, len(values) - 1, gate))[:, 0]

    def _values(self, generator: torch.Generator | None) -> Tensor:
        logit: Tensor = self.logit
        if generator is not None:
            u = torch.empty_like(logit).uniform_(1e-6, 1 - 1e-6, generator=generator)
            logit = (logit + torch.logit(u)) / BETA
        return (torch.sigmoid(logit) * (HIGH - LOW) + LOW).clamp(0, 1)

    def open_share(self) -> Tensor:
        """Expected share of gates that are not 0; 0 where there are no gates."""
        if len(self.logit) == 0:
            return self.logit.sum()
        return torch.sigmoid(self.logit - BETA * math.log(-LOW / HIGH)).mean()
