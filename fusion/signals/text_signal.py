"""Text as a signal: what is written about an item against what is written about what the user liked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...gnn.embeddings import unit
from ...text import Reduction, TextFeatures
from ...text.reduce import projected
from ...text.reduce_storage import Storage, int8_scale, stored, unstored
from .signal import Arrays, Audience, Scores, Signal

__all__ = ["TextSignal", "text_vectors"]

NOISE = 1e-3
"""What a sum of directions is at least, as a share of what it could be, to be one: less is rounding in float16."""


@dataclass(frozen=True, eq=False)
class TextSignal:
    r"""Scores an item by the cosine of its text and the texts of the history; needs no interaction with the item.

    .. math::
        c_i = \frac{t_i - \bar t}{\lVert t_i - \bar t \rVert}, \qquad
        p_u = \mathrm{unit}\Big(\sum_{j \in H_u} w_j c_j\Big) + \mathrm{unit}(t_u - \bar t), \qquad
        s_{ui} = \mathrm{unit}(p_u) \cdot c_i

    with the text vectors :math:`t`, their mean :math:`\bar t` over the items that have one (language models' vectors
    share a large part that says nothing), recency weights :math:`w`, and a text of the user's own where there is one,
    which counts as much as the whole history. An item without text scores as the average item does, since nothing is
    known against it; a user of whom no text is known scores all items 0.

    Attributes:
        vectors: centred unit vectors of the items, 0 where there is no text, float32, float16 or int8, shape (items, k).
        scale: what one step of int8 is worth in each dimension, ones otherwise, float32, shape (k,).
        present: which items have a text, shape (items,).
        centre: mean of the items' vectors, taken off a query too, float32, shape (k,).
        user_vectors: centred unit vectors of the users' own texts, as `vectors`, shape (users, k), or (0, k) for none.
        user_present: which users have one, shape (users,) or (0,).
        components: what an encoder's vectors are multiplied by where these here are reduced, float32, shape (d, k), or
            (0, k) where they are as the encoder gives them.
        rescaled: whether a reduced vector keeps the length it had, shape (1,).
    """

    kind: ClassVar[str] = "text"

    vectors: npt.NDArray[Any]
    scale: npt.NDArray[np.float32]
    present: npt.NDArray[np.bool_]
    centre: npt.NDArray[np.float32]
    user_vectors: npt.NDArray[Any]
    user_present: npt.NDArray[np.bool_]
    components: npt.NDArray[np.float32]
    rescaled: npt.NDArray[np.bool_]

    @classmethod
    def fit(
        cls, items: TextFeatures, users: TextFeatures | None = None, reduction: Reduction | None = None
    ) -> TextSignal | None:
        """The signal of some texts; None where fewer than two items have one, so that none is like another.

        Args:
            items: text vectors of the items.
            users: text vectors of the users' own texts (a profile, reviews), of the same encoder.
            reduction: how both were made smaller; queries will be, too, and vectors are stored in its type, else in
                float16.
        """
        if items.present.sum() < 2:
            return None
        centre = items.vectors[items.present].mean(axis=0, dtype=np.float64).astype(np.float32)
        if users is None:
            users = TextFeatures(np.empty((0, len(centre)), dtype=np.float32), np.empty(0, dtype=bool))
        storage: Storage = "float16" if reduction is None else reduction.storage
        rows, own = _centred(items, centre), _centred(users, centre)
        scale = int8_scale(np.concatenate([rows, own])) if storage == "int8" else np.ones_like(centre)
        return cls(
            stored(rows, storage, scale),
            scale,
            items.present,
            centre,
            stored(own, storage, scale),
            users.present,
            np.empty((0, len(centre)), dtype=np.float32) if reduction is None else reduction.components,
            np.array([reduction is not None and reduction.rescaled]),
        )

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items): cosines."""
        return self._filled(self.profiles(audience) @ self._rows.T)

    def profiles(self, audience: Audience) -> npt.NDArray[np.float32]:
        """What the users' texts say, unit vectors, 0 for a user of whom no text is known, shape (batch, d)."""
        # Items without text have zero rows here, and so no say in the mean.
        profiles = np.asarray(audience.history @ self._rows, dtype=np.float32)
        weight = np.asarray(audience.history.sum(axis=1), dtype=np.float32)
        profiles = _direction(profiles, NOISE * weight)
        own = self.knows(audience)
        profiles[own] = _direction(
            profiles[own] + unstored(self.user_vectors[audience.numbers[own]], self.scale), NOISE
        )
        return profiles

    def knows(self, audience: Audience) -> npt.NDArray[np.bool_]:
        """Of whom something is known besides the history: users with a text of their own, shape (batch,)."""
        known = (audience.numbers >= 0) & (audience.numbers < len(self.user_present))
        known[known] = self.user_present[audience.numbers[known]]
        return np.asarray(known)

    def cosines(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Cosine of an encoder's vector (d,) and each item, both reduced and centred alike, shape (items,).

        An item without a text gets the mean.
        """
        if len(self.components):
            query = projected(query[None], self.components, bool(self.rescaled[0]))[0]
        direction = _direction((query - self.centre)[None], NOISE * float(np.linalg.norm(query)))
        cosines: npt.NDArray[np.float32] = self._filled(direction @ self._rows.T)[0]
        return cosines

    def arrays(self) -> Arrays:
        """All attributes."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> TextSignal:
        """The signal of these arrays."""
        return cls(**arrays)

    def _filled(self, scores: Scores) -> Scores:
        """The scores with the mean of the items that have a text at those that have none."""
        if not self.present.all():
            scores[:, ~self.present] = scores[:, self.present].mean(axis=1, keepdims=True)
        return scores

    @cached_property
    def _rows(self) -> npt.NDArray[np.float32]:
        """The items' vectors as numbers that a processor multiplies fast."""
        return unstored(self.vectors, self.scale)


def text_vectors(signal: Signal | None) -> npt.NDArray[np.float32] | None:
    """The items' text vectors that a signal goes by, zero where an item has no text, shape (items, d); None without."""
    return signal.vectors.astype(np.float32) * signal.scale if isinstance(signal, TextSignal) else None


def _centred(features: TextFeatures, centre: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    centred = np.where(features.present[:, None], features.vectors - centre, np.float32(0))
    # Of a text like all others nothing is left but rounding.
    return _direction(centred, NOISE * np.linalg.norm(features.vectors, axis=1))


def _direction(rows: npt.NDArray[np.float32], least: npt.NDArray[np.float32] | float) -> npt.NDArray[np.float32]:
    """Rows scaled to length 1; those of at most a least length, which point nowhere, as 0."""
    pointing = np.linalg.norm(rows, axis=1) > least
    return np.asarray(np.where(pointing[:, None], unit(rows), np.float32(0)))
