"""Caps: never exceeded, and no list shorter or worse than it must be."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.fusion.ranking import Ranked, top_k
from plait.fusion.rerank.config import DppConfig, MmrConfig, RelevanceConfig
from plait.fusion.rerank.reranker import GreedyReranker, best_reranked
from plait.fusion.rerank.spaces import Dense


def one_value(values: list[int], n_values: int) -> sp.csr_array:
    """Items with one value each, -1 for none."""
    matrix = np.zeros((len(values), n_values), dtype=np.float32)
    for item, value in enumerate(values):
        if value >= 0:
            matrix[item, value] = 1
    return sp.csr_array(matrix)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_one_cap_gives_the_longest_list_of_the_highest_scores(data: st.DataObject) -> None:
    """Against all subsets of 8 items."""
    values = data.draw(st.lists(st.integers(-1, 2), min_size=8, max_size=8))
    scores = np.array(data.draw(st.lists(st.integers(0, 9), min_size=8, max_size=8)), dtype=np.float32)
    k, most = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 2))
    caps = ((one_value(values, 3), most),)
    found = GreedyReranker(RelevanceConfig(), None, caps, None).rerank(top_k(scores[None], 8), k)
    mine = [item for item, _ in found.listed(0)]
    allowed = [
        chosen
        for n in range(k + 1)
        for chosen in combinations(range(8), n)
        if all(sum(values[item] == value for item in chosen) <= most for value in range(3))
    ]
    longest = max(map(len, allowed))
    best = max(sum(scores[list(chosen)]) for chosen in allowed if len(chosen) == longest)
    assert tuple(sorted(mine)) in allowed
    assert len(mine) == longest
    assert scores[mine].sum() == best
    assert list(scores[mine]) == sorted(scores[mine], reverse=True)


@pytest.mark.parametrize("config", [RelevanceConfig(), MmrConfig(diversity=0.8), DppConfig(diversity=0.8)])
def test_no_cap_is_exceeded_whatever_the_method(rerank: Any, config: Any) -> None:
    """Items with several values, two caps at once, 5 lists; no candidate that may still be taken is left over."""
    rng = np.random.default_rng(3)
    brand = one_value(rng.integers(-1, 7, size=40).tolist(), 7)
    tags = sp.csr_array((rng.uniform(size=(40, 9)) < 0.2).astype(np.float32))
    space = Dense(rng.normal(size=(40, 6)).astype(np.float32))
    ranked = top_k(rng.normal(size=(5, 40)).astype(np.float32), 31)
    for most in ((1, 1), (2, 3), (3, 2)):
        found = rerank(config, ranked, 12, space, caps=((brand, most[0]), (tags, most[1])))
        for row in range(5):
            items = [item for item, _ in found.listed(row)]
            counts = [matrix[items].toarray().sum(axis=0) for matrix in (brand, tags)]
            assert all(count.max() <= cap for count, cap in zip(counts, most, strict=True))
            if len(items) < 12:
                for left in set(ranked.items[row]) - set(items):
                    full = [(matrix[[left]].toarray()[0] > 0) & (count >= cap) for matrix, count, cap in zip((brand, tags), counts, most, strict=True)]  # fmt: skip
                    assert any(used.any() for used in full)


def test_a_pool_is_widened_where_caps_leave_a_list_short() -> None:
    """The first 30 items are of one brand: a pool of 5 has one of them at most. User 1 needs nothing wider."""
    scores = np.tile(np.arange(50, 0, -1, dtype=np.float32), (2, 1))
    scores[1, 30:] += 100
    brand = one_value([0] * 30 + list(range(1, 21)), 21)
    reranker = GreedyReranker(RelevanceConfig(pool=5), None, ((brand, 1),), None)
    asked = []

    def best(rows: np.ndarray, n: int) -> Ranked:
        asked.append((rows.tolist(), n))
        return top_k(scores[rows], n)

    found = best_reranked(reranker, best, 2, 4)
    assert found.items.tolist() == [[0, 30, 31, 32], [30, 31, 32, 33]]
    assert asked == [([0, 1], 5), ([0], 20), ([0], 80)]
    # 21 values, so no list of 22 can be: it ends, and says so by its padding.
    longest = best_reranked(reranker, lambda rows, n: top_k(scores[rows], n), 2, 22)
    assert (longest.items[:, :21] >= 0).all() and (longest.items[:, 21:] == -1).all()
    assert np.isnan(longest.scores[:, 21:]).all()
