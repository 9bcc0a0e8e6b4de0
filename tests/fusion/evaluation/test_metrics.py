"""Ranking metrics: by hand, against ir_measures, against a slow second implementation, and by law."""

from __future__ import annotations

from random import Random

import ir_measures
import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.fusion.evaluation.metrics import METRICS, Metrics, coverage, ranking_metrics

Items = npt.NDArray[np.int64]
Relevant = npt.NDArray[np.bool_]


def log2(x: float) -> float:
    return float(np.log2(x))


def items(rows: list[list[int]]) -> Items:
    return np.array(rows, dtype=np.int64)


def matrix(rows: list[list[int]], n_items: int) -> sp.csr_array:
    dense = np.zeros((len(rows), n_items), dtype=np.float32)
    for user, row in enumerate(rows):
        dense[user, row] = 1
    return sp.csr_array(dense)


def value(metrics: Metrics, name: str, k: int, user: int = 0) -> float:
    return float(metrics.values[name, k][user])


# Six items; 1, 3 and 5 are relevant, found at ranks 2 and 3; rank 4 is item 4, and 5 is never found.
@pytest.mark.parametrize(
    ("name", "at_2", "at_4"),
    [
        ("recall", 1 / 3, 2 / 3),
        (
            "ndcg",
            (1 / log2(3)) / (1 / log2(2) + 1 / log2(3)),
            (1 / log2(3) + 1 / log2(4)) / (1 / log2(2) + 1 / log2(3) + 1 / log2(4)),
        ),
        ("mrr", 1 / 2, 1 / 2),
        ("hit_rate", 1, 1),
        ("precision", 1 / 2, 2 / 4),
        ("map", (1 / 2) / 2, (1 / 2 + 2 / 3) / 3),
    ],
)
def test_one_user_by_hand(name: str, at_2: float, at_4: float) -> None:
    metrics = ranking_metrics(items([[0, 3, 1, 4]]), matrix([[1, 3, 5]], 6), [2, 4])
    assert value(metrics, name, 2) == pytest.approx(at_2)
    assert value(metrics, name, 4) == pytest.approx(at_4)


def test_no_hit_is_zero_in_all() -> None:
    metrics = ranking_metrics(items([[0, 1, 2]]), matrix([[3]], 4), [3])
    assert [value(metrics, name, 3) for name in METRICS] == [0] * len(METRICS)


def test_a_first_hit_below_the_cut_off_does_not_count() -> None:
    metrics = ranking_metrics(items([[0, 1, 2]]), matrix([[2]], 4), [1, 3])
    assert [value(metrics, name, 1) for name in METRICS] == [0] * len(METRICS)
    assert value(metrics, "mrr", 3) == pytest.approx(1 / 3)


def test_padding_is_no_item_and_a_short_list_still_divides_by_k() -> None:
    # Item 3, the last one, is relevant to user 0: user 1's padding must not be taken for it.
    metrics = ranking_metrics(items([[0, -1, -1], [2, -1, -1]]), matrix([[3], [2, 1]], 4), [3])
    assert metrics.values["recall", 3].tolist() == [0, 1 / 2]
    assert metrics.values["precision", 3].tolist() == [0, 1 / 3]


def test_users_without_relevant_items_are_left_out() -> None:
    metrics = ranking_metrics(items([[0, 1], [0, 1], [1, 0]]), matrix([[0], [], [0]], 2), [1])
    for name in METRICS:
        assert np.isnan(metrics.values[name, 1]).tolist() == [False, True, False]
    assert (metrics.n_users, metrics.n_left_out) == (2, 1)
    assert metrics.mean("recall", 1) == (1 + 0) / 2


def test_standard_error_by_hand() -> None:
    metrics = ranking_metrics(items([[0], [0], [0], [0]]), matrix([[0], [1], [1], [1]], 2), [1])
    mean = (1 + 0 + 0 + 0) / 4
    variance = ((1 - mean) ** 2 + 3 * (0 - mean) ** 2) / (4 - 1)
    assert metrics.standard_error("recall", 1) == pytest.approx((variance / 4) ** 0.5)


def test_too_few_users_give_nan_and_no_warning() -> None:
    one = ranking_metrics(items([[0]]), matrix([[0]], 2), [1])
    assert one.mean("map", 1) == 1
    assert np.isnan(one.standard_error("map", 1))
    for none in (
        ranking_metrics(items([[0]]), matrix([[]], 2), [1]),
        ranking_metrics(np.empty((0, 1), int), matrix([], 2), [1]),
    ):
        assert np.isnan(none.mean("map", 1))
        assert np.isnan(none.standard_error("map", 1))
        assert none.n_users == 0


def test_repeated_and_zero_entries_are_one_relevant_item_each() -> None:
    twice = sp.csr_array((np.array([1, 1, 0], np.float32), np.array([2, 2, 0]), np.array([0, 3])), shape=(1, 4))
    metrics = ranking_metrics(items([[2, 1]]), twice, [2])
    assert value(metrics, "recall", 2) == 1 / 2
    assert twice.nnz == 3, "the caller's matrix was changed"


def test_an_unmeasured_metric_is_named() -> None:
    metrics = ranking_metrics(items([[0, 1]]), matrix([[0]], 2), [1])
    with pytest.raises(ValueError, match="recall@2 was not measured; there are recall@1"):
        metrics.mean("recall", 2)


@pytest.mark.parametrize(
    ("rows", "ks", "message"),
    [
        ([[0, 1], [0, 1]], [1], r"shape \(2, 2\), expected \(1, K\)"),
        ([[0, 1]], [3], "cut-off 3, but the lists have 2 places"),
        ([[0, 1]], [0], "cut-off 0"),
        ([[0, 1]], [], "no cut-off"),
        ([[0, 4]], [1], "from 0 to 4, expected -1 to 3"),
        ([[0, -2]], [1], "from -2 to 0"),
        ([[2, 1, 2]], [1], "hold an item twice"),
    ],
)
def test_what_does_not_fit_is_refused(rows: list[list[int]], ks: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ranking_metrics(items(rows), matrix([[0]], 4), ks)


def test_coverage_by_hand() -> None:
    ranked = items([[0, 1, -1], [0, 2, 3]])
    assert coverage(ranked, 5, 1) == 1 / 5
    assert coverage(ranked, 5, 3) == 4 / 5
    assert np.isnan(coverage(np.empty((0, 3), dtype=np.int64), 0, 3))
    with pytest.raises(ValueError, match="cut-off 4"):
        coverage(ranked, 5, 4)


def random_lists(seed: int, n_users: int, n_items: int, length: int) -> tuple[Items, Relevant]:
    """Lists of 0 to `length` items, and 0 to about half the catalogue relevant to each user."""
    rng = np.random.default_rng(seed)
    ranked = np.argsort(rng.random((n_users, n_items)), axis=1)[:, :length].astype(np.int64)
    ranked[np.arange(length) >= rng.integers(0, length + 1, (n_users, 1))] = -1
    return ranked, rng.random((n_users, n_items)) < 0.5 * rng.random((n_users, 1)) ** 2


def of_ir_measures(ranked: Items, relevant: Relevant, ks: list[int]) -> dict[tuple[str, int], dict[int, float]]:
    """Each measure of the library, by user, for users with a relevant item."""
    named = {
        "recall": ir_measures.R,
        "ndcg": ir_measures.nDCG,
        "mrr": ir_measures.RR,
        "hit_rate": ir_measures.Success,
        "precision": ir_measures.P,
        "map": ir_measures.AP,
    }
    measures = {named[name] @ k: (name, k) for name in named for k in ks}
    qrels = [ir_measures.Qrel(str(u), str(i), 1) for u, i in np.argwhere(relevant)]
    run = [
        ir_measures.ScoredDoc(str(user), str(item), float(-rank))
        for user, row in enumerate(ranked)
        for rank, item in enumerate(row)
        if item >= 0
    ]
    values: dict[tuple[str, int], dict[int, float]] = {key: {} for key in measures.values()}
    for metric in ir_measures.iter_calc(list(measures), qrels, run):
        values[measures[metric.measure]][int(metric.query_id)] = metric.value
    return values


def test_agrees_with_ir_measures() -> None:
    n_users, n_items, length, ks = 53, 31, 11, [1, 4, 10]
    ranked, relevant = random_lists(7, n_users, n_items, length)
    metrics = ranking_metrics(ranked, sp.csr_array(relevant), ks)
    total = relevant.sum(axis=1)
    assert (total == 0).any()
    assert (total > 10).any()
    for (name, k), by_user in of_ir_measures(ranked, relevant, ks).items():
        for user in np.flatnonzero(total).tolist():
            expected = by_user.get(user, 0.0)
            if name == "map":
                # trec_eval divides by all relevant items, we by those that fit into the list.
                expected *= total[user] / min(k, total[user])
            assert value(metrics, name, k, user) == pytest.approx(expected, abs=1e-6), (name, k, user)


def slow_average_precision(row: list[int], relevant: set[int], k: int) -> float:
    found, total = 0, 0.0
    for rank, item in enumerate(row[:k], start=1):
        if item in relevant:
            found += 1
            total += found / rank
    return total / min(k, len(relevant))


def test_map_agrees_with_a_slow_second_implementation() -> None:
    ranked, relevant = random_lists(11, 29, 17, 7)
    metrics = ranking_metrics(ranked, sp.csr_array(relevant), [3, 7])
    for k in (3, 7):
        for user in np.flatnonzero(relevant.any(axis=1)).tolist():
            expected = slow_average_precision(ranked[user].tolist(), set(np.flatnonzero(relevant[user])), k)
            assert value(metrics, "map", k, user) == pytest.approx(expected)


lists = st.builds(random_lists, st.integers(0, 10**6), st.integers(1, 6), st.integers(5, 12), st.integers(1, 5))


@settings(deadline=None)
@given(lists, st.randoms(use_true_random=False))
def test_permuting_users_permutes_values(drawn: tuple[Items, Relevant], random: Random) -> None:
    ranked, relevant = drawn
    ks = [1, ranked.shape[1]]
    order = list(range(len(ranked)))
    random.shuffle(order)
    before = ranking_metrics(ranked, sp.csr_array(relevant), ks)
    after = ranking_metrics(ranked[order], sp.csr_array(relevant[order]), ks)
    for key, of_users in before.values.items():
        np.testing.assert_array_equal(after.values[key], of_users[order])


@settings(deadline=None)
@given(lists)
def test_all_relevant_items_first_is_perfect(drawn: tuple[Items, Relevant]) -> None:
    _, relevant = drawn
    ranked = np.argsort(~relevant, axis=1, kind="stable").astype(np.int64)
    n_items = relevant.shape[1]
    metrics = ranking_metrics(ranked, sp.csr_array(relevant), range(1, n_items + 1))
    total = relevant.sum(axis=1)
    counts = total > 0
    for k in range(1, n_items + 1):
        for name in ("ndcg", "mrr", "hit_rate", "map"):
            np.testing.assert_allclose(metrics.values[name, k][counts], 1)
        np.testing.assert_allclose(metrics.values["recall", k][counts], np.minimum(1, k / total[counts]))
        np.testing.assert_allclose(metrics.values["precision", k][counts], np.minimum(1, total[counts] / k))


@settings(deadline=None)
@given(lists, st.integers(1, 4))
def test_irrelevant_items_below_the_cut_off_change_nothing(drawn: tuple[Items, Relevant], more: int) -> None:
    ranked, relevant = drawn
    n_users, n_items = relevant.shape
    ks = list(range(1, ranked.shape[1] + 1))
    longer = np.hstack([ranked, np.tile(n_items + np.arange(more), (n_users, 1))])
    wider = np.hstack([relevant, np.zeros((n_users, more), dtype=bool)])
    before = ranking_metrics(ranked, sp.csr_array(relevant), ks)
    after = ranking_metrics(longer, sp.csr_array(wider), ks)
    for key, of_users in before.values.items():
        np.testing.assert_array_equal(after.values[key], of_users)


@settings(deadline=None)
@given(lists)
def test_recall_hit_rate_and_mrr_never_fall_with_k_and_all_lie_in_0_to_1(drawn: tuple[Items, Relevant]) -> None:
    ranked, relevant = drawn
    ks = list(range(1, ranked.shape[1] + 1))
    metrics = ranking_metrics(ranked, sp.csr_array(relevant), ks)
    counts = relevant.any(axis=1)
    for name in METRICS:
        by_k = np.array([metrics.values[name, k][counts] for k in ks])
        assert ((by_k >= 0) & (by_k <= 1 + 1e-12)).all()
        if name in ("recall", "hit_rate", "mrr"):
            assert (np.diff(by_k, axis=0) >= 0).all()
