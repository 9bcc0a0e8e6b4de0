"""A bilinear form between what is known of items: which kinds of things go with which, also for items nobody has met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from .item_content import item_content
from .material import Material
from .recipe import NothingToFitOnError, Setting
from .ridge_grid import Dropout
from .signal import Arrays, Audience, Scores

__all__ = ["Bilinear", "BilinearConfig"]

Floats = npt.NDArray[np.float32]


class BilinearConfig(BaseModel):
    """Configuration of the bilinear signal; of the listed values the best on validation is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dimension: tuple[PositiveInt, ...] = Field(default=(256,), min_length=1)
    """Values to choose from of how many components of entities and text are kept."""

    l2: tuple[PositiveFloat, ...] = Field(default=(30, 300), min_length=1)
    """Values to choose from of the penalty on the history's side; each > 0."""

    item_l2: PositiveFloat = 10
    """The penalty on the scored item's side. Larger says more of items that nobody has met, less of the others."""

    dropout: Dropout = 0.5
    """The share of a history that is hidden while the rest must tell it."""

    def choices(self) -> Sequence[Setting]:
        """All combinations, in order of dimensions."""
        return [{"dimension": dimension, "l2": l2} for dimension in self.dimension for l2 in self.l2]

    def fit(self, material: Material, setting: Setting) -> Bilinear:
        """The signal by one of the settings.

        Raises:
            NothingToFitOnError: if nothing is known of the items.
        """
        content = item_content(material.entities, material.text, setting["dimension"])
        if not content.any():
            raise NothingToFitOnError(
                "bilinear: the items have no entities that two of them share, and no text; give data.graph or text, or "
                "leave this signal out"
            )
        return Bilinear.fit(material.history, content, l2=setting["l2"], item_l2=self.item_l2, dropout=self.dropout)


@dataclass(frozen=True, eq=False)
class Bilinear:
    r"""Scores by :math:`s_{ui} = (\sum_j h_{uj} c_j)^T A \, c_i`, c what is known of an item, A learned.

    A is the ridge solution of telling each item of a history from what is known of the others,

    .. math::
        A = \big((1-p) Z^T Z + p \, C^T D C + \lambda I\big)^{-1} \big(Z^T Z - C^T D C\big)
            \big(C_w^T C_w + \mu I\big)^{-1}, \qquad Z = X C, \quad D = \mathrm{diag}(X^T X)

    where X has rows divided by the fourth root of their length (of a long history each item says less), p of a
    history is hidden at random, an item is never told from itself, and :math:`C_w` has the items that somebody met.
    Made of small matrices: time and memory grow with users + items, times the dimension.

    Attributes:
        content: C, shape (items, d).
        form: A, shape (d, d).
    """

    kind: ClassVar[str] = "bilinear"

    content: Floats
    form: Floats

    @classmethod
    def fit(
        cls, history: sp.csr_array, content: Floats, *, l2: float, item_l2: float = 10, dropout: float = 0.5
    ) -> Bilinear:
        """Solve for the form, in double precision.

        Args:
            history: binary user-item matrix, shape (users, items).
            content: what is known of each item, shape (items, d).
            l2: penalty on the history's side, > 0.
            item_l2: penalty on the scored item's side, > 0.
            dropout: the share that is hidden, at least 0 and below 1.
        """
        known = content.astype(np.float64)
        lengths = np.maximum(np.diff(history.indptr), 1)
        rows = sp.csr_array(sp.diags_array(lengths**-0.25) @ history)
        own = known.T @ (np.asarray(rows.power(2).sum(axis=0)).reshape(-1, 1) * known)
        together = np.asarray(rows @ known)
        together = together.T @ together
        met = known[np.asarray(history.sum(axis=0)).ravel() > 0]
        unit = np.eye(known.shape[1])
        form = np.linalg.solve((1 - dropout) * together + dropout * own + l2 * unit, together - own)
        form = np.linalg.solve(met.T @ met + item_l2 * unit, form.T).T
        return cls(content, form.astype(np.float32))

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); all 0 for an empty history, and for items of which nothing is known."""
        return np.asarray((audience.history @ self.content) @ self.form @ self.content.T, dtype=np.float32)

    def arrays(self) -> Arrays:
        """Content and form."""
        return {"content": self.content, "form": self.form}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Bilinear:
        """The signal of these arrays."""
        return cls(arrays["content"], arrays["form"])
