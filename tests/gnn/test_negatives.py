"""Negatives: drawn as likely as they say, of the same category where asked, and known pairs are known."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from plait.gnn.negatives import KnownPairs, NegativeSampler, SameCategory

if TYPE_CHECKING:
    from conftest import World

CPU = torch.device("cpu")
COUNTS = np.array([1, 16, 4, 1, 81], dtype=np.int64)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_items_come_as_often_as_their_likelihood_says(share: float) -> None:
    sampler = NegativeSampler(COUNTS, share, 0.5, CPU)
    # Square roots of the counts are 1, 4, 2, 1, 9: 17 together.
    expected = [(1 - share) / 5 + share * root / 17 for root in (1, 4, 2, 1, 9)]
    assert sampler.log_q.exp().tolist() == pytest.approx(expected, rel=1e-5)
    drawn = sampler.draw((100, 400), torch.Generator().manual_seed(0))
    assert drawn.shape == (100, 400)
    # 40,000 draws: five standard deviations of a share are at most 0.0125.
    assert (torch.bincount(drawn.flatten()) / 40_000).tolist() == pytest.approx(expected, abs=0.0125)


def test_a_batch_is_drawn_by_popularity() -> None:
    sampler = NegativeSampler(COUNTS, 0.0, 1.0, CPU)
    positive = torch.tensor([4, 1, 4, 0])
    drawn = sampler.from_batch(3, positive)
    assert drawn.item.tolist() == [4, 1, 4]
    assert drawn.log_q.tolist() == pytest.approx([log(81 / 103), log(16 / 103), log(81 / 103)], rel=1e-5)
    assert len(sampler.from_batch(0, positive).item) == 4


def test_items_of_the_same_category_share_an_entity(make_world: type[World]) -> None:
    """Item 0 has entities A and B, A is of items 0, 1, 2, B of 0 and 4; 3 is not among those that may be drawn."""
    a, b, c = 6, 7, 8
    triples = [(0, 0, a), (1, 0, a), (2, 1, a), (2, 0, a), (b, 1, 0), (4, 0, b), (3, 0, a), (5, 0, c), (c, 0, b)]
    graph = make_world((2, 6, 3), 2, [(0, 0)], triples).graph
    category = SameCategory(graph, np.array([0, 1, 2, 4, 5]), CPU)
    drawn = category.draw(torch.tensor([0]), 20_000, torch.Generator().manual_seed(1))
    # Half by A, a third of that each; half by B, half of that each. Item 4 has number 3 here.
    expected = [1 / 6 + 1 / 4, 1 / 6, 1 / 6, 1 / 4, 0]
    assert (torch.bincount(drawn[0], minlength=5) / 20_000).tolist() == pytest.approx(expected, abs=0.02)


def test_an_item_without_entities_has_items_at_random(make_world: type[World]) -> None:
    graph = make_world((2, 4, 1), 1, [(0, 0)], [(0, 0, 4)]).graph
    category = SameCategory(graph, np.array([0, 1, 3]), CPU)
    drawn = category.draw(torch.tensor([1, 0]), 3_000, torch.Generator().manual_seed(1))
    assert (torch.bincount(drawn[0]) / 3_000).tolist() == pytest.approx([1 / 3] * 3, abs=0.05)
    assert (drawn[1] == 0).all()
    bare = SameCategory(make_world((2, 4, 0), 0, [(0, 0)], []).graph, np.array([0, 3]), CPU)
    assert int(bare.draw(torch.tensor([0, 1]), 5, torch.Generator()).max()) <= 1


def test_known_pairs_are_those_of_a_set() -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 9, 30), rng.integers(0, 7, 30)
    known = KnownPairs(torch.from_numpy(user), torch.from_numpy(item), 7)
    pairs = set(zip(user.tolist(), item.tolist(), strict=True))
    every = known(torch.arange(9), torch.arange(7).expand(9, 7))
    assert {(u, i) for u, i in every.nonzero().tolist()} == pairs
    assert 0 < len(pairs) < 63
