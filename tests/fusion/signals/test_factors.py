"""Factors against a full decomposition, and items that few or none have met."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.signals.factors import Factors, FactorsConfig
from plait.fusion.signals.signal import Audience

N_USERS, N_ITEMS = 31, 12


def history_of(seed: int = 0) -> sp.csr_array:
    history = (np.random.default_rng(seed).random((N_USERS, N_ITEMS)) < 0.4).astype(np.float32)
    history[:, 5] = 0  # nobody has met item 5
    return sp.csr_array(history)


def nothing() -> np.ndarray:
    return np.zeros((N_ITEMS, 0), dtype=np.float32)


@pytest.mark.parametrize("power", [0, 0.25, 0.5])
def test_against_a_full_decomposition(power: float) -> None:
    history, size, support = history_of(), 4, 7.0
    dense = history.toarray().astype(float)
    met, lengths = dense.sum(axis=0), np.maximum(dense.sum(axis=1), 1)
    damp = np.maximum(met, 1) ** -power
    directions = np.linalg.svd(lengths[:, None] ** -power * dense * damp)[2][:size]
    users = dense @ (damp[:, None] * directions.T)
    square = users.T @ users
    own = np.linalg.inv(square + 0.1 * np.diag(square).mean() * np.eye(size)) @ users.T @ dense
    expected = users @ (own * met / (met + support))
    signal = Factors.fit(history, nothing(), dimension=size, support=support, normalise=power)
    scores = signal.score(Audience(np.arange(N_USERS), history))
    assert scores == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert scores.dtype == np.float32 and (scores[:, 5] == 0).all()


def test_an_item_nobody_met_has_the_factors_of_its_content() -> None:
    history = history_of().toarray()
    kind = np.arange(N_ITEMS) % 2  # even items go with even ones, odd with odd
    history[:, :] = 0
    for user in range(N_USERS):
        history[user, [i for i in range(N_ITEMS) if i % 2 == user % 2 and (user // 2 + i) % 3]] = 1
    history[:, 5] = 0
    content = np.eye(2, dtype=np.float32)[kind]
    signal = Factors.fit(sp.csr_array(history), content, dimension=2, support=0.001)
    odd = sp.csr_array((np.arange(N_ITEMS) == 1).astype(np.float32)[None])
    scores = signal.score(Audience(np.array([-1]), odd))[0]
    assert scores[5] > 10 * np.abs(scores[kind == 0]).max()
    # Ridge regression with penalty 1 on an indicator: the sum over the five odd items that were met, by 5 + 1.
    assert scores[5] == pytest.approx(scores[[1, 3, 7, 9, 11]].sum() / 6, rel=1e-2)


def test_support_moves_from_content_to_own_factors() -> None:
    history, content = history_of(), np.random.default_rng(1).normal(size=(N_ITEMS, 3)).astype(np.float32)
    alone = Factors.fit(history, nothing(), dimension=3, support=1e-9).item_factors
    trusted = Factors.fit(history, content, dimension=3, support=1e-9).item_factors
    met = np.arange(N_ITEMS) != 5
    assert trusted[met] == pytest.approx(alone[met], abs=1e-5)
    doubted = Factors.fit(history, content, dimension=3, support=1e6).item_factors
    # Then nearly all comes from three numbers of content: a matrix of rank 3, told by content without a rest.
    rest = doubted - content @ np.linalg.lstsq(content, doubted, rcond=None)[0]
    assert np.abs(rest).max() < 0.01 * np.abs(alone).max()


def test_never_more_factors_than_there_can_be() -> None:
    signal = Factors.fit(history_of(), nothing(), dimension=500)
    assert signal.item_factors.shape == signal.history_factors.shape == (N_ITEMS, N_ITEMS - 1)


def test_the_same_every_time_and_after_a_round_trip() -> None:
    history = history_of()
    first, second = (Factors.fit(history, nothing(), dimension=3) for _ in range(2))
    audience = Audience(np.arange(N_USERS), history)
    assert (first.score(audience) == second.score(audience)).all()
    assert (Factors.from_arrays(first.arrays()).score(audience) == first.score(audience)).all()


def test_choices() -> None:
    choices = FactorsConfig(dimension=(8, 4), support=(1, 5)).choices()
    assert choices == [{"dimension": d, "support": s} for d in (4, 8) for s in (1, 5)]


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1)])
def test_one_user_or_one_item(shape: tuple[int, int]) -> None:
    history = sp.csr_array(np.ones(shape, dtype=np.float32))
    signal = Factors.fit(history, np.zeros((shape[1], 0), dtype=np.float32), dimension=4, support=1.0)
    scores = signal.score(Audience(np.arange(shape[0]), history))
    assert scores.shape == shape
    assert (scores > 0).all()
