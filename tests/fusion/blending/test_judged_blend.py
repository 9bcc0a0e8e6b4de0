"""A blend with a judge: parts that sum to the score, and everybody else's order beneath the candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.blending.blend import Blend
from plait.fusion.blending.gate import Gate
from plait.fusion.blending.judge import Judge
from plait.fusion.blending.pool import Pool
from plait.fusion.blending.ranker import Ranker
from plait.fusion.blending.standard import standardised
from plait.fusion.signals.popularity import Popularity
from plait.fusion.signals.signal import Audience, Scores

from .conftest import N_ITEMS, Planted

DEPTH = 3
WEIGHTS = {"popularity": 0.1, "near": 0.5, "far": 0.4, "noise": 0.0}


@dataclass(frozen=True, eq=False)
class Table:
    """A signal that knows the scores of the users by their numbers, and 0 for strangers."""

    kind: ClassVar[str] = "table"

    table: Scores

    def score(self, audience: Audience) -> Scores:
        known = audience.numbers >= 0
        return np.where(known[:, None], self.table[np.where(known, audience.numbers, 0)], np.float32(0))

    def arrays(self) -> dict[str, Scores]:
        return {"table": self.table}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Scores]) -> Table:
        return cls(arrays["table"])


@pytest.fixture(scope="module", params=["gate", "ranker"])
def judge(request: pytest.FixtureRequest, world: Planted) -> Judge:
    blend = judged(world, None)
    pool = pool_of(blend, world, world.audience, world.held_out.seen)
    if request.param == "gate":
        return Gate.fit(pool, world.hits(pool), 1e-2)
    pytest.importorskip("lightgbm", reason="no LightGBM")
    return Ranker.fit(pool, world.hits(pool), 12, seed=1)


def judged(world: Planted, judge: Judge | None) -> Blend:
    signals = {"popularity": Popularity(world.facts.counts), **{name: Table(t) for name, t in world.parts.items()}}
    return Blend(signals, WEIGHTS, judge=judge, facts=world.facts, depth=DEPTH)


def pool_of(blend: Blend, world: Planted, audience: Audience, seen: sp.csr_array) -> Pool:
    parts = {name: standardised(blend.signal_score(name, audience), seen) for name in WEIGHTS}
    return Pool.of(parts, audience, seen, world.facts, DEPTH)


@pytest.fixture(scope="module")
def crowd(world: Planted) -> tuple[Audience, sp.csr_array]:
    """Eleven users: some known, a stranger, one without history, one who has seen all, one who has seen all but one."""
    steps = world.held_out.history[:11].toarray()
    seen = world.held_out.seen[:11].toarray()
    steps[3] = seen[3] = 0
    seen[5] = 1
    seen[6] = 1
    seen[6, 4] = 0
    numbers = np.arange(11)
    numbers[7] = -1
    return Audience(numbers, sp.csr_array(steps)), sp.csr_array(seen)


def test_parts_sum_to_the_score(world: Planted, judge: Judge, crowd: tuple[Audience, sp.csr_array]) -> None:
    """Both with a user without history among them, and without, where the score goes a shorter way."""
    blend = judged(world, judge)
    audience, seen = crowd
    warm = np.arange(11) != 3
    for who, what in (crowd, (Audience(audience.numbers[warm], sp.csr_array(audience.steps[warm])), seen[warm])):
        parts = blend.parts(who, what)
        assert set(parts) <= {*WEIGHTS, "item", "paths", "user"}
        assert sum(parts.values()) == pytest.approx(blend.score(who, what), abs=1e-4)
        assert all(np.isfinite(part).all() for part in parts.values())


def test_nobodys_scores_depend_on_who_else_is_asked_for(
    world: Planted, judge: Judge, crowd: tuple[Audience, sp.csr_array]
) -> None:
    """To the last bit: trees tie, and rounding would break ties otherwise beside a user without a history."""
    blend = judged(world, judge)
    audience, seen = crowd
    together = blend.score(audience, seen)
    for row in range(11):
        alone = Audience(audience.numbers[[row]], sp.csr_array(audience.steps[[row]]))
        assert (blend.score(alone, seen[[row]]) == together[row]).all()


def test_candidates_have_the_judges_scores(world: Planted, judge: Judge, crowd: tuple[Audience, sp.csr_array]) -> None:
    blend = judged(world, judge)
    pool = pool_of(blend, world, *crowd).select(np.arange(11) != 3)
    assert blend.score(*crowd)[pool.row, pool.item] == pytest.approx(judge.scores(pool), abs=1e-4)
    parts, added = blend.parts(*crowd), judge.contributions(pool)
    for name in ("near", "item", "paths"):
        assert parts[name][pool.row, pool.item] == pytest.approx(added[name], abs=1e-4)


def test_all_others_come_after_in_the_order_of_the_weights(
    world: Planted, judge: Judge, crowd: tuple[Audience, sp.csr_array]
) -> None:
    score, plain = judged(world, judge).score(*crowd), judged(world, None).score(*crowd)
    pool = pool_of(judged(world, judge), world, *crowd)
    for row in range(11):
        if row == 3:
            continue
        candidate = np.zeros(N_ITEMS, dtype=bool)
        candidate[pool.item[pool.row == row]] = True
        if candidate.any():
            assert score[row, ~candidate].max() < score[row, candidate].min()
        assert score[row, ~candidate] - plain[row, ~candidate] == pytest.approx(
            np.full((~candidate).sum(), score[row, ~candidate][0] - plain[row, ~candidate][0]), abs=1e-4
        )
        assert (np.argsort(-score[row, ~candidate]) == np.argsort(-plain[row, ~candidate])).all()


def test_a_user_without_history_is_ranked_by_popularity(
    world: Planted, judge: Judge, crowd: tuple[Audience, sp.csr_array]
) -> None:
    popular = standardised(Popularity(world.facts.counts).score(crowd[0]), crowd[1])
    blend = judged(world, judge)
    assert blend.score(*crowd)[3] == pytest.approx(popular[3], abs=1e-6)
    nobody = Audience(np.array([-1, 4]), sp.csr_array((2, N_ITEMS), dtype=np.float32))
    nothing = sp.csr_array((2, N_ITEMS), dtype=np.float32)
    assert blend.score(nobody, nothing) == pytest.approx(standardised(popular[[3, 3]], nothing), abs=1e-5)


def test_a_user_is_scored_alone_as_among_others(
    world: Planted, judge: Judge, crowd: tuple[Audience, sp.csr_array]
) -> None:
    blend = judged(world, judge)
    (audience, seen), together = crowd, blend.score(*crowd)
    for row in range(11):
        alone = Audience(audience.numbers[row : row + 1], sp.csr_array(audience.steps[row : row + 1]))
        assert blend.score(alone, seen[row : row + 1])[0] == pytest.approx(together[row], abs=1e-4)
    order = np.array([5, 0, 3, 10, 9, 8, 1, 2, 7, 6, 4])
    moved = Audience(audience.numbers[order], sp.csr_array(audience.steps[order]))
    assert blend.score(moved, seen[order]) == pytest.approx(together[order], abs=1e-4)


def test_nobody_has_no_scores(world: Planted, judge: Judge) -> None:
    nobody = Audience(np.empty(0, dtype=np.int64), sp.csr_array((0, N_ITEMS), dtype=np.float32))
    assert judged(world, judge).score(nobody, nobody.steps).shape == (0, N_ITEMS)


def test_a_judge_wants_the_facts(world: Planted, judge: Judge) -> None:
    with pytest.raises(ValueError, match="wants the facts"):
        replace(judged(world, judge), facts=None)


def test_standardising_beside_extremes(world: Planted) -> None:
    """What was seen may score a million times what is not: in single precision its square would drown the others."""
    rng = np.random.default_rng(2)
    scores = (rng.normal(size=(5, 40)) + 1000).astype(np.float32)
    mask = rng.random(scores.shape) < 0.3
    scores[mask] *= np.float32(1e6)
    result = standardised(scores, sp.csr_array(mask.astype(np.float32)))
    for row, hidden in enumerate(mask):
        values = scores[row, ~hidden].astype(np.float64)
        assert result[row, ~hidden] == pytest.approx((values - values.mean()) / values.std(), abs=1e-5)
