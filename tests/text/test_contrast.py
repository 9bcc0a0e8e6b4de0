"""The contrastive loss by hand, and its laws."""

from __future__ import annotations

import math

import pytest
import torch

from plait.text.contrast import anchors, contrastive_loss

# Three texts: cosines are a.b = 0, a.c = 0.6, b.c = 0.8.
A, B, C = (1.0, 0.0), (0.0, 1.0), (0.6, 0.8)
TEXTS = torch.tensor([A, B, C])


def test_three_texts_by_hand() -> None:
    # a asks for c, among b and c; b asks for a, among a and c.
    allowed = torch.tensor([[False, True, True], [True, False, True]])
    loss = contrastive_loss(TEXTS[:2], TEXTS, torch.tensor([2, 0]), allowed, torch.zeros(3), temperature=0.5)
    first = math.log(math.exp(0.6 / 0.5) + math.exp(0 / 0.5)) - 0.6 / 0.5
    second = math.log(math.exp(0 / 0.5) + math.exp(0.8 / 0.5)) - 0 / 0.5
    assert loss.item() == pytest.approx((first + second) / 2)


def test_a_false_negative_counts_for_nothing() -> None:
    # a asks for c; b was liked by the same user, and then nothing is left to get wrong.
    both = contrastive_loss(
        TEXTS[:1], TEXTS, torch.tensor([2]), torch.tensor([[False, True, True]]), torch.zeros(3), temperature=1.0
    )
    masked = contrastive_loss(
        TEXTS[:1], TEXTS, torch.tensor([2]), torch.tensor([[False, False, True]]), torch.zeros(3), temperature=1.0
    )
    assert both.item() == pytest.approx(math.log(1 + math.exp(-0.6)))
    assert masked.item() == 0


def test_a_candidate_drawn_twice_as_often_counts_half() -> None:
    # b is drawn twice as often as c: exp(l_b - log 2) = exp(l_b) / 2.
    loss = contrastive_loss(
        TEXTS[:1],
        TEXTS,
        torch.tensor([2]),
        torch.tensor([[False, True, True]]),
        torch.log(torch.tensor([1.0, 2.0, 1.0])),
        temperature=1.0,
    )
    assert loss.item() == pytest.approx(math.log(math.exp(0.6) + math.exp(0) / 2) - 0.6)


def test_an_anchor_is_the_mean_of_what_it_is_made_of() -> None:
    found = anchors(TEXTS, torch.tensor([[0, -1], [0, 1], [2, 2]]))
    half = math.sqrt(0.5)
    assert found.tolist() == [pytest.approx(v) for v in ([1, 0], [half, half], [0.6, 0.8])]


def test_the_order_of_candidates_does_not_matter() -> None:
    torch.manual_seed(2)
    vectors = torch.nn.functional.normalize(torch.randn(7, 5), dim=1)
    asked = torch.nn.functional.normalize(torch.randn(4, 5), dim=1)
    positive, allowed, log_q = torch.tensor([1, 6, 2, 0]), torch.rand(4, 7) < 0.7, torch.randn(7)
    allowed[torch.arange(4), positive] = True
    order = torch.randperm(7)
    place = torch.argsort(order)
    straight = contrastive_loss(asked, vectors, positive, allowed, log_q, 0.1)
    mixed = contrastive_loss(asked, vectors[order], place[positive], allowed[:, order], log_q[order], 0.1)
    assert mixed.item() == pytest.approx(straight.item(), rel=1e-5)
