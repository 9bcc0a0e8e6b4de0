"""Clauses: where texts are cut, and means over them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from plait.text.clauses import clauses_of, encoded_clauses, mean_by_text
from plait.text.features import TextFeatures

from .opinion_encoder import OpinionEncoder


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Good. Bad!", ["Good", "Bad"]),
        ("3.5 stars for v2.0 of it", ["3.5 stars for v2.0 of it"]),
        ("The fit is fine, but the zip broke", ["The fit is fine", "the zip broke"]),
        ("Fine. However, it broke", ["Fine", "However, it broke"]),
        ("Button but BUT however, yes", ["Button", "yes"]),
        ("质量很好。但是太小！", ["质量很好", "但是太小"]),
        ("so... well\nnext", ["so", "well", "next"]),
        ("", []),
        (" . !? 5 ", []),
        (None, []),
    ],
)
def test_cut(text: str | None, clauses: list[str]) -> None:
    found = clauses_of(pa.array([text], pa.large_string()))
    assert found.distinct.take(pa.array(found.clause)).to_pylist() == clauses


def test_equal_clauses_are_kept_once() -> None:
    found = clauses_of(pa.array(["a. b. a", "", "b. c"]))
    assert found.distinct.to_pylist() == ["a", "b", "c"]
    assert found.clause.tolist() == [0, 1, 0, 1, 2]
    assert found.text.tolist() == [0, 0, 0, 2, 2]
    assert found.n_texts == 3


def test_a_long_text_is_read_as_far_as_32_clauses() -> None:
    found = clauses_of(pa.array(["x. ".join(map(str, range(100))) + "x", "y"]))
    assert np.bincount(found.text).tolist() == [32, 1]


def test_mean_by_text() -> None:
    found = clauses_of(pa.array(["a. b. a", "", "b. c", "c"]))
    vectors = np.array([[3, 0], [0, 6], [0, 0]], dtype=np.float32)
    mean = mean_by_text(found, TextFeatures(vectors, np.array([True, True, False])))
    assert mean.vectors.tolist() == [[2, 2], [0, 0], [0, 6], [0, 0]]
    assert mean.present.tolist() == [True, False, True, False]


def test_mean_of_many_is_that_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [". ".join(f"w{(n * 7 + k) % 5}" for k in range(n % 4)) for n in range(50)]
    found = clauses_of(pa.array(texts))
    features = encoded_clauses(found, OpinionEncoder())
    assert np.allclose(np.linalg.norm(features.vectors, axis=1), 1)
    whole = mean_by_text(found, features)
    for n in range(50):
        rows = found.clause[found.text == n]
        wanted = features.vectors[rows].mean(axis=0) if len(rows) else np.zeros(23)
        assert np.allclose(whole.vectors[n], wanted, atol=1e-6)


def test_blocks_cut_no_text_in_two() -> None:
    from plait.text.clauses import _blocks

    starts = np.array([0, 3, 4, 9])
    for most in range(1, 12):
        blocks = _blocks(starts, 10, most)
        assert blocks[0][0] == 0
        assert blocks[-1][1] == 10
        assert all(first in starts for first, _ in blocks)
        assert all(one[1] == other[0] for one, other in pairwise(blocks))
    assert _blocks(np.array([], dtype=np.int64), 0) == []
