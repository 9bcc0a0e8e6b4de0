"""How lists are re-ranked: method, trade-off, caps and exposure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from .spaces import SpaceName

__all__ = ["DppConfig", "ExposureConfig", "MmrConfig", "RelevanceConfig", "RerankConfig", "RerankOptions"]


class ExposureConfig(BaseModel):
    """Which groups of items get at least which share of the exposure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relation: str | None = None
    """Relation of the graph whose values are the groups, such as a brand or a seller; this or `table`."""

    table: Path | None = None
    """Table of items and their groups; this or `relation`."""

    item_column: str = "item_id"
    """Column of the table with the items' ids."""

    group_column: str = "group"
    """Column of the table with the groups' names."""

    share: Literal["catalogue", "equal"] | dict[str, Annotated[float, Field(ge=0, le=1)]] = "catalogue"
    """Share of the exposure by group: as in the catalogue, the same for each, or numbers by name (a label or an id)."""

    strength: float = Field(default=1, ge=0, le=1)
    """What part of the shares must be given: 0 asks for nothing, 1 for all."""

    least: float = Field(default=0.01, ge=0.001, le=1)
    """Groups of a smaller share of the catalogue are asked nothing for, with `share` "catalogue" or "equal"."""

    each_list: bool = False
    """Whether each list must give the shares; else all lists of a call, up to 1,024 at a time, together."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.relation is None) == (self.table is None):
            raise ValueError("exposure takes its groups from either relation or table: give one of them")
        if isinstance(self.share, dict):
            if not self.share:
                raise ValueError("share names no group; give a share for one at least")
            if math.fsum(self.share.values()) > 1 + 1e-9:
                raise ValueError(f"shares sum to {math.fsum(self.share.values()):g}, expected at most 1")
        return self


class RerankOptions(BaseModel):
    """What all methods share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: int = Field(default=100, ge=1, le=10_000)
    """How many of the best items of a user are candidates, or k where that is more."""

    cap: dict[str, PositiveInt] = Field(default_factory=dict)
    """Most items of a list that share one value of a relation, by relation: `{brand: 2}`."""

    exposure: ExposureConfig | None = None
    """Exposure due to groups of items."""


class RelevanceConfig(RerankOptions):
    """Items by their scores, within caps and exposure."""

    method: Literal["relevance"] = "relevance"
    """Names the method."""


class MmrConfig(RerankOptions):
    """Maximal marginal relevance."""

    method: Literal["mmr"] = "mmr"
    """Names the method."""

    diversity: float = Field(default=0.3, ge=0, le=1)
    """Weight of being unlike the items above: 0 leaves the order, 1 looks at nothing else after the first item."""

    space: SpaceName = "embeddings"
    """What tells how like two items are."""


class DppConfig(RerankOptions):
    """Greedy list of a determinantal point process."""

    method: Literal["dpp"] = "dpp"
    """Names the method."""

    diversity: float = Field(default=0.3, ge=0, le=1)
    """Weight of what the list spans: 0 leaves the order, 1 looks at nothing else after the first item."""

    space: SpaceName = "embeddings"
    """What tells how like two items are."""


RerankConfig = Annotated[MmrConfig | DppConfig | RelevanceConfig, Field(discriminator="method")]
"""Any of the methods, told apart by `method`."""
