"""The blend: standardised by hand, parts that sum to the whole, and weights that find what was planted."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import comb, sqrt

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.blending.blend import Blend
from plait.fusion.blending.standard import standardised
from plait.fusion.blending.weights import WeightSearch, _simplex
from plait.fusion.signals.ease import Ease
from plait.fusion.signals.popularity import Popularity
from plait.fusion.signals.signal import Audience, Scores

NOTHING = sp.csr_array((1, 4), dtype=np.float32)


def seen_at(shape: tuple[int, int], *cells: tuple[int, int]) -> sp.csr_array:
    dense = np.zeros(shape, dtype=np.float32)
    for cell in cells:
        dense[cell] = 1
    return sp.csr_array(dense)


def row(*values: float) -> Scores:
    return np.array([values], dtype=np.float32)


def search(parts: dict[str, Scores], metric: Callable[[Scores], float], step: float) -> tuple[dict[str, float], float]:
    """The best weights by one figure for all users."""
    return WeightSearch(parts, lambda total: np.array([metric(total)]), step).best()


def random_scores(seed: int, shape: tuple[int, int] = (11, 17)) -> Scores:
    return np.random.default_rng(seed).normal(3, 2, shape).astype(np.float32)


def test_standardised_by_hand() -> None:
    # Mean 4, deviation sqrt((9 + 1 + 0 + 16) / 4).
    deviation = sqrt((9 + 1 + 0 + 16) / 4)
    expected = np.array([[-3, -1, 0, 4]]) / deviation
    assert standardised(row(1, 3, 4, 8), NOTHING) == pytest.approx(expected)


def test_seen_items_have_no_say() -> None:
    # Unseen: 1, 3 and 8, mean 4; the seen 1000 is measured by them.
    deviation = sqrt((9 + 1 + 16) / 3)
    expected = np.array([[-3, 996, -1, 4]]) / deviation
    assert standardised(row(1, 1000, 3, 8), seen_at((1, 4), (0, 1))) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_mean_0_and_deviation_1_over_the_unseen(seed: int) -> None:
    scores = random_scores(seed)
    mask = np.random.default_rng(seed + 5).random(scores.shape) < 0.4
    result = standardised(scores, sp.csr_array(mask.astype(np.float32)))
    for line, seen in zip(result, mask, strict=True):
        assert line[~seen].mean() == pytest.approx(0, abs=1e-6)
        assert line[~seen].std() == pytest.approx(1, rel=1e-6)
    assert result.dtype == np.float32


def test_neither_scale_nor_offset_matters() -> None:
    scores, seen = random_scores(1), seen_at((11, 17), (0, 3), (4, 5))
    moved = scores * np.linspace(0.01, 50, 11, dtype=np.float32)[:, None] - np.float32(7)
    assert standardised(moved, seen) == pytest.approx(standardised(scores, seen), abs=2e-3)


@pytest.mark.parametrize("value", [0, 0.1, -3e7, 1e-30])
def test_a_constant_row_is_0(value: float) -> None:
    scores = np.full((1, 4), value, dtype=np.float32)
    assert (standardised(scores, NOTHING) == 0).all()
    # Constant where it counts: what is seen is not ranked.
    scores[0, 1] = 7
    assert (standardised(scores, seen_at((1, 4), (0, 1))) == 0).all()


def test_rounding_is_no_difference() -> None:
    """What a product of matrices gives for equal items differs in its last bit: that is not blown up to a taste."""
    bit = np.nextafter(np.float32(0.1), np.float32(1))
    assert (standardised(row(0.1, float(bit), 0.1, 0.1), NOTHING) == 0).all()


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_a_very_small_or_large_scale_is_no_constant(scale: float) -> None:
    expected = standardised(row(1, 3, 4, 8), NOTHING)
    assert standardised(row(*(scale * x for x in (1, 3, 4, 8))), NOTHING) == pytest.approx(expected, rel=1e-5)


def test_a_user_who_has_seen_all_but_one_or_everything() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = standardised(random_scores(0, (2, 3)), seen_at((2, 3), (0, 0), (0, 1), (1, 0), (1, 1), (1, 2)))
    assert np.isfinite(result).all()
    assert (result[0] == 0).all()


def blend(ease: float = 0.3) -> tuple[Blend, Audience]:
    rng = np.random.default_rng(8)
    history = sp.csr_array((rng.random((9, 6)) < 0.4).astype(np.float32))
    signals = {"popularity": Popularity(np.arange(6, dtype=np.float32)), "ease": Ease.fit(history, l2=2)}
    audience = Audience(np.arange(9), history)
    return Blend(signals, {"popularity": 1 - ease, "ease": ease}), audience


def test_parts_sum_to_the_score() -> None:
    both, audience = blend()
    parts, score = both.parts(audience, audience.history), both.score(audience, audience.history)
    assert set(parts) == {"popularity", "ease"}
    assert sum(parts.values()) == pytest.approx(score, abs=1e-6)
    popular = standardised(both.signals["popularity"].score(audience), audience.history)
    assert parts["popularity"] == pytest.approx(0.7 * popular, abs=1e-6)
    assert (both.parts(audience, audience.history)["popularity"] == parts["popularity"]).all()


def test_a_signal_of_weight_0_is_left_out() -> None:
    alone, audience = blend(ease=1)
    assert set(alone.parts(audience, audience.history)) == {"ease"}
    assert (alone.score(audience, audience.history) == alone.parts(audience, audience.history)["ease"]).all()


@pytest.mark.parametrize("weights", [{"popularity": 1.0}, {"popularity": 0.5, "text": 0.5}])
def test_weights_must_be_those_of_the_signals(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"signals \['ease', 'popularity'\] and weights"):
        Blend(blend()[0].signals, weights)


@pytest.mark.parametrize("weights", [(0, 0), (1.5, -0.5), (0.5, 0.6), (float("nan"), 1)])
def test_weights_must_be_shares(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected none below 0 and a sum of 1"):
        Blend(blend()[0].signals, dict(zip(("popularity", "ease"), weights, strict=True)))


@pytest.mark.parametrize("planted", [(0.25, 0.6, 0.15), (0.0, 0.45, 0.55), (1.0, 0.0, 0.0)])
def test_the_search_finds_a_planted_optimum(planted: tuple[float, float, float]) -> None:
    parts = {name: random_scores(seed) for seed, name in enumerate(("net", "ease", "popularity"))}
    target = sum(np.float32(weight) * part for weight, part in zip(planted, parts.values(), strict=True))
    weights, metric = search(parts, lambda total: -float(np.abs(total - target).max()), 0.05)
    assert weights == pytest.approx(dict(zip(parts, planted, strict=True)))
    assert metric == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_blend_is_never_worse_than_any_signal_alone(seed: int) -> None:
    parts = {name: random_scores(10 * seed + n) for n, name in enumerate("abc")}
    target = random_scores(10 * seed + 9)

    def agreement(total: Scores) -> float:
        return float((total.argmax(axis=1) == target.argmax(axis=1)).mean()) - float(abs(total[0, 0]))

    weights, metric = search(parts, agreement, 0.25)
    assert metric >= max(agreement(part) for part in parts.values()) - 1e-12
    assert metric == agreement(sum(np.float32(weights[name]) * part for name, part in parts.items()))
    assert sum(weights.values()) == pytest.approx(1)


def test_of_equals_the_blend_of_fewest_signals_is_taken() -> None:
    parts = {name: random_scores(n) for n, name in enumerate("abc")}
    weights, _ = search(parts, lambda _: 0.5, 0.1)
    assert sorted(weights.values()) == [0, 0, 1]


def test_the_search_leaves_the_parts_as_they_are() -> None:
    parts = {name: random_scores(n) for n, name in enumerate("ab")}
    search(parts, lambda total: float(total[0, 0]), 0.1)
    assert all((part == random_scores(n)).all() for n, part in enumerate(parts.values()))


@pytest.mark.parametrize(("n", "parts", "ticks"), [(1, 20, 1), (2, 7, 1), (3, 20, 1), (4, 5, 4), (5, 3, 2)])
def test_the_simplex_is_covered_once(n: int, parts: int, ticks: int) -> None:
    points = list(_simplex(n, parts, ticks))
    # Stars and bars.
    assert len(points) == len(set(points)) == comb(parts + n - 1, n - 1)
    for point in points:
        assert len(point) == n
        assert min(point) >= 0
        assert sum(point) == parts * ticks
        assert {share % ticks for share in point} == {0}


@pytest.mark.parametrize("planted", [(0.25, 0.6, 0.1, 0.05), (0.0, 0.45, 0.55, 0.0), (0.0, 0.0, 0.0, 1.0)])
def test_a_large_grid_is_climbed_to_the_planted_optimum(planted: tuple[float, ...]) -> None:
    """Four signals at 0.05 are 1771 points; a smooth metric has its best found in a seventh of them."""
    parts = {name: random_scores(seed) for seed, name in enumerate(("net", "ease", "popularity", "text"))}
    target = sum(np.float32(weight) * part for weight, part in zip(planted, parts.values(), strict=True))
    looks = []

    def metric(total: Scores) -> float:
        looks.append(1)
        return -float(np.square(total - target).mean())

    weights, value = search(parts, metric, 0.05)
    assert weights == pytest.approx(dict(zip(parts, planted, strict=True)))
    assert value == pytest.approx(0, abs=1e-9)
    assert len(looks) <= 231
    assert search(parts, metric, 0.05) == (weights, value)


@pytest.mark.parametrize(("n", "step"), [(4, 0.05), (5, 0.05), (6, 0.1), (4, 1 / 7), (3, 0.01), (4, 1.0)])
@pytest.mark.parametrize("seed", range(3))
def test_a_climb_ends_on_the_grid_and_no_worse_than_any_signal(n: int, step: float, seed: int) -> None:
    """A metric in steps, as rankings have them."""
    parts = {f"s{at}": random_scores(20 * seed + at) for at in range(n)}
    target = random_scores(20 * seed + 19)
    looks = []

    def agreement(total: Scores) -> float:
        looks.append(1)
        return float((total.argmax(axis=1) == target.argmax(axis=1)).mean())

    weights, value = search(parts, agreement, step)
    assert len(looks) <= 400
    assert value >= max(agreement(part) for part in parts.values()) - 1e-12
    assert sum(weights.values()) == pytest.approx(1)
    ticks = np.array(list(weights.values())) * round(1 / step)
    assert ticks == pytest.approx(np.round(ticks), abs=1e-9)


class Knowing(Popularity):
    """A signal that knows user 4 without a history."""

    def knows(self, audience: Audience) -> np.ndarray:
        return np.asarray(audience.numbers == 4)


def test_a_user_without_history_is_ranked_by_popularity_and_by_who_knows_the_user() -> None:
    rng = np.random.default_rng(3)
    popularity, knowing = (Popularity(rng.random(6).astype(np.float32)) for _ in range(2))
    history = sp.csr_array(np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 2, 0, 0]], dtype=np.float32))
    seen = sp.csr_array(history)
    audience = Audience(np.array([4, 5, 4]), history)
    signals = {"popularity": popularity, "ease": Popularity(popularity.counts[::-1].copy())}
    both = Blend({**signals, "text": Knowing(knowing.counts)}, {"popularity": 0.2, "ease": 0.8, "text": 0.0})
    popular, known = (standardised(s.score(audience), seen) for s in (popularity, knowing))
    score = both.score(audience, seen)
    assert score[0] == pytest.approx((popular[0] + known[0]) / 2, abs=1e-6)
    assert score[1] == pytest.approx(popular[1], abs=1e-6)
    assert score[2] == pytest.approx(Blend(signals, {"popularity": 0.2, "ease": 0.8}).score(audience, seen)[2])


def hits_of(target: Scores, scores: Scores) -> np.ndarray:
    return (scores.argmax(axis=1) == target.argmax(axis=1)).astype(np.float64)


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_cross_validated_as_by_searches_of_their_own(seed: int) -> None:
    """A search for each fold that never sees the fold's users, measured on them; users are of three folds, one empty."""
    shape = (40, 6)
    parts = {name: random_scores(10 * seed + n, shape) for n, name in enumerate("abcd")}
    target = sum(parts.values()) + random_scores(10 * seed + 9, shape)
    fold = np.random.default_rng(seed).choice([0, 1, 3], shape[0])
    expected = np.zeros(shape[0])
    for number in (0, 1, 3):
        own = fold == number
        learned = {name: part[~own] for name, part in parts.items()}
        alone = WeightSearch(learned, lambda scores, own=own: hits_of(target[~own], scores), 0.25)  # type: ignore[misc]
        weights, _ = alone.best()
        blend = sum(np.float32(weights[name]) * part for name, part in parts.items())
        expected[own] = hits_of(target, blend)[own]
    looks = []

    def of_each(scores: Scores) -> np.ndarray:
        looks.append(1)
        return hits_of(target, scores)

    whole = WeightSearch(parts, of_each, 0.25)
    assert whole.cross_validated(fold) == pytest.approx(expected.mean())
    # 35 points are the whole grid: none is measured twice for another fold.
    assert len(looks) == 35


def test_of_noise_the_best_weights_are_worth_less_to_others() -> None:
    """Nine signals of nothing: what fits best by chance is measured honestly by the users it was not chosen on."""
    parts = {name: random_scores(n, (60, 5)) for n, name in enumerate("abcdefghi")}
    target = random_scores(99, (60, 5))
    whole = WeightSearch(parts, lambda scores: hits_of(target, scores), 0.25)
    _, in_sample = whole.best()
    assert whole.cross_validated(np.arange(60) % 5) < in_sample - 0.05


def test_one_fold_has_nobody_to_learn_from() -> None:
    parts = {name: random_scores(n) for n, name in enumerate("ab")}
    assert np.isfinite(WeightSearch(parts, lambda scores: scores.mean(axis=1), 0.5).cross_validated(np.zeros(11, int)))
