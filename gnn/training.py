"""Training a graph net, with early stopping on a validation metric and the best state kept."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..kg import Interactions, ItemGraph, ModelError
from .checkpoint import Course, read_checkpoint, write_checkpoint
from .config import GnnConfig
from .embeddings import Embeddings
from .features import NodeFeatures
from .inductive import InductiveNet
from .run import Run

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
        embeddings: those of the epoch with the best validation metric; of the last one if there was no look.
        epochs: how many were trained.
        best_epoch: the one the embeddings are from, 0 if none was ever looked at.
        best_metric: its validation metric, NaN if none was ever looked at.
        relation_weights: learned weight per relation, then per relation against its direction, shape (2 * relations,).
        interrupted: whether Ctrl-C ended the training.
        inductive: the net of those embeddings, to answer for items that come later; None but for `sage`.
    """

    embeddings: Embeddings
    epochs: int
    best_epoch: int
    best_metric: float
    relation_weights: npt.NDArray[np.float32]
    interrupted: bool
    inductive: InductiveNet | None = None


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
    validate: Callable[[Embeddings], float] | None,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] | None = None,
    epochs: int | None = None,
    checkpoint: Path | None = None,
) -> TrainingResult:
    """Train a net.

    Ctrl-C ends the training; what was best so far is returned.

    Args:
        interactions: the positives to learn from; held-out ones must not be among them.
        graph: the graph around the items; `ItemGraph.without_graph` trains on interactions alone.
        text: text vectors of items and entities with a mark at those there are, or None.
        config: the net and its training.
        validate: gives the metric to choose by (higher is better); sees validation data, never test data. None trains
            all epochs and keeps the last: for a last fit, on all data, with as many epochs as validated best.
        seed: the same seed on the same machine gives the same embeddings.
        device: where to train.
        on_epoch: told about every epoch.
        epochs: most epochs, instead of `config.epochs`; the schedule of step sizes stays that of the config.
        checkpoint: a file that the training is written to at every look, and taken up from if it is there: the result
            is the same to the bit as that of a training nobody stopped. It is not deleted at the end.

    Raises:
        ModelError: if the checkpoint cannot be read, is of another training, or its folder is not there.
    """
    if checkpoint is not None and not checkpoint.absolute().parent.is_dir():
        raise ModelError("the checkpoint's folder is not there; make it first, or name another", path=checkpoint)
    run = Run(interactions, graph, text, config, seed, device)
    course, interrupted = Course(), False
    if checkpoint is not None and checkpoint.exists():
        course = read_checkpoint(checkpoint, run)
        log.info("training goes on after epoch %d of %s", course.number, checkpoint)
    last = config.epochs if epochs is None else epochs
    try:
        while course.number < last and course.stale < config.patience:
            _one_epoch(run, course, last, validate, on_epoch, checkpoint)
    except KeyboardInterrupt:
        interrupted = True
        log.info("interrupted in epoch %d; the best so far, of epoch %d, is kept", course.number, course.best_epoch)
    weights = course.best_weights
    if course.best is None or weights is None:
        course.best, weights, course.best_state = run.embeddings(), run.relation_weights(), run.inductive()
    metric = course.best_metric if course.best_epoch else math.nan
    net = None if course.best_state is None else InductiveNet(course.best_state, config)
    return TrainingResult(course.best, course.number, course.best_epoch, metric, weights, interrupted, net)


def _one_epoch(
    run: Run,
    course: Course,
    last: int,
    validate: Callable[[Embeddings], float] | None,
    on_epoch: Callable[[Epoch], None] | None,
    checkpoint: Path | None,
) -> None:
    course.number += 1
    course.metric = None
    loss = run.epoch()
    look = course.number % run.config.evaluate_every == 0 or course.number == last
    if look and validate is not None:
        now = run.embeddings()
        course.look(now, run.relation_weights(), validate(now), run.inductive)
    if look and checkpoint is not None:
        write_checkpoint(checkpoint, run, course)
    if on_epoch is not None:
        on_epoch(Epoch(course.number, loss, course.metric, course.best_metric))
