"""Poolings by hand, and the same wherever the padding lies."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from plait.text.encoder import Pooling
from plait.text.pooling import pool

# One text of three tokens, states of two coordinates.
STATES = [[1.0, 8.0], [2.0, 3.0], [6.0, -5.0]]
BY_HAND: dict[Pooling, list[float]] = {
    "mean": [(1 + 2 + 6) / 3, (8 + 3 - 5) / 3],
    "cls": [1, 8],
    "max": [6, 8],
    "lasttoken": [6, -5],
    "weightedmean": [(1 * 1 + 2 * 2 + 3 * 6) / 6, (1 * 8 + 2 * 3 - 3 * 5) / 6],
    "mean_sqrt_len": [9 / math.sqrt(3), 6 / math.sqrt(3)],
}
# Without the first token, the prompt: weights stay those of the places in the whole text.
WITHOUT_PROMPT: dict[Pooling, list[float]] = {
    "mean": [8 / 2, -2 / 2],
    "cls": [2, 3],
    "max": [6, 3],
    "lasttoken": [6, -5],
    "weightedmean": [(2 * 2 + 3 * 6) / 5, (2 * 3 - 3 * 5) / 5],
    "mean_sqrt_len": [8 / math.sqrt(2), -2 / math.sqrt(2)],
}


@pytest.mark.parametrize("padding", ["right", "left", "none"])
@pytest.mark.parametrize("pooling", get_args(Pooling))
def test_by_hand_wherever_the_padding_lies(pooling: Pooling, padding: str) -> None:
    filler, before, behind = [[99.0, -99.0]] * 2, 2 * (padding == "left"), 2 * (padding == "right")
    states = torch.tensor([filler[:before] + STATES + filler[:behind]])
    mask = torch.tensor([[0] * before + [1] * 3 + [0] * behind])
    torch.testing.assert_close(pool(states, mask, [pooling])[0].tolist(), [float(x) for x in BY_HAND[pooling]])
    skipped = pool(states, mask, [pooling], skip=1)[0].tolist()
    torch.testing.assert_close(skipped, [float(x) for x in WITHOUT_PROMPT[pooling]])


def test_several_stand_side_by_side_in_order() -> None:
    mask = torch.ones(1, 3, dtype=torch.int64)
    both = pool(torch.tensor([STATES]), mask, ["max", "cls"])
    assert both.tolist() == [[6, 8, 1, 8]]


def test_half_precision_is_added_up_in_single() -> None:
    states = torch.full((1, 4096, 1), 1.001, dtype=torch.bfloat16)
    assert pool(states, torch.ones(1, 4096, dtype=torch.int64), ["mean"]).dtype == torch.float32
    assert pool(states, torch.ones(1, 4096, dtype=torch.int64), ["mean"]).item() == pytest.approx(states[0, 0].item())
