"""EASE: the linear item-item model in closed form, with entities of the graph as further users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat
from scipy.linalg import lapack

from .signal import Arrays, Audience, Scores

__all__ = ["Ease", "EaseConfig"]


class EaseConfig(BaseModel):
    """Configuration of EASE; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    l2: tuple[PositiveFloat, ...] = Field(default=(30, 100, 300, 1000), min_length=1)
    """Values of the ridge penalty to choose from; each > 0. Larger for more, and more active, users."""

    entity_weight: tuple[NonNegativeFloat, ...] = Field(default=(0.1, 0.3, 1.0, 3.0), min_length=1)
    """Values to choose from of what a shared entity counts, against a shared user that counts 1; 0 is plain EASE."""

    max_items: int = Field(default=30_000, ge=1)
    """Catalogues larger than this are refused: the model is a dense matrix of items x items in float32."""


@dataclass(frozen=True, eq=False)
class Ease:
    r"""Scores by `history @ weights`.

    .. math::
        P = (X^T X + a F F^T + \lambda I)^{-1}, \qquad B_{ij} = -P_{ij} / P_{jj}, \quad B_{jj} = 0

    Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019; the second term adds each entity as a user
    of weight a who likes all items it is linked to.
    """

    kind: ClassVar[str] = "ease"

    weights: npt.NDArray[np.float32]
    """B, shape (items, items)."""

    @classmethod
    def fit(
        cls, history: sp.csr_array, entities: sp.csr_array | None = None, *, l2: float, entity_weight: float = 1.0
    ) -> Ease:
        """Solve for the weights.

        Args:
            history: binary user-item matrix, shape (users, items).
            entities: binary item-entity matrix, shape (items, entities), or None.
            l2: the ridge penalty, > 0.
            entity_weight: what a shared entity counts.

        Raises:
            ValueError: if the penalty is not positive.
        """
        if l2 <= 0:
            raise ValueError(f"l2 is {l2}, expected a number above 0")
        gram = (history.T @ history).toarray().astype(np.float32, order="F")
        if entities is not None and entity_weight:
            gram += np.float32(entity_weight) * (entities @ entities.T).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += np.float32(l2)
        return cls(_weights_of(_inverse(gram)))

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history."""
        return np.asarray(audience.history @ self.weights, dtype=np.float32)

    def arrays(self) -> Arrays:
        """The weights."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Ease:
        """The signal of these weights."""
        return cls(arrays["weights"])


def _inverse(gram: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Inverse of a symmetric positive definite matrix in column order, in its own memory; upper triangle alone."""
    factor, failed = lapack.spotrf(gram, overwrite_a=True, clean=False)
    if failed:
        raise ValueError(f"the Gram matrix is not positive definite at row {failed}; choose a larger ease.l2")
    inverse, _ = lapack.spotri(factor, overwrite_c=True)
    return np.asarray(inverse)


def _weights_of(inverse: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """B from the upper triangle of P, row-major: scoring a column-major one would copy it for every batch."""
    upper = np.triu(inverse)
    full = upper + np.triu(upper, 1).T
    weights = np.ascontiguousarray(-full / np.diag(full), dtype=np.float32)
    np.fill_diagonal(weights, 0)
    return weights
