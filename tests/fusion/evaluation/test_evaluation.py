"""Evaluation: figures by hand, nothing seen ranked, and nothing of the future known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from math import log2, sqrt

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from pydantic import ValidationError

from plait.fusion.blending.blend import Blend
from plait.fusion.evaluation import BATCH, Evaluation, EvaluationConfig, HeldOut, evaluate
from plait.fusion.signals.ease import Ease
from plait.fusion.signals.graph_signal import GraphSignal
from plait.fusion.signals.item_entities import item_entities
from plait.fusion.signals.popularity import Popularity
from plait.fusion.signals.signal import Audience, Scores, Signal
from plait.gnn import GnnConfig
from plait.gnn.training import train_net
from plait.kg import IdMap, Interactions, ItemGraph
from plait.loaders import Part, Split

Pairs = list[tuple[int, int]]


def part_of(n_users: int, n_items: int, pairs: Pairs, weights: list[float] | None = None) -> Interactions:
    users, items = IdMap([f"u{n}" for n in range(n_users)]), IdMap([f"i{n}" for n in range(n_items)])
    user, item = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    weight = np.array(weights or [1] * len(pairs), dtype=np.float32)
    return Interactions.sorted(users, items, user, item, weight)


@pytest.fixture
def tiny() -> Split:
    """Four users, six items. User 2 has nothing to hit, user 3 nothing to go by in train."""
    return Split(
        train=part_of(4, 6, [(0, 0), (1, 5), (2, 1), (1, 0)]),
        valid=part_of(4, 6, [(0, 2), (0, 4), (1, 1), (3, 3)]),
        test=part_of(4, 6, [(0, 5), (1, 3), (1, 2), (3, 0)]),
    )


@pytest.fixture
def larger() -> Split:
    """More users than one batch holds."""
    rng = np.random.default_rng(0)
    n_users, n_items = BATCH + 77, 19
    cells = np.stack([rng.permutation(n_items)[:8] for _ in range(n_users)])
    parts = [[(u, int(i)) for u in range(n_users) for i in cells[u, a:b]] for a, b in ((0, 5), (5, 7), (7, 8))]
    return Split(*(part_of(n_users, n_items, pairs) for pairs in parts))


def by_number(audience: Audience, seen: sp.csr_array) -> Scores:
    """Item 0 best, then 1, and so on."""
    return np.tile(-np.arange(seen.shape[1], dtype=np.float32), (len(audience), 1))


def test_figures_by_hand(tiny: Split) -> None:
    row = evaluate({"number": by_number}, tiny, EvaluationConfig(ks=(2, 4))).row("number", "valid")
    # User 0 has seen 0: ranks 1 2 3 4, hits at places 2 and 4 of 2. User 1 has seen 0 and 5: ranks 1 2 3 4, place 1.
    recall_2 = [1 / 2, 1 / 1]
    ndcg_2 = [(1 / log2(3)) / (1 + 1 / log2(3)), 1.0]
    ndcg_4 = [(1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3)), 1.0]
    assert row.metrics["recall@2"] == pytest.approx(sum(recall_2) / 2)
    assert row.metrics["recall@4"] == pytest.approx(1)
    assert row.metrics["ndcg@2"] == pytest.approx(sum(ndcg_2) / 2)
    assert row.metrics["ndcg@4"] == pytest.approx(sum(ndcg_4) / 2)
    assert row.metrics["coverage@2"] == pytest.approx(2 / 6)
    # Sample deviation of two values over the root of two.
    assert row.errors["recall@2"] == pytest.approx(sqrt(2 * 0.25**2) / sqrt(2))


def test_for_test_the_validation_items_are_history(tiny: Split) -> None:
    row = evaluate({"number": by_number}, tiny, EvaluationConfig(ks=(1,))).row("number", "test")
    # User 0 knows 0 2 4: ranks 1 first, a miss. User 1 knows 0 1 5: ranks 2, a hit. User 3 knows 3: ranks 0, a hit.
    assert row.metrics["recall@1"] == pytest.approx((0 + 1 / 2 + 1) / 3)
    held = HeldOut.of(tiny, "test")
    assert held.users.tolist() == [0, 1, 3]
    # By how many steps ago: validation after train, 1 the last.
    assert held.history.toarray().tolist() == [[3, 0, 2, 0, 1, 0], [2, 1, 0, 0, 0, 3], [0, 0, 0, 1, 0, 0]]
    assert (held.seen.toarray() == (held.history.toarray() > 0)).all()
    assert HeldOut.of(tiny, "valid").history.toarray().tolist() == [[1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 2]]


def test_users_without_history_are_counted_and_left_out(tiny: Split) -> None:
    result = evaluate({"number": by_number}, tiny, EvaluationConfig(ks=(1,)))
    assert (result.users, result.cold) == ({"valid": 2, "test": 3}, {"valid": 1, "test": 0})
    assert HeldOut.of(tiny, "valid").users.tolist() == [0, 1]


def test_what_was_disliked_is_seen_and_no_history_and_no_hit() -> None:
    split = Split(
        train=part_of(2, 5, [(0, 0), (0, 1), (1, 2)], [5, 1, 1]),
        valid=part_of(2, 5, [(0, 3), (0, 4), (1, 0)], [4, 2, 5]),
        test=part_of(2, 5, [(0, 2)]),
        min_weight=3,
    )
    held = HeldOut.of(split, "valid")
    # User 1 liked nothing so far, so there is nothing to go by.
    assert (held.users.tolist(), held.cold) == ([0], 1)
    assert held.history.toarray().tolist() == [[1, 0, 0, 0, 0]]
    assert held.seen.toarray().tolist() == [[1, 1, 0, 0, 0]]
    assert held.relevant.toarray().tolist() == [[0, 0, 0, 1, 0]]


@pytest.mark.parametrize("part", ["valid", "test"])
def test_seen_items_are_never_ranked(larger: Split, part: Part) -> None:
    """A scorer that wants nothing but what was seen hits nothing by it."""

    def wants_seen(audience: Audience, seen: sp.csr_array) -> Scores:
        return 100 * seen.toarray() + by_number(audience, seen)

    config = EvaluationConfig(ks=(3, 19))
    result = evaluate({"seen": wants_seen, "plain": by_number}, larger, config, [part])
    assert result.row("seen", part).metrics == result.row("plain", part).metrics
    assert result.row("plain", part).metrics["recall@19"] == 1


@pytest.mark.parametrize("part", ["valid", "test"])
def test_a_scorer_that_knows_the_answers_gets_all(larger: Split, part: Part) -> None:
    answers = larger.relevant(part)
    row = evaluate({"oracle": lambda a, _: answers[a.numbers].toarray()}, larger, EvaluationConfig(ks=(2, 10)), [part])
    metrics = row.row("oracle", part).metrics
    assert [metrics[f"{name}@2"] for name in ("recall", "ndcg", "mrr", "hit_rate", "map")] == [1.0] * 5
    assert metrics["recall@10"] == metrics["ndcg@10"] == 1.0
    # And one that knows the answers of the next user does not, across batches too.
    shifted = sp.csr_array(answers[np.roll(np.arange(answers.shape[0]), 1)])
    worse = evaluate({"x": lambda a, _: shifted[a.numbers].toarray()}, larger, EvaluationConfig(ks=(2,)), [part])
    assert worse.row("x", part).metrics["recall@2"] < 0.5


def test_scorers_are_given_what_is_known_of_each_user_in_batches(larger: Split) -> None:
    known, met = larger.history("valid").toarray(), []

    def scorer(audience: Audience, seen: sp.csr_array) -> Scores:
        assert (audience.steps.toarray() == known[audience.numbers]).all()
        assert (audience.history.toarray() == (known[audience.numbers] > 0)).all()
        met.append(audience.numbers)
        return by_number(audience, seen)

    evaluate({"x": scorer}, larger, EvaluationConfig(ks=(2,)), ["valid"])
    assert [len(numbers) for numbers in met] == [BATCH, 77]
    assert (np.concatenate(met) == np.arange(BATCH + 77)).all()


def test_a_sample_is_some_of_the_users_with_what_is_theirs(larger: Split) -> None:
    held = HeldOut.of(larger, "valid")
    some = held.sample(50, np.random.default_rng(1))
    assert len(np.unique(some.users)) == 50
    for whole, rows in ((held.history, some.history), (held.seen, some.seen), (held.relevant, some.relevant)):
        assert (rows.toarray() == whole.toarray()[some.users]).all()
    assert held.sample(BATCH + 77, np.random.default_rng(1)) is held


def test_ndcg_is_that_of_the_evaluation(larger: Split) -> None:
    held = HeldOut.of(larger, "valid")
    row = evaluate({"x": by_number}, larger, EvaluationConfig(ks=(7,)), ["valid"]).row("x", "valid")
    assert held.ndcg(by_number(held.audience(), held.seen), 7) == pytest.approx(row.metrics["ndcg@7"])


def test_a_record_gives_the_same_evaluation(tiny: Split) -> None:
    result = evaluate({"number": by_number, "other": by_number}, tiny, EvaluationConfig(ks=(2, 4)))
    again = Evaluation.from_record(json.loads(json.dumps(result.as_record())))
    assert again == result
    with pytest.raises(KeyError, match="text was not measured on test"):
        again.row("text", "test")


@pytest.mark.parametrize("ks", [(), (0,), (10, -1)])
def test_cut_offs_that_cannot_be_are_refused_when_made(ks: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        EvaluationConfig(ks=ks)


def fitted(split: Split, graph: ItemGraph) -> dict[str, Signal]:
    """Every signal, each chosen on validation where it is chosen at all."""
    held = HeldOut.of(split, "valid")
    result = train_net(
        split.positives(),
        graph,
        None,
        GnnConfig(dimension=6, epochs=4, batch_size=512),
        validate=lambda e: held.ndcg(GraphSignal(e).score(held.audience()), 5),
        seed=1,
        device=torch.device("cpu"),
    )
    history = split.positives().matrix()
    return {
        "gnn": GraphSignal(result.embeddings),
        "ease": Ease.fit(history, item_entities(graph), l2=5),
        "popularity": Popularity.fit(split.positives()),
    }


def shuffled(part: Interactions, seed: int) -> Interactions:
    """The same number of interactions, of other users with other items."""
    rng = np.random.default_rng(seed)
    item = rng.integers(0, len(part.items), len(part)).astype(np.int32)
    return replace(part, user=rng.permutation(part.user), item=item)


@pytest.mark.parametrize("held_out", ["test", "valid"])
def test_nothing_leaks(larger: Split, item_graph: Callable[..., ItemGraph], held_out: str) -> None:
    """Other test interactions change no fit and no validation figure; other validation ones do change the figures."""
    triples = [(item, "kind", 19 + item % 3) for item in range(19)]
    graph = item_graph(19, ["a", "b", "c"], triples)
    other = replace(larger, **{held_out: shuffled(getattr(larger, held_out), 3)})
    before, after = fitted(larger, graph), fitted(other, graph)
    same = {
        name: all((after[name].arrays()[key] == array).all() for key, array in before[name].arrays().items())
        for name in before
    }
    config = EvaluationConfig(ks=(5,))
    figures = []
    for split, signals in ((larger, before), (other, after)):
        blend = Blend(signals, {"gnn": 0.5, "ease": 0.3, "popularity": 0.2})
        figures.append(evaluate({"blend": blend.score}, split, config).rows)
    (valid, test), (valid_after, test_after) = figures
    # The test figures are another in both cases: what is shuffled is not idle.
    assert test != test_after
    assert same["ease"] and same["popularity"]
    if held_out == "test":
        assert same["gnn"]
        assert valid == valid_after
    else:
        assert valid != valid_after
