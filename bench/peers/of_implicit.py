"""iALS and item-kNN of the library implicit (`pip install implicit`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from plait.fusion.signals.signal import Audience, Scores

from .peer import Fit, ScoreOf, Setting, Task


class ImplicitKnn:
    """The items liked together, by cosine, TF-IDF or BM25."""

    name = "item-kNN (implicit)"
    space: Mapping[str, Sequence[Any]] = {
        "weighting": ["cosine", "tfidf", "bm25"],
        "neighbours": [20, 50, 100, 200, 500, 1000],
    }

    def fit(self, task: Task, setting: Setting) -> Fit:
        """One weighting and number of neighbours."""
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

        makers = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        model = makers[setting["weighting"]](K=setting["neighbours"], num_threads=1)
        model.fit(sp.csr_matrix(task.train.matrix()), show_progress=False)

        def score(audience: Audience) -> Scores:
            return np.asarray((audience.history @ model.similarity).toarray(), dtype=np.float32)

        return Fit(score, task.ndcg(score))

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """The fit itself: users are folded in."""
        return fit.score


class ImplicitAls:
    """Hu, Koren and Volinsky, ICDM 2008. Spans of the space after Rendle et al., RecSys 2022: what tuning gains is much."""

    name = "iALS (implicit)"
    space: Mapping[str, Sequence[Any]] = {
        "factors": [64, 128, 256],
        "regularization": [0.01, 0.1, 1.0, 3.0, 10.0, 30.0],
        "alpha": [1.0, 3.0, 10.0, 30.0],
        "iterations": [8, 16],
    }

    def fit(self, task: Task, setting: Setting) -> Fit:
        """One set of factors."""
        from implicit.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(**setting, use_gpu=False, num_threads=1, random_state=task.seed)
        model.fit(sp.csr_matrix(task.train.matrix()), show_progress=False)

        def score(audience: Audience) -> Scores:
            users = model.recalculate_user(np.arange(len(audience)), sp.csr_matrix(audience.history))
            return np.asarray(users @ model.item_factors.T, dtype=np.float32)

        return Fit(score, task.ndcg(score))

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """The fit itself: users are folded in."""
        return fit.score
