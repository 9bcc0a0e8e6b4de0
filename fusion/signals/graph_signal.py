"""The graph net as a signal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from ...gnn import Embeddings
from .signal import Arrays, Audience, Scores

__all__ = ["GraphSignal"]


@dataclass(frozen=True, eq=False)
class GraphSignal:
    """Scores by cosine of embeddings plus item bias; users are folded in from the history at hand."""

    kind: ClassVar[str] = "gnn"

    embeddings: Embeddings

    def score(self, audience: Audience) -> Scores:
        """Scores, shape (batch, items); for a user without any history the bias alone."""
        return self.embeddings.scores(self.embeddings.users(audience.history, audience.numbers))

    def arrays(self) -> Arrays:
        """The embeddings, and temperature and blocks as arrays of one."""
        arrays = {f.name: getattr(self.embeddings, f.name) for f in fields(Embeddings)}
        temperature = np.array([self.embeddings.temperature], dtype=np.float64)
        return {**arrays, "temperature": temperature, "blocks": np.array([self.embeddings.blocks])}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> GraphSignal:
        """The signal of these embeddings."""
        matrices = {name: array for name, array in arrays.items() if name not in ("temperature", "blocks")}
        return cls(Embeddings(**matrices, temperature=float(arrays["temperature"][0]), blocks=int(arrays["blocks"][0])))
