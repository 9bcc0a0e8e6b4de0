"""Collaborative signals, blending, ranking, explanations, evaluation: the Recommender."""

from .blend import Blend
from .config import Config, read_config
from .ease import Ease
from .evaluation import Evaluation, Row
from .explain import Explanation, Hop
from .graph_signal import GraphSignal
from .metrics import METRICS, Metrics, coverage, ranking_metrics
from .popularity import Popularity
from .query_intent import Intent
from .ranking import Ranked, top_k
from .recommender import Recommendation, Recommender, SimilarItem
from .search import Match, SearchHit
from .signal import Audience, Signal
from .storage import load, save
from .text_signal import TextSignal

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
    "Intent",
    "Match",
    "Metrics",
    "Popularity",
    "Ranked",
    "Recommendation",
    "Recommender",
    "Row",
    "SearchHit",
    "Signal",
    "SimilarItem",
    "TextSignal",
    "coverage",
    "load",
    "ranking_metrics",
    "read_config",
    "save",
    "top_k",
]
