"""What every way of reading a graph lets the user state."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ..kg import ItemGraphConfig, SchemaConfig

__all__ = ["GraphOptions"]


class GraphOptions(BaseModel):
    """Options that a graph has wherever it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: SchemaConfig = Field(default=SchemaConfig(), alias="schema")
    """What is stated about the graph's schema; the rest is inferred."""

    around: ItemGraphConfig = Field(default_factory=ItemGraphConfig)
    """How much of the graph around the items is kept."""
