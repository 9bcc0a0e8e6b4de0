"""How a graph net is trained: regime, objective, negatives, additional objectives, schedule."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ContrastConfig", "DenoisingConfig", "LinkPredictionConfig", "TrainingConfig"]


class LinkPredictionConfig(BaseModel):
    """An additional objective: tell the right tail of a triple from tails at random."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=0.1, gt=0)
    """What its loss is multiplied by. 0.01 to 1."""

    model: Literal["transe", "distmult", "rotate"] = "distmult"
    """How head and relation ask for a tail. `rotate` needs an even `dimension`."""

    batch_size: int = Field(default=2048, ge=1)
    """Triples per step."""

    negatives: int = Field(default=256, ge=1)
    """Tails at random per step, the same for all its triples."""

    temperature: float = Field(default=0.2, gt=0)
    """Divides the scores before the softmax."""


class ContrastConfig(BaseModel):
    """An additional objective: a node is more like itself in a disturbed view than like other nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=0.1, gt=0)
    """What its loss is multiplied by. 0.01 to 0.5."""

    view: Literal["edges", "noise"] = "edges"
    """`edges` leaves edges out (SGL), `noise` moves the inputs a little (SimGCL). Either costs one more propagation."""

    rate: float = Field(default=0.1, gt=0, lt=1)
    """Share of the edges left out; or the length of the noise in that of a mean input row."""

    temperature: float = Field(default=0.2, gt=0)
    """Divides the cosines between views. 0.1 to 0.5."""

    nodes: int = Field(default=2048, ge=2)
    """Most users and most items of a batch that are compared."""


class DenoisingConfig(BaseModel):
    """A learned gate per triple of the knowledge graph, which closes on those that do not help."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=0.01, ge=0)
    """Price of an open gate: times the expected share of open ones it is added to the loss. 0.001 to 0.1."""

    learning_rate: float = Field(default=0.02, gt=0, le=1)
    """Step size of the gates, which are few numbers with weak gradients each."""


class TrainingConfig(BaseModel):
    """What a training does, whatever the net. docs/training.md explains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regime: Literal["full", "sampled"] = "full"
    """Propagate over the whole graph each step, or over sampled neighbourhoods, for graphs that do not fit."""

    fan_out: tuple[int, ...] = Field(default=(15, 10), min_length=1)
    """Sampled regime: most edges a node receives by, one number a layer from the batch outward; 0 takes all edges."""

    fan_out_per: Literal["node", "relation"] = "node"
    """Whether `fan_out` is counted over all of a node's edges, or for each relation and direction."""

    neighbours: Literal["uniform", "degree"] = "uniform"
    """Draw edges alike, or by their normalisation (few-edged senders more often). Either keeps the sum unbiased."""

    replace: bool = False
    """Whether one edge may be drawn twice: quicker for large fan-outs; `degree` draws so in any case."""

    objective: Literal["softmax", "bpr"] = "softmax"
    """Pick the item out of all (or many), or rank it above one drawn at random."""

    batch_size: int | Literal["auto"] = Field(default="auto")
    """Interactions per step. `auto` is 4,096, and more where the graph is so large that propagation takes most time."""

    negatives: int | Literal["auto"] = Field(default="auto")
    """Items drawn per step for the softmax, 0 for the full softmax; for `bpr` items drawn per interaction.

    `auto`: all items up to 10,000, otherwise 2,048; 1 for `bpr`.
    """

    negatives_from: Literal["catalogue", "batch"] = "catalogue"
    """Where the softmax draws from: the catalogue, or the positives of the batch (likelihoods are corrected for)."""

    popularity_share: float = Field(default=0.0, ge=0, le=1)
    """Share of negatives drawn by popularity; the others are drawn alike. Corrected for in the softmax."""

    popularity_exponent: float = Field(default=0.75, ge=0, le=2)
    """Popularity is the number of users to this power."""

    hard_negatives: int = Field(default=0, ge=0)
    """Items per interaction that share an entity with its item, as an additional ranking objective; 0 for none."""

    hard_weight: float = Field(default=0.1, gt=0)
    """What the loss over `hard_negatives` is multiplied by."""

    edge_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the edges left out of each step of training."""

    links: LinkPredictionConfig | None = None
    """Predict the triples of the knowledge graph, too."""

    contrast: ContrastConfig | None = None
    """Hold two views of a node together."""

    denoise: DenoisingConfig | None = None
    """Learn which triples to listen to."""

    learning_rate: float = Field(default=5e-3, gt=0, le=1)
    """Step size of Adam."""

    warm_up: float = Field(default=0.0, ge=0)
    """Epochs over which the step size rises from 0."""

    decay: Literal["none", "linear", "cosine"] = "none"
    """How the step size falls after that, to 0 after `epochs` epochs; set `epochs` near to what is needed."""

    weight_decay: float = Field(default=3e-5, ge=0, le=1)
    """L2 pull of Adam on embeddings and biases."""

    clip: float = Field(default=0.0, ge=0)
    """Most length of the gradient of all parameters together; 0 for no bound."""

    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay per step of a moving average of the parameters, which is then validated and kept; 0 for none. 0.9 to 0.999."""

    precision: Literal["float32", "bfloat16"] = "float32"
    """`bfloat16` multiplies matrices in half precision: quicker on GPUs, slower on most CPUs."""

    epochs: int = Field(default=200, ge=1)
    """Most passes over the interactions; early stopping usually ends sooner."""

    evaluate_every: int = Field(default=2, ge=1)
    """Epochs between looks at the validation metric, and between checkpoints."""

    patience: int = Field(default=5, ge=1)
    """Looks without a better validation metric before training stops."""

    @model_validator(mode="after")
    def _agrees(self) -> TrainingConfig:
        if self.batch_size != "auto" and self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}; give 1 or more, or auto")
        if self.negatives != "auto" and self.negatives < 0:
            raise ValueError(f"negatives is {self.negatives}; give 0 or more, or auto")
        if self.objective == "bpr" and self.negatives == 0:
            raise ValueError("objective bpr ranks against items drawn; give negatives 1 or more, or auto")
        if min(self.fan_out) < 0:
            raise ValueError(f"fan_out is {list(self.fan_out)}; give 0 (all edges) or more for each layer")
        if self.regime == "sampled":
            layers = getattr(self, "layers", len(self.fan_out))
            if layers != len(self.fan_out):
                raise ValueError(f"fan_out has {len(self.fan_out)} numbers for {layers} layers; give one a layer")
            if self.objective == "softmax" and self.negatives == 0 and self.negatives_from == "catalogue":
                raise ValueError("the softmax over all items needs the whole graph; give negatives, or regime full")
        return self
