"""What every way of reading a graph lets the user state."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ..kg import ItemGraphConfig, MappingConfig, SchemaConfig

__all__ = ["GraphOptions"]


class GraphOptions(BaseModel):
    """Options that a graph has wherever it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: SchemaConfig = Field(default=SchemaConfig(), alias="schema")
    """What is stated about the graph's schema; the rest is inferred."""

    mapping: MappingConfig = Field(default_factory=MappingConfig)
    """How the graph is shaped after it was read."""

    around: ItemGraphConfig = Field(default_factory=ItemGraphConfig)
    """How much of the graph around the items is kept."""

    def paths(self) -> list[Path]:
        """The files that are read; none where the graph comes from a server."""
        return []
