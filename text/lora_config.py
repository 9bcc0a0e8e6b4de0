"""How a text encoder is tuned on what users liked together."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

__all__ = ["MAX_SHARE", "LoraConfig"]

MAX_SHARE = 0.02
"""Largest share of the model's parameters that may be trained."""


class LoraConfig(BaseModel):
    """Low-rank adapters on a frozen text encoder, and their training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=8, ge=1, le=256)
    """Rank of each adapter. The parameters trained grow with it, and may be 2 % of the model's at most."""

    alpha: PositiveInt = 16
    """An adapter adds alpha / rank times its product; twice the rank is usual."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of an adapter's inputs set to zero in each step of training."""

    targets: Literal["query_value", "attention", "linear"] = "query_value"
    """What gets an adapter in each layer: the projections to queries and values, all four of the attention, or every
    linear map."""

    layers: PositiveInt | None = 2
    """Upper layers that are tuned; null for all. What lies below runs once for each text instead of at every step, so
    few layers train several times faster."""

    steps: PositiveInt = 200
    """Most steps of the optimizer; early stopping may end sooner."""

    minutes: PositiveFloat | None = None
    """Most minutes of training, encoding for validation included; null for no limit."""

    users: int = Field(default=32, ge=2)
    """Users drawn for a step. Each item of one is a wrong answer for the others, so more make a harder task."""

    items_per_user: int = Field(default=4, ge=2, le=64)
    """Items drawn of each of them: one is to be told from the mean of the others, each in turn. 2 is plain pairs."""

    hard_negatives: int = Field(default=0, ge=0, le=64)
    """Further wrong answers for each drawn user, from the group (such as the category) of one of the items drawn."""

    max_history: int = Field(default=100, ge=2)
    """Items of a user that are drawn from, the last ones where times are known; nobody counts for more."""

    popularity_power: float = Field(default=0.5, ge=0, le=1)
    """An item met by c users is drawn in proportion to c to the power of 1 minus this: 0 is as often as it occurs, 1 is
    all items alike."""

    log_q: float = Field(default=0.0, ge=0, le=1)
    """How much of the logarithm of an item's expected number in a step is taken from its logit. 1 estimates the softmax
    over the whole catalogue, and vectors learn popularity too; 0 learns what goes together beyond popularity."""

    learning_rate: float = Field(default=5e-4, gt=0, le=1)
    """Step size of AdamW at its highest."""

    weight_decay: float = Field(default=0.01, ge=0, le=1)
    """Pull of AdamW towards adapters that add nothing."""

    warm_up: float = Field(default=0.1, ge=0, le=1)
    """Share of the steps over which the step size grows from 0; from there it falls to 0 at the last step."""

    temperature: float = Field(default=0.07, gt=0, le=2)
    """Divides the cosines before the softmax; lower looks harder at the closest."""

    check_every: PositiveInt | None = None
    """Steps between looks at the validation metric, for each of which all items are encoded; null for as many steps as
    see each item about once."""

    patience: PositiveInt = 3
    """Looks without a better validation metric before training stops."""

    max_tokens: int = Field(default=64, ge=8, le=8192)
    """Longest text in training, in tokens. The tuned encoder reads texts as long as the frozen one did."""

    tokens_per_batch: int = Field(default=4096, ge=64, le=4_194_304)
    """Tokens in one forward pass, padding included."""

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """What the model computes in; adapters and optimizer stay float32. "auto": bfloat16 on a GPU that has it, else
    float32."""

    max_states_mib: int = Field(default=4096, ge=0)
    """Memory for the states that the untuned layers give; where they would take more, they are computed anew."""
