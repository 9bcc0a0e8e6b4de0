"""What a signal is: something that scores the whole catalogue for users with a history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .recency import Recency

__all__ = ["Arrays", "Audience", "KnowsStrangers", "Scores", "Signal"]

Scores = npt.NDArray[np.float32]
"""A score for every user of an audience and every item, shape (batch, items)."""

Arrays = Mapping[str, npt.NDArray[Any]]
"""What a signal has learned, by name: all that is needed to make it again."""


@dataclass(frozen=True, eq=False)
class Audience:
    """Users to score for.

    Attributes:
        numbers: user numbers, -1 for a user unknown to the training, shape (batch,).
        steps: what each is known to like, by how many steps ago (1 the last), shape (batch, items).
        recency: how much more the last steps count.
    """

    numbers: npt.NDArray[np.int64]
    steps: sp.csr_array
    recency: Recency = field(default=Recency())

    def __post_init__(self) -> None:
        if self.steps.shape[0] != len(self.numbers):
            raise ValueError(f"{len(self.numbers)} users, and histories of {self.steps.shape[0]}")

    @cached_property
    def history(self) -> sp.csr_array:
        """Weight of what each is known to like, shape (batch, items): 1, more for what is recent."""
        weights = self.recency.weights(self.steps.data)
        return sp.csr_array((weights, self.steps.indices, self.steps.indptr), shape=self.steps.shape)

    def recent(self, recency: Recency) -> Audience:
        """The same users, with recent items counting as said."""
        return replace(self, recency=recency)

    def __len__(self) -> int:
        return len(self.numbers)


@runtime_checkable
class Signal(Protocol):
    """Scores the catalogue for users by one source of evidence.

    Higher is better; scores of different signals are not comparable until they are standardised.
    """

    kind: ClassVar[str]
    """Names the class in a saved model."""

    def score(self, audience: Audience) -> Scores:
        """Finite scores of all items, float32, shape (batch, items); a function of history and user number alone."""

    def arrays(self) -> Arrays:
        """What was learned, for saving."""

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Signal:
        """The signal that gave these arrays."""


@runtime_checkable
class KnowsStrangers(Protocol):
    """A signal that may know something of a user without any history, and is asked then."""

    def knows(self, audience: Audience) -> npt.NDArray[np.bool_]:
        """Of whom something is known besides the history, shape (batch,)."""
