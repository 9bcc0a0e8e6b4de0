"""The one loop of all re-rankers: place after place, every list takes the candidate that gains most."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from .caps import Caps
from .exposure import Exposure
from .pool import Pool

__all__ = ["Gain", "Relevance", "choose"]

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Gain(Protocol):
    """What each candidate would add to the list as it stands."""

    def gains(self) -> Matrix:
        """Finite gains, shape (batch, M)."""

    def chose(self, rows: Places, places: Places) -> None:
        """Note the candidate that each of some lists has taken, shape (r,) each."""


class Relevance:
    """Candidates by their scores alone."""

    def __init__(self, pool: Pool) -> None:
        self._relevance = pool.relevance

    def gains(self) -> Matrix:
        """The standardised scores."""
        return self._relevance

    def chose(self, rows: Places, places: Places) -> None:
        """Nothing changes by what is chosen."""


def choose(pool: Pool, k: int, gain: Gain, caps: Caps | None = None, exposure: Exposure | None = None) -> Places:
    """Places in the pool of the chosen candidates, in the order of the new lists, -1 where a list has ended.

    Of equal gains the candidate that stood higher is taken. Shape (batch, k).
    """
    open_ = pool.there.copy()
    chosen = np.full((len(pool.items), k), -1, dtype=np.int64)
    for place in range(min(k, pool.items.shape[1])):
        may = open_ if caps is None else open_ & ~caps.full
        gains = np.where(may, gain.gains(), -np.inf)
        best = gains.argmax(axis=1) if exposure is None else exposure.pick(gains, place)
        rows = np.flatnonzero(may.any(axis=1))
        if len(rows) == 0:
            break
        places = best[rows]
        chosen[rows, place] = places
        open_[rows, places] = False
        gain.chose(rows, places)
        if caps is not None:
            caps.chose(rows, places)
    return chosen
