"""What a graph net is, and how it is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from .training_config import TrainingConfig

__all__ = ["GnnConfig"]


class GnnConfig(TrainingConfig):
    """Configuration of the relation-aware light graph net and its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    net: Literal["light", "lightgcn", "rgcn", "hgt", "attention", "sage"] = "light"
    """How nodes become embeddings: `light`, weighted sums with a weight per relation; `lightgcn`, interactions alone;
    `rgcn`, a matrix per relation; `hgt` and `attention`, learned attention over neighbours; `sage`, from texts and edge
    counts alone, for catalogues that grow. docs/nets.md compares them."""

    dimension: int = Field(default=64, ge=2, le=2048)
    """Length of each embedding. 64 is a good default; 128 for large catalogues."""

    layers: int = Field(default=2, ge=1, le=6)
    """Propagation steps: how far news travels. 2 is a good default."""

    bases: int = Field(default=4, ge=1, le=64)
    """For `rgcn`: how many matrices those of the relations are put together from."""

    heads: int = Field(default=4, ge=1, le=64)
    """For `hgt` and `attention`: how many attentions side by side, each over its part of the dimensions."""

    temperature: float = Field(default=0.2, gt=0, le=2)
    """Divides the cosines before the softmax; lower looks harder at the best-ranked. 0.15 to 0.3."""

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the components of the input embeddings set to zero in each step of training."""

    copies: int = Field(default=1, ge=1, le=16)
    """How many nets are trained, apart, from seeds of their own; their scores are averaged and their embeddings stand
    side by side. Three take three times as long and score a little better, and more evenly, than one."""

    relation_weights: bool = True
    """Learn one weight per relation and direction; otherwise all relations weigh 1."""

    @model_validator(mode="after")
    def _heads_share_the_dimensions(self) -> GnnConfig:
        if self.net in ("hgt", "attention") and self.dimension % self.heads:
            raise ValueError(
                f"dimension {self.dimension} cannot be shared out among {self.heads} heads: make it a multiple of heads"
            )
        return self
