"""Initial values of the matrices in a net."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["matrices"]

SMALL = 0.1
"""How much smaller than what keeps a vector's length: a net starts close to the light one and departs as it learns."""


def matrices(*shape: int, generator: torch.Generator, gain: float = SMALL) -> nn.Parameter:
    """Random matrices, the last two of the dimensions, that scale a vector's length by about `gain`."""
    values = torch.empty(shape)
    nn.init.normal_(values, std=gain * shape[-2] ** -0.5, generator=generator)
    return nn.Parameter(values)
