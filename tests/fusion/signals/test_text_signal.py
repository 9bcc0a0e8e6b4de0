"""Text as a signal: by hand, with texts that are missing, and for users who have one of their own."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from plait.fusion.signals.recency import Recency
from plait.fusion.signals.signal import Audience
from plait.fusion.signals.text_signal import TextSignal
from plait.text.features import TextFeatures


def features(*rows: list[float] | None) -> TextFeatures:
    """Texts with these vectors; None for a missing one."""
    width = max(len(row) for row in rows if row is not None)
    filled = [[0.0] * width if row is None else row for row in rows]
    return TextFeatures(np.array(filled, dtype=np.float32), np.array([row is not None for row in rows]))


def fitted(items: TextFeatures, users: TextFeatures | None = None) -> TextSignal:
    signal = TextSignal.fit(items, users)
    assert signal is not None
    return signal


def audience(*steps: list[int], numbers: list[int] | None = None) -> Audience:
    """Users by how many steps ago each item was liked."""
    history = sp.csr_array(np.array(steps, dtype=np.float32))
    return Audience(np.array(numbers if numbers is not None else [-1] * len(steps)), history)


# Four items around the mean (10, 0): east, north, west, south of it; and a fifth without a text.
COMPASS = features([11, 0], [10, 1], [9, 0], [10, -1], None)


def test_scores_by_hand() -> None:
    scores = fitted(COMPASS).score(audience([1, 2, 0, 0, 0]))
    # East and north liked: the profile points north-east, at 45 degrees to both.
    mean = 0.0  # of the four: two near and two as far
    assert scores[0] == pytest.approx([sqrt(0.5), sqrt(0.5), -sqrt(0.5), -sqrt(0.5), mean], abs=1e-3)


def test_recent_items_weigh_more() -> None:
    weighed = audience([1, 2, 0, 0, 0]).recent(Recency(boost=2, half_life=1))
    # Weights 1 + 2 and 1 + 1.
    length = sqrt(3**2 + 2**2)
    assert fitted(COMPASS).score(weighed)[0, :4] == pytest.approx(np.array([3, 2, -3, -2]) / length, abs=1e-3)


def test_a_missing_text_is_neither_for_nor_against() -> None:
    """It has the mean of the others' scores, and as part of a history it says nothing."""
    lopsided = fitted(features([11, 0], [10.9, 0.1], [7, 3], None))
    scores = lopsided.score(audience([1, 0, 0, 0], [1, 0, 0, 2]))
    assert scores[0, 3] == pytest.approx(scores[0, :3].mean(), abs=1e-6)
    assert scores[0, 3] != pytest.approx(0, abs=1e-2)
    assert scores[1] == pytest.approx(scores[0])


@pytest.mark.parametrize("filler", [0.0, 1e4])
def test_what_stands_in_a_missing_row_does_not_matter(filler: float) -> None:
    vectors, present = np.array([[11, 0], [10, 1], [9, 2]], dtype=np.float32), np.array([True, True, False])
    missing = TextFeatures(np.where(present[:, None], vectors, np.float32(0)), present)
    object.__setattr__(missing, "vectors", np.where(present[:, None], vectors, np.float32(filler)))
    signal = fitted(missing)
    assert signal.centre == pytest.approx([10.5, 0.5])
    assert (signal.vectors[2] == 0).all()


def test_a_user_of_whom_no_text_is_known_scores_all_alike() -> None:
    for steps in ([0, 0, 0, 0, 0], [0, 0, 0, 0, 1]):
        assert (fitted(COMPASS).score(audience(steps)) == 0).all()


def test_likes_that_cancel_point_nowhere() -> None:
    """East and west: what is left is rounding, and must not be blown up to a taste."""
    tilted = features([11, 0.3], [9, -0.3], [10, 2], [10, -2])
    assert (fitted(tilted).score(audience([1, 2, 0, 0])) == 0).all()


def test_equal_texts_are_alike_and_tell_nothing() -> None:
    scores = fitted(features([1, 2, 3], [1, 2, 3], [1, 2, 3])).score(audience([1, 0, 0]))
    assert (scores == 0).all()


def test_an_own_text_counts_as_much_as_the_history() -> None:
    # User 0 writes of the north, user 1 nothing; both like the east.
    users = features([10, 5], None)
    signal = fitted(COMPASS, users)
    both, alone, stranger, later = signal.score(
        audience([1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0], numbers=[0, 1, 0, 7])
    )
    assert both[:4] == pytest.approx([sqrt(0.5), sqrt(0.5), -sqrt(0.5), -sqrt(0.5)], abs=1e-3)
    assert alone[:4] == pytest.approx([1, 0, -1, 0], abs=1e-3)
    assert stranger[:4] == pytest.approx([0, 1, 0, -1], abs=1e-3)
    assert later == pytest.approx(alone)
    numbers = np.array([0, 1, -1, 7])
    assert signal.knows(Audience(numbers, sp.csr_array((4, 5)))).tolist() == [True, False, False, False]


def test_a_query_is_centred_as_the_items_are() -> None:
    signal = fitted(COMPASS)
    assert signal.cosines(np.array([10, 3], dtype=np.float32))[:4] == pytest.approx([0, 1, 0, -1], abs=1e-3)
    # The mean itself is like none.
    assert (signal.cosines(np.array([10, 0], dtype=np.float32)) == 0).all()


@pytest.mark.parametrize("rows", [[None, None], [[1.0, 2.0], None]])
def test_fewer_than_two_texts_are_no_signal(rows: list[list[float] | None]) -> None:
    width = 2
    vectors = np.array([[0.0] * width if row is None else row for row in rows], dtype=np.float32)
    assert TextSignal.fit(TextFeatures(vectors, np.array([row is not None for row in rows]))) is None


def test_half_precision_changes_scores_by_little() -> None:
    rng = np.random.default_rng(5)
    vectors = (rng.normal(size=(23, 17)) + 4).astype(np.float32)
    signal = fitted(TextFeatures(vectors, np.ones(23, dtype=bool)))
    history = (rng.random((6, 23)) < 0.3).astype(np.float32)
    assert signal.vectors.dtype == np.float16
    assert signal.score(audience(*history.tolist())) == pytest.approx(slow(vectors, history), abs=2e-3)


def slow(vectors: npt.NDArray[np.float32], history: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """A second implementation, user by user in double precision."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    rows = [row / np.linalg.norm(row) for row in centred]
    scores = []
    for liked in history:
        profile = sum((row for row, like in zip(rows, liked, strict=True) if like), np.zeros(vectors.shape[1]))
        profile = profile / (np.linalg.norm(profile) or 1)
        scores.append([float(profile @ row) for row in rows])
    return np.array(scores)
