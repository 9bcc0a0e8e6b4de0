"""The choice: a judge is taken only where users it has not learned from say so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from plait.fusion.blending import choice as choice_module
from plait.fusion.blending.choice import FOLDS, Choice, choose
from plait.fusion.blending.config import BlendConfig
from plait.fusion.blending.gate import Gate
from plait.fusion.blending.pool import Pool
from plait.fusion.blending.standard import standardised
from plait.fusion.blending.weights import weighted
from plait.fusion.evaluation.held_out import HeldOut

from .conftest import Planted

K = 3


def chosen(world: Planted, **options: object) -> Choice:
    config = BlendConfig.model_validate({"step": 0.25, "depth": 6, "l2": [1e-2], "trees": [10], **options})
    return choose(world.parts, world.audience, world.held_out, world.facts, config, K, seed=5)


def test_a_judge_is_taken_where_whom_to_trust_depends_on_the_user(world: Planted) -> None:
    found = chosen(world)
    assert found.method == "gate, l2 0.01"
    assert found.judge is not None
    assert found.judge.kind == "gate"
    assert found.metric["gate, l2 0.01"] > found.metric["weights"] + 0.05
    assert set(found.without) == {"near", "far", "noise"}
    # Half of the users each lose the signal they follow, and nobody misses the noise.
    assert max(found.without["near"], found.without["far"]) < found.metric[found.method] - 0.05
    assert found.without["noise"] == pytest.approx(found.metric[found.method], abs=0.03)


def test_the_weights_stay_where_they_tell_all(world: Planted) -> None:
    """One signal is the truth itself: a metric of 1, which a judge can only reach."""
    truth = world.held_out.relevant.toarray() + np.float32(0.01) * world.parts["noise"]
    parts = {"truth": standardised(truth.astype(np.float32), world.held_out.seen), "noise": world.parts["noise"]}
    found = chosen(replace(world, parts=parts))
    assert (found.method, found.judge) == ("weights", None)
    assert found.metric["weights"] == 1
    assert found.weights == {"truth": 1, "noise": 0}
    alone = world.held_out.ndcg(parts["noise"], K)
    assert found.without == pytest.approx({"truth": alone, "noise": 1})


def test_what_a_signal_of_the_weights_is_worth(world: Planted) -> None:
    found = chosen(world, methods=["weights"])
    assert list(found.metric) == ["weights"]
    rows, shares = list(world.parts.values()), list(found.weights.values())
    whole = world.held_out.ndcg(weighted(rows, shares), K)
    assert found.metric["weights"] <= whole
    for name in world.parts:
        others = [other for other in world.parts if other != name]
        left = weighted([world.parts[other] for other in others], [found.weights[other] for other in others])
        lost = whole - world.held_out.ndcg(left, K)
        assert found.metric["weights"] - found.without[name] == pytest.approx(lost)


def test_a_listed_judge_is_taken_without_weights_to_compare_with(world: Planted) -> None:
    """Whether or not the weights, which are measured all the same, are better."""
    truth = world.held_out.relevant.toarray() + np.float32(0.01) * world.parts["noise"]
    parts = {"truth": standardised(truth.astype(np.float32), world.held_out.seen), "far": world.parts["far"]}
    found = chosen(replace(world, parts=parts), methods=["gate"], l2=[1e4])
    assert found.judge is not None
    assert found.method == "gate, l2 10000"
    assert found.metric[found.method] <= found.metric["weights"]


def test_too_few_users_for_a_judge(world: Planted) -> None:
    """Of 33 weights: from 165 users with a hit on there may be one, unless it is all that is asked for."""
    assert Gate.size(world.pool()) == 33
    hits = world.hits(world.pool())
    order = np.unique(world.pool().row[hits])

    def of_first(n: int, **options: object) -> Choice:
        some = slice(0, order[n - 1] + 1)
        held = world.held_out
        few = HeldOut(held.users[some], held.history[some], held.seen[some], held.relevant[some], 0)
        return chosen(replace(world, held_out=few, parts={k: p[some] for k, p in world.parts.items()}), **options)

    assert list(of_first(164).metric) == ["weights"]
    assert list(of_first(165).metric) == ["weights", "gate, l2 0.01"]
    assert of_first(164, methods=["gate"]).judge is not None


def test_of_several_judges_the_best_is_taken_and_both_are_told(world: Planted) -> None:
    found = chosen(world, l2=[1e4, 1e-2])
    assert set(found.metric) == {"weights", "gate, l2 10000", "gate, l2 0.01"}
    assert found.metric[found.method] == max(found.metric.values())


def test_the_same_seed_makes_the_same_choice(world: Planted) -> None:
    first, second = chosen(world), chosen(world)
    assert first.metric == second.metric
    assert first.without == second.without


@dataclass
class _Spy:
    """Remembers whom it learned from, and knows the hits of those by heart; of others it says nothing."""

    learned: list[set[int]] = field(default_factory=list)
    judged: list[set[int]] = field(default_factory=list)

    def fit(self, pool: Pool, hits: npt.NDArray[np.bool_]) -> _Rote:
        self.learned.append(set(pool.row.tolist()))
        return _Rote(self, {(int(r), int(i)) for r, i in zip(pool.row[hits], pool.item[hits], strict=True)})


@dataclass
class _Rote:
    spy: _Spy
    known: set[tuple[int, int]]

    def scores(self, pool: Pool) -> npt.NDArray[np.float32]:
        self.spy.judged.append(set(pool.row.tolist()))
        pairs = zip(pool.row.tolist(), pool.item.tolist(), strict=True)
        return np.array([pair in self.known for pair in pairs], dtype=np.float32)


def test_no_fold_judges_users_it_learned_from(world: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that learns users by heart is perfect on them, and must not be taken."""
    spy = _Spy()
    monkeypatch.setattr(choice_module, "_fits", lambda *_: {"rote": spy.fit})
    found = chosen(world)
    assert found.judge is None
    assert found.metric["rote"] < found.metric["weights"]
    everyone = set(world.pool().row.tolist())
    assert len(spy.learned) == len(spy.judged) == FOLDS
    for learned, judged in zip(spy.learned, spy.judged, strict=True):
        assert not learned & judged
        assert learned | judged == everyone
    assert sum(map(len, spy.judged)) == len(everyone)


def test_what_is_chosen_learns_from_all(world: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = _Spy()
    monkeypatch.setattr(choice_module, "_fits", lambda *_: {"rote": spy.fit})
    found = chosen(world, methods=["gate"])
    assert found.method == "rote"
    assert spy.learned[FOLDS] == set(world.pool().row.tolist())


@pytest.mark.parametrize("methods", [["weights", "gate"], ["gate"], ["ranker"], ["weights", "gate", "ranker"]])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_very_few_users(world: Planted, methods: list[str], n: int) -> None:
    """Folds without a user, or without a hit, are no error."""
    if "ranker" in methods:
        pytest.importorskip("lightgbm", reason="no LightGBM")
    held = world.held_out
    few = replace(held, users=held.users[:n], history=held.history[:n], seen=held.seen[:n], relevant=held.relevant[:n])
    found = chosen(replace(world, held_out=few, parts={k: p[:n] for k, p in world.parts.items()}), methods=methods)
    assert all(np.isfinite(value) for value in [*found.metric.values(), *found.without.values()])
    assert found.method in found.metric


def test_signals_that_know_nothing_have_no_candidates_and_so_no_judge(world: Planted) -> None:
    parts = {name: np.zeros_like(part) for name, part in world.parts.items()}
    found = chosen(replace(world, parts=parts), methods=["gate"])
    assert (found.method, found.judge) == ("weights", None)


def test_a_signal_alone_has_no_worth_to_be_told(world: Planted) -> None:
    found = chosen(replace(world, parts={"far": world.parts["far"]}))
    assert found.without == {}
    assert found.weights == {"far": 1}


def test_hits_that_no_signal_proposes_teach_nothing(world: Planted) -> None:
    """The judge is measured on them all the same: it cannot win by candidates it does not have."""
    relevant = np.zeros(world.held_out.relevant.shape, dtype=np.float32)
    worst = sum(world.parts.values()) + np.where(world.held_out.seen.toarray() > 0, np.inf, 0)
    relevant[np.arange(len(relevant)), worst.argmin(axis=1)] = 1
    held = replace(world.held_out, relevant=sp.csr_array(relevant))
    found = chosen(replace(world, held_out=held), depth=1, methods=["gate"])
    assert found.metric["gate, l2 0.01"] < 0.1
