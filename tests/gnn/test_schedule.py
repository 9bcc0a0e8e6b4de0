"""Step sizes and the moving average: numbers by hand."""

from __future__ import annotations

from math import cos, pi

import pytest
import torch
from torch import nn

from plait.gnn.schedule import MovingAverage, step_size_factor
from plait.gnn.training_config import TrainingConfig


@pytest.mark.parametrize(
    ("decay", "expected"),
    [
        ("none", {0.5: 0.25, 2: 1, 7: 1, 12: 1, 30: 1}),
        ("linear", {0.5: 0.25, 2: 1, 7: 0.5, 12: 0, 30: 0}),
        ("cosine", {0.5: 0.25, 2: 1, 4.5: (1 + cos(pi / 4)) / 2, 7: 0.5, 12: 0, 30: 0}),
    ],
)
def test_step_sizes_rise_over_two_epochs_and_fall_to_the_twelfth(decay: str, expected: dict[float, float]) -> None:
    config = TrainingConfig.model_validate({"warm_up": 2, "decay": decay, "epochs": 12})
    for epochs, factor in expected.items():
        assert step_size_factor(config, epochs) == pytest.approx(factor, abs=1e-12)


def test_by_default_all_steps_are_alike() -> None:
    assert {step_size_factor(TrainingConfig(), epochs) for epochs in (0.0, 0.1, 150, 300)} == {1.0}


def test_the_average_by_hand_and_the_parameters_come_back() -> None:
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(1.0)
        average = MovingAverage(module, 0.2)
        module.weight.fill_(5.0)
        average.update()
        module.weight.fill_(-3.0)
        average.update()
    # Decays min(0.2, 2/11) and min(0.2, 3/12).
    first = 2 / 11 * 1 + 9 / 11 * 5
    expected = 0.2 * first + 0.8 * -3
    with pytest.raises(KeyError), average.in_place():
        assert module.weight.item() == pytest.approx(expected, rel=1e-6)
        raise KeyError
    assert module.weight.item() == -3.0
