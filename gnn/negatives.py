"""Items to tell the interacted one from: drawn alike, by popularity, out of the batch, or of the same category."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from ..kg import ItemGraph
from .objectives.softmax import Drawn

__all__ = ["KnownPairs", "NegativeSampler", "SameCategory"]


class NegativeSampler:
    r"""Draws items with replacement, :math:`q_j = (1 - a) / n + a c_j^b / \sum_k c_k^b` with share `a`, exponent `b`.

    Args:
        counts: users of each item in training, all above 0, shape (items,).
        share: `a`, 0 for alike, 1 for popularity alone.
        exponent: `b`.
        device: where draws are wanted.
    """

    def __init__(self, counts: npt.NDArray[np.int64], share: float, exponent: float, device: torch.device) -> None:
        self.n_items, self.device = len(counts), device
        popularity = counts.astype(np.float64) ** exponent
        q = (1 - share) / len(counts) + share * popularity / popularity.sum()
        self.log_q = torch.from_numpy(np.log(q).astype(np.float32)).to(device)
        self.batch_log_q = torch.from_numpy(np.log(counts / counts.sum()).astype(np.float32)).to(device)
        # Drawn on the CPU, so that all devices draw alike.
        self.cumulated = torch.from_numpy(np.cumsum(q)) if share > 0 else None

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Items of this shape; the generator is one of the CPU."""
        if self.cumulated is None:
            return torch.randint(self.n_items, shape, generator=generator).to(self.device)
        at = torch.rand(shape, generator=generator, dtype=torch.float64) * self.cumulated[-1]
        return torch.searchsorted(self.cumulated, at, right=True).clamp_max(self.n_items - 1).to(self.device)

    def from_catalogue(self, n: int, positive: Tensor, generator: torch.Generator) -> Drawn:
        """`n` items for rows with these positives (batch,)."""
        item = self.draw((n,), generator)
        return Drawn(item, self.log_q[item], self.log_q[positive])

    def from_batch(self, n: int, positive: Tensor) -> Drawn:
        """The first `n` positives of a batch in random order, 0 for all: draws by popularity, exponent 1."""
        item = positive[: n or len(positive)]
        return Drawn(item, self.batch_log_q[item], self.batch_log_q[positive])


class SameCategory:
    """Items that share an entity with another: harder to tell from it than items at random.

    Args:
        graph: the graph around the items.
        items: the items that may be drawn, by their number in the graph; they are numbered anew in this order.
        device: where draws are wanted.
    """

    def __init__(self, graph: ItemGraph, items: npt.NDArray[np.int64], device: torch.device) -> None:
        ends = graph.head.astype(np.int64), graph.tail.astype(np.int64)
        item, entity = (np.concatenate(pair) for pair in (ends, ends[::-1]))
        linked = (item < graph.n_items) & (entity >= graph.n_items)
        shape = graph.n_items, len(graph.entities)
        # A sparse matrix counts a pair once, by however many relations it is linked.
        ones = np.ones(int(linked.sum()), dtype=np.float32)
        links = sp.csr_array((ones, (item[linked], entity[linked] - graph.n_items)), shape=shape)[items]
        back = sp.csr_array(links.T)
        self.n_items, self.device = len(items), device
        arrays = links.indptr, links.indices, back.indptr, back.indices
        self.start, self.entity, self.back, self.item = (torch.from_numpy(a.astype(np.int64)) for a in arrays)

    def draw(self, positive: Tensor, n: int, generator: torch.Generator) -> Tensor:
        """For each item an entity of it at random, and of that an item at random; `n` times, shape (batch, n).

        An item without entities has items at random. The item itself may come up: leave it out of a loss.
        """
        positive = positive.cpu()[:, None].expand(-1, n)
        anything = torch.randint(max(1, self.n_items), positive.shape, generator=generator)
        if len(self.entity) == 0:
            return anything.to(self.device)
        first, number = self.start[positive], self.start[positive + 1] - self.start[positive]
        entity = self._one_of(self.entity, first, number, generator)
        first, size = self.back[entity], self.back[entity + 1] - self.back[entity]
        related = self._one_of(self.item, first, size, generator)
        return torch.where(number > 0, related, anything).to(self.device)

    @staticmethod
    def _one_of(values: Tensor, first: Tensor, number: Tensor, generator: torch.Generator) -> Tensor:
        at = torch.rand(first.shape, generator=generator, dtype=torch.float64)
        offset = (at * number).long().clamp_max(number - 1).clamp_min(0)
        return values[(first + offset).clamp_max(len(values) - 1)]


class KnownPairs:
    """Who met what, to be asked for many pairs at once.

    Args:
        user: users of the pairs, shape (pairs,).
        item: their items, shape (pairs,).
        n_items: number of items.
    """

    def __init__(self, user: Tensor, item: Tensor, n_items: int) -> None:
        self.n_items = n_items
        self.keys = torch.sort(user * n_items + item).values

    def __call__(self, user: Tensor, item: Tensor) -> Tensor:
        """Whether users (batch,) met items (batch, n), bool, shape (batch, n)."""
        wanted = user[:, None] * self.n_items + item
        at = torch.searchsorted(self.keys, wanted).clamp_max(len(self.keys) - 1)
        return self.keys[at] == wanted
