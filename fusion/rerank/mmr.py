"""Maximal marginal relevance: each next item is relevant, and unlike what stands above it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .pool import Pool
from .spaces import Space

__all__ = ["Mmr"]

BELOW = -2.0
"""Likeness to an empty list: one number for all, less than any cosine."""


class Mmr:
    r"""Gains of maximal marginal relevance.

    .. math::
        \arg\max_{i \notin S}\; (1 - \lambda)\, z_i - \lambda \max_{j \in S} \cos(i, j)

    with the standardised scores :math:`z` and the diversity :math:`\lambda`. Carbonell and Goldstein, "The use of MMR,
    diversity-based reranking for reordering documents and producing summaries", SIGIR 1998 (there lambda is the weight
    of the relevance). O(k M d) for each list.

    Args:
        pool: the candidates.
        space: tells how like two are.
        diversity: from 0, the order as it was, to 1, scores only choose the first.
    """

    def __init__(self, pool: Pool, space: Space, diversity: float) -> None:
        self._relevance, self._diversity = pool.relevance, diversity
        self._kinship = space.kinship(pool)
        self._nearest = np.full(pool.items.shape, BELOW)

    def gains(self) -> npt.NDArray[np.float64]:
        """Gains, shape (batch, M)."""
        return (1 - self._diversity) * self._relevance - self._diversity * self._nearest

    def chose(self, rows: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> None:
        """Candidates like the chosen ones lose."""
        if self._diversity > 0:
            self._nearest[rows] = np.maximum(self._nearest[rows], self._kinship.to(rows, places))
