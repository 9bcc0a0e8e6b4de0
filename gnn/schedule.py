"""How the step size goes over a training, and the moving average of the parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .training_config import TrainingConfig

__all__ = ["MovingAverage", "step_size_factor"]


def step_size_factor(config: TrainingConfig, epochs: float) -> float:
    """What the step size is multiplied by after this many epochs (a fraction within one), 0 to 1.

    It rises linearly over `warm_up` epochs and falls to 0 over the rest of `epochs`, linearly or as a half cosine.
    """
    if epochs < config.warm_up:
        return epochs / config.warm_up
    if config.decay == "none":
        return 1.0
    done = min(1.0, (epochs - config.warm_up) / max(config.epochs - config.warm_up, 1e-9))
    return 1 - done if config.decay == "linear" else (1 + math.cos(math.pi * done)) / 2


class MovingAverage:
    """Exponential moving average of parameters: an ensemble of the last steps for the price of a copy.

    Over the first steps the decay is smaller, (1 + t) / (10 + t), so that the noise of the start is forgotten.

    Args:
        module: whose parameters.
        decay: share of the old average that stays in each step.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.parameters = dict(module.named_parameters())
        self.values = {name: p.detach().clone() for name, p in self.parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in self.parameters.items():
            self.values[name].lerp_(parameter, 1 - decay)

    @contextmanager
    @torch.no_grad()
    def in_place(self) -> Iterator[None]:
        """Put the averages where the parameters are, and the parameters back at the end."""
        own: dict[str, Tensor] = {name: p.clone() for name, p in self.parameters.items()}
        try:
            for name, parameter in self.parameters.items():
                parameter.copy_(self.values[name])
            yield
        finally:
            for name, parameter in self.parameters.items():
                parameter.copy_(own[name])
