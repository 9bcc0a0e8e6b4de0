"""Reduction: laws, a slow second implementation of the loss, and the smallest dimension by trying all."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, DataError
from plait.text import reduce_loss
from plait.text.features import TextFeatures
from plait.text.reduce import Reduction, reduced
from plait.text.reduce_config import ReduceConfig
from plait.text.reduce_storage import int8_scale, stored, unstored

N, D = 300, 12


def made(n: int = N, d: int = D, seed: int = 0, missing: int = 7) -> TextFeatures:
    """Vectors of length 1 about a mean that is not 0, of falling variance by hidden directions; some are missing."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    vectors = (rng.standard_normal((n, d)) * 0.7 ** np.arange(d) + 0.3) @ rotation
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    present = np.ones(n, dtype=bool)
    present[rng.permutation(n)[:missing]] = False
    vectors[~present] = 0
    return TextFeatures(vectors, present)


def done(features: TextFeatures, seed: int = 3, **options: object) -> Reduction:
    return reduced(features, ReduceConfig.model_validate(options), rng=np.random.default_rng(seed))


def slow_overlap(full: np.ndarray, short: np.ndarray, k: int = 10) -> float:
    """By the definition, one text at a time."""
    shares = []
    for row in range(len(full)):
        best = []
        for vectors in (full, short):
            cosines = vectors @ vectors[row] / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(vectors[row]))
            cosines[row] = -2
            best.append(set(np.argsort(-cosines)[:k].tolist()))
        shares.append(len(best[0] & best[1]) / k)
    return float(np.mean(shares))


def test_none_changes_nothing() -> None:
    features = made()
    result = done(features, method="none")
    np.testing.assert_array_equal(result.features.vectors, features.vectors)
    assert (result.loss.neighbour_overlap, result.loss.dimension) == (1, D)
    assert result.loss.variance_kept == pytest.approx(1)


def test_all_directions_keep_every_inner_product() -> None:
    features = made()
    result = done(features, method="pca", dimension=D)
    np.testing.assert_allclose(
        result.features.vectors @ result.features.vectors.T, features.vectors @ features.vectors.T, atol=1e-5
    )
    assert result.loss.neighbour_overlap > 0.995
    assert result.loss.variance_kept == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("method", ["pca", "truncate"])
@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
@pytest.mark.parametrize("k", [1, 5, 11])
def test_the_loss_is_that_of_the_definition(method: str, storage: str, k: int) -> None:
    features = made()
    result = done(features, method=method, dimension=k, storage=storage)
    full, short = features.vectors[features.present], result.features.vectors[features.present]
    assert short.shape == (N - 7, k)
    # With one dimension all cosines are 1 or -1, and which of them are nearest is anybody's guess.
    if k > 1:
        assert result.loss.neighbour_overlap == pytest.approx(slow_overlap(full, short), abs=0.02)
    centred = full - full.mean(axis=0)
    along = centred @ result.components
    assert result.loss.variance_kept == pytest.approx((along**2).sum() / (centred**2).sum(), abs=1e-4)
    assert result.loss.candidates == N - 7


@pytest.mark.parametrize("method", ["pca", "truncate"])
def test_vectors_keep_their_length(method: str) -> None:
    features = made()
    result = done(features, method=method, dimension=4)
    lengths = np.linalg.norm(result.features.vectors, axis=1)
    np.testing.assert_allclose(lengths, features.present.astype(float), atol=1e-5)


def test_truncation_takes_the_first_dimensions() -> None:
    features = TextFeatures(np.array([[3, 4, 12], [0, 0, 0], [0, 0, 5]], np.float32), np.array([True, False, True]))
    result = done(features, method="truncate", dimension=2)
    # (3, 4) has length 5 and gets the 13 that it had; nothing is left of the last one.
    np.testing.assert_allclose(result.features.vectors, [[3 * 13 / 5, 4 * 13 / 5], [0, 0], [0, 0]], rtol=1e-6)


def test_pca_finds_hidden_directions() -> None:
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.standard_normal((9, 3)))[0]
    vectors = (rng.standard_normal((200, 3)) @ directions.T).astype(np.float32)
    result = done(TextFeatures(vectors, np.ones(200, dtype=bool)), method="pca", dimension="auto", min_overlap=0.999)
    assert result.loss.dimension == 3
    assert result.loss.variance_kept == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(result.components @ result.components.T, directions @ directions.T, atol=1e-4)


@pytest.mark.parametrize("method", ["pca", "truncate"])
@pytest.mark.parametrize("bound", [0.3, 0.6, 0.8, 0.95])
def test_auto_is_the_smallest_by_trying_all(method: str, bound: float) -> None:
    features = made()
    tried = [done(features, method=method, dimension=k).loss.neighbour_overlap for k in range(1, D + 1)]
    assert tried == sorted(tried)  # else the smallest is not what halving finds
    chosen = done(features, method=method, dimension="auto", min_overlap=bound)
    assert chosen.loss.dimension == next(k for k in range(1, D + 1) if tried[k - 1] >= bound)
    assert chosen.loss.neighbour_overlap == tried[chosen.loss.dimension - 1]


def test_auto_of_long_vectors_is_a_multiple_of_eight() -> None:
    result = done(made(n=400, d=70), method="pca", min_overlap=0.9)
    assert result.loss.dimension % 8 == 0
    assert result.loss.neighbour_overlap >= 0.9


def test_a_bound_that_cannot_be_kept_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        result = done(made(n=2000), method="pca", min_overlap=1.0, storage="int8")
    assert result.loss.dimension == D
    assert "another `storage` loses less" in caplog.text


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(["none", "pca", "truncate"]),
    storage=st.sampled_from(["float32", "float16", "int8"]),
    seed=st.integers(0, 9),
    missing=st.sampled_from([0, 3, 19, 20]),
)
def test_saved_and_read_it_is_the_same(method: str, storage: str, seed: int, missing: int) -> None:
    features = made(n=20, d=5, seed=seed, missing=missing)
    options = {} if method == "none" else {"dimension": 3}
    result = done(features, method=method, storage=storage, **options)
    file = io.BytesIO()
    np.savez(file, **result.arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = Reduction.from_arrays(dict(arrays))
        assert arrays["codes"].dtype.name == storage
        assert arrays["codes"].nbytes == result.size
    np.testing.assert_array_equal(again.features.vectors, result.features.vectors)
    np.testing.assert_array_equal(again.features.present, features.present)
    np.testing.assert_array_equal(again.apply(features.vectors), result.features.vectors)
    np.testing.assert_array_equal(again.loss.as_array(), result.loss.as_array())
    # Missing texts stay missing, whatever is done to the others.
    assert not again.features.vectors[~features.present].any()


def test_queries_are_reduced_like_items() -> None:
    features = made()
    result = done(features, method="pca", dimension=5, storage="int8")
    np.testing.assert_array_equal(result.apply(features.vectors[40:50]), result.features.vectors[40:50])
    # A query far beyond the items is cut at the largest that int8 holds.
    far = result.codes(features.vectors[:1] * 100)
    assert far.dtype == np.int8
    assert np.abs(far).max() == 127
    with pytest.raises(ValueError, match="not of the 12 dimensions"):
        result.apply(np.ones((2, 5), np.float32))


def test_int8_is_off_by_half_a_step_at_most() -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32) * [1, 10, 1e-3, 1e4, 1, 0]
    vectors = vectors.astype(np.float32)
    scale = int8_scale(vectors)
    np.testing.assert_allclose(scale[:5], np.abs(vectors).max(axis=0)[:5] / 127, rtol=1e-6)
    back = unstored(stored(vectors, "int8", scale), scale)
    assert (np.abs(back - vectors) <= scale / 2 * 1.0001).all()
    assert not back[:, 5].any()


def test_float16_beyond_its_range_is_not_infinite() -> None:
    big = np.array([[1e6, -1e6, 1.0]], np.float32)
    codes = stored(big, "float16", np.ones(3, np.float32))
    np.testing.assert_array_equal(codes, np.array([[65504, -65504, 1]], np.float16))


@pytest.mark.parametrize("texts", [0, 1])
@pytest.mark.parametrize("method", ["none", "pca", "truncate"])
def test_too_few_texts_to_measure(method: str, texts: int) -> None:
    present = np.arange(4) < texts
    features = TextFeatures(
        np.where(present[:, None], np.float32(0.5), np.float32(0)) * np.ones((4, 3), np.float32), present
    )
    result = done(features, method=method)
    assert np.isnan(result.loss.neighbour_overlap)
    assert np.isnan(result.loss.variance_kept)
    assert result.loss.as_record()["neighbour_overlap"] is None
    assert result.loss.dimension == 3


def test_samples_of_many_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample tells about what all texts would, and differs with the seed alone."""
    features = made(n=3000)
    whole = done(features, method="pca", dimension=6).loss
    monkeypatch.setattr(reduce_loss, "_CANDIDATES", 1500)
    monkeypatch.setattr(reduce_loss, "_QUERIES", 400)
    monkeypatch.setattr(reduce_loss, "_FITTED", 1000)
    some, again, other = (done(features, method="pca", dimension=6, seed=seed).loss for seed in (1, 1, 2))
    assert some == again
    assert some != other
    assert some.candidates == 1500
    assert some.variance_kept == pytest.approx(whole.variance_kept, abs=0.03)


def test_more_dimensions_than_there_are() -> None:
    with pytest.raises(ConfigError, match="`dimension: 13` is more than the 12"):
        done(made(), method="pca", dimension=13)
    with pytest.raises(ValidationError, match="keeps all dimensions"):
        ReduceConfig(method="none", dimension=3)


@pytest.mark.parametrize("wrong", ["lacking", "shape", "type"])
def test_arrays_that_are_something_else(wrong: str) -> None:
    arrays = done(made(), method="pca", dimension=4).arrays()
    if wrong == "lacking":
        del arrays["present"]
    elif wrong == "shape":
        arrays["scale"] = arrays["scale"][:2]
    else:
        arrays["codes"] = arrays["codes"].astype(np.float64)
    with pytest.raises(DataError, match="no reduction of text vectors"):
        Reduction.from_arrays(arrays)
