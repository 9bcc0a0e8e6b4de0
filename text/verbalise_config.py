"""What the user states about the texts of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["VerbaliseConfig"]

_LONGEST_TEMPLATE = 10_000


class VerbaliseConfig(BaseModel):
    """What goes into a node's text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: int = Field(default=4, ge=0, le=100)
    """Most neighbours named per relation that leaves the node; 0 leaves relations out, category paths with them."""

    inverse_neighbours: int = Field(default=3, ge=0, le=100)
    """Most neighbours named per relation that arrives at the node ("director of: Toy Story"); 0 leaves these out."""

    values: int = Field(default=4, ge=1, le=100)
    """Most values told of a literal that has several in its language."""

    literals: bool = True
    """Whether texts and numbers are told; category values are neighbours by then, and told as such."""

    units: dict[str, Annotated[str, Field(min_length=1, max_length=20)]] = {}
    """Unit by literal predicate, full or short name: {price: EUR}. Inferred from a name such as weight_kg or from a
    datatype that is a unit."""

    hierarchies: tuple[str, ...] = ()
    """Relations from the narrower to the broader, whose chains are told as "root > ... > leaf", besides the usual names
    (broader, subClassOf, parent, ...), by full or short name."""

    leave_out: tuple[str, ...] = ()
    """Relations and literal predicates not to be told, by full or short name."""

    templates: dict[str, Annotated[str, Field(min_length=1, max_length=_LONGEST_TEMPLATE)]] = {}
    """Jinja template by node type, full or short name ("untyped" for nodes without one), in place of the inferred text:
    {Product: "{{ label }}. {{ brand | join(', ') }}"}."""

    templates_folder: Path | None = None
    """Folder of templates in files, TYPE.j2 each. A template in `templates` goes before the file of its type."""

    @field_validator("units", "templates")
    @classmethod
    def _names(cls, stated: dict[str, str]) -> dict[str, str]:
        if "" in stated:
            raise ValueError("an entry has no name")
        return stated

    def files(self) -> list[Path]:
        """The files of templates."""
        return [] if self.templates_folder is None else sorted(self.templates_folder.glob("*.j2"))
