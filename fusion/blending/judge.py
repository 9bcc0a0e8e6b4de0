"""What a judge of candidates is: something that scores them by all signals at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from .pool import Pool

__all__ = ["Judge"]


class Judge(Protocol):
    """Scores the candidates of a pool, and tells what each source of evidence had to do with it."""

    kind: ClassVar[str]
    """Names the class in a saved model."""

    def scores(self, pool: Pool) -> npt.NDArray[np.float32]:
        """A score for each pair, shape (pairs,); comparable among the candidates of one user."""

    def contributions(self, pool: Pool) -> dict[str, npt.NDArray[np.float32]]:
        """What each source adds to the score of each pair, shape (pairs,) each; their sum is the score.

        Signals go by their names, "item" is the candidate by itself, "paths" are ways through the graph.
        """

    def as_record(self) -> dict[str, Any]:
        """JSON-ready: all that is needed to make it again."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Judge:
        """The judge that gave this record.

        Raises:
            ValueError: if it is damaged.
        """
