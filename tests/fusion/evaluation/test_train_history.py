"""Test users known by train alone: as in papers whose models know a user by number."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from plait.fusion.evaluation import EvaluationConfig, HeldOut, evaluate
from plait.fusion.signals.signal import Audience, Scores
from plait.kg import IdMap, Interactions
from plait.loaders import Split

USERS, ITEMS = IdMap(["a", "b", "c"]), IdMap(["0", "1", "2", "3", "4"])


def part(*pairs: tuple[int, int]) -> Interactions:
    user, item = np.array(pairs, dtype=np.int32).T
    return Interactions.sorted(USERS, ITEMS, user, item)


# c has nothing in train.
SPLIT = Split(part((0, 0), (1, 1)), part((0, 1), (1, 2), (2, 0)), part((0, 2), (1, 3), (2, 1)))


def next_of_history(audience: Audience, seen: sp.csr_array) -> Scores:
    """Likes the item after each that is known, the highest most."""
    scores = np.zeros(seen.shape, dtype=np.float32)
    rows = np.repeat(np.arange(len(audience)), np.diff(audience.steps.indptr))
    np.maximum.at(scores, (rows, (audience.steps.indices + 1) % 5), audience.steps.indices + 1)
    return scores


def test_validation_is_no_history_and_still_left_out() -> None:
    config = EvaluationConfig(ks=(1,), train_history=True)
    found = evaluate({"next": next_of_history}, SPLIT, config, ("test",))
    # With validation: a knows 0 and 1, so 2 is first; b 3; c 1. By train alone a's next is 1, which is left out as seen,
    # then 0 is too, and 2 the lowest number of those alike; b's next is 2, left out, then 0; of c nothing is known: 1.
    assert found.row("next", "test").metrics["recall@1"] == 1
    assert found.row("next, train history", "test").metrics["recall@1"] == np.mean([1, 0, 1])
    assert found.per_user is not None
    np.testing.assert_array_equal(found.per_user.values["next, train history"]["recall@1"], [1, 0, 1])


def test_the_users_stay_the_same() -> None:
    held = HeldOut.of(SPLIT, "test")
    alone = held.known_by_train(SPLIT)
    np.testing.assert_array_equal(alone.users, held.users)
    np.testing.assert_array_equal(alone.seen.toarray(), held.seen.toarray())
    np.testing.assert_array_equal(alone.history.toarray() > 0, [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]])


def test_it_is_not_measured_unless_asked_for() -> None:
    found = evaluate({"next": next_of_history}, SPLIT, EvaluationConfig(ks=(1,)), ("test",))
    assert [row.name for row in found.rows] == ["next"]
