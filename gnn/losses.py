"""The loss of one step: what is drawn for a batch, and the objectives over it, each times its weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..kg import ItemGraph
from .config import GnnConfig
from .negatives import KnownPairs, NegativeSampler, SameCategory
from .nets import GraphNet
from .objectives import (
    Drawn,
    LinkPrediction,
    bpr_loss,
    info_nce,
    noisy,
    rows,
    sampled_softmax_loss,
    softmax_loss,
)
from .propagation import Propagation

__all__ = ["Losses", "Pass"]


class Pass(NamedTuple):
    """What a net was given and what it made of it in one step.

    Attributes:
        graph: the graph, whole or a part.
        own: its input rows, shape (nodes of the graph, d).
        final: the embeddings, shape (nodes of the graph, d).
        place: gives the rows of nodes of the whole graph, which must be among those asked for.
    """

    graph: Propagation
    own: Tensor
    final: Tensor
    place: Callable[[Tensor], Tensor]

    def at(self, nodes: Tensor) -> Tensor:
        """Embeddings of nodes of any shape, shape (..., d)."""
        return rows(self.final, self.place(nodes))


@dataclass(frozen=True)
class Batch:
    """Interactions and what was drawn for them; items by their number among those somebody met.

    Attributes:
        user: users, shape (batch,).
        item: their items, shape (batch,).
        softmax: items drawn for the softmax; None for all, or none.
        pairs: items drawn for each row for BPR, shape (batch, n); None for none.
        hard: items of the same category, shape (batch, n); None for none.
        nodes: all nodes whose embeddings are wanted.
    """

    user: Tensor
    item: Tensor
    softmax: Drawn | None
    pairs: Tensor | None
    hard: Tensor | None
    nodes: Tensor


class Losses:
    """The objectives of one training.

    Args:
        config: which.
        net: whose embeddings.
        graph: the graph around the items, for items of the same category.
        met: numbers of the items that somebody met, shape (met,).
        counts: users of each item, shape (items,).
        pairs: users and items (among those met) of all interactions.
        negatives: items drawn per step or interaction.
        links: the objective over triples, if wanted.
    """

    def __init__(
        self,
        config: GnnConfig,
        net: GraphNet,
        graph: ItemGraph,
        met: npt.NDArray[np.int64],
        counts: npt.NDArray[np.int64],
        pairs: tuple[Tensor, Tensor],
        negatives: int,
        links: LinkPrediction | None,
    ) -> None:
        device = pairs[0].device
        self.config, self.net, self.links, self.negatives = config, net, links, negatives
        self.met_items = torch.from_numpy(met).to(device)
        self.sampler = NegativeSampler(counts[met], config.popularity_share, config.popularity_exponent, device)
        self.known = self.category = None
        if config.objective == "bpr" or config.hard_negatives:
            self.known = KnownPairs(*pairs, len(met))
        if config.hard_negatives:
            self.category = SameCategory(graph, met, device)

    def draw(self, user: Tensor, item: Tensor, generator: torch.Generator) -> Batch:
        """What a batch of users and their items is learned from; the generator is one of the CPU."""
        config, n = self.config, self.negatives
        softmax = pairs = hard = None
        if config.objective == "bpr":
            pairs = self.sampler.draw((len(item), n), generator)
        elif config.negatives_from == "batch":
            softmax = self.sampler.from_batch(n, item)
        elif 0 < n < len(self.met_items) or config.regime == "sampled":
            softmax = self.sampler.from_catalogue(n, item, generator)
        if self.category is not None:
            hard = self.category.draw(item, config.hard_negatives, generator)
        items = [item, *([softmax.item] if softmax is not None else [])]
        items += [rest.flatten() for rest in (pairs, hard) if rest is not None]
        return Batch(user, item, softmax, pairs, hard, torch.cat([user, *map(self._nodes, items)]))

    def __call__(self, out: Pass, batch: Batch, generator: torch.Generator, noise: torch.Generator) -> Tensor:
        """The loss.

        Args:
            out: what the net made of it.
            batch: interactions, and what was drawn for them.
            generator: draws triples, on the CPU.
            noise: disturbs views, on the device.
        """
        config = self.config
        users = out.at(batch.user)
        loss = self._interactions(out, users, batch)
        if batch.hard is not None:
            loss = loss + config.hard_weight * self._pairs(out, users, batch, batch.hard)
        if self.links is not None and config.links is not None:
            loss = loss + config.links.weight * self.links(self._inputs(out), generator)
        if config.contrast is not None:
            loss = loss + config.contrast.weight * self._contrast(out, batch, noise)
        return loss

    def _interactions(self, out: Pass, users: Tensor, batch: Batch) -> Tensor:
        if batch.pairs is not None:
            return self._pairs(out, users, batch, batch.pairs)
        if batch.softmax is None:
            items, bias = (
                out.at(self._nodes_of_all()),
                self._bias(torch.arange(len(self.met_items), device=users.device)),
            )
            return softmax_loss(users, items, bias, batch.item, self.config.temperature)
        own, others = self._told(out, batch.item), self._told(out, batch.softmax.item)
        return sampled_softmax_loss(users, own, others, batch.item, batch.softmax, self.config.temperature)

    def _pairs(self, out: Pass, users: Tensor, batch: Batch, items: Tensor) -> Tensor:
        assert self.known is not None
        valid = ~self.known(batch.user, items)
        return bpr_loss(users, self._told(out, batch.item), self._told(out, items), valid, self.config.temperature)

    def _contrast(self, out: Pass, batch: Batch, noise: torch.Generator) -> Tensor:
        contrast = self.config.contrast
        assert contrast is not None
        graph, own = out.graph, out.own
        if contrast.view == "edges":
            graph = graph.without_some(contrast.rate, noise)
        else:
            own = noisy(own, contrast.rate, noise)
        other = out._replace(final=self.net(graph, own).final)
        loss = out.final.new_zeros(())
        for nodes in (batch.user, self._nodes(batch.item)):
            distinct = _first_distinct(nodes[: 2 * contrast.nodes], contrast.nodes)
            loss = loss + info_nce(out.at(distinct), other.at(distinct), contrast.temperature)
        return loss

    def _inputs(self, out: Pass) -> Callable[[Tensor], Tensor]:
        """Input rows of any nodes: at hand where the graph is whole."""
        if self.config.regime == "sampled":
            return self.net.inputs
        return lambda nodes: rows(out.own, nodes)

    def _told(self, out: Pass, items: Tensor) -> tuple[Tensor, Tensor]:
        return out.at(self._nodes(items)), self._bias(items)

    def _bias(self, items: Tensor) -> Tensor:
        return rows(self.net.bias[:, None], self.met_items[items])[..., 0]

    def _nodes(self, items: Tensor) -> Tensor:
        return self.net.n_users + self.met_items[items]

    def _nodes_of_all(self) -> Tensor:
        return self.net.n_users + self.met_items


def _first_distinct(nodes: Tensor, n: int) -> Tensor:
    """The first n distinct nodes in the order of a batch, which is at random: sorted, high numbers would never come."""
    distinct, place = torch.unique(nodes, return_inverse=True)
    first = torch.full_like(distinct, len(nodes))
    first.scatter_reduce_(0, place, torch.arange(len(nodes), device=nodes.device), "amin")
    found: Tensor = distinct[first.argsort()[:n]]
    return found
