"""How large steps are where nobody said so."""

from __future__ import annotations

from .training_config import TrainingConfig

__all__ = ["batch_size_of", "negatives_of"]

SMALLEST, LARGEST = 4096, 65536
EDGES_PER_INTERACTION = 128
"""Propagating over this many edges takes about as long as the loss of one interaction among 2,048 items."""

WHOLE_CATALOGUE, SAMPLE = 10_000, 2048


def batch_size_of(config: TrainingConfig, edges: int) -> int:
    """Interactions per step.

    Every step of the full regime propagates over the whole graph, so `auto` doubles the batch from 4,096 until a step has
    at most 128 edges (each direction counted) per interaction; at most 65,536. The sampled regime stays at 4,096.
    """
    if config.batch_size != "auto":
        return config.batch_size
    size = SMALLEST
    while config.regime == "full" and size < LARGEST and edges > EDGES_PER_INTERACTION * size:
        size *= 2
    return size


def negatives_of(config: TrainingConfig, items: int) -> int:
    """Items drawn per step, 0 for all; for BPR items drawn per interaction."""
    if config.negatives != "auto":
        return config.negatives
    if config.objective == "bpr":
        return 1
    if config.regime == "full" and config.negatives_from == "catalogue" and items <= WHOLE_CATALOGUE:
        return 0
    return SAMPLE
