"""PairSampler: who is asked about what, how often, and what is no wrong answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kg import IdMap, Interactions
from plait.text.pairs import PairBatch, PairSampler


def log_of(histories: list[list[int]], n_items: int) -> Interactions:
    """Users who liked these items in this order."""
    user = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    item = np.array([i for h in histories for i in h], dtype=np.int64)
    users = IdMap([f"u{u}" for u in range(len(histories))])
    return Interactions.sorted(users, IdMap([f"i{i}" for i in range(n_items)]), user, item)


def sampler(histories: list[list[int]], n_items: int, **changed: Any) -> PairSampler:
    settings: dict[str, Any] = {
        "present": np.ones(n_items, dtype=bool),
        "groups": np.full(n_items, -1),
        "users": 8,
        "items_per_user": 2,
        "hard_negatives": 0,
        "max_history": 100,
        "popularity_power": 0.5,
        "seed": 3,
    } | changed
    return PairSampler(log_of(histories, n_items), **settings)


def told(batch: PairBatch) -> list[tuple[frozenset[int], int, frozenset[int]]]:
    """Context, positive and wrong answers of each anchor, as item numbers."""
    rows = zip(batch.context, batch.positive, batch.allowed, strict=True)
    return [
        (
            frozenset(batch.items[c[c >= 0]].tolist()),
            int(batch.items[p]),
            frozenset(batch.items[a].tolist()) - {int(batch.items[p])},
        )
        for c, p, a in rows
    ]


def test_what_the_user_liked_is_no_wrong_answer() -> None:
    # Two users; 0 and 1 are liked by one, 1, 2 and 3 by the other.
    batch = sampler([[0, 1], [1, 2, 3]], 4, users=40, items_per_user=3).batch(1)
    assert set(batch.items) == {0, 1, 2, 3}
    assert set(told(batch)) == {
        (frozenset({0}), 1, frozenset({2, 3})),
        (frozenset({1}), 0, frozenset({2, 3})),
        (frozenset({1, 2}), 3, frozenset({0})),
        (frozenset({1, 3}), 2, frozenset({0})),
        (frozenset({2, 3}), 1, frozenset({0})),
    }


def test_what_was_liked_long_ago_is_not_drawn_and_still_no_wrong_answer() -> None:
    batch = sampler([[0, 1, 2], [0, 3]], 4, users=40, max_history=2).batch(1)
    asked = set(told(batch))
    assert (frozenset({1}), 2, frozenset({3})) in asked
    assert not any(context == {0} and positive in {1, 2} for context, positive, _ in asked)


def test_items_without_text_are_not_drawn_nor_users_left_with_one() -> None:
    present = np.array([True, False, True, True, True])
    batch = sampler([[0, 1], [1, 2, 3], [4]], 5, present=present, users=30).batch(2)
    assert batch.items.tolist() == [2, 3]


histories = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=7, unique=True), min_size=1, max_size=6).filter(
    lambda lists: any(len(h) > 1 for h in lists)
)


@settings(max_examples=60, deadline=None)
@given(histories=histories, per_user=st.integers(2, 4), hard=st.integers(0, 2), step=st.integers(1, 5))
def test_laws_of_a_batch(histories: list[list[int]], per_user: int, hard: int, step: int) -> None:
    groups = np.array([0, 0, 0, 1, 1, 1, -1, -1, 2])
    batch = sampler(histories, 9, items_per_user=per_user, hard_negatives=hard, groups=groups, users=5).batch(step)
    liked = [set(h) for h in histories]
    assert (np.diff(batch.items) > 0).all()
    assert (batch.expected > 0).all()
    for context, positive, wrong in told(batch):
        assert context
        assert positive not in context
        assert len(context) < per_user
        # Some user liked all of it, and none of the wrong answers.
        assert any(context | {positive} <= mine and not wrong & mine for mine in liked)


def test_hard_negatives_come_from_the_group_of_a_drawn_item() -> None:
    # Items 0 to 3 belong to one user; of the others only 4 and 5 share a group with them, and 6 is liked by too few.
    groups = np.array([7, 7, 7, 7, 7, 7, 7, 2])
    likes = [[0, 1, 2, 3], [4, 5], [5, 4], [6]]
    one = sampler(likes, 8, groups=groups, users=1, hard_negatives=3, popularity_power=0.0)
    for step in range(1, 30):
        batch = one.batch(step)
        in_question = set(batch.items[batch.positive])
        assert set(batch.items) - in_question <= {0, 1, 2, 3, 4, 5}
    plain = sampler(likes, 8, users=1, hard_negatives=3)
    assert all(len(plain.batch(step).items) == 2 for step in range(1, 10)), "unknown groups have no hard negatives"


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    likes = [[0, 1, 2, 3, 4], [2, 3, 5], [5, 6, 7, 8]]
    first, again, other = sampler(likes, 9), sampler(likes, 9), sampler(likes, 9, seed=4)
    for step in (1, 2, 3):
        first.batch(step)
    assert np.array_equal(first.batch(5).context, again.batch(5).context)
    assert np.array_equal(first.batch(5).items, again.batch(5).items)
    assert not np.array_equal(first.batch(5).context, first.batch(6).context)
    assert not np.array_equal(first.batch(5).context, other.batch(5).context)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_items_are_drawn_by_a_power_of_their_users(power: float) -> None:
    # Users of pairs alone: each draw of an interaction takes both items of the pair, so the numbers are exact.
    # Item 0 has 6 users, 1 has 3, 2 has 2, 3 has 1.
    likes = [[0, 1]] * 3 + [[0, 2]] * 2 + [[0, 3]]
    drawer = sampler(likes, 4, users=50, popularity_power=power)
    counted: Counter[int] = Counter()
    for step in range(1, 201):
        batch = drawer.batch(step)
        counted.update(batch.items[batch.positive].tolist())
    weight = np.array([6.0, 3.0, 2.0, 1.0]) ** -power
    total = 6 * weight[0] + 3 * weight[1] + 2 * weight[2] + weight[3]
    pairs = {1: 3 * (weight[0] + weight[1]), 2: 2 * (weight[0] + weight[2]), 3: weight[0] + weight[3]}
    for item, mass in pairs.items():
        assert counted[item] / (200 * 50) == pytest.approx(mass / total, abs=0.02)


def test_expected_numbers_are_those_of_many_draws() -> None:
    rng = np.random.default_rng(1)
    popularity = 1 / np.arange(1, 41)
    likes = [
        rng.choice(40, size, replace=False, p=popularity / popularity.sum()).tolist() for size in [2] * 90 + [20] * 10
    ]
    groups = rng.integers(-1, 4, 40)
    drawer = sampler(likes, 40, groups=groups, users=20, items_per_user=4, hard_negatives=2)
    drawn, steps = np.zeros(40), 400
    for step in range(1, steps + 1):
        generator = np.random.default_rng([3, step])
        sets, _ = drawer._sets(generator)
        hard = drawer._hard_negatives(sets[:, 0], generator)
        drawn += np.bincount(np.concatenate([sets[sets >= 0], hard]), minlength=40)
    expected = np.zeros(40)
    batch = drawer.batch(1)
    expected[batch.items] = batch.expected
    known = expected > 0
    # To first order: drawing without repetition evens out a little.
    assert drawn[known] / steps == pytest.approx(expected[known], rel=0.15)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="two items"):
        sampler([[0], [1]], 2)
    with pytest.raises(ValueError, match="shape"):
        sampler([[0, 1]], 2, present=np.ones(3, dtype=bool))
