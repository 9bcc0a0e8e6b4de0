"""Sizes nobody stated."""

from __future__ import annotations

import pytest

from plait.gnn.batches import batch_size_of, negatives_of
from plait.gnn.training_config import TrainingConfig


@pytest.mark.parametrize(
    ("edges", "size"),
    [(0, 4096), (128 * 4096, 4096), (128 * 4096 + 1, 8192), (1_900_000, 16384), (10**9, 65536)],
)
def test_steps_grow_with_the_graph(edges: int, size: int) -> None:
    assert batch_size_of(TrainingConfig(), edges) == size
    assert batch_size_of(TrainingConfig(batch_size=100), edges) == 100
    assert batch_size_of(TrainingConfig(regime="sampled"), edges) == 4096


def test_large_catalogues_are_sampled() -> None:
    assert [negatives_of(TrainingConfig(), items) for items in (10_000, 10_001)] == [0, 2048]
    assert negatives_of(TrainingConfig(regime="sampled"), 50) == 2048
    assert negatives_of(TrainingConfig(objective="bpr"), 50) == 1
    assert negatives_of(TrainingConfig(negatives=7), 10**6) == 7
