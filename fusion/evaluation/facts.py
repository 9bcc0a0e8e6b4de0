"""What is known of items and users when rankings are looked at more closely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...kg import ItemGraph
from ...loaders import Split
from ..signals.item_entities import item_entities
from .attributes import user_groups
from .categories import categories
from .config import EvaluationConfig
from .groups import Groups

__all__ = ["Facts"]


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of items and users; nothing of it is learned from.

    Attributes:
        liked: training positives of each item, shape (items,).
        trained: training positives of each user, shape (users,).
        category: the items' categories; None where the graph has none.
        entities: which entities each item is linked to, rows of unit length or empty, shape (items, entities), or None.
        vectors: text vectors of the items, float32, zero where there is none, shape (items, d), or None.
        attribute: the users by an attribute of theirs, or None.
        shown: most groups that are shown.
    """

    liked: npt.NDArray[np.int64]
    trained: npt.NDArray[np.int64]
    category: Groups | None = None
    entities: sp.csr_array | None = None
    vectors: npt.NDArray[np.float32] | None = None
    attribute: Groups | None = None
    shown: int = 12

    @classmethod
    def of(
        cls,
        split: Split,
        config: EvaluationConfig,
        graph: ItemGraph | None = None,
        vectors: npt.NDArray[Any] | None = None,
    ) -> Facts:
        """The facts of a split, with a graph around its items and text vectors of them where there are any.

        Raises:
            ConfigError: if the graph has no such category.
            DataError: if the table of users cannot be used.
        """
        positives = split.positives()
        linked = graph is not None and len(graph.head) > 0
        return cls(
            np.bincount(positives.item, minlength=len(split.items)),
            np.bincount(positives.user, minlength=len(split.users)),
            categories(graph, config.slices.category) if graph is not None and linked else None,
            _unit_rows(item_entities(graph)[:, graph.n_items :]) if graph is not None and linked else None,
            None if vectors is None else np.asarray(vectors, dtype=np.float32),
            user_groups(config.slices, split.users),
            config.slices.groups,
        )

    def with_text(self, vectors: npt.NDArray[Any] | None) -> Facts:
        """The same with text vectors of the items."""
        return replace(self, vectors=None if vectors is None else np.asarray(vectors, dtype=np.float32))


def _unit_rows(matrix: sp.csr_array) -> sp.csr_array:
    counts = np.diff(matrix.indptr)
    data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
