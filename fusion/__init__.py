"""Collaborative signals, blending, ranking, explanations, evaluation: the Recommender."""

from .blend import Blend
from .config import Config, read_config
from .ease import Ease
from .evaluation import Evaluation, Row
from .explain import Explanation, Hop
from .graph_signal import GraphSignal
from .metrics import METRICS, Metrics, coverage, ranking_metrics
from .popularity import Popularity
from .ranking import Ranked, top_k
from .recommender import Recommendation, Recommender, SimilarItem
from .signal import Audience, Signal
from .storage import load, save

__all__ = [
    "METRICS",
    "Audience",
    "Blend",
    "Config",
    "Ease",
    "Evaluation",
    "Explanation",
    "GraphSignal",
    "Hop",
    "Metrics",
    "Popularity",
    "Ranked",
    "Recommendation",
    "Recommender",
    "Row",
    "Signal",
    "SimilarItem",
    "coverage",
    "load",
    "ranking_metrics",
    "read_config",
    "save",
    "top_k",
]
