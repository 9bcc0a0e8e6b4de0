"""Contrast of views: by hand; and how far noise moves a row, and where to."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest
import torch

from plait.gnn.losses import _first_distinct
from plait.gnn.objectives import info_nce, noisy


def test_two_nodes_by_hand() -> None:
    one, other = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.1]])
    first = log(exp(0.6 / 0.5) + exp(0 / 0.5)) - 0.6 / 0.5
    second = log(exp(0.8 / 0.5) + exp(1 / 0.5)) - 1 / 0.5
    assert float(info_nce(one, other, 0.5)) == pytest.approx((first + second) / 2, rel=1e-6)


def test_noise_keeps_signs_and_rows_of_zeros_and_has_the_length_asked_for() -> None:
    x = torch.tensor([[3.0, -4.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    moved = noisy(x, 0.1, torch.Generator().manual_seed(0))
    assert (moved[1] == 0).all()
    assert (torch.sign(moved) == torch.sign(x)).all()
    # Lengths 5, 0, 1: 2 on average. Components that are 0 get no noise, so that a row may be moved by less.
    assert 0 < float((moved - x)[2].norm()) <= 0.1 * 2 + 1e-6
    full = noisy(torch.ones(4, 7), 0.1, torch.Generator().manual_seed(0)) - 1
    assert full.norm(dim=1).tolist() == pytest.approx([0.1 * sqrt(7)] * 4, rel=1e-5)
    assert not torch.equal(full[0], full[1])


def test_whoever_comes_first_in_a_batch_is_compared_whatever_the_number() -> None:
    nodes = torch.tensor([9, 2, 9, 7, 2, 1, 8])
    assert _first_distinct(nodes, 3).tolist() == [9, 2, 7]
    assert _first_distinct(nodes, 99).tolist() == [9, 2, 7, 1, 8]
    rng = torch.Generator().manual_seed(0)
    drawn = torch.cat([_first_distinct(torch.randint(1000, (256,), generator=rng), 64) for _ in range(50)])
    assert drawn.float().mean() == pytest.approx(500, abs=30)
