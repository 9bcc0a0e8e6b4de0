"""Collaborative signals, blending, ranking, explanations, evaluation: the Recommender."""

from .blending.blend import Blend
from .config import Config, read_config
from .evaluation import Evaluation, Row
from .evaluation.metrics import METRICS, Metrics, coverage, ranking_metrics
from .explain import Explanation, Hop
from .query_intent import Intent
from .ranking import Ranked, top_k
from .recommender import Recommendation, Recommender, SimilarItem
from .search import Match, SearchHit
from .signals.ease import Ease
from .signals.graph_signal import GraphSignal
from .signals.popularity import Popularity
from .signals.signal import Audience, Signal
from .signals.text_signal import TextSignal
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
