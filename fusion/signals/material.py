"""What signals are fitted on: training positives, and what is known about the items."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import scipy.sparse as sp

from ...kg import Interactions, ItemGraph
from ...text import TextFeatures
from .item_entities import item_entities

__all__ = ["Material"]


@dataclass(frozen=True, eq=False)
class Material:
    """What is known when signals are fitted; nothing held out is in it.

    Attributes:
        positives: the interactions to learn from.
        graph: the graph around the items.
        text: text vectors of the items, or None.
        seed: source of all randomness.
        device: name of the torch device that nets are trained on.
        checkpoints: folder that the graph nets' trainings are written to and taken up from; None for none.
    """

    positives: Interactions
    graph: ItemGraph
    text: TextFeatures | None = None
    seed: int = 0
    device: str = "cpu"
    checkpoints: Path | None = None

    @cached_property
    def history(self) -> sp.csr_array:
        """Binary user-item matrix, float32, shape (users, items)."""
        return self.positives.matrix()

    @cached_property
    def steps(self) -> sp.csr_array:
        """By how many steps ago each user interacted with each item (1 the last), shape (users, items)."""
        return self.positives.steps()

    @cached_property
    def entities(self) -> sp.csr_array:
        """Which nodes each item is linked to, binary, shape (items, items + entities)."""
        return item_entities(self.graph)
