"""What peers that are nets share: early stopping by validation, scores by user number, a last fit, sparse products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import functional

from plait.fusion.signals.signal import Audience, Scores
from plait.kg import Interactions

from .peer import Fit, ScoreOf, Task

Course = Callable[[], tuple[Tensor, Tensor]]
"""Embeddings of users and items as they are now."""


def by_number(users: npt.NDArray[np.float32], items: npt.NDArray[np.float32]) -> ScoreOf:
    """Scores of the users that were trained on, by inner product; all alike for others."""

    def score(audience: Audience) -> Scores:
        found = users[np.maximum(audience.numbers, 0)] @ items.T
        found[audience.numbers < 0] = 0
        return np.asarray(found, dtype=np.float32)

    return score


def scorer_of(now: Course) -> ScoreOf:
    """The scorer of a net as it is now."""
    with torch.no_grad():
        users, items = (part.detach().cpu().numpy().copy() for part in now())
    return by_number(users, items)


def stopped_early(task: Task, epoch: Callable[[], None], now: Course) -> Fit:
    """Trained until validation has not gained for so many looks; the best state's scores.

    Args:
        task: how long, and what is looked at.
        epoch: trains one.
        now: gives the embeddings.
    """
    best: Fit | None = None
    stale, over = 0, task.clock()
    for number in range(1, task.epochs + 1):
        epoch()
        if number % task.every and number < task.epochs:
            continue
        score = scorer_of(now)
        valid = task.ndcg(score)
        if best is None or valid > best.valid:
            best, stale = Fit(score, valid, number), 0
        else:
            stale += 1
        if stale >= task.patience or over():
            break
    assert best is not None, "a net is looked at once at least"
    return best


def trained_for(epochs: int, epoch: Callable[[], None], now: Course) -> ScoreOf:
    """Trained for a known number of epochs, without a look."""
    for _ in range(epochs):
        epoch()
    return scorer_of(now)


class Pairs:
    """Interactions in batches, each with an item at random that the user has not met (three draws to find one)."""

    def __init__(self, log: Interactions, batch_size: int, device: Any, generator: torch.Generator) -> None:
        self.user = torch.from_numpy(log.user.astype(np.int64))
        self.item = torch.from_numpy(log.item.astype(np.int64))
        self.n_items, self.batch_size, self.device, self.generator = len(log.items), batch_size, device, generator
        self.known = torch.unique(self.user * self.n_items + self.item)

    def __iter__(self) -> Any:
        order = torch.randperm(len(self.user), generator=self.generator)
        for rows in order.split(self.batch_size):
            user, item = self.user[rows], self.item[rows]
            other = torch.randint(self.n_items, (len(rows),), generator=self.generator)
            for _ in range(2):
                pair = user * self.n_items + other
                place = torch.searchsorted(self.known, pair).clamp_max(len(self.known) - 1)
                met = self.known[place] == pair
                redrawn = torch.randint(self.n_items, (len(rows),), generator=self.generator)
                other = torch.where(met, redrawn, other)
            yield user.to(self.device), item.to(self.device), other.to(self.device)


@dataclass(frozen=True, eq=False)
class Csr:
    """A sparse matrix on a device: where rows begin, columns and values in float32.

    Its product is an `embedding_bag`, which takes a third of the time of torch's own on a CPU.
    """

    start: Tensor
    column: Tensor
    values: Tensor

    @classmethod
    def of(cls, matrix: sp.csr_array, device: Any) -> Csr:
        """The same matrix there."""
        start, column = (torch.from_numpy(part.astype(np.int64)).to(device) for part in (matrix.indptr, matrix.indices))
        return cls(start, column, torch.from_numpy(matrix.data.astype(np.float32)).to(device))

    def __matmul__(self, dense: Tensor) -> Tensor:
        weights = {"per_sample_weights": self.values, "mode": "sum", "include_last_offset": True}
        return functional.embedding_bag(self.column, dense, self.start, **weights)


class Product(torch.autograd.Function):
    """A constant sparse matrix times a dense one; the gradient is its transpose times that of the result."""

    @staticmethod
    def forward(ctx: Any, matrix: Csr, transposed: Csr, dense: Tensor) -> Tensor:
        """The product, shape (rows, d)."""
        ctx.transposed = transposed
        return matrix @ dense

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        """Nothing for the matrices."""
        return None, None, ctx.transposed @ gradient.contiguous()
