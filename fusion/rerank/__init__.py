"""Re-ranking: lists that are more diverse, capped by value, or fair to groups of items, at a stated price."""

from .config import DppConfig, ExposureConfig, MmrConfig, RelevanceConfig, RerankConfig
from .item_knowledge import ItemKnowledge
from .reranker import GreedyReranker, Reranker, best_reranked, reranker_of

__all__ = [
    "DppConfig",
    "ExposureConfig",
    "GreedyReranker",
    "ItemKnowledge",
    "MmrConfig",
    "RelevanceConfig",
    "RerankConfig",
    "Reranker",
    "best_reranked",
    "reranker_of",
]
