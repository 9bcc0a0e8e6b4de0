"""Graph nets over user-item-entity edges: propagation, training, embeddings.

What needs torch lies in `gnn.training` and below, and is imported when a net is trained; embeddings do without.
"""

from .config import GnnConfig
from .embeddings import Embeddings
from .features import NodeFeatures
from .unified import UnifiedGraph

__all__ = ["Embeddings", "GnnConfig", "NodeFeatures", "UnifiedGraph"]
