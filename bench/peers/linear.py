"""EASE as published: one dense inverse, interactions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.fusion.signals.signal import Audience, Scores

from .peer import Fit, ScoreOf, Setting, Task


class PlainEase:
    """Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, in five lines of numpy."""

    name = "EASE, plain"
    space: Mapping[str, Sequence[Any]] = {
        "l2": [10.0, 20.0, 30.0, 50.0, 100.0, 150.0, 200.0, 300.0, 500.0, 700.0, 1000.0, 2000.0]
    }

    def fit(self, task: Task, setting: Setting) -> Fit:
        """One penalty. Memory: two dense matrices of items x items in float32."""
        history = task.train.matrix()
        gram = np.asarray((history.T @ history).toarray(), dtype=np.float32)
        gram[np.diag_indices_from(gram)] += np.float32(setting["l2"])
        inverse = np.linalg.inv(gram)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0)

        def score(audience: Audience) -> Scores:
            return np.asarray(audience.history @ weights, dtype=np.float32)

        return Fit(score, task.ndcg(score))

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """The fit itself: users are folded in."""
        return fit.score
