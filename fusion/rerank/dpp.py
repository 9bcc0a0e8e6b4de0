"""Determinantal point process: the list whose items are relevant and span much, found greedily."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .pool import Pool
from .spaces import Space

__all__ = ["LEAST", "Dpp"]

LEAST = 1e-6
"""What is left of a candidate beside the chosen ones is at least this: below it cosines in float32 are rounding."""


class Dpp:
    r"""Gains of the greedy maximum a posteriori list of a determinantal point process.

    .. math::
        \arg\max_{i \notin S}\; (1 - \lambda)\, z_i + \lambda \log \frac{\det C_{S \cup i}}{\det C_S}

    with the standardised scores :math:`z`, the diversity :math:`\lambda` and the cosines :math:`C`; this is the kernel
    :math:`\mathrm{diag}(q)\, C\, \mathrm{diag}(q)` with :math:`q = \exp(\frac{1 - \lambda}{2 \lambda} z)`. Chen, Zhang and
    Zhou, "Fast greedy MAP inference for determinantal point process to improve recommendation diversity", NeurIPS 2018:
    a row of the Cholesky factor is added for each chosen item, O(M (d + k)) then, O(k M (d + k)) for each list.

    An item that is nothing new beside the chosen ones, such as the copy of one, has a determinant of 0; it comes after
    all others at full diversity, and counts as `LEAST` elsewhere, so that a list is not cut short.

    Args:
        pool: the candidates.
        space: tells how like two are.
        diversity: from 0, the order as it was, to 1, scores only choose the first.
        k: length of the lists.
    """

    def __init__(self, pool: Pool, space: Space, diversity: float, k: int) -> None:
        self._relevance, self._diversity = pool.relevance, diversity
        self._kinship = space.kinship(pool)
        batch, width = pool.items.shape
        self._left = np.ones((batch, width))
        self._factor = np.zeros((batch, min(k, width), width))
        self._n = 0

    def gains(self) -> npt.NDArray[np.float64]:
        """Gains, shape (batch, M)."""
        return (1 - self._diversity) * self._relevance + self._diversity * np.log(np.maximum(self._left, LEAST))

    def chose(self, rows: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> None:
        """What the chosen candidates cover is taken off all others."""
        if self._diversity == 0:
            return
        known = self._factor[rows, : self._n]
        own = np.take_along_axis(known, places[:, None, None], axis=2)[:, :, 0]
        left = self._left[rows, places]
        # The chosen candidate is one of `known` only through what it shares with those before it.
        covered = np.matmul(own[:, None, :], known)[:, 0, :]
        new = self._kinship.to(rows, places) - covered
        new = np.where(left[:, None] > LEAST, new / np.sqrt(np.maximum(left, LEAST))[:, None], 0)
        self._factor[rows, self._n] = new
        self._left[rows] = np.maximum(self._left[rows] - new**2, 0)
        self._n += 1
