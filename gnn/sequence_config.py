"""What a sequential net is, and how it is trained."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["SequenceNetConfig"]


class SequenceNetConfig(BaseModel):
    """Configuration of the causal transformer over item histories and its training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: int = Field(default=64, ge=2, le=1024)
    """Length of each embedding, a multiple of `heads`."""

    layers: int = Field(default=2, ge=1, le=8)
    """Transformer blocks."""

    heads: int = Field(default=2, ge=1, le=32)
    """Attention heads of each block."""

    max_length: int = Field(default=50, ge=1, le=2048)
    """Items of a history that are looked at: the last ones. Longer histories are trained on piece by piece."""

    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of the components set to zero in training, of the inputs and of what each block adds."""

    temperature: float = Field(default=0.1, gt=0, le=2)
    """Divides the cosines before the softmax; lower looks harder at the best-ranked."""

    content: bool = True
    """Whether an item is also what its text and its entities say; without, items that nobody met cannot be told apart."""

    own_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the items that in each step of training are their text and entities alone, so that these learn to stand
    in for what is not known of a new item."""

    learning_rate: float = Field(default=5e-3, gt=0, le=1)
    """Step size of AdamW."""

    weight_decay: float = Field(default=0.0, ge=0, le=10)
    """Decoupled decay of AdamW on matrices and embeddings."""

    batch_size: int = Field(default=2048, ge=1)
    """Most positions of histories, padding included, in one step; a single history may be longer."""

    negatives: Literal["auto"] | int = "auto"
    """Items drawn at random per step for the softmax; 0 is the full softmax over the catalogue, "auto" the full one
    up to 50,000 items and 8,192 drawn beyond."""

    epochs: int = Field(default=40, ge=1)
    """Most passes over the histories; early stopping usually ends sooner."""

    evaluate_every: int = Field(default=2, ge=1)
    """Epochs between looks at the validation metric."""

    patience: int = Field(default=3, ge=1)
    """Looks without a better validation metric before training stops."""

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"dimension {self.dimension} is no multiple of heads {self.heads}")
        if isinstance(self.negatives, int) and self.negatives < 0:
            raise ValueError(f"negatives is {self.negatives}, expected 0, a number above, or auto")
        return self

    def drawn(self, n_items: int) -> int:
        """How many items are drawn per step for a softmax over so many; 0 for all of them."""
        if self.negatives == "auto":
            return 0 if n_items <= 50_000 else 8_192
        return self.negatives if self.negatives < n_items else 0
