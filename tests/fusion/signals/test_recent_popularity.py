"""Recent popularity: how much an interaction counts, by hand; where times are unknown, by each user's order."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from plait.fusion.signals.recent_popularity import RecentPopularity, RecentPopularityConfig
from plait.fusion.signals.signal import Audience
from plait.kg import IdMap, Interactions

DAY = 86_400.0
USER, ITEM = np.array([0, 1, 0, 2, 0, 1]), np.array([0, 0, 1, 2, 0, 2])


def log(time: list[float] | None) -> Interactions:
    users, items = IdMap(["a", "b", "c"]), IdMap(["p", "q", "r", "s"])
    return Interactions.sorted(users, items, USER, ITEM, time=None if time is None else np.array(time) * DAY)


def test_by_times() -> None:
    # Days before the last: 20, 14, 8, 8, 2, 0; user a's item p counts by its last time alone. Half-life 4 days.
    made = RecentPopularity.fit(log([100, 106, 112, 112, 118, 120]), half_life_days=4, half_life_steps=0.01)
    expected = [2 ** (-14 / 4) + 2 ** (-2 / 4), 2 ** (-8 / 4), 2 ** (-8 / 4) + 1, 0]
    assert made.counts == pytest.approx(expected, rel=1e-5)


def test_by_steps_where_times_are_unknown() -> None:
    # a: q, then p (which it had before); b: p, then r; c: r. Half-life 2 steps.
    made = RecentPopularity.fit(log(None), half_life_days=0.01, half_life_steps=2)
    assert made.counts == pytest.approx([1 + 2**-0.5, 2**-0.5, 1 + 1, 0], rel=1e-5)


def test_a_long_half_life_counts_users() -> None:
    made = RecentPopularity.fit(log([100, 106, 112, 112, 118, 120]), half_life_days=1e9)
    assert made.counts == pytest.approx(log(None).matrix().sum(axis=0))


def test_the_same_for_all_and_a_round_trip() -> None:
    made = RecentPopularity.fit(log(None))
    audience = Audience(np.array([0, -1]), sp.csr_array(np.array([[1, 0, 0, 0], [0] * 4], dtype=np.float32)))
    scores = made.score(audience)
    assert scores == pytest.approx(np.log1p([made.counts, made.counts])) and scores.dtype == np.float32
    assert (RecentPopularity.from_arrays(made.arrays()).score(audience) == scores).all()


def test_no_interactions_at_all() -> None:
    empty = log([100, 106, 112, 112, 118, 120]).select(np.zeros(6, dtype=bool))
    assert RecentPopularity.fit(empty).counts.tolist() == [0] * 4


def test_choices_and_wrong_ones() -> None:
    config = RecentPopularityConfig(half_life_days=(1, 7, 30), half_life_steps=(2, 4))
    pairs = [(c["half_life_days"], c["half_life_steps"]) for c in config.choices()]
    assert pairs == [(1, 2), (7, 4), (30, 4)]
    for wrong in ({"half_life_days": (0,)}, {"half_life_steps": ()}, {"half_life": (1,)}):
        with pytest.raises(ValidationError):
            RecentPopularityConfig.model_validate(wrong)
