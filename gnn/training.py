"""Training a graph net, with early stopping on a validation metric and the best state kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..kg import Interactions, ItemGraph
from .config import GnnConfig
from .embeddings import Embeddings
from .features import NodeFeatures
from .light import LightNet, NodeText
from .objective import rows, softmax_loss
from .propagation import Propagation
from .unified import UnifiedGraph

__all__ = ["Epoch", "TrainingResult", "choose_device", "train_net"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """News of one epoch: its number from 1, its mean loss, the validation metrics of this one and the best so far."""

    number: int
    loss: float
    metric: float | None
    best: float


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained net.

    Attributes:
        embeddings: those of the epoch with the best validation metric.
        epochs: how many were trained.
        best_epoch: the one the embeddings are from, 0 if none was ever looked at.
        best_metric: its validation metric, NaN if none was ever looked at.
        relation_weights: learned weight per relation, then per relation against its direction, shape (2 * relations,).
        interrupted: whether Ctrl-C ended the training.
    """

    embeddings: Embeddings
    epochs: int
    best_epoch: int
    best_metric: float
    relation_weights: npt.NDArray[np.float32]
    interrupted: bool


def choose_device(name: str) -> torch.device:
    """The device of a setting: "auto" is CUDA where there is one.

    Raises:
        ValueError: if the device does not exist here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"{name!r} is no device of torch; use device: auto, cpu or cuda") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count() or "none"
        raise ValueError(f"device {name} was asked for, and torch sees {count}; use device: auto or cpu")
    return device


def train_net(
    interactions: Interactions,
    graph: ItemGraph,
    text: NodeFeatures | None,
    config: GnnConfig,
    *,
    validate: Callable[[Embeddings], float],
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> TrainingResult:
    """Train the light net.

    Ctrl-C ends the training; what was best so far is returned.

    Args:
        interactions: the positives to learn from; held-out ones must not be among them.
        graph: the graph around the items; `ItemGraph.without_graph` trains on interactions alone.
        text: text vectors of items and entities with a mark at those there are, or None.
        config: the net and its training.
        validate: gives the metric to choose by (higher is better); sees validation data, never test data.
        seed: the same seed on the same machine gives the same embeddings.
        device: where to train.
        on_epoch: told about every epoch.
    """
    run = _Run(interactions, graph, text, config, seed, device)
    best: Embeddings | None = None
    best_weights = run.relation_weights()
    best_metric, best_epoch, number, stale, interrupted = -math.inf, 0, 0, 0, False
    try:
        for number in range(1, config.epochs + 1):
            loss = run.epoch()
            metric = None
            if number % config.evaluate_every == 0 or number == config.epochs:
                now = run.embeddings()
                metric = validate(now)
                stale += 1
                if metric > best_metric:
                    best, best_metric, best_epoch, stale = now, metric, number, 0
                    best_weights = run.relation_weights()
            if on_epoch is not None:
                on_epoch(Epoch(number, loss, metric, best_metric))
            if stale >= config.patience:
                break
    except KeyboardInterrupt:
        interrupted = True
        log.info("interrupted in epoch %d; the best so far, of epoch %d, is kept", number, best_epoch)
    if best is None:
        best, best_weights = run.embeddings(), run.relation_weights()
    return TrainingResult(best, number, best_epoch, best_metric if best_epoch else math.nan, best_weights, interrupted)


class _Run:
    """The moving parts of one training."""

    def __init__(
        self,
        interactions: Interactions,
        graph: ItemGraph,
        text: NodeFeatures | None,
        config: GnnConfig,
        seed: int,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        self.generator = torch.Generator().manual_seed(seed)
        self.noise = torch.Generator(device).manual_seed(seed + 1)
        unified = UnifiedGraph.build(interactions, graph)
        self.n_users, self.n_items = unified.n_users, unified.n_items
        self.graph = Propagation.on(unified, device)
        told = None if text is None else NodeText(torch.from_numpy(text.vectors), torch.from_numpy(text.present))
        self.net = LightNet(unified, config, told, self.generator).to(device)
        pairs = interactions.matrix().tocoo()
        self.counts = np.bincount(pairs.col, minlength=self.n_items)
        self.user = torch.from_numpy(pairs.row.astype(np.int64)).to(device)
        # The softmax is over the items that somebody met; positives are numbered among them.
        met = np.flatnonzero(unified.met[self.n_users : self.n_users + self.n_items])
        self.met_items = torch.from_numpy(met).to(device)
        self.item = torch.from_numpy(np.searchsorted(met, pairs.col)).to(device)
        # Relation weights are few and start where they mean "as is": decay would pull them to silence.
        kept = [self.net.relation_weight]
        decayed = [p for p in self.net.parameters() if p is not self.net.relation_weight]
        groups: list[dict[str, Any]] = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": kept}]
        self.optimizer = torch.optim.Adam(groups, lr=config.learning_rate, fused=True)

    def epoch(self) -> float:
        """One pass over the interactions in a new order; the mean loss."""
        order = torch.randperm(len(self.user), generator=self.generator).to(self.device)
        total = torch.zeros((), device=self.device)
        for batch in torch.split(order, self.config.batch_size):
            total += self._step(self.user[batch], self.item[batch]) * len(batch)
        return float(total) / len(order)

    def _step(self, user: Tensor, item: Tensor) -> Tensor:
        config = self.config
        out = self.net(self.graph, self._dropped(self.net.inputs()))
        items = rows(out.final, self.n_users + self.met_items)
        bias = rows(self.net.bias[:, None], self.met_items)[:, 0]
        sampled = None
        if 0 < config.negatives < len(items):
            sampled = torch.randint(len(items), (config.negatives,), generator=self.generator).to(self.device)
        loss = softmax_loss(rows(out.final, user), items, bias, item, config.temperature, sampled)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()

    def _dropped(self, x: Tensor) -> Tensor:
        """Dropout with a generator of our own: nothing here touches the global one."""
        rate = self.config.dropout
        if rate == 0:
            return x
        keep = torch.empty_like(x).bernoulli_(1 - rate, generator=self.noise)
        return x * keep / (1 - rate)

    @torch.no_grad()
    def embeddings(self) -> Embeddings:
        """What the net knows now, on the CPU."""
        out = self.net(self.graph, self.net.inputs())
        first, last = self.n_users, self.n_users + self.n_items
        # An item's part in a user: its inner layers, weighted as the edge from item to user is (against relation 0),
        # normalised by the item's degree; the user's own degree is left for the history at hand.
        n_relations = len(self.net.relation_weight) // 2
        degree = torch.diff(self.graph.start)
        scale = self.net.relation_weight[n_relations] / degree[first:last].clamp_min(1).sqrt() / (self.net.layers + 1)
        return Embeddings(
            user_own=_array(out.own[:first] / (self.net.layers + 1)),
            fold=_array(out.inner[first:last] * scale[:, None]),
            items=_array(out.final[first:last]),
            entities=_array(out.final[last:]),
            bias=extrapolated(_array(self.net.bias), self.counts),
            temperature=self.config.temperature,
        )

    def relation_weights(self) -> npt.NDArray[np.float32]:
        """The learned relation weights."""
        return _array(self.net.relation_weight)


def extrapolated(bias: npt.NDArray[np.float32], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Biases with those of items that nobody met put where the others' point to.

    A bias grows with log(1 + users of the item); a line through those that were learned, read off at no users, says
    what an unmet item may claim. At 0 instead it would claim as much as an item of average popularity.

    Args:
        bias: learned biases, shape (items,).
        counts: users of each item in training, shape (items,).
    """
    met = counts > 0
    if met.all():
        return bias
    known, x = bias[met].astype(np.float64), np.log1p(counts[met])
    spread = x - x.mean()
    # Where all counts are alike their spread is 0 but for rounding.
    slope = float(spread @ known / (spread @ spread)) if np.ptp(counts[met]) else 0.0
    return np.where(met, bias, np.float32(known.mean() - slope * x.mean()))


def _array(tensor: Tensor) -> npt.NDArray[np.float32]:
    """A copy on the CPU."""
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32)
