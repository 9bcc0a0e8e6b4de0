"""How signals are blended."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

__all__ = ["BlendConfig", "Method"]

Method = Literal["weights", "gate", "ranker"]
"""How one score is made of many."""


class BlendConfig(BaseModel):
    """How signals become one score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: tuple[Method, ...] = Field(default=("weights", "gate"), min_length=1)
    """The methods to choose from; the one best on validation, by cross-validation, is taken. `weights`: one weight a
    signal. `gate`: weights that depend on how well user and item are known. `ranker`: trees over the same features
    (LambdaMART; `pip install 'plait[ranker]'`). docs/blending.md explains."""

    step: float = Field(default=0.05, ge=0.01, le=1)
    """Grid of the weights, which sum to 1. A grid of up to 250 points is searched whole (three signals at 0.05: 231); a
    larger one coarsely first, then around the best point, in steps that halve."""

    max_users: int = Field(default=3000, ge=10)
    """Validation users looked at, drawn by the seed where there are more."""

    depth: int = Field(default=60, ge=1)
    """For `gate` and `ranker`: how far down each signal's list candidates are taken; all others stay behind them."""

    l2: tuple[PositiveFloat, ...] = Field(default=(1e-3, 1e-2), min_length=1)
    """For `gate`: quadratic penalties to choose from."""

    trees: tuple[PositiveInt, ...] = Field(default=(50, 150), min_length=1)
    """For `ranker`: numbers of trees to choose from."""
