"""EASE: the linear item-item model in closed form, with entities of the graph as further users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field, NonNegativeFloat, PositiveFloat

from ...kg import ConfigError
from .gram import dense_gram, invert, weighed_rows
from .material import Material
from .recipe import Setting
from .ridge_grid import Dropout, RidgeGrid
from .signal import Arrays, Audience, Scores

__all__ = ["Ease", "EaseConfig"]


class EaseConfig(RidgeGrid):
    """Configuration of EASE; of the listed values the best on validation is taken."""

    l2: tuple[PositiveFloat, ...] = Field(default=(30, 100), min_length=1)
    """Values of the ridge penalty to choose from; each > 0. Larger for more, and more active, users."""

    entity_weight: tuple[NonNegativeFloat, ...] = Field(default=(0.3, 1.0, 3.0), min_length=1)
    """Values to choose from of what a shared entity counts, against a shared user that counts 1; 0 is plain EASE."""

    dropout: tuple[Dropout, ...] = Field(default=(0.5,), min_length=1)
    """Values to choose from of the share of a history that is hidden while the rest must tell it; 0 is plain EASE."""

    max_items: int = Field(default=30_000, ge=1)
    """Catalogues larger than this are refused: the model is a dense matrix of items x items in float32. A fit needs no
    more than that one, but the best so far are kept beside it: three in all."""

    def fit(self, material: Material, setting: Setting) -> Ease:
        """EASE by one of the settings.

        Raises:
            ConfigError: if there are more items than `max_items`, or the penalty is too small for float32.
        """
        n = material.history.shape[1]
        if n > self.max_items:
            raise ConfigError(
                f"EASE needs a matrix of {n:,} x {n:,} items ({n**2 * 4 / 2**30:.1f} GiB); raise ease.max_items if "
                "there is memory for three of it, or take sparse_ease"
            )
        try:
            return Ease.fit(material.history, material.entities, **setting)
        except ValueError as error:
            raise ConfigError(f"ease: {error}") from error


@dataclass(frozen=True, eq=False)
class Ease:
    r"""Scores by `history @ weights`.

    .. math::
        G = X^T X + a F F^T, \quad P = \big(G + \lambda I + \tfrac{p}{1-p} \, \mathrm{diag}(G)\big)^{-1}, \quad
        B_{ij} = -P_{ij} / P_{jj}, \quad B_{jj} = 0

    Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019; the second term of G adds each entity as a
    user of weight a who likes all items it is linked to. With a dropout p above 0 it is the exact least-squares
    solution over all ways to hide that share of a history (EDLAE: Steck, Autoencoders that don't overfit towards the
    Identity, NeurIPS 2020): a larger penalty for what is often liked.
    """

    kind: ClassVar[str] = "ease"

    weights: npt.NDArray[np.float32]
    """B, shape (items, items)."""

    @classmethod
    def fit(
        cls,
        history: sp.csr_array,
        entities: sp.csr_array | None = None,
        *,
        l2: float,
        entity_weight: float = 1.0,
        dropout: float = 0.0,
    ) -> Ease:
        """Solve for the weights, in the memory of one matrix (items, items).

        Args:
            history: user-item matrix, shape (users, items).
            entities: binary item-entity matrix, shape (items, entities), or None.
            l2: the ridge penalty, > 0.
            entity_weight: what a shared entity counts, >= 0.
            dropout: the share that is hidden, at least 0 and below 1.

        Raises:
            ValueError: if an argument is not what it must be, or the penalty is too small for float32.
        """
        _check(l2, entity_weight, dropout)
        gram = dense_gram(weighed_rows(history, entities, entity_weight))
        diagonal = np.einsum("ii->i", gram)
        diagonal += dropout / (1 - dropout) * diagonal + l2
        weights = invert(gram)
        # Columns are divided: the weights that lead to an item are a regression on all others.
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0)
        return cls(weights)

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


def _check(l2: float, entity_weight: float, dropout: float) -> None:
    if not l2 > 0:
        raise ValueError(f"l2 is {l2}, expected a number above 0")
    if not entity_weight >= 0:
        raise ValueError(f"entity_weight is {entity_weight}, expected a number of at least 0")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}, expected a number from 0 to below 1")
