"""What an evaluation measures."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

__all__ = ["EvaluationConfig", "SliceConfig"]


class SliceConfig(BaseModel):
    """By what users and items are told apart, besides history and popularity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: str | None = None
    """Relation of the graph, or type of its entities, that gives an item's categories; by default the commonest
    relation that has few values. "" does without."""

    groups: PositiveInt = 12
    """Most categories, or values of the attribute, that are shown: the largest."""

    users: Path | None = None
    """Table of users with an attribute by which fairness is measured (CSV, TSV, JSON lines, Parquet)."""

    user: str | None = None
    """Its column of user ids; inferred from the usual names: user_id, user, customer, ..., id."""

    attribute: str | None = None
    """Its column of the attribute, such as gender or region; a user without a value is in no group."""

    @model_validator(mode="after")
    def _both(self) -> SliceConfig:
        if (self.users is None) != (self.attribute is None):
            raise ValueError("users (a table) and attribute (one of its columns) go together; give both or neither")
        return self


class EvaluationConfig(BaseModel):
    """What is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ks: tuple[PositiveInt, ...] = Field(default=(10, 20), min_length=1)
    """Cut-offs; the first is the one models are chosen by, with NDCG."""

    ablations: bool = True
    """Train the graph net once more without the knowledge graph and text, to see what they add."""

    train_history: bool = False
    """Measure test once more with users known by train alone ("NAME, train history"), as papers do whose models know a
    user by number. plait knows a user by what was done until then, validation included, which is worth something."""

    slices: SliceConfig = Field(default_factory=SliceConfig)
    """For which users and items the figures are given apart."""
