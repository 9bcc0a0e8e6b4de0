"""Pairwise ranking: by hand, with pairs that do not count."""

from __future__ import annotations

from math import exp, log

import pytest
import torch

from plait.gnn.objectives import bpr_loss

USERS = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
OWN = torch.tensor([[0.6, 0.8], [0.0, 5.0]]), torch.tensor([0.1, 0.2])
OTHERS = (
    torch.tensor([[[0.0, 3.0], [1.0, 0.0], [9.0, 0.0]], [[4.0, 0.0], [0.0, -1.0], [7.0, 0.0]]]),
    torch.tensor([[0.3, -0.1, 0.0], [0.0, 0.5, 0.0]]),
)


def test_three_pairs_by_hand() -> None:
    valid = torch.tensor([[True, True, False], [False, True, False]])
    first, second = 0.6 / 0.5 + 0.1, 1 / 0.5 + 0.2
    differences = [first - 0.3, first - (1 / 0.5 - 0.1), second - (-1 / 0.5 + 0.5)]
    expected = sum(log(1 + exp(-d)) for d in differences) / 3
    assert float(bpr_loss(USERS, OWN, OTHERS, valid, 0.5)) == pytest.approx(expected, rel=1e-6)


def test_no_pair_that_counts_is_no_loss() -> None:
    assert float(bpr_loss(USERS, OWN, OTHERS, torch.zeros(2, 3, dtype=torch.bool), 0.5)) == 0
