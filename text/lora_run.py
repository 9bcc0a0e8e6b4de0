"""The moving parts of one tuning: steps, looks at the validation metric, checkpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..kg import ConfigError, ModelError, Update
from .contrast import anchors, contrastive_loss
from .encoder import TextVectors
from .lora_adapter import Adapter, transformer_layers
from .lora_backbone import Backbone
from .lora_checkpoint import Check, Standing, read_standing, write_standing
from .lora_config import MAX_SHARE, LoraConfig
from .lora_layers import Tower
from .lora_modules import attach
from .pairs import PairSampler
from .precision import has_bfloat16

__all__ = ["Run", "Tuned", "Validate"]

_log = logging.getLogger(__name__)

Validate = Callable[[TextVectors], float]
"""Gives the metric to choose by, higher is better, from vectors of all items; sees validation data, never test data."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a tuning gave.

    Attributes:
        adapter: the adapters of the best step; of step 0, which add nothing, where tuning did not help.
        checks: every look at the validation metric, the frozen encoder's first.
        best_step: the step the adapters are from.
        steps: steps trained.
        share: trained parameters over all parameters of the model.
        seconds: time spent, over all runs of a resumed tuning.
        interrupted: whether Ctrl-C ended it.
    """

    adapter: Adapter
    checks: tuple[Check, ...]
    best_step: int
    steps: int
    share: float
    seconds: float
    interrupted: bool

    @property
    def frozen(self) -> float | None:
        """Validation metric of the encoder as it was."""
        return self.checks[0].metric if self.checks else None

    @property
    def best(self) -> float | None:
        """Validation metric of the best step."""
        return next((check.metric for check in self.checks if check.step == self.best_step), None)


class Run:
    """The moving parts of one tuning."""

    def __init__(
        self,
        backbone: Backbone,
        sampler: PairSampler,
        config: LoraConfig,
        seed: int,
        name: str,
        validate: Validate | None,
        checkpoint: Path | None,
        on_progress: Update | None,
    ) -> None:
        self.began = time.monotonic()
        self.config, self.seed, self.name, self.sampler = config, seed, name, sampler
        self.validate, self.checkpoint, self.on_progress = validate, checkpoint, on_progress
        self.device = backbone.device
        self.parameters, self.share = attach(backbone.model, config)
        if self.share >= MAX_SHARE:
            raise ConfigError(
                f"the adapters are {self.share:.1%} of the encoder's parameters, and should stay below {MAX_SHARE:.0%}: "
                "lower rank, or choose fewer layers or targets"
            )
        self.tower = Tower(
            backbone.model,
            backbone.head,
            backbone.tokens,
            padding=backbone.padding,
            tokens_per_batch=config.tokens_per_batch,
            dtype=_dtype(config, self.device),
        )
        layers = len(transformer_layers(backbone.model)[1])
        first = 0 if config.layers is None else max(0, layers - config.layers)
        self.tower.freeze_below(first, max_bytes=config.max_states_mib * 2**20, on_texts=self._tell_ready)
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=0.0, weight_decay=config.weight_decay)
        self.step, self.best_step, self.stale, self.before = 0, 0, 0, 0.0
        self.checks: list[Check] = []
        self.best = self._copy()
        self.losses: list[float] = []

    def to_the_end(self) -> Tuned:
        """Go on from the checkpoint, if there is one, to the end."""
        interrupted = False
        finished = self._resume()
        try:
            if not self.checks:
                self._check()
            while not finished:
                self.step += 1
                self.losses.append(self.train(self.step))
                late = self._late()
                if late or self.step % self._interval == 0 or self.step == self.config.steps:
                    finished = self._check(late)
                self._tell()
        except KeyboardInterrupt:
            interrupted = True
            _log.info("interrupted in step %d; the best so far, of step %d, is kept", self.step, self.best_step)
        adapter = Adapter(self.best, self.config.alpha / self.config.rank, self.config.rank)
        checks = tuple(self.checks)
        return Tuned(adapter, checks, self.best_step, self.step, self.share, self._seconds(), interrupted)

    @property
    def _interval(self) -> int:
        """Steps between looks."""
        drawn = self.config.users * (self.config.items_per_user + self.config.hard_negatives)
        return self.config.check_every or max(10, -(-len(self.sampler.items) // drawn))

    def train(self, step: int) -> float:
        """Train one step; its loss."""
        # Seeded by the step: what dropout drops does not depend on where a run was resumed.
        torch.manual_seed(self.seed * 1_000_003 + step)
        batch = self.sampler.batch(step)
        vectors = torch.nn.functional.normalize(self.tower.vectors(batch.items), dim=1)
        to = self.device
        loss = contrastive_loss(
            anchors(vectors, torch.from_numpy(batch.context).to(to)),
            vectors,
            torch.from_numpy(batch.positive).to(to),
            torch.from_numpy(batch.allowed).to(to),
            self.config.log_q * torch.from_numpy(np.log(batch.expected)).to(to),
            self.config.temperature,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._slope(step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimizer.step()
        return loss.item()

    def _slope(self, step: int) -> float:
        """What the step size is multiplied by: up to 1 during the warm-up, then down to nearly 0."""
        warm, steps = self.config.warm_up * self.config.steps, self.config.steps
        return min(step / warm if warm else 1.0, (steps - step + 1) / max(steps - warm, 1.0), 1.0)

    def _check(self, late: bool = False) -> bool:
        """Look at the validation metric and write the checkpoint; whether that was the last look."""
        metric = None
        if self.validate is not None:
            self._dropping(False)
            metric = float(self.validate(self.tower.all_vectors()))
            self._dropping(True)
        loss = float(np.mean(self.losses)) if self.losses else None
        self.losses = []
        best = next((check.metric for check in self.checks if check.step == self.best_step), None)
        self.checks.append(Check(self.step, loss, metric))
        self.stale += 1
        if metric is None or best is None or metric > best:
            self.best, self.best_step, self.stale = self._copy(), self.step, 0
        finished = late or self.step >= self.config.steps or self.stale >= self.config.patience
        if self.checkpoint is not None:
            # Time running out ends a run, not the tuning: with more of it, the next run goes on.
            write_standing(self._standing(finished and not late), self.checkpoint)
        return finished

    def _dropping(self, on: bool) -> None:
        """Dropout of the adapters on or off; the frozen model never drops anything."""
        for name, module in self.tower.model.named_modules():
            if ".lora_dropout" in name:
                module.train(on)

    def _copy(self) -> dict[str, npt.NDArray[np.float32]]:
        return {name: p.detach().cpu().numpy().copy() for name, p in self.parameters.items()}

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def _late(self) -> bool:
        return self.config.minutes is not None and self._seconds() >= 60 * self.config.minutes

    def _tell(self) -> None:
        if self.on_progress is None:
            return
        known = [check.metric for check in self.checks if check.metric is not None]
        note = f"best {max(known):.4f}, frozen {known[0]:.4f}" if known else ""
        self.on_progress(self.step, self.config.steps, note)

    def _tell_ready(self, done: int, total: int) -> None:
        if self.on_progress is not None:
            self.on_progress(0, self.config.steps, f"untuned layers: {done:,} of {total:,} texts")

    def _standing(self, finished: bool) -> Standing:
        tensors: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            tensors[f"adapter.{name}"] = parameter
            tensors[f"best.{name}"] = torch.from_numpy(self.best[name])
            for key in ("exp_avg", "exp_avg_sq"):
                tensors[f"{key}.{name}"] = self.optimizer.state[parameter].get(key, torch.zeros_like(parameter))
        return Standing(
            self.name, self.step, self.best_step, self.stale, self._seconds(), finished, tuple(self.checks), tensors
        )

    def _resume(self) -> bool:
        """Take up the checkpoint where there is one; whether it is of a finished tuning."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        standing = read_standing(self.checkpoint, self.name)
        parts = {key: standing.part(key) for key in ("adapter", "best", "exp_avg", "exp_avg_sq")}
        wanted = {name: parameter.shape for name, parameter in self.parameters.items()}
        if any({name: t.shape for name, t in part.items()} != wanted for part in parts.values()):
            raise ModelError("is a checkpoint with other adapters; remove it", path=self.checkpoint)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(parts["adapter"][name])
                if standing.step:
                    self.optimizer.state[parameter] = {
                        "step": torch.tensor(float(standing.step)),
                        "exp_avg": parts["exp_avg"][name].to(self.device),
                        "exp_avg_sq": parts["exp_avg_sq"][name].to(self.device),
                    }
        self.best = {name: tensor.numpy() for name, tensor in parts["best"].items()}
        self.step, self.best_step, self.stale = standing.step, standing.best_step, standing.stale
        self.before, self.checks = standing.seconds, list(standing.checks)
        _log.info("the tuning goes on after step %d", self.step)
        return standing.finished


def _dtype(config: LoraConfig, device: torch.device) -> torch.dtype:
    if config.dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" and has_bfloat16(device) else torch.float32
    return torch.bfloat16 if config.dtype == "bfloat16" else torch.float32
