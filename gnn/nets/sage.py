"""GraphSAGE on features alone: it answers for a node that came after the training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import GnnConfig
from ..propagation import Propagation
from ..unified import UnifiedGraph
from .embedding_net import START
from .initial import matrices
from .net import GraphNet
from .text_input import NodeText, centred, mean_text, principal_projection

__all__ = ["SageNet"]


class SageNet(GraphNet):
    r"""GraphSAGE with the mean aggregator, from texts and edge counts: no node has an embedding of its own.

    .. math::
        x_v^{(0)} = W t_v + S s_v, \qquad
        m_v = \frac{1}{d_v} \sum_{(u, r) \to v} w_r x_u^{(l)}, \qquad
        x_v^{(l+1)} = m_v + \sigma( W_n m_v + W_s x_v^{(l)} )

    Hamilton et al., Inductive Representation Learning on Large Graphs, NeurIPS 2017, algorithm 1 with the sum of two
    products in place of that of a concatenation, a weight per relation, the mean itself added, and GELU for
    :math:`\sigma`. :math:`t_v` is the text, centred, :math:`s_v` is log(1 + edges) by relation and direction.
    Interactions are not counted in :math:`s_v`: an item added later has none, and would look unlike all the net
    learned from. Users start from 0 and are what their items say.

    Items and entities that have neither text nor other relations than their like look alike to this net: in a graph
    without texts it knows little. It holds float32 of shape (nodes, 2 * relations) for the counts.

    Attributes:
        projection: :math:`W`, shape (t, d); None for a net without text.
        counting: :math:`S`, shape (2 * relations, d).
        neighbours: :math:`W_n`, transposed, shape (layers, d, d).
        root: :math:`W_s`, transposed, shape (layers, d, d).

    Args:
        graph: the unified graph.
        config: sizes.
        text: texts of items and entities in node order; None for a net without text.
        generator: source of the initial values, on the CPU.
    """

    def __init__(
        self, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator
    ) -> None:
        super().__init__(graph, config)
        d = config.dimension
        self.counting = matrices(2 * graph.n_relations, d, generator=generator)
        self.neighbours = matrices(config.layers, d, d, generator=generator)
        self.root = matrices(config.layers, d, d, generator=generator)
        self.projection: nn.Parameter | None = None
        if text is not None:
            self.register_buffer("mean", mean_text(text))
            rows = centred(text, self.get_buffer("mean"))
            self.projection = nn.Parameter(principal_projection(rows, text.present, d, START))
        self._describe(graph, text)

    def _describe(self, graph: UnifiedGraph, text: NodeText | None) -> None:
        """Note what is known of a graph's nodes."""
        degree = torch.diff(torch.from_numpy(graph.start)).clamp_min(1)
        self.register_buffer("length", degree.float().sqrt()[:, None])
        self.register_buffer("counts", _counts(graph))
        if text is not None and self.projection is not None:
            self.register_buffer("text", centred(text, self.get_buffer("mean")))

    @classmethod
    def learned(
        cls, graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, state: Mapping[str, Tensor]
    ) -> SageNet:
        """A trained net for a graph that has grown: nothing is trained, and every node gets an answer.

        Args:
            graph: its first items are those of the training, in their order; users and entities may be any. The
                relations are those of the training.
            config: of the training.
            text: the texts of its items and entities, by the same encoder; given if the training had texts.
            state: what was learned, as `state` gives it.

        Returns:
            The net, on the CPU; the biases of items that are new are 0.

        Raises:
            ValueError: if items or relations are missing, or the texts.
        """
        known, relations = len(state["bias"]), len(state["relation_weight"]) // 2
        if graph.n_items < known or graph.n_relations != relations:
            raise ValueError(
                f"the net knows {known} items and {relations} relations, the graph has {graph.n_items} and "
                f"{graph.n_relations}: keep the relations, and add new items after the known ones"
            )
        if (text is None) != ("projection" not in state):
            raise ValueError("the net was trained with texts or without, and wants the grown graph alike")
        net = cls(graph, config, text, torch.Generator().manual_seed(0))
        padded = functional.pad(state["bias"], (0, graph.n_items - known))
        for name, _ in list(net.named_parameters()):
            net.register_parameter(name, nn.Parameter(padded if name == "bias" else state[name].clone()))
        if text is not None:
            net.register_buffer("mean", state["mean"].clone())
            net._describe(graph, text)
        return net

    def state(self) -> dict[str, Tensor]:
        """All that was learned, copied to the CPU: no tensor of it belongs to a node, but for the items' biases."""
        found: dict[str, Tensor] = dict(self.named_parameters())
        if self.projection is not None:
            found["mean"] = self.get_buffer("mean")
        return {name: tensor.detach().cpu().clone() for name, tensor in found.items()}

    def inputs(self, nodes: Tensor | None = None) -> Tensor:
        """What texts and edge counts say of the nodes, 0 for users, shape (n, d); see `GraphNet.inputs`."""
        if nodes is None:
            nodes = torch.arange(len(self.get_buffer("counts")), device=self.bias.device)
        own = self.get_buffer("counts")[nodes] @ self.counting
        if self.projection is None:
            return own
        telling = (nodes >= self.n_users).nonzero()[:, 0]
        told = self.get_buffer("text")[nodes[telling] - self.n_users] @ self.projection
        return own.index_add(0, telling, told.to(own.dtype))

    def step(self, graph: Propagation, x: Tensor, number: int) -> Tensor:
        """The mean of each node's neighbours and what is learned from it, shape (nodes, d)."""
        # 1 / d_v is the graph's 1 / sqrt(d_u d_v), times the root of the sender's degree, over that of the receiver's.
        length = self.get_buffer("length")[graph.node]
        mean = graph(x * length, self.relation_weight) / length
        return mean + functional.gelu(mean @ self.neighbours[number] + x @ self.root[number])


def _counts(graph: UnifiedGraph) -> Tensor:
    """log(1 + edges) of items and entities by relation and direction, interactions left out, shape (nodes, 2R)."""
    width = 2 * graph.n_relations
    cell = torch.from_numpy(graph.receiver * width + graph.relation)
    counts = torch.bincount(cell, minlength=graph.n_nodes * width).view(-1, width).float().log1p_()
    counts[:, [0, graph.n_relations]] = 0
    return counts
