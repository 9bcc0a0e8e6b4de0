"""The ranker: the same trees each time, contributions that sum to the score, and nothing worse than an error in a sentence."""

from __future__ import annotations

import json
import sys

import numpy as np
import numpy.typing as npt
import pytest

from plait.fusion.blending.pool import Pool
from plait.fusion.blending.ranker import Ranker
from plait.kg import ConfigError

from .conftest import Planted, planted

pytest.importorskip("lightgbm", reason="no LightGBM: pip install 'plait[ranker]'")


@pytest.fixture(scope="module")
def pool(world: Planted) -> Pool:
    return world.pool()


@pytest.fixture(scope="module")
def ranker(world: Planted, pool: Pool) -> Ranker:
    return Ranker.fit(pool, world.hits(pool), 20, seed=3)


def test_it_learns_what_tells_the_hits(ranker: Ranker) -> None:
    fresh = planted(200, seed=9)
    pool = fresh.pool()
    hits = fresh.hits(pool)
    scores, guess = ranker.scores(pool), pool.columns["noise score"]
    assert scores[hits].mean() > scores[~hits].mean() + scores.std()
    assert abs(guess[hits].mean() - guess[~hits].mean()) < guess.std() / 2


def test_the_same_data_grows_the_same_trees(world: Planted, pool: Pool, ranker: Ranker) -> None:
    assert Ranker.fit(pool, world.hits(pool), 20, seed=3).trees == ranker.trees


def test_contributions_sum_to_the_score(pool: Pool, ranker: Ranker) -> None:
    added = ranker.contributions(pool)
    assert set(added) == {"near", "far", "noise", "item", "user", "paths"}
    assert sum(added.values()) == pytest.approx(ranker.scores(pool), abs=1e-4)
    assert {part.dtype for part in added.values()} == {np.dtype(np.float32)}


def test_a_user_alone_is_scored_as_among_others(pool: Pool, ranker: Ranker) -> None:
    some = np.arange(pool.shape[0]) % 7 == 2
    assert (ranker.scores(pool.select(some)) == ranker.scores(pool)[some[pool.row]]).all()


def test_a_record_of_json_makes_it_again(pool: Pool, ranker: Ranker) -> None:
    again = Ranker.from_record(json.loads(json.dumps(ranker.as_record())))
    assert (again.scores(pool) == ranker.scores(pool)).all()


def test_nothing_to_learn_from_and_nobody_to_score(pool: Pool, ranker: Ranker) -> None:
    """LightGBM itself refuses both: a fold may have no hit, and a user no candidate."""
    nobody = pool.select(np.zeros(pool.shape[0], dtype=bool))
    assert len(ranker.scores(nobody)) == 0
    assert all(len(part) == 0 for part in ranker.contributions(nobody).values())
    for some in (nobody, pool):
        ignorant = Ranker.fit(some, np.zeros(len(some.row), dtype=bool), 5, seed=0)
        again = Ranker.from_record(ignorant.as_record())
        assert (again.scores(pool) == 0).all()
        assert (sum(again.contributions(pool).values()) == 0).all()


def test_very_few_candidates_are_learned_from(world: Planted) -> None:
    """Fewer than a leaf must hold."""
    few: npt.NDArray[np.bool_] = np.arange(world.pool().shape[0]) < 2
    pool = world.pool().select(few)
    assert np.isfinite(Ranker.fit(pool, world.hits(pool), 5, seed=0).scores(world.pool())).all()


def test_too_many_candidates_of_a_user_are_refused_in_a_sentence() -> None:
    n = 10_001
    column = np.arange(n, dtype=np.float32)
    pool = Pool(np.zeros(n, dtype=np.int64), np.arange(n), {"a score": column}, {"a score": "a"}, (1, n))
    with pytest.raises(ConfigError, match=r"the ranker cannot be trained \(.*\); try a smaller blend\.depth"):
        Ranker.fit(pool, column == 7, 5, seed=0)


def test_without_lightgbm_the_remedy_is_told(pool: Pool, world: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match=r"needs LightGBM: pip install 'plait\[ranker\]'"):
        Ranker.fit(pool, world.hits(pool), 5, seed=0)


def test_damaged_records_are_errors(ranker: Ranker) -> None:
    record = ranker.as_record()
    with pytest.raises(ValueError, match="the trees cannot be read"):
        Ranker.from_record({**record, "trees": "tree\nno such thing"})
    with pytest.raises(ValueError, match=r"trees over \d+ features, of which \d+ are named"):
        Ranker.from_record({**record, "names": record["names"][1:]})
