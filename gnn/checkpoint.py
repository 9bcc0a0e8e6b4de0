"""A training on disk, to go on with exactly where it was left: one safetensors file with JSON in its head."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..kg import ModelError, whole_file
from .embeddings import Embeddings
from .run import Run

__all__ = ["Course", "read_checkpoint", "write_checkpoint"]

PARTS = ("user_own", "fold", "items", "entities", "bias")


@dataclass
class Course:
    """Where a training stands.

    Attributes:
        number: epochs begun.
        best: embeddings of the best look so far.
        best_weights: the relation weights of that look.
        best_state: of a net that answers for graphs that have grown, what it had learned then.
        best_metric: its validation metric.
        best_epoch: its epoch, 0 if there was no look.
        stale: looks since.
        metric: validation metric of the last epoch, if it had a look.
    """

    number: int = 0
    best: Embeddings | None = None
    best_weights: npt.NDArray[np.float32] | None = None
    best_state: dict[str, Tensor] | None = None
    best_metric: float = -math.inf
    best_epoch: int = 0
    stale: int = 0
    metric: float | None = None

    def look(
        self,
        embeddings: Embeddings,
        weights: npt.NDArray[np.float32],
        metric: float,
        state: Callable[[], dict[str, Tensor] | None],
    ) -> None:
        """Take in a look at the validation metric; `state` is asked where it is the best."""
        self.metric = metric
        self.stale += 1
        if metric > self.best_metric:
            self.best, self.best_weights, self.best_state = embeddings, weights, state()
            self.best_metric, self.best_epoch, self.stale = metric, self.number, 0


def write_checkpoint(path: Path, run: Run, course: Course) -> None:
    """Write a training after a whole epoch; the file appears whole or stays as it was."""
    tensors = dict(run.state())
    if course.best is not None and course.best_weights is not None:
        tensors |= {f"best.{name}": torch.from_numpy(getattr(course.best, name)) for name in PARTS}
        tensors["best.relation_weights"] = torch.from_numpy(course.best_weights)
        tensors |= {f"best.state.{name}": tensor for name, tensor in (course.best_state or {}).items()}
    head = {
        "number": course.number,
        "best_metric": None if math.isinf(course.best_metric) else course.best_metric,
        "best_epoch": course.best_epoch,
        "stale": course.stale,
        "fingerprint": fingerprint(run),
    }
    with whole_file(path) as temporary:
        # Copies: safetensors refuses tensors that share memory.
        save_file({name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}, temporary,
                  metadata={"plait": json.dumps(head)})  # fmt: skip


def read_checkpoint(path: Path, run: Run) -> Course:
    """Put a training back to where the file says it was.

    Raises:
        ModelError: if the file is no checkpoint, or of a training on other data or with other settings.
    """
    try:
        with safe_open(path, framework="pt") as file:
            head: dict[str, Any] = json.loads((file.metadata() or {})["plait"])
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ModelError("this is no checkpoint of a training; delete it or name another", path=path) from error
    if head.get("fingerprint") != fingerprint(run):
        raise ModelError(
            "this checkpoint is of a training with other data, settings or seed; delete it or name another", path=path
        )
    try:
        run.restore(tensors)
    except KeyError as error:
        raise ModelError(f"this checkpoint lacks {error}; delete it or name another", path=path) from error
    course = Course(number=head["number"], best_epoch=head["best_epoch"], stale=head["stale"])
    if "best.items" in tensors:
        arrays = {name: tensors[f"best.{name}"].numpy() for name in PARTS}
        course.best = Embeddings(**arrays, temperature=run.config.temperature, blocks=1)
        course.best_weights = tensors["best.relation_weights"].numpy()
        course.best_metric = head["best_metric"]
        kept = {name.removeprefix("best.state."): t for name, t in tensors.items() if name.startswith("best.state.")}
        course.best_state = kept or None
    return course


def fingerprint(run: Run) -> str:
    """SHA-256 of all that a training is a function of: settings, seed, edges, texts."""
    digest = hashlib.sha256(json.dumps(run.config.model_dump(mode="json"), sort_keys=True).encode())
    digest.update(f"{run.seed} {run.device.type}".encode())
    columns = run.graph.start, run.graph.sender, run.graph.relation, run.user, run.item, *run.net.buffers()
    for column in columns:
        digest.update(f"{column.dtype} {tuple(column.shape)}".encode())
        digest.update(column.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
