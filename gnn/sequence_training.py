"""Training a sequential net to name the next item, with early stopping and the best state kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from .features import NodeFeatures
from .objectives import rows, softmax_loss
from .readout import array_of, extrapolated
from .sequence import SequenceModel
from .sequence_config import SequenceNetConfig
from .sequence_histories import Histories
from .sequence_items import ItemTable
from .sequence_net import Block, SequenceNet
from .training import Epoch

__all__ = ["SequenceResult", "train_sequences"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SequenceResult:
    """A trained net.

    Attributes:
        model: that of the epoch with the best validation metric; of the last one where none was looked at.
        epochs: how many were trained.
        best_epoch: the one the model is from.
        best_metric: its validation metric, NaN if none was ever looked at.
        interrupted: whether Ctrl-C ended the training.
    """

    model: SequenceModel
    epochs: int
    best_epoch: int
    best_metric: float
    interrupted: bool


def train_sequences(
    steps: sp.csr_array,
    entities: sp.csr_array | None,
    text: NodeFeatures | None,
    config: SequenceNetConfig,
    *,
    validate: Callable[[SequenceModel], float] | None,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> SequenceResult:
    """Train a net to name the next item of each history from those before.

    Ctrl-C ends the training; what was best so far is returned.

    Args:
        steps: the positives by how many steps ago, 1 the last, shape (users, items); nothing held out is in it.
        entities: which nodes each item is linked to, binary, shape (items, nodes), or None.
        text: text vectors of the items, or None.
        config: the net and its training.
        validate: gives the metric to choose by (higher is better); None trains all epochs.
        seed: the same seed on the same machine gives the same model.
        device: where to train.
        on_epoch: told about every epoch.

    Raises:
        ValueError: if no user has two items.
    """
    run = _Run(steps, entities, text, config, seed, device)
    best: SequenceModel | None = None
    best_metric, best_epoch, number, stale, interrupted = -math.inf, 0, 0, 0, False
    try:
        for number in range(1, config.epochs + 1):
            loss = run.epoch()
            metric = None
            if validate is not None and (number % config.evaluate_every == 0 or number == config.epochs):
                now = run.model()
                metric = validate(now)
                stale += 1
                if metric > best_metric:
                    best, best_metric, best_epoch, stale = now, metric, number, 0
            if on_epoch is not None:
                on_epoch(Epoch(number, loss, metric, best_metric))
            if stale >= config.patience:
                break
    except KeyboardInterrupt:
        interrupted = True
        log.info("interrupted in epoch %d; the best so far, of epoch %d, is kept", number, best_epoch)
    if best is None:
        return SequenceResult(run.model(), number, number, math.nan, interrupted)
    return SequenceResult(best, number, best_epoch, best_metric, interrupted)


class _Run:
    """The moving parts of one training."""

    def __init__(
        self,
        steps: sp.csr_array,
        entities: sp.csr_array | None,
        text: NodeFeatures | None,
        config: SequenceNetConfig,
        seed: int,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        self.histories = Histories.of(steps).windows(config.max_length)
        if len(self.histories) == 0:
            raise ValueError("no user has two items one after the other, so there is no next item to learn from")
        self.generator = torch.Generator().manual_seed(seed)
        self.noise = torch.Generator(device).manual_seed(seed + 1)
        self.counts = np.bincount(steps.indices, minlength=steps.shape[1])
        met = np.flatnonzero(self.counts)
        # The softmax is over the items that somebody met; positives are numbered among them.
        self.met = torch.from_numpy(met).to(device)
        self.among_met = torch.from_numpy(np.cumsum(self.counts > 0) - 1)
        told = (entities, text) if config.content else (None, None)
        self.table = ItemTable(
            torch.from_numpy(self.counts > 0), *told, config.dimension, self.generator, device, config.own_dropout
        ).to(device)
        self.net = SequenceNet(config, self.generator).to(device)
        self.bias = nn.Parameter(torch.zeros(len(self.counts), device=device))
        self.optimizer = torch.optim.AdamW(self._groups(), lr=config.learning_rate, fused=True)

    def _groups(self) -> list[dict[str, Any]]:
        """Matrices and embeddings decay; norms, biases and what is added by distance do not."""
        parameters = [*self.table.parameters(), *self.net.parameters(), self.bias]
        return [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.config.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]

    def epoch(self) -> float:
        """One pass over the histories in a new order; the mean loss."""
        order = torch.randperm(len(self.histories), generator=self.generator).numpy()
        batches = list(self.histories.batches(self.config.batch_size, order))
        total, positions = 0.0, 0
        for number in torch.randperm(len(batches), generator=self.generator).tolist():
            loss, n = self._step(*self.histories.padded(batches[number]))
            total, positions = total + loss * n, positions + n
        return total / positions

    def _step(self, items: npt.NDArray[np.int64], filled: npt.NDArray[np.bool_]) -> tuple[float, int]:
        """Learn from some histories; the mean loss, and of how many items."""
        config = self.config
        into = torch.from_numpy(items).to(self.device)
        told = torch.from_numpy(filled[:, 1:]).to(self.device)
        table = self.table(self.noise)
        out = self.net(rows(table, into[:, :-1]), self.noise)[told]
        positive = self.among_met[torch.from_numpy(items[:, 1:][filled[:, 1:]])].to(self.device)
        sampled = None
        if drawn := config.drawn(len(self.met)):
            sampled = torch.randint(len(self.met), (drawn,), generator=self.generator).to(self.device)
        bias = rows(self.bias[:, None], self.met)[:, 0]
        loss = softmax_loss(out, rows(table, self.met), bias, positive, config.temperature, sampled)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return float(loss.detach()), len(positive)

    @torch.no_grad()
    def model(self) -> SequenceModel:
        """What the net knows now, on the CPU."""
        blocks = [block for block in self.net.blocks if isinstance(block, Block)]
        norms = [torch.stack([_norm(b.before_attention), _norm(b.before_feed)]) for b in blocks]
        linear = ("query_key_value", "mixed", "feed_in", "feed_out")
        names = (*linear, *(f"{name}_bias" for name in linear), "by_distance")
        return SequenceModel(
            items=array_of(self.table()),
            bias=extrapolated(array_of(self.bias), self.counts),
            scale=array_of(self.net.scale[None]),
            temperature=np.array([self.config.temperature], dtype=np.float32),
            norms=array_of(torch.stack(norms)),
            last_norm=array_of(_norm(self.net.norm)),
            **{name: array_of(torch.stack([getattr(block, name) for block in blocks])) for name in names},
        )


def _norm(norm: nn.LayerNorm) -> Tensor:
    """Scale and offset, shape (2, d)."""
    return torch.stack([norm.weight, norm.bias])
