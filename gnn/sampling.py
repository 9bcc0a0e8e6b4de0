"""Sampled neighbourhoods: the part of a graph that a few nodes receive from, as a graph of its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .propagation import Propagation
from .training_config import TrainingConfig

__all__ = ["NeighbourSampler", "Neighbourhood"]


class Neighbourhood(NamedTuple):
    """A part of a graph.

    Attributes:
        graph: the part; its first rows are the seeds, in their order.
        edge: where each of its edges lies in the whole graph, shape (edges of the part,).
    """

    graph: Propagation
    edge: Tensor


class _Groups(NamedTuple):
    """Edges of each node in the groups that a fan-out is counted over.

    Attributes:
        first: where each node's groups begin, shape (nodes + 1,).
        start: where each group's edges begin, shape (groups + 1,).
        edge: edges of the graph in order of their groups, shape (edges,).
    """

    first: Tensor
    start: Tensor
    edge: Tensor


class NeighbourSampler:
    r"""Draws for each node some of the edges it receives by, layer after layer from the seeds outward.

    A group of `d` edges, all of a node's or those of one relation and direction, is taken whole if `d` is at most the
    fan-out `k`. Otherwise `k` edges are drawn, and each is multiplied by :math:`d / k`, or where draws go by
    normalisation by :math:`\sum_e \mathrm{norm}_e / (k\,\mathrm{norm}_e)`: what a node receives is the right sum on
    average. That holds for one layer and, as the two layers' draws are independent, for two; from three on a walk may
    come twice through the same node. With fan-outs no group exceeds, the seeds' result is exact.

    Numbers and draws are made on the graph's device; it holds the whole graph's edges there, 5 numbers an edge, but
    nothing of size (nodes, d).

    Args:
        graph: the whole graph.
        config: fan-outs, how they are counted and drawn.
    """

    def __init__(self, graph: Propagation, config: TrainingConfig) -> None:
        self.graph, self.config = graph, config
        n = len(graph.start) - 1
        self.groups = _by_relation(graph) if config.fan_out_per == "relation" else _by_node(graph)
        self.mass: Tensor | None = None
        if config.neighbours == "degree":
            norm = graph.norm[self.groups.edge].double()
            self.mass = torch.cat([norm.new_zeros(1), norm.cumsum(0)])
        # Local number of each node in the part being made; -1 between calls.
        self._place = torch.full((n,), -1, dtype=torch.int64, device=graph.start.device)

    def around(self, seeds: Tensor, generator: torch.Generator) -> Neighbourhood:
        """The neighbourhood of distinct nodes (n,); the generator is one of the graph's device."""
        nodes, frontier, size = [seeds], seeds, len(seeds)
        self._place[seeds] = torch.arange(size, device=seeds.device)
        edges, scales, receivers = [], [], []
        for fan_out in self.config.fan_out:
            edge, scale, receiver = self._edges(frontier, fan_out, generator)
            sender = self.graph.sender[edge]
            edges.append(edge)
            scales.append(scale)
            receivers.append(self._place[frontier][receiver])
            frontier = torch.unique(sender[self._place[sender] < 0])
            self._place[frontier] = torch.arange(size, size + len(frontier), device=seeds.device)
            nodes.append(frontier)
            size += len(frontier)
        node = torch.cat(nodes)
        edge, receiver = torch.cat(edges), torch.cat(receivers)
        part = self._part(node, edge, receiver, torch.cat(scales))
        self._place[node] = -1
        return Neighbourhood(part, edge)

    def _part(self, node: Tensor, edge: Tensor, receiver: Tensor, scale: Tensor) -> Propagation:
        whole = self.graph
        start = torch.zeros(len(node) + 1, dtype=torch.int64, device=node.device)
        torch.cumsum(torch.bincount(receiver, minlength=len(node)), 0, out=start[1:])
        return Propagation(
            start=start,
            sender=self._place[whole.sender[edge]],
            receiver=receiver,
            relation=whole.relation[edge],
            norm=whole.norm[edge] * scale,
            # News of the opposite direction is drawn by itself.
            reverse=torch.full_like(edge, -1),
            node=whole.node[node],
            kind=whole.kind[node],
        )

    def _edges(self, nodes: Tensor, fan_out: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Edges drawn for nodes, their multipliers, and which node of `nodes` each goes to, in that order."""
        group, receiver = _ranges(self.groups.first, nodes)
        first = self.groups.start[group]
        degree = self.groups.start[group + 1] - first
        whole = torch.ones_like(degree, dtype=torch.bool) if fan_out == 0 else degree <= fan_out
        number = torch.where(whole, degree, fan_out)
        total = number.cumsum(0)
        owner = torch.repeat_interleave(torch.arange(len(group), device=group.device), number)
        at = first[owner] + torch.arange(len(owner), device=group.device) - (total - number)[owner]
        scale = torch.ones(len(owner), dtype=self.graph.norm.dtype, device=group.device)
        many = torch.nonzero(~whole)[:, 0]
        if len(many):
            # Those drawn lie in `fan_out` places each, one group after another, as `many` is in order.
            places = torch.nonzero(~whole[owner])[:, 0]
            drawn, weight = self._draw(first[many], degree[many], fan_out, generator)
            at[places], scale[places] = drawn.flatten(), weight.flatten()
        return self.groups.edge[at], scale, receiver[owner]

    def _draw(self, first: Tensor, degree: Tensor, k: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`k` positions in each range, and their multipliers, shapes (ranges, k)."""
        dtype = self.graph.norm.dtype
        if self.mass is not None:
            low, high = self.mass[first], self.mass[first + degree]
            wanted = low[:, None] + (high - low)[:, None] * _uniform((len(first), k), generator)
            at = torch.searchsorted(self.mass, wanted, right=True) - 1
            at = torch.minimum(torch.maximum(at, first[:, None]), (first + degree - 1)[:, None])
            norm = self.graph.norm[self.groups.edge[at]].double()
            return at, ((high - low)[:, None] / (k * norm)).to(dtype)
        scale = (degree.to(dtype) / k)[:, None].expand(-1, k)
        if self.config.replace:
            offset = (_uniform((len(first), k), generator) * degree[:, None]).long()
            return first[:, None] + torch.minimum(offset, degree[:, None] - 1), scale
        return first[:, None] + _distinct(degree, k, generator), scale


def _distinct(sizes: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """`k` distinct numbers below each size, every subset as likely, shape (sizes, k); Floyd's algorithm, all at once."""
    chosen = torch.full((len(sizes), k), -1, dtype=torch.int64, device=sizes.device)
    uniform = _uniform((len(sizes), k), generator)
    for number in range(k):
        last = sizes - k + number
        candidate = torch.minimum((uniform[:, number] * (last + 1)).long(), last)
        taken = (chosen[:, :number] == candidate[:, None]).any(1)
        chosen[:, number] = torch.where(taken, last, candidate)
    return chosen


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Numbers in [0, 1); in float64, as float32 cannot tell 20 million edges apart."""
    return torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)


def _ranges(start: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """All numbers in the ranges of some rows, one after another, and the position in `rows` that each is of."""
    first, number = start[rows], start[rows + 1] - start[rows]
    owner = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), number)
    before = number.cumsum(0) - number
    return first[owner] + torch.arange(len(owner), device=rows.device) - before[owner], owner


def _by_node(graph: Propagation) -> _Groups:
    n = len(graph.start) - 1
    device = graph.start.device
    return _Groups(torch.arange(n + 1, device=device), graph.start, torch.arange(len(graph.sender), device=device))


def _by_relation(graph: Propagation) -> _Groups:
    n = len(graph.start) - 1
    relations = int(graph.relation.max()) + 1 if len(graph.relation) else 1
    key, edge = torch.sort(graph.receiver * relations + graph.relation, stable=True)
    group, number = torch.unique_consecutive(key, return_counts=True)
    start = torch.cat([number.new_zeros(1), number.cumsum(0)])
    groups_of = torch.bincount(group // relations, minlength=n)
    first = torch.cat([groups_of.new_zeros(1), groups_of.cumsum(0)])
    return _Groups(first, start, edge)
