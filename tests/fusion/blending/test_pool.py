"""Candidates and their features: by hand on three users, and whatever the items are numbered by."""

from __future__ import annotations

from collections.abc import Callable
from math import asinh, log

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.fusion.blending.pool import ItemFacts, Pool
from plait.fusion.signals.signal import Audience
from plait.kg import ItemGraph

A = np.array([[5, 4, 3, 2, 1], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]], dtype=np.float32)
B = np.array([[0, 0, 1, 9, 0.5], [1, 3, 2, 5, 4], [0, 0, 0, 0, 0]], dtype=np.float32)
STEPS = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 2]], dtype=np.float32)
COUNTS = np.array([4, 0, 1, 2, 0], dtype=np.float32)
# Items 0 and 1 share an entity, items 1, 3 and 4 another.
LINKS = np.array(
    [[0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1, 1], [0] * 7, [0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 1]],
    dtype=np.float32,
)


def pool_of(items: np.ndarray, depth: int = 2) -> Pool:
    """The pool by hand, with the items in another order."""
    history = sp.csr_array(STEPS[:, items])
    facts = ItemFacts(COUNTS[items], {"brand": sp.csr_array(LINKS[items])})
    parts = {"a": A[:, items], "b": B[:, items]}
    return Pool.of(parts, Audience(np.array([7, -1, 2]), history), history, facts, depth)


@pytest.fixture
def pool() -> Pool:
    return pool_of(np.arange(5))


def test_candidates_by_hand(pool: Pool) -> None:
    """The two best unseen of each signal: of user 0 (1, 2) and (3, 2); a flat signal proposes none to users 1 and 2."""
    assert list(zip(pool.row.tolist(), pool.item.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 1),
        (1, 4),
        (2, 1),
        (2, 2),
    ]


def test_features_by_hand(pool: Pool) -> None:
    """Places 1 and 2 are -log 4 and -log 5, further down is -log 6."""
    first, second, past = -log(1 + 3), -log(2 + 3), -log(2 + 1 + 3)
    expected = {
        "a score": [4, 3, 2, 0, 0, 2, 3],
        "a height": [asinh(4), asinh(3), asinh(2), 0, 0, asinh(2), asinh(3)],
        "a rank": [first, second, past, past, past, second, first],
        "b score": [0, 1, 9, 3, 4, 0, 0],
        "b height": [0, asinh(1), asinh(9), asinh(3), asinh(4), 0, 0],
        "b rank": [past, second, first, second, first, past, past],
        "popularity of the item": [0, log(2), log(3), 0, 0, 0, log(2)],
        "nobody met the item": [1, 0, 0, 1, 1, 1, 0],
        "length of the history": [log(2)] * 5 + [log(3)] * 2,
        # User 2 has met the second entity twice.
        "paths by brand": [log(2), 0, 0, log(2), log(2), log(3), 0],
    }
    assert set(pool.columns) == set(expected) == set(pool.source)
    for name, column in pool.columns.items():
        assert column == pytest.approx(expected[name], abs=1e-6), name
        assert column.dtype == np.float32
    assert {pool.source[f"a {part}"] for part in ("score", "height", "rank")} == {"a"}
    assert pool.source["paths by brand"] == "paths"
    assert pool.source["length of the history"] == "user"
    assert pool.matrix(["b score", "a score"])[2].tolist() == [9, 2]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(5)), st.integers(1, 9))
def test_the_numbers_of_the_items_do_not_matter(order: list[int], depth: int) -> None:
    items = np.array(order)
    moved, plain = pool_of(items, depth), pool_of(np.arange(5), depth)
    # B has no equal scores among what user 0 has not seen but for item 1 at its end; A has none at all.
    at = {(r, i): n for n, (r, i) in enumerate(zip(plain.row, plain.item, strict=True))}
    picked = [at[(r, items[i])] for r, i in zip(moved.row, moved.item, strict=True)]
    assert sorted(picked) == list(range(len(at)))
    for name, column in moved.columns.items():
        assert column == pytest.approx(plain.columns[name][picked], abs=1e-6), name


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_what_was_seen_is_never_a_candidate_and_each_list_has_its_depth(seed: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (6, 9)
    seen = rng.random(shape) < rng.random((6, 1))
    parts = {name: rng.normal(size=shape).astype(np.float32) for name in "ab"}
    facts = ItemFacts(np.zeros(9, dtype=np.float32))
    sparse = sp.csr_array(seen.astype(np.float32))
    pool = Pool.of(parts, Audience(np.arange(6), sparse), sparse, facts, depth)
    assert not seen[pool.row, pool.item].any()
    chosen = np.zeros(shape, dtype=bool)
    chosen[pool.row, pool.item] = True
    for row in range(6):
        wanted: set[int] = set()
        for scores in parts.values():
            free = [item for item in np.argsort(-scores[row]).tolist() if not seen[row, item]]
            wanted |= set(free[:depth])
        assert set(np.flatnonzero(chosen[row]).tolist()) == wanted
    assert (np.diff(pool.row) >= 0).all()


def test_selected_users_keep_their_numbers_and_a_signal_less_its_pairs(pool: Pool) -> None:
    kept = pool.select(np.array([True, False, True]))
    assert kept.row.tolist() == [0, 0, 0, 2, 2]
    assert kept.item.tolist() == [1, 2, 3, 1, 2]
    assert kept.columns["a score"].tolist() == [4, 3, 2, 2, 3]
    less = pool.less("a")
    assert less.row.tolist() == pool.row.tolist()
    assert set(pool.columns) - set(less.columns) == {"a score", "a height", "a rank"}


def test_hits_among_the_pairs(pool: Pool) -> None:
    """Item 0 of user 0 is no candidate; items 4 of user 1 and 1 of user 2 are."""
    relevant = sp.csr_array(np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 1, 0, 0, 0]], dtype=np.float32))
    assert pool.relevant(relevant).tolist() == [False, False, False, False, True, True, False]


def test_the_shift_puts_all_others_beneath(pool: Pool) -> None:
    values = np.array([3, -2, 5, 7, 9, -4, 1], dtype=np.float32)
    below = np.array([[1, 2, 8, 0, 0], [-1, -2, -3, -4, -5], [0, 0, 0, 6, 0]], dtype=np.float32)
    # The least of the pairs, at most 0, less the greatest of the others, at least 0, less 1.
    assert pool.shift(values, below).tolist() == [-2 - 8 - 1, 0 - 0 - 1, -4 - 6 - 1]


def test_links_of_the_relations_with_most_triples_at_items(item_graph: Callable[..., ItemGraph]) -> None:
    """Five relations at items, of which the rarest is left out, and one among entities alone; either direction links."""
    triples = [(0, "brand", 3), (1, "brand", 3), (2, "brand", 4), (0, "colour", 4), (3, "maker of", 1), (4, "of", 2)]
    triples += [(4, "maker of", 0), (1, "colour", 4), (0, "next", 1), (2, "of", 3), (4, "broader", 3)]
    facts = ItemFacts.of(np.zeros(3, dtype=np.float32), item_graph(3, ["x", "y"], triples))
    assert set(facts.links) == {"brand", "colour", "maker of", "of"}
    assert facts.links["brand"].toarray().tolist() == [[0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    assert facts.links["maker of"].toarray().tolist() == [[0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    fewer = ItemFacts.of(np.zeros(3, dtype=np.float32), item_graph(3, ["x", "y"], triples[8:9] + triples[-1:]))
    # A triple between items links both ways; what is at no item is no link.
    assert {name: links.toarray()[:, :3].tolist() for name, links in fewer.links.items()} == {
        "next": [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    }


def test_without_a_graph_there_are_no_paths(item_graph: Callable[..., ItemGraph]) -> None:
    assert ItemFacts.of(np.zeros(3, dtype=np.float32), ItemGraph.without_graph(item_graph(3, [], []).items)).links == {}
