"""Paired tests: by hand, against scipy's own bootstrap, and whether they are as often wrong as they say."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import bootstrap

from plait.fusion.evaluation.significance import holm, paired


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1: 0.02, 0.03, 0.06, and 0.04, which may not be below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == pytest.approx([1, 1])
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_wilcoxon_is_the_exact_one_for_few_users() -> None:
    difference = np.array([0.1, 0.2, -0.3, 0.4, 0.5, 0.6])
    ranks = np.arange(1, 7)
    wanted = ranks[difference > 0].sum()
    sums = [sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign) for signs in product([0, 1], repeat=6)]
    p = 2 * sum(one >= wanted for one in sums) / len(sums)
    assert paired(difference, np.zeros(6), rng()).p == pytest.approx(p)


def test_users_without_a_difference_do_not_make_it_surer() -> None:
    # Five better and none worse: of 2^5 signs, two are as far out.
    first = np.zeros(60)
    first[:5] = [0.1, 0.2, 0.3, 0.4, 0.5]
    found = paired(first, np.zeros(60), rng())
    assert found.p == pytest.approx(2 / 2**5)
    assert (found.users, found.better) == (60, 5)


def test_users_are_counted_and_those_not_measured_left_out() -> None:
    first = np.array([0.5, 0.1, np.nan, 0.3, 0.2, 0.9])
    second = np.array([0.4, 0.1, 0.9, np.nan, 0.6, 0.2])
    found = paired(first, second, rng())
    assert (found.users, found.better, found.worse) == (4, 2, 1)
    assert found.difference == pytest.approx((0.1 + 0 - 0.4 + 0.7) / 4)
    assert found.low <= found.difference <= found.high
    with pytest.raises(ValueError, match="no user"):
        paired(first[2:4], second[2:4], rng())


def test_equals_are_told_apart_by_nothing() -> None:
    same = np.linspace(0, 1, 9)
    found = paired(same, same, rng())
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_swapping_the_sides_turns_the_sign() -> None:
    a, b = np.random.default_rng(5).random((2, 70))
    one, other = paired(a, b, rng()), paired(b, a, rng())
    assert (one.difference, one.p, one.better) == pytest.approx((-other.difference, other.p, other.worse))


def test_the_interval_is_that_of_scipy() -> None:
    a, b = np.random.default_rng(2).random((2, 400)) ** 3
    found = paired(a, b, rng())
    theirs = bootstrap((a - b,), np.mean, n_resamples=4000, method="percentile", random_state=1).confidence_interval
    width = theirs.high - theirs.low
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.06 * width)


def test_of_models_that_are_alike_one_in_twenty_is_told_apart_and_a_real_difference_is_found() -> None:
    draw = np.random.default_rng(7)
    found = [paired(*draw.random((2, 80)), np.random.default_rng(1)) for _ in range(120)]
    # 120 times 0.05 is 6, and 14 has a chance of less than 1 in 500.
    assert sum(one.p < 0.05 for one in found) < 14
    assert sum(not one.low <= 0 <= one.high for one in found) < 15
    base = draw.random(300)
    better = paired(base + 0.05 + 0.1 * draw.standard_normal(300), base, rng())
    assert better.p < 0.001
    assert better.low > 0
