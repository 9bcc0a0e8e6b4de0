"""The gate: the optimum another solver finds, planted weights found again, and scores that are told apart by source."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from plait.fusion.blending.gate import Gate, _terms
from plait.fusion.blending.pool import ItemFacts, Pool

from .conftest import Planted, planted

L2 = 1e-2


def penalised(
    weight: npt.NDArray[np.float64], table: npt.NDArray[np.float64], pool: Pool, hits: npt.NDArray[np.bool_], l2: float
) -> tuple[float, npt.NDArray[np.float64]]:
    """The loss by its equation and its gradient, user by user in double precision."""
    total, slope, n = 0.0, np.zeros_like(weight), 0
    for row in np.unique(pool.row):
        of_user = pool.row == row
        told, terms = hits[of_user], table[of_user]
        if told.any():
            scores = terms @ weight
            total += float(scores[told].mean() - logsumexp(scores))
            slope += terms[told].mean(axis=0) - softmax(scores) @ terms
            n += 1
    return -total / n + l2 / 2 * float(weight @ weight), -slope / n + l2 * weight


def standardised_terms(gate: Gate, pool: Pool) -> npt.NDArray[np.float64]:
    table = np.stack(list(_terms(pool).values()), axis=1)
    return np.asarray((table - gate.mean) / gate.scale)


@pytest.fixture(scope="module")
def small() -> tuple[Pool, npt.NDArray[np.bool_]]:
    """Few users, some with two hits and some with none among their candidates."""
    few = planted(30, seed=4)
    pool = few.pool(depth=4)
    hits = few.hits(pool)
    hits[np.flatnonzero(pool.row == 3)[:2]] = True
    hits[pool.row == 5] = False
    return pool, hits


def test_newton_finds_what_another_solver_finds(small: tuple[Pool, npt.NDArray[np.bool_]]) -> None:
    """And there the loss is flat."""
    pool, hits = small
    gate = Gate.fit(pool, hits, L2)
    table = standardised_terms(gate, pool)
    start = np.zeros(len(gate.weight))
    best = minimize(penalised, start, (table, pool, hits, L2), jac=True, method="L-BFGS-B", options={"gtol": 1e-7})
    found, slope = penalised(gate.weight, table, pool, hits, L2)
    assert found == pytest.approx(best.fun, abs=1e-6)
    assert gate.weight == pytest.approx(best.x, abs=1e-2)
    assert slope == pytest.approx(np.zeros(len(slope)), abs=1e-4)
    assert best.fun < penalised(start, table, pool, hits, L2)[0] - 0.1


def test_a_larger_penalty_makes_smaller_weights(small: tuple[Pool, npt.NDArray[np.bool_]]) -> None:
    pool, hits = small
    lengths = [float(np.linalg.norm(Gate.fit(pool, hits, l2).weight)) for l2 in (1e-3, 1e-1, 10.0, 1e6)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 1e-5


def test_it_learns_whom_to_trust_by_the_length_of_the_history(world: Planted) -> None:
    """Long histories follow one signal, short ones the other; neither alone nor any weights can tell."""
    fresh = planted(200, seed=9)
    pool, hits = fresh.pool(), fresh.hits(fresh.pool())
    gate = Gate.fit(world.pool(), world.hits(world.pool()), 1e-3)
    added = gate.contributions(pool)
    long = pool.row % 2 == 0

    def spread(name: str, who: npt.NDArray[np.bool_]) -> float:
        return float(added[name][who].std())

    assert spread("near", long) > 2 * spread("far", long)
    assert spread("far", ~long) > 2 * spread("near", ~long)
    assert spread("noise", long) < 0.5 * spread("near", long)
    best = _best(pool, gate.scores(pool))
    alone = [_best(pool, pool.columns[f"{name} score"]) for name in ("near", "far")]
    assert hits[best].mean() > max(hits[other].mean() for other in alone) + 0.15


def _best(pool: Pool, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The pair of the highest score of each user."""
    order = np.lexsort((-scores, pool.row))
    return np.asarray(order[np.unique(pool.row[order], return_index=True)[1]])


def test_contributions_by_the_equation_and_their_sum(world: Planted) -> None:
    pool = world.pool()
    gate = Gate.fit(pool, world.hits(pool), L2)
    added = gate.contributions(pool)
    assert set(added) == {"near", "far", "noise", "item", "paths"}
    table = standardised_terms(gate, pool)
    assert gate.scores(pool) == pytest.approx(table @ gate.weight, abs=1e-4)
    assert sum(added.values()) == pytest.approx(gate.scores(pool), abs=1e-5)
    of_near = ["near" in name for name in gate.names]
    assert sum(of_near) == 9
    assert added["near"] == pytest.approx(table[:, of_near] @ gate.weight[of_near], abs=1e-4)
    of_paths = ["paths by brand" in name for name in gate.names]
    assert added["paths"] == pytest.approx(table[:, of_paths] @ gate.weight[of_paths], abs=1e-4)


def test_a_user_alone_is_scored_as_among_others(world: Planted) -> None:
    pool = world.pool()
    gate = Gate.fit(pool, world.hits(pool), L2)
    some = np.arange(pool.shape[0]) % 7 == 2
    assert gate.scores(pool.select(some)) == pytest.approx(gate.scores(pool)[some[pool.row]], abs=1e-6)


def test_a_record_of_json_makes_it_again(world: Planted) -> None:
    pool = world.pool()
    gate = Gate.fit(pool, world.hits(pool), L2)
    again = Gate.from_record(json.loads(json.dumps(gate.as_record())))
    assert again.names == gate.names
    assert (again.scores(pool) == gate.scores(pool)).all()


def test_names_of_relations_may_hold_anything(world: Planted) -> None:
    """Among them what terms are called by: no two terms may meet under one name, and each finds its feature again."""
    names = ("bought", "bought x history", "bought x popularity", "history x ", "popularity x bought", "near rank")
    links = sp.csr_array(np.eye(*next(iter(world.facts.links.values())).shape, dtype=np.float32))
    facts = ItemFacts(world.facts.counts, dict.fromkeys(names, links))
    pool = replace(world, facts=facts).pool()
    gate = Gate.fit(pool, world.hits(pool), L2)
    plain = Gate.fit(world.pool(), world.hits(world.pool()), L2)
    # Each relation has two terms: by itself, and by the popularity of the item.
    assert len(gate.names) == len(plain.names) - 2 + 2 * len(names)
    assert np.isfinite(gate.scores(pool)).all()
    assert (Gate.from_record(gate.as_record()).scores(pool) == gate.scores(pool)).all()


@pytest.mark.parametrize("kept", [slice(0, 0), slice(0, 12)])
def test_without_any_hit_it_says_nothing(world: Planted, kept: slice) -> None:
    """No candidates at all, or none that was a hit: no NaN comes of it."""
    pool = world.pool()
    mask = np.zeros(pool.shape[0], dtype=bool)
    mask[kept] = True
    few = pool.select(mask)
    gate = Gate.fit(few, np.zeros(len(few.row), dtype=bool), L2)
    assert (gate.scores(pool) == 0).all()
    assert len(gate.scores(pool.select(np.zeros(pool.shape[0], dtype=bool)))) == 0


@pytest.mark.parametrize(
    "terms", [[["near score", 0, 1, float("nan")]], [["near score", 0, 1]], [["near score", "x", 1, 1]], [7], 5]
)
def test_a_damaged_record_is_an_error(terms: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Gate.from_record({"terms": terms})
