"""Polarity: ratings as targets by hand, both heads, and what is missing stays unknown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from plait.text.features import TextFeatures
from plait.text.poles import NEGATIVE, POSITIVE
from plait.text.sentiment import PolarityHead, described_head, opinions_of, rating_targets, weights_by_polarity

from .opinion_encoder import OpinionEncoder


def test_targets_by_hand() -> None:
    # Mean 3; user 7 rated 5, 5, 3: habit (2 + 2 + 0) / (3 + 5) = 0.5. User 2 rated 1, 1: habit (-2 - 2) / (2 + 5) = -4/7.
    targets = rating_targets(np.array([5, 1, 5, 1, 3]), np.array([7, 2, 7, 2, 7]))
    assert targets.tolist() == pytest.approx([1.5 / 2, (1 + 4 / 7 - 3) / 2, 1.5 / 2, (1 + 4 / 7 - 3) / 2, -0.25])


def test_targets_of_one_rating_alone_tell_nothing() -> None:
    assert rating_targets(np.full(4, 5.0), np.arange(4)).tolist() == [0, 0, 0, 0]
    assert rating_targets(np.empty(0), np.empty(0, dtype=np.int64)).tolist() == []


def test_head_by_hand() -> None:
    head = PolarityHead(np.array([2, -1], dtype=np.float32), 0.25, "described")
    vectors = np.array([[0.25, 0.5], [1, 0], [-1, 1], [0, 0]], dtype=np.float32)
    polarity = head.polarity(TextFeatures(vectors, np.array([True, True, True, False])))
    assert polarity[:3].tolist() == [0.25, 1, -1]
    assert np.isnan(polarity[3])


def test_described_poles_lie_at_the_ends() -> None:
    encoder = OpinionEncoder()
    head = described_head(encoder)
    every = encoder.encode([*POSITIVE, *NEGATIVE])
    values = every / np.linalg.norm(every, axis=1, keepdims=True) @ head.direction + head.offset
    assert values[: len(POSITIVE)].mean() == pytest.approx(1, abs=1e-5)
    assert values[len(POSITIVE) :].mean() == pytest.approx(-1, abs=1e-5)
    assert len(set(POSITIVE)) == len(set(NEGATIVE)) == len(POSITIVE)
    assert not set(POSITIVE) & set(NEGATIVE)


def test_without_ratings() -> None:
    opinions = opinions_of(pa.array(["A splendid hat", "", "A dreadful hat", None]), OpinionEncoder())
    assert opinions.head.learnt_from == "described"
    assert opinions.polarity[0] > 0.3
    assert opinions.polarity[2] < -0.3
    assert np.isnan(opinions.polarity[[1, 3]]).all()


def test_ratings_teach_what_was_not_described() -> None:
    # "zork" is what these users call good: no described pole knows it.
    texts = [f"{'zork' if n % 2 else 'blim'} {word}" for n in range(80) for word in ("hat", "scarf")]
    ratings = np.array([5.0 if n % 2 else 1.0 for n in range(80) for _ in range(2)])
    opinions = opinions_of(pa.array(texts), OpinionEncoder(), ratings=ratings, users=np.arange(160))
    assert opinions.head.learnt_from == "ratings"
    assert opinions.head.agreement == 1
    assert (np.sign(opinions.polarity) == np.sign(ratings - 3)).all()
    by_text = dict(zip(opinions.clauses.distinct.to_pylist(), opinions.of_clause.tolist(), strict=True))
    assert by_text["zork hat"] > 0.3 > -0.3 > by_text["blim hat"]


def test_ratings_by_chance_do_not_replace_the_poles() -> None:
    rng = np.random.default_rng(0)
    texts = ["good hat" if n % 2 else "bad hat" for n in range(60)]
    agreeing = np.where(rng.random(60) < 0.8, [5.0 if n % 2 else 1.0 for n in range(60)], 3.0)
    head = opinions_of(pa.array(texts), OpinionEncoder(), ratings=agreeing, users=np.arange(60)).head
    assert head.agreement > 0.9
    few = opinions_of(pa.array(texts[:30]), OpinionEncoder(), ratings=agreeing[:30], users=np.arange(30)).head
    assert (few.learnt_from, np.isnan(few.agreement)) == ("described", True)
    noise = np.where(rng.random(60) < 0.5, 5.0, 1.0)
    assert opinions_of(pa.array(texts), OpinionEncoder(), ratings=noise, users=np.arange(60)).head.agreement < 0.75


def test_rare_bad_ratings_count_as_much() -> None:
    texts = ["blim hat"] * 25 + ["zork hat"] * 900
    ratings = np.array([1.0] * 25 + [5.0] * 900)
    opinions = opinions_of(pa.array(texts), OpinionEncoder(), ratings=ratings, users=np.arange(925))
    assert opinions.polarity[0] < -0.2


def test_weights_by_hand() -> None:
    weights = weights_by_polarity(np.array([2.0, 1, 1, 3]), np.array([0.5, -1, 0, np.nan]))
    assert weights.tolist() == [1.5, 0, 0.5, 3]
