"""What a graph net is, and how it is trained."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["GnnConfig"]


class GnnConfig(BaseModel):
    """Configuration of the relation-aware light graph net and its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: int = Field(default=64, ge=2, le=2048)
    """Length of each embedding. 64 is a good default; 128 for large catalogues."""

    layers: int = Field(default=2, ge=1, le=6)
    """Propagation steps: how far news travels. 2 is a good default."""

    temperature: float = Field(default=0.2, gt=0, le=2)
    """Divides the cosines before the softmax; lower looks harder at the best-ranked. 0.15 to 0.3."""

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the components of the input embeddings set to zero in each step of training."""

    learning_rate: float = Field(default=5e-3, gt=0, le=1)
    """Step size of Adam."""

    weight_decay: float = Field(default=3e-5, ge=0, le=1)
    """L2 pull of Adam on embeddings and biases."""

    batch_size: int = Field(default=4096, ge=1)
    """Interactions per step."""

    negatives: int = Field(default=0, ge=0)
    """Items drawn at random per step for the softmax; 0 is the full softmax over the catalogue."""

    relation_weights: bool = True
    """Learn one weight per relation and direction; otherwise all relations weigh 1."""

    epochs: int = Field(default=200, ge=1)
    """Most passes over the interactions; early stopping usually ends sooner."""

    evaluate_every: int = Field(default=2, ge=1)
    """Epochs between looks at the validation metric."""

    patience: int = Field(default=5, ge=1)
    """Looks without a better validation metric before training stops."""
