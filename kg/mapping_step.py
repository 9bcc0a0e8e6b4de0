"""What one step of a mapping did, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .ids import IdMap

__all__ = ["MappingStep", "first_edge", "first_id"]


@dataclass(frozen=True)
class MappingStep:
    """What one step did.

    Attributes:
        name: the step, as its field in `MappingConfig` is called.
        text: what it did, in a sentence.
        dropped: how many triples, nodes or pairs it took out or passed over; the text says which.
        example: one of them, None where there is none.
    """

    name: str
    text: str
    dropped: int = 0
    example: str | None = None

    def __str__(self) -> str:
        example = "" if self.example is None else f" (for example {self.example})"
        return f"{self.name}: {self.text}{example}"


def first_id(entities: IdMap, numbers: npt.NDArray[np.integer]) -> str | None:
    """The first id of some entities by the alphabet: an example that does not depend on the order of rows."""
    if len(numbers) == 0:
        return None
    smallest: str = pc.min(entities.to_arrow().take(pa.array(numbers.astype(np.int64)))).as_py()
    return smallest


def first_edge(entities: IdMap, head: npt.NDArray[np.integer], name: str, tail: npt.NDArray[np.integer]) -> str | None:
    """The first of some edges of a relation by the alphabet of their ends, as "head name tail"."""
    first = first_id(entities, head)
    return None if first is None else f"{first} {name} {first_id(entities, tail[head == entities.number(first)])}"
