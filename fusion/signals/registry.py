"""Every signal there is: by which section of the configuration it is made, and which class a saved one is."""

from __future__ import annotations

from collections.abc import Mapping

from .bilinear import Bilinear
from .ease import Ease
from .factors import Factors
from .graph_signal import GraphSignal
from .ials import Ials
from .item_knn import ItemKnn
from .popularity import Popularity
from .recent_popularity import RecentPopularity
from .rp3beta import Rp3Beta
from .sequence_signal import SequenceSignal
from .signal import Signal
from .sparse_ease import SparseEase
from .text_signal import TextSignal
from .transitions import Transitions

__all__ = ["KINDS", "ORDER", "RECIPES", "WITHOUT_RECENCY"]

RECIPES = (
    "recent_popularity",
    "ease",
    "sparse_ease",
    "item_knn",
    "rp3beta",
    "ials",
    "transitions",
    "bilinear",
    "factors",
    "sequence",
)
"""Sections of the configuration that each are a recipe of the signal of their name; null leaves it out."""

ORDER = ("popularity", "recent_popularity", "text", *RECIPES[1:], "gnn")
"""All signals, as tables list them."""

_ALL: tuple[type[Signal], ...] = (
    Popularity,
    RecentPopularity,
    TextSignal,
    Ease,
    SparseEase,
    ItemKnn,
    Rp3Beta,
    Ials,
    Transitions,
    Bilinear,
    Factors,
    SequenceSignal,
    GraphSignal,
)
KINDS: Mapping[str, type[Signal]] = {kind.kind: kind for kind in _ALL}
"""Class of a saved signal by its kind."""

WITHOUT_RECENCY = (Popularity, RecentPopularity, SequenceSignal)
"""Signals that look at no history, or at its order alone: how much recent items count changes nothing in them."""
