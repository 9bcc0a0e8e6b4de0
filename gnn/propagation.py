"""One propagation step: each node receives the weighted sum of its neighbours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .unified import UnifiedGraph

__all__ = ["Propagation"]


@dataclass(frozen=True, eq=False)
class Propagation:
    """A unified graph on a device, ready to be propagated over.

    Attributes:
        start: where each receiver's edges begin, shape (nodes + 1,).
        sender: sender of each edge, shape (edges,).
        receiver: receiver of each edge, shape (edges,).
        relation: relation and direction of each edge, shape (edges,).
        norm: symmetric normalisation of each edge, shape (edges,).
        reverse: position of each edge's opposite, shape (edges,).
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
        columns = [torch.from_numpy(getattr(graph, name)).to(device) for name in names]
        node = torch.arange(graph.n_nodes, device=device)
        kind = (node >= graph.n_users).long() + (node >= graph.n_users + graph.n_items).long()
        return cls(*columns, node, kind)

    def __call__(self, x: Tensor, weights: Tensor) -> Tensor:
        """One step: out[v] = sum over edges u -r-> v of weights[r] * norm * x[u].

        Args:
            x: node embeddings, shape (nodes, d).
            weights: a weight per relation and direction, shape (2 * relations,).

        Returns:
            What each node receives, shape (nodes, d).
        """
        return _Step.apply(x, weights, self)  # type: ignore[no-any-return, no-untyped-call]

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
    def forward(ctx: Any, x: Tensor, weights: Tensor, graph: Propagation) -> Tensor:
        values = graph.norm * weights[graph.relation]
        ctx.graph = graph
        ctx.save_for_backward(x, values, weights)
        return graph.sum(x, values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        graph: Propagation = ctx.graph
        x, values, weights = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        to_x = graph.sum(gradient, values[graph.reverse]) if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return to_x, None, None
        per_edge = graph.norm * _edge_products(graph, gradient, x)
        return to_x, torch.zeros_like(weights).index_add_(0, graph.relation, per_edge), None


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
