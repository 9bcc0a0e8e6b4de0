"""The learned ranker: LambdaMART over the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...kg import ConfigError
from .pool import Pool

__all__ = ["Ranker"]

LEAVES, RATE, LEAST = 7, 0.05, 50
"""Leaves of a tree, step size, and candidates in a leaf at least: small trees, since hits on validation are few."""


@dataclass(frozen=True, eq=False)
class Ranker:
    """Scores candidates by boosted trees that are grown to put hits on top (LambdaMART: Burges, MSR-TR-2010-82).

    Attributes:
        names: the features, in the order of the trees' columns.
        trees: the model in LightGBM's text form; empty where there was nothing to learn from, and all score 0.
    """

    kind: ClassVar[str] = "ranker"

    names: tuple[str, ...]
    trees: str

    @classmethod
    def fit(cls, pool: Pool, hits: npt.NDArray[np.bool_], trees: int, seed: int) -> Ranker:
        """Learn from candidates of which some are hits.

        Args:
            pool: the candidates.
            hits: which of the pairs are, shape (pairs,).
            trees: how many.
            seed: source of all randomness.

        Raises:
            ConfigError: if LightGBM is not installed, or cannot learn from so many candidates a user.
        """
        lightgbm = _lightgbm()
        names = tuple(pool.columns)
        told = np.bincount(pool.row, hits, minlength=pool.shape[0])[pool.row] > 0
        if not told.any():
            return cls(names, "")
        sizes = np.bincount(pool.row[told])
        data = lightgbm.Dataset(pool.matrix(names)[told], hits[told].astype(np.float32), group=sizes[sizes > 0])
        settings = {
            "objective": "lambdarank",
            "num_leaves": LEAVES,
            "learning_rate": RATE,
            "min_data_in_leaf": LEAST,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbose": -1,
        }
        try:
            return cls(names, lightgbm.train(settings, data, trees).model_to_string())
        except lightgbm.basic.LightGBMError as error:
            # It refuses more than 10,000 candidates a user.
            raise ConfigError(f"the ranker cannot be trained ({error}); try a smaller blend.depth") from error

    def scores(self, pool: Pool) -> npt.NDArray[np.float32]:
        """The score of each pair, shape (pairs,)."""
        if not self.trees or not len(pool.row):
            return np.zeros(len(pool.row), dtype=np.float32)
        return np.asarray(self._booster.predict(pool.matrix(self.names), num_threads=1), dtype=np.float32)

    def contributions(self, pool: Pool) -> dict[str, npt.NDArray[np.float32]]:
        """Shapley values of the features (TreeSHAP), summed by their source; what all pairs share goes to "item"."""
        if not self.trees or not len(pool.row):
            return {"item": np.zeros(len(pool.row), dtype=np.float32)}
        values = self._booster.predict(pool.matrix(self.names), pred_contrib=True, num_threads=1)
        added = {"item": values[:, -1].astype(np.float32)}
        for name, column in zip(self.names, values.T[:-1].astype(np.float32), strict=True):
            source = pool.source[name]
            added[source] = added[source] + column if source in added else column
        return added

    def as_record(self) -> dict[str, Any]:
        """Names and trees."""
        return {"names": list(self.names), "trees": self.trees}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Ranker:
        """The ranker of a record.

        Raises:
            ValueError: if it is damaged.
            ConfigError: if LightGBM is not installed.
        """
        ranker = cls(tuple(str(name) for name in record["names"]), str(record["trees"]))
        if ranker.trees and (asked := ranker._booster.num_feature()) != len(ranker.names):
            raise ValueError(f"trees over {asked} features, of which {len(ranker.names)} are named")
        return ranker

    @cached_property
    def _booster(self) -> Any:
        lightgbm = _lightgbm()
        try:
            return lightgbm.Booster(model_str=self.trees)
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(f"the trees cannot be read: {error}") from error


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise ConfigError("the ranker needs LightGBM: pip install 'plait[ranker]'") from error
    return lightgbm
