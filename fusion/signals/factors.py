"""Factors of the interactions, and for items that few or none have met, factors told from what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt
from scipy.sparse.linalg import svds

from .item_content import item_content
from .material import Material
from .recipe import Setting
from .signal import Arrays, Audience, Scores

__all__ = ["Factors", "FactorsConfig"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


class FactorsConfig(BaseModel):
    """Configuration of the factor signal; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: tuple[PositiveInt, ...] = Field(default=(32, 64, 128), min_length=1)
    """Values to choose from of how many factors are kept. More for more users and items."""

    content_dimension: PositiveInt = 128
    """How many components of entities and text the factors of little-met items are told from."""

    support: tuple[PositiveFloat, ...] = Field(default=(10,), min_length=1)
    """Values to choose from of how many users an item needs for its own factors to count as much as those told."""

    normalise: NonNegativeFloat = 0.25
    """The power of lengths of histories and of items' popularity that interactions are divided by before factoring."""

    def choices(self) -> Sequence[Setting]:
        """All combinations, fewest factors first."""
        sizes = sorted(set(self.dimension))
        return [{"dimension": size, "support": support} for size in sizes for support in self.support]

    def fit(self, material: Material, setting: Setting) -> Factors:
        """The signal by one of the settings; never more factors than users and items can have."""
        content = item_content(material.entities, material.text, self.content_dimension)
        return Factors.fit(material.history, content, normalise=self.normalise, **setting)


@dataclass(frozen=True, eq=False)
class Factors:
    r"""Scores by :math:`s_{ui} = p_u^T (w_i q_i + (1 - w_i) V x_i)`: own factors q, and those told from content x.

    .. math::
        p_u = \sum_j h_{uj} e_j, \qquad E = D^{-b} R, \qquad U S R^T \approx L^{-b} X D^{-b}

    with the largest singular values, D how often items were met, L the lengths of histories. With :math:`P = X E`,
    the q are the ridge solution of :math:`P Q^T \approx X` with a penalty of a tenth of the mean eigenvalue of
    :math:`P^T P`; V that of :math:`V x_i \approx q_i`, each item weighed by :math:`w_i = n_i / (n_i + s)`, n its users.
    An item nobody met has factors from content alone (after Gantner et al., Learning attribute-to-feature mappings for
    cold-start recommendations, ICDM 2010). Users are folded in from their history.

    Attributes:
        history_factors: E, shape (items, d).
        item_factors: what stands in brackets, shape (items, d).
    """

    kind: ClassVar[str] = "factors"

    history_factors: Floats
    item_factors: Floats

    @classmethod
    def fit(
        cls, history: sp.csr_array, content: Floats, *, dimension: int, support: float = 10, normalise: float = 0.25
    ) -> Factors:
        """Factor the interactions and tell the factors from content.

        Args:
            history: binary user-item matrix, shape (users, items).
            content: what is known of each item, shape (items, k); k may be 0.
            dimension: how many factors at most.
            support: s, > 0.
            normalise: b, >= 0.
        """
        met = np.asarray(history.sum(axis=0), dtype=np.float64).ravel()
        inward = _inward(history, met, dimension, normalise)
        users = np.asarray(history @ inward)
        square = users.T @ users
        penalty = 0.1 * np.trace(square) / len(square)
        own = np.linalg.solve(square + penalty * np.eye(len(square)), np.asarray(history.T @ users).T).T
        trust = (met / (met + support))[:, None]
        told = _told(content.astype(np.float64), own, trust)
        return cls(inward.astype(np.float32), (trust * own + (1 - trust) * told).astype(np.float32))

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        return np.asarray((audience.history @ self.history_factors) @ self.item_factors.T, dtype=np.float32)

    def arrays(self) -> Arrays:
        """Both matrices."""
        return {"history_factors": self.history_factors, "item_factors": self.item_factors}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Factors:
        """The signal of these matrices."""
        return cls(arrays["history_factors"], arrays["item_factors"])


def _inward(history: sp.csr_array, met: Doubles, dimension: int, power: float) -> Doubles:
    """What a history item adds to its user's factors, shape (items, d)."""
    lengths = np.maximum(np.diff(history.indptr), 1).astype(np.float64)
    damp = np.maximum(met, 1) ** -power
    scaled = sp.csr_array(sp.diags_array(lengths**-power) @ history.astype(np.float64) @ sp.diags_array(damp))
    if min(scaled.shape) == 1:
        # Too small for the iteration, which finds fewer directions than there are rows and columns.
        return np.asarray(damp[:, None] * np.linalg.svd(scaled.toarray(), full_matrices=False)[2].T)
    k = min(dimension, min(scaled.shape) - 1)
    # A fixed start makes the iteration the same every time.
    _, _, directions = svds(scaled, k=k, v0=np.ones(min(scaled.shape)), random_state=0)
    return np.asarray(damp[:, None] * directions.T)


def _told(content: Doubles, own: Doubles, trust: Doubles) -> Doubles:
    """Factors told from content by ridge regression with penalty 1, shape (items, d)."""
    weighed = content * trust
    mapping = np.linalg.solve(weighed.T @ content + np.eye(content.shape[1]), weighed.T @ own)
    return np.asarray(content @ mapping)
