"""One propagation step: each node receives the weighted sum of its neighbours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .unified import UnifiedGraph

__all__ = ["Propagation"]


@dataclass(frozen=True, eq=False)
class Propagation:
    """A unified graph, or a part of one, on a device, ready to be propagated over.

    Attributes:
        start: where each receiver's edges begin, shape (nodes + 1,).
        sender: sender of each edge, shape (edges,).
        receiver: receiver of each edge, shape (edges,).
        relation: relation and direction of each edge, shape (edges,).
        norm: symmetric normalisation of each edge, shape (edges,).
        reverse: position of each edge's opposite, -1 where a part of a graph lacks it, shape (edges,).
        node: number of each row's node in the whole unified graph, shape (nodes,).
        kind: what each node is: 0 a user, 1 an item, 2 an entity, shape (nodes,).
    """

    start: Tensor
    sender: Tensor
    receiver: Tensor
    relation: Tensor
    norm: Tensor
    reverse: Tensor
    node: Tensor
    kind: Tensor

    @classmethod
    def on(cls, graph: UnifiedGraph, device: torch.device) -> Propagation:
        """Move a graph to a device."""
        names = ("start", "sender", "receiver", "relation", "norm", "reverse")
        columns = {name: torch.from_numpy(getattr(graph, name)).to(device) for name in names}
        node = torch.arange(graph.n_nodes, device=device)
        kind = (node >= graph.n_users).long() + (node >= graph.n_users + graph.n_items).long()
        return cls(**columns, node=node, kind=kind)

    def __call__(self, x: Tensor, weights: Tensor) -> Tensor:
        """One step: out[v] = sum over edges u -r-> v of weights[r] * norm * x[u].

        Args:
            x: node embeddings, shape (nodes, d).
            weights: a weight per relation and direction, shape (2 * relations,).

        Returns:
            What each node receives, shape (nodes, d).
        """
        x = x.to(self.norm.dtype)
        return _Step.apply(x, weights, self.norm, self)  # type: ignore[no-any-return, no-untyped-call]

    def without_some(self, rate: float, generator: torch.Generator) -> Propagation:
        """The graph with about this share of its edges left out, the others' norms raised by as much.

        Both directions of an edge go together where both are there.

        Args:
            rate: share of the edges, 0 to less than 1.
            generator: source of the choice, on the graph's device.
        """
        draw = torch.rand(len(self.sender), generator=generator, device=self.sender.device)
        own = torch.arange(len(self.sender), device=self.sender.device)
        pair = torch.where(self.reverse < 0, own, torch.minimum(own, self.reverse))
        return self.select(draw[pair] >= rate).scaled(1 / (1 - rate))

    def select(self, keep: Tensor) -> Propagation:
        """The graph of all nodes and some edges, bool, shape (edges,)."""
        place = torch.cumsum(keep, 0)
        start = torch.cat([place.new_zeros(1), place])[self.start]
        place = torch.where(keep, place - 1, -1)
        kept = torch.nonzero(keep)[:, 0]
        reverse = self.reverse[kept]
        return Propagation(
            start,
            self.sender[kept],
            self.receiver[kept],
            self.relation[kept],
            self.norm[kept],
            torch.where(reverse < 0, reverse, place[reverse]),
            self.node,
            self.kind,
        )

    def scaled(self, factor: float | Tensor) -> Propagation:
        """The graph with its norms multiplied by a number, or by one for each edge, shape (edges,)."""
        return replace(self, norm=self.norm * factor)

    @cached_property
    def transposed(self) -> tuple[Tensor, Tensor, Tensor]:
        """Edges by the node they come from: where each node's begin, receivers, and positions of the edges.

        In a whole graph a node's edges out are the opposites of its edges in, so nothing needs sorting.
        """
        if len(self.reverse) == 0 or int(self.reverse.min()) >= 0:
            return self.start[:-1], self.sender, self.reverse
        sender, edge = torch.sort(self.sender, stable=True)
        nodes = torch.arange(len(self.start) - 1, device=sender.device)
        return torch.searchsorted(sender, nodes), self.receiver[edge], edge

    def sum(self, x: Tensor, values: Tensor) -> Tensor:
        """Sum of senders' rows times `values` (edges,) at each receiver, shape (nodes, d).

        `embedding_bag` is the fastest weighted gather-and-sum that torch has on a CPU, and needs no coalesced edges
        (`bench/propagation.py` compares it with the CSR product and with PyG's scatter).
        """
        return functional.embedding_bag(self.sender, x, self.start[:-1], mode="sum", per_sample_weights=values)


class _Step(torch.autograd.Function):
    """The step with a backward pass of its own: one more propagation, over the opposite edges.

    Autograd's own, through `embedding_bag`, scatters into a dense gradient and is 5 times slower.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, norm: Tensor, graph: Propagation) -> Tensor:
        weight = weights[graph.relation]
        values = norm * weight
        ctx.graph = graph
        ctx.save_for_backward(x, values, weights, norm, weight if ctx.needs_input_grad[2] else None)
        return graph.sum(x, values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        graph: Propagation = ctx.graph
        x, values, weights, norm, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        to_x = to_weights = to_norm = None
        if ctx.needs_input_grad[0]:
            start, receiver, edge = graph.transposed
            to_x = functional.embedding_bag(receiver, gradient, start, mode="sum", per_sample_weights=values[edge])
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            products = _edge_products(graph, gradient, x)
            if ctx.needs_input_grad[1]:
                to_weights = torch.zeros_like(weights).index_add_(0, graph.relation, norm * products)
            if ctx.needs_input_grad[2]:
                to_norm = weight * products
        return to_x, to_weights, to_norm, None


def _edge_products(graph: Propagation, receiver_rows: Tensor, sender_rows: Tensor) -> Tensor:
    """Inner product of the two ends' rows at each edge, shape (edges,)."""
    n = len(graph.start) - 1
    with warnings.catch_warnings():
        # "Sparse CSR tensor support is in beta": no news to the user of a recommender.
        warnings.simplefilter("ignore", UserWarning)
        pattern = torch.sparse_csr_tensor(
            graph.start, graph.sender, torch.zeros_like(graph.norm), (n, n), check_invariants=False
        )
    products: Tensor = torch.sparse.sampled_addmm(pattern, receiver_rows, sender_rows.T, beta=0.0).values()
    return products
