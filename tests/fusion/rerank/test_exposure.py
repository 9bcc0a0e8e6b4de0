"""Exposure: each group gets its share, at the least loss, and nothing moves where nothing is due."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.fusion.ranking import Ranked, top_k
from plait.fusion.rerank.config import ExposureConfig, MmrConfig, RelevanceConfig
from plait.fusion.rerank.exposure import attention
from plait.fusion.rerank.reranker import GreedyReranker, best_reranked
from plait.fusion.rerank.spaces import Dense


def groups_of(group: np.ndarray, n: int) -> sp.csr_array:
    matrix = np.zeros((len(group), n), dtype=np.float32)
    there = group >= 0
    matrix[np.flatnonzero(there), group[there]] = 1
    return sp.csr_array(matrix)


def fair(ranked: Ranked, k: int, group: np.ndarray, shares: list[float], *, each_list: bool) -> Ranked:
    config = RelevanceConfig(exposure=ExposureConfig(relation="r", each_list=each_list))
    members = groups_of(group, len(shares)), np.array(shares)
    return GreedyReranker(config, None, (), members).rerank(ranked, k)


def given_to(items: np.ndarray, group: np.ndarray, n: int) -> np.ndarray:
    """Exposure of each group after each place, shape (lists, k, groups)."""
    held = np.stack([(group[items] == g) & (items >= 0) for g in range(n)], axis=2)
    return (held * attention(items.shape[1])[:, None]).cumsum(axis=1)


def test_attention_is_that_of_dcg() -> None:
    np.testing.assert_allclose(attention(3), [1, 1 / np.log2(3), 0.5])


def test_one_list_by_hand() -> None:
    """Items 0 to 3 are of group 0, items 4 and 5 of group 1, which is due 0.4.

    Place 1: 0.4 * 1 < 1, so item 0. Place 2: 0.4 * 1.6309 = 0.652 >= 0.6309, so item 4. Place 3: 0.4 * 2.1309 =
    0.852, less 0.6309 is 0.221 < 0.5, so item 1. Place 4: 0.4 * 2.5616 - 0.6309 = 0.394 < 0.4307, so item 2. Place 5:
    0.4 * 2.9485 - 0.6309 = 0.5485 >= 0.3869, so item 5.
    """
    ranked = top_k(np.arange(6, 0, -1, dtype=np.float32)[None], 6)
    group = np.array([0, 0, 0, 0, 1, 1])
    for each_list in (True, False):
        found = fair(ranked, 5, group, [0.0, 0.4], each_list=each_list)
        assert found.items.tolist() == [[0, 4, 1, 2, 5]]
        assert found.scores.tolist() == [[6, 2, 5, 4, 1]]


def test_the_lists_that_lose_least_change_over() -> None:
    """Four lists of one place, of which one is due: user 2 loses 1, the others more."""
    scores = np.array([[9, 0, 0], [9, 2, 0], [9, 8, 0], [9, 7, 0]], dtype=np.float32)
    ranked = top_k(scores, 3)
    # Losses are standardised in each list: (9 - 0) / 4.24, 7 / 3.86, 1 / 4.03, 2 / 3.86.
    found = fair(ranked, 1, np.array([0, 1, 1]), [0.0, 0.25], each_list=False)
    assert found.items[:, 0].tolist() == [0, 0, 1, 0]
    found = fair(ranked, 1, np.array([0, 1, 1]), [0.0, 0.5], each_list=False)
    assert found.items[:, 0].tolist() == [0, 0, 1, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(2, 4), st.booleans(), st.floats(0, 1))
def test_no_group_falls_behind(seed: int, n_lists: int, n: int, each_list: bool, slack: float) -> None:
    """Over random lists with all items as candidates, shares that sum to at most 1, at every place.

    Together: a group is behind by less than a place, plus one for each group, since whole places are given. For each
    list by itself several groups can be due the same place, and one more waits.
    """
    rng = np.random.default_rng(seed)
    n_items, k = 60, 7
    group = np.arange(n_items) % (n + 1) - 1
    shares = rng.dirichlet(np.ones(n)) * slack
    ranked = top_k((rng.normal(size=(n_lists, n_items)) + 3 * (group == 0)).astype(np.float32), n_items)
    found = fair(ranked, k, group, shares.tolist(), each_list=each_list)
    assert (found.items >= 0).all()
    assert all(len(set(row)) == k for row in found.items.tolist())
    exposure = given_to(found.items, group, n)
    whole = attention(k).cumsum()
    if each_list:
        behind = shares * whole[:, None] - exposure
    else:
        behind = shares * n_lists * whole[:, None] - exposure.sum(axis=0)
    assert behind.max() < (1 if n == 2 else n - 1)


@pytest.mark.parametrize("each_list", [True, False])
def test_a_shunned_group_gets_its_share_and_no_more(each_list: bool) -> None:
    """Group 1 would get nothing. 40 lists of 10: its share comes out within 1 % together, and each list within a place."""
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1], 50)
    scores = rng.normal(size=(40, 100)).astype(np.float32) - 9 * group.astype(np.float32)
    ranked = top_k(scores, 100)
    before = given_to(top_k(scores, 10).items, group, 2)[:, -1, 1].sum()
    found = fair(ranked, 10, group, [0.0, 0.3], each_list=each_list)
    share = given_to(found.items, group, 2)[:, -1, 1] / attention(10).sum()
    assert before == 0
    if each_list:
        assert (share > 0.3 - attention(10)[-1] / attention(10).sum() - 0.05).all()
    else:
        assert 0.297 < share.mean() < 0.303


def test_nothing_moves_where_nothing_is_due(pool: Any) -> None:
    ranked, scores, _ = pool(4, short=True)
    group = np.arange(23) % 3
    for each_list in (True, False):
        found = fair(ranked, 6, group, [0.0, 0.0, 0.0], each_list=each_list)
        np.testing.assert_array_equal(found.items, top_k(scores, 6).items)


def test_short_lists_and_groups_without_candidates_do_what_they_can(pool: Any) -> None:
    ranked, _, _ = pool(4, short=True)
    for each_list in (True, False):
        found = fair(ranked, 30, np.where(np.arange(23) < 2, 1, 0), [0.5, 0.5], each_list=each_list)
        for row in range(3):
            assert sorted(item for item, _ in found.listed(row)) == sorted(item for item, _ in ranked.listed(row))


def test_caps_and_diversity_hold_beside_exposure() -> None:
    rng = np.random.default_rng(5)
    group = np.repeat([0, 1], 30)
    scores = rng.normal(size=(6, 60)).astype(np.float32) - 5 * group.astype(np.float32)
    brand = groups_of(np.arange(60) % 12, 12)
    config = MmrConfig(diversity=0.4, exposure=ExposureConfig(relation="r"))
    space = Dense(rng.normal(size=(60, 4)).astype(np.float32))
    members = groups_of(group, 2), np.array([0.0, 0.4])
    found = GreedyReranker(config, space, ((brand, 1),), members).rerank(top_k(scores, 60), 8)
    assert (found.items >= 0).all()
    assert all(len(set((row % 12).tolist())) == 8 for row in found.items)
    share = given_to(found.items, group, 2)[:, -1, 1].sum() / (6 * attention(8).sum())
    assert 0.38 < share < 0.45


def test_a_widened_pool_keeps_what_is_due_over_all_lists() -> None:
    """Lists that caps leave short are chosen anew from a wider pool: then all are, or those would not know of each other."""
    scores = np.array([np.arange(12, 0, -1), np.arange(12, 0, -1)], dtype=np.float32)
    brand = np.arange(12) // 2
    cap = (groups_of(brand, 6), 1)
    # Items of group 1 come far down.
    due = groups_of(np.repeat([0, 1], 6), 2), np.array([0.0, 0.5])
    config = RelevanceConfig(pool=2, cap={"brand": 1}, exposure=ExposureConfig(relation="r"))
    reranker = GreedyReranker(config, None, (cap,), due)
    found = best_reranked(reranker, lambda rows, n: top_k(scores[rows], n), 2, 2)
    wide = GreedyReranker(config, None, (cap,), due).rerank(top_k(scores, 12), 2)
    assert found.items.tolist() == wide.items.tolist()
    given = given_to(found.items, np.repeat([0, 1], 6), 2)[:, -1, 1].sum()
    assert given > 0.5 * 2 * attention(2).sum() - 1
