"""MMR and DPP against slow implementations of their equations, and the laws of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.ranking import Ranked, top_k
from plait.fusion.rerank.config import DppConfig, MmrConfig, RelevanceConfig
from plait.fusion.rerank.pool import Pool
from plait.fusion.rerank.spaces import Dense, Sparse

METHODS: list[Any] = [MmrConfig, DppConfig]


def cosines(vectors: np.ndarray) -> np.ndarray:
    rows = vectors.astype(np.float64)
    length = np.linalg.norm(rows, axis=1)
    found: np.ndarray = rows @ rows.T / np.outer(length, length)
    np.fill_diagonal(found, 1)
    return found


def standard(scores: np.ndarray) -> np.ndarray:
    scores = scores.astype(np.float64)
    return (scores - scores.mean()) / scores.std()


def slow(items: Sequence[int], scores: np.ndarray, k: int, added: Callable[[list[int], int], float], d: float) -> list:
    """The greedy loop, one candidate at a time."""
    z = dict(zip(items, standard(scores), strict=True))
    chosen: list[int] = []
    while len(chosen) < min(k, len(items)):
        left = [item for item in items if item not in chosen]
        chosen.append(max(left, key=lambda item: (1 - d) * z[item] + d * added(chosen, item)))
    return chosen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("short", [False, True])
def test_mmr_is_the_double_loop(rerank: Any, pool: Any, seed: int, diversity: float, short: bool) -> None:
    ranked, _, vectors = pool(seed, short=short)
    likeness = cosines(vectors)
    found = rerank(MmrConfig(diversity=diversity), ranked, 7, Dense(vectors))

    def nearest(chosen: list[int], item: int) -> float:
        return -max((likeness[item, other] for other in chosen), default=0.0)

    for row in range(3):
        items = [item for item, _ in ranked.listed(row)]
        scores = ranked.scores[row, : len(items)]
        if items:
            assert found.items[row, : len(items)].tolist()[:7] == slow(items, scores, 7, nearest, diversity)
        assert (found.items[row, len(items) :] == -1).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.9, 1.0])
def test_dpp_is_the_greedy_maximum_of_determinants(rerank: Any, pool: Any, seed: int, diversity: float) -> None:
    """Determinants of whole matrices; of 6 numbers, since 4 vectors of 4 numbers span all there is."""
    ranked, _, _ = pool(seed)
    vectors = np.random.default_rng(seed + 50).normal(size=(23, 6)).astype(np.float32)
    likeness = cosines(vectors)
    found = rerank(DppConfig(diversity=diversity), ranked, 6, Dense(vectors))

    def spanned(chosen: list[int], item: int) -> float:
        both = [*chosen, item]
        with np.errstate(divide="ignore"):
            return float(
                np.log(np.linalg.det(likeness[np.ix_(both, both)]))
                - np.log(np.linalg.det(likeness[np.ix_(chosen, chosen)]) if chosen else 1)
            )

    for row in range(3):
        items = ranked.items[row].tolist()
        assert found.items[row].tolist() == slow(items, ranked.scores[row], 6, spanned, diversity)


def test_dpp_is_the_kernel_of_chen(rerank: Any, pool: Any) -> None:
    """The same list from the determinant of diag(q) C diag(q), q = exp(alpha z), alpha = theta / (2 (1 - theta))."""
    ranked, _, _ = pool(3)
    vectors = np.random.default_rng(53).normal(size=(23, 6)).astype(np.float32)
    theta = 0.7
    for row in range(3):
        items = ranked.items[row]
        q = np.exp(theta / (2 * (1 - theta)) * standard(ranked.scores[row]))
        kernel = q[:, None] * cosines(vectors[items]) * q
        chosen: list[int] = []
        for _ in range(5):
            left = [n for n in range(len(items)) if n not in chosen]
            chosen.append(max(left, key=lambda n: np.linalg.det(kernel[np.ix_([*chosen, n], [*chosen, n])])))
        found = rerank(DppConfig(diversity=1 - theta), ranked, 5, Dense(vectors))
        assert found.items[row].tolist() == items[chosen].tolist()


def test_mmr_by_hand(rerank: Any) -> None:
    """Scores 3, 2, 1 have mean 2 and deviation sqrt(2/3): z = 1.2247, 0, -1.2247. Item 1 is like item 0, item 2 not.

    Second place: item 1 has 0.5 * 0 - 0.5 * 1 = -0.5, item 2 has 0.5 * -1.2247 - 0.5 * 0 = -0.612; at diversity 0.6
    it is -0.6 against -0.49.
    """
    ranked = top_k(np.array([[3, 2, 1]], dtype=np.float32), 3)
    space = Dense(np.array([[2, 0], [5, 0], [0, 1]], dtype=np.float32))
    assert Pool.of(ranked).relevance[0] == pytest.approx([1.5**0.5, 0, -(1.5**0.5)])
    assert rerank(MmrConfig(diversity=0.5), ranked, 3, space).items.tolist() == [[0, 1, 2]]
    changed = rerank(MmrConfig(diversity=0.6), ranked, 3, space)
    assert changed.items.tolist() == [[0, 2, 1]]
    assert changed.scores.tolist() == [[3, 1, 2]], "scores are the blend's"


@pytest.mark.parametrize("config", [RelevanceConfig(), MmrConfig(diversity=0), DppConfig(diversity=0)])
@pytest.mark.parametrize("ties", [False, True])
def test_no_diversity_changes_nothing(rerank: Any, pool: Any, config: Any, ties: bool) -> None:
    _, scores, vectors = pool(5, short=True)
    if ties:
        scores = np.where(np.isfinite(scores), np.round(scores), scores).astype(np.float32)
    # Scores that differ in their last bit must keep their order though they are alike once standardised.
    scores[0, :9] = np.nextafter(np.float32(1e6), np.float32(np.inf))
    scores[0, 9:] = 1e6
    for k, width in ((4, 9), (9, 4), (30, 30)):
        ranked = top_k(scores, width)
        found = rerank(config, ranked, k, Dense(vectors))
        expected = top_k(scores, min(k, width))
        np.testing.assert_array_equal(found.items[:, : min(k, width)], expected.items)
        np.testing.assert_array_equal(found.scores[:, : min(k, width)], expected.scores)
        assert found.items.shape == (3, k)
        assert (found.items[:, width:] == -1).all() and np.isnan(found.scores[:, width:]).all()


@pytest.mark.parametrize("config", [MmrConfig(diversity=0.6), DppConfig(diversity=0.6)])
def test_renumbered_items_give_the_renumbered_lists(rerank: Any, pool: Any, config: Any) -> None:
    ranked, scores, vectors = pool(6)
    order = np.random.default_rng(1).permutation(23)
    found = rerank(config, ranked, 8, Dense(vectors)).items
    moved = rerank(config, top_k(scores[:, order], 11), 8, Dense(vectors[order])).items
    np.testing.assert_array_equal(order[moved], found)


@pytest.mark.parametrize("config", [MmrConfig(diversity=0.7), DppConfig(diversity=0.7)])
def test_a_list_is_the_same_alone_and_among_others(rerank: Any, pool: Any, config: Any) -> None:
    ranked, _, vectors = pool(7, short=True)
    whole = rerank(config, ranked, 5, Dense(vectors)).items
    for row in range(3):
        alone = rerank(config, Ranked(ranked.items[[row]], ranked.scores[[row]]), 5, Dense(vectors)).items
        np.testing.assert_array_equal(alone[0], whole[row])


@pytest.mark.parametrize("method", METHODS)
def test_of_copies_one_comes_before_anything_else_twice(rerank: Any, method: Any) -> None:
    """Six kinds of items, three copies of each, the copies ranked next to each other: first one of each kind."""
    rng = np.random.default_rng(2)
    kinds = rng.normal(size=(6, 8)).astype(np.float32)
    vectors = np.repeat(kinds, 3, axis=0) * rng.uniform(0.5, 2, size=(18, 1)).astype(np.float32)
    ranked = top_k(np.arange(18, 0, -1, dtype=np.float32)[None], 18)
    found = rerank(method(diversity=1), ranked, 18, Dense(vectors)).items[0]
    assert sorted(found[:6] // 3) == list(range(6))
    assert sorted(found) == list(range(18)), "and the list is as long as it can be"


@pytest.mark.parametrize("method", METHODS)
def test_more_diversity_gives_lists_less_alike(rerank: Any, method: Any) -> None:
    rng = np.random.default_rng(9)
    # Cosines above 0: to a determinant opposite vectors are as alike as equal ones.
    vectors = rng.exponential(size=(60, 5)).astype(np.float32)
    ranked = top_k(rng.normal(size=(40, 60)).astype(np.float32), 50)
    likeness = cosines(vectors)

    def alike(diversity: float) -> float:
        items = rerank(method(diversity=diversity), ranked, 5, Dense(vectors)).items
        return float(np.mean([likeness[np.ix_(row, row)][np.triu_indices(5, 1)].mean() for row in items]))

    found = [alike(diversity) for diversity in (0, 0.3, 0.9)]
    assert found[0] > found[1] + 0.005 and found[1] > found[2] + 0.02


def test_sparse_and_dense_rows_are_alike_alike(rerank: Any, pool: Any) -> None:
    ranked, _, _ = pool(8, short=True)
    matrix = (np.random.default_rng(4).uniform(size=(23, 9)) < 0.3).astype(np.float32)
    matrix[4] = 0
    pooled = Pool.of(ranked)
    dense, sparse = Dense(matrix).kinship(pooled), Sparse(sp.csr_array(matrix)).kinship(pooled)
    rows = np.array([0, 1])
    places = np.array([6, 2])
    np.testing.assert_allclose(sparse.to(rows, places), dense.to(rows, places), atol=1e-6)
    expected = cosines(np.vstack([matrix, np.zeros(9)]) + 1e-12)[ranked.items[0, 6], ranked.items[0]]
    known = matrix[ranked.items[0]].any(axis=1)
    np.testing.assert_allclose(dense.to(rows, places)[0][known], expected[known], atol=1e-5)


def test_rare_entities_count_more() -> None:
    """Of 3 items, entity 0 is with all and entity 1 with two: weights log(4/3) and log(4/2)."""
    links = sp.csr_array(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]], dtype=np.float32))
    pooled = Pool(np.array([[0, 1, 2]]), np.array([[3, 2, 1]], dtype=np.float32))
    common, two, one = np.log(4 / 3), np.log(4 / 2), np.log(4 / 1)
    found = Sparse.rare_first(links).kinship(pooled).to(np.array([0]), np.array([0]))
    lengths = np.hypot(common, two) * np.hypot(common, one)
    np.testing.assert_allclose(found[0], [1, 1, common**2 / lengths], rtol=1e-5)


def test_an_item_of_which_nothing_is_known_is_unlike_all(rerank: Any) -> None:
    vectors = np.array([[1, 0], [1, 0.1], [0, 0], [0, 0]], dtype=np.float32)
    ranked = top_k(np.array([[4, 3, 2, 1]], dtype=np.float32), 4)
    for method in METHODS:
        found = rerank(method(diversity=1), ranked, 4, Dense(vectors)).items[0]
        assert found.tolist() == [0, 2, 3, 1]
