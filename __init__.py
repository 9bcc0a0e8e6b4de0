"""plait: a knowledge-graph-centric hybrid recommender."""

from ._version import __version__

__all__ = ["__version__"]
