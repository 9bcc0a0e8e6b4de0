"""iALS against its loss: each solve is its minimum, each epoch lowers it, and users are folded in as they were trained."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from plait.fusion.signals import ials
from plait.fusion.signals.ials import Ials, IalsConfig
from plait.fusion.signals.recency import Recency
from plait.fusion.signals.signal import Audience

Dense = npt.NDArray[np.float64]
N_USERS, N_ITEMS, N_ENTITIES = 23, 11, 5


def at_random(shape: tuple[int, int], seed: int, share: float = 0.3) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random(shape) < share).astype(np.float32))


def minimum(weights: Dense, items: Dense, unobserved: float, l2: float) -> Dense:
    """Each user's normal equations, written out."""
    found = np.zeros((len(weights), items.shape[1]))
    for user, c in enumerate(weights):
        left = items.T @ np.diag(c + unobserved) @ items
        left += l2 * (c.sum() + unobserved * len(items)) * np.eye(items.shape[1])
        found[user] = np.linalg.solve(left, items.T @ c)
    return found


@pytest.mark.parametrize("dimension", [2, 4, 30])  # more and fewer than a history has items
@pytest.mark.parametrize("block", [1, 1 << 22])
def test_folding_in_solves_the_normal_equations(dimension: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ials, "BLOCK", block)
    items = np.random.default_rng(1).normal(size=(N_ITEMS, dimension)).astype(np.float32)
    steps = at_random((N_USERS, N_ITEMS), 2, 0.5)
    steps.data = np.arange(len(steps.data), dtype=np.float32) % 4 + 1
    audience = Audience(np.full(N_USERS, -1), steps, Recency(3, 2))
    users = minimum(audience.history.toarray().astype(float), items.astype(float), 0.2, 0.05)
    scores = Ials(items, 0.2, 0.05).score(audience)
    assert scores == pytest.approx(users @ items.T.astype(float), rel=1e-3, abs=1e-4)
    assert scores.dtype == np.float32


def test_one_item_and_one_dimension_by_hand() -> None:
    # Factor 2, weight 1, unobserved 0.5, penalty 0.1: x = 2 / (2 * 2 * (1 + 0.5) + 0.1 * (1 + 0.5 * 1)).
    audience = Audience(np.array([-1]), sp.csr_array(np.array([[1.0]], dtype=np.float32)))
    scores = Ials(np.array([[2.0]], dtype=np.float32), 0.5, 0.1).score(audience)
    assert scores == pytest.approx(np.array([[2 * 2 / (4 * 1.5 + 0.1 * 1.5)]]))


def loss(rows: Dense, counts: Dense, items: Dense, unobserved: float, l2: float) -> float:
    """The whole loss, at the users (and entities) that are best for these items."""
    users = minimum(rows, items, unobserved, l2)
    scores = users @ items.T
    per_row = (rows * (1 - scores) ** 2 + unobserved * scores**2).sum(axis=1)
    per_row += l2 * (rows.sum(axis=1) + unobserved * len(items)) * (users**2).sum(axis=1)
    weight = (counts[:, None] * (rows + unobserved)).sum(axis=0)
    return float(counts @ per_row + l2 * (weight * (items**2).sum(axis=1)).sum())


@pytest.mark.parametrize("a", [0, 0.4])
def test_every_epoch_lowers_the_loss_down_to_a_minimum(a: float) -> None:
    history, entities = at_random((N_USERS, N_ITEMS), 4), at_random((N_ITEMS, N_ENTITIES), 5)
    rows = np.vstack([history.toarray(), entities.toarray().T]).astype(float)
    counts = np.concatenate([np.ones(N_USERS), np.full(N_ENTITIES, a)])

    def after(epochs: int) -> tuple[float, Dense]:
        made = Ials.fit(history, entities, dimension=3, unobserved=0.3, l2=0.02, entity_weight=a, epochs=epochs, seed=1)
        items = made.items.astype(float)
        return loss(rows, counts, items, 0.3, 0.02), items

    losses = [after(epochs)[0] for epochs in (1, 2, 3, 5, 10)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] - 0.1
    # After very many turns no small move of the items helps.
    best, items = after(400)
    for seed in range(5):
        moved = items + np.random.default_rng(seed).normal(0, 0.02, items.shape)
        assert loss(rows, counts, moved, 0.3, 0.02) > best


def test_blocks_of_a_market_are_found() -> None:
    # Two kinds of users, each with items of their own; one item of the own kind is missing for the last user.
    history = np.zeros((10, 8), dtype=np.float32)
    history[:5, :4] = history[5:, 4:] = 1
    history[9, 7] = 0
    made = Ials.fit(sp.csr_array(history), sp.csr_array((8, 0), dtype=np.float32), dimension=2, epochs=10)
    scores = made.score(Audience(np.array([9]), sp.csr_array(history[9:])))[0]
    assert scores[7] > 0.5 and (np.abs(scores[:4]) < 0.1).all()


def test_seeds_empty_histories_and_a_round_trip() -> None:
    history = sp.csr_array(at_random((N_USERS, N_ITEMS), 1) * (np.arange(N_ITEMS) != 4))
    history.eliminate_zeros()
    none = sp.csr_array((N_ITEMS, 0), dtype=np.float32)
    made, same, other = (Ials.fit(history, none, dimension=5, epochs=2, seed=seed) for seed in (1, 1, 2))
    assert (made.items == same.items).all() and (made.items != other.items).any()
    assert (made.items[4] == 0).all()
    steps = sp.csr_array(np.eye(3, N_ITEMS, 2, dtype=np.float32))  # the last user knows item 4 alone
    steps = sp.csr_array(sp.vstack([steps, sp.csr_array((1, N_ITEMS), dtype=np.float32)]))
    audience = Audience(np.array([0, 1, -1, -1]), steps)
    scores = made.score(audience)
    assert scores[:2].any() and (scores[2:] == 0).all()
    assert (Ials.from_arrays(made.arrays()).score(audience) == scores).all()


def test_choices_and_wrong_ones() -> None:
    choices = IalsConfig(dimension=(3,), unobserved=(0.1, 0.2), l2=(1, 2), entity_weight=(0,), epochs=7).choices()
    assert [(c["unobserved"], c["l2"]) for c in choices] == [(0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2)]
    assert {c["epochs"] for c in choices} == {7}
    for wrong in ({"l2": (0,)}, {"unobserved": (0,)}, {"dimension": ()}, {"epochs": 0}, {"factors": (1,)}):
        with pytest.raises(ValidationError):
            IalsConfig.model_validate(wrong)
