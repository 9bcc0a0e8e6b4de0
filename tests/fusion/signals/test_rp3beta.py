"""RP3beta against walks followed one by one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from plait.fusion.signals.rp3beta import Rp3Beta, Rp3BetaConfig
from plait.fusion.signals.signal import Audience

N_USERS, N_ITEMS, N_ENTITIES = 17, 9, 5


def at_random(shape: tuple[int, int], seed: int, share: float = 0.3) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random(shape) < share).astype(np.float32))


@pytest.mark.parametrize(("alpha", "beta", "a"), [(1, 0, 0), (0.4, 0.7, 0), (0.6, 0.3, 0.5)])
def test_against_walks_one_by_one(alpha: float, beta: float, a: float) -> None:
    history, entities = at_random((N_USERS, N_ITEMS), 1), at_random((N_ITEMS, N_ENTITIES), 2)
    rows = np.vstack([history.toarray(), entities.toarray().T]) if a else history.toarray()
    counts = [1.0] * N_USERS + [a] * (len(rows) - N_USERS)
    degree = [sum(c * row[i] for c, row in zip(counts, rows, strict=True)) for i in range(N_ITEMS)]
    expected = np.zeros((N_ITEMS, N_ITEMS))
    for count, row in zip(counts, rows, strict=True):
        for i in np.flatnonzero(row):
            for j in np.flatnonzero(row):
                if i != j:
                    expected[i, j] += count * (1 / degree[i]) ** alpha * (1 / row.sum()) ** alpha / degree[j] ** beta
    made = Rp3Beta.fit(history, entities, alpha=alpha, beta=beta, neighbours=100, entity_weight=a)
    assert made.walks.toarray() == pytest.approx(expected, rel=1e-4)


def test_at_alpha_1_and_beta_0_what_leaves_and_comes_back_sums_to_1() -> None:
    # The walk is a probability; what returns to its own item has been taken out.
    history = at_random((N_USERS, N_ITEMS), 3)
    dense = history.toarray()
    back = [sum(row[i] / dense[:, i].sum() / row.sum() for row in dense if row.sum()) for i in range(N_ITEMS)]
    made = Rp3Beta.fit(history, sp.csr_array((N_ITEMS, 0), dtype=np.float32), alpha=1, beta=0, neighbours=100)
    assert made.walks.sum(axis=1) + back == pytest.approx(1)


def test_empty_histories_items_without_users_and_a_round_trip() -> None:
    history = sp.csr_array(at_random((N_USERS, N_ITEMS), 1) * (np.arange(N_ITEMS) != 4))
    history.eliminate_zeros()
    made = Rp3Beta.fit(history, sp.csr_array((N_ITEMS, 0), dtype=np.float32), neighbours=3)
    steps = sp.csr_array(
        np.array([[0, 1, 0, 2, 0, 0, 0, 0, 0], [0] * 9, [0, 0, 0, 0, 1, 0, 0, 0, 0]], dtype=np.float32)
    )
    audience = Audience(np.array([0, -1, -1]), steps)
    scores = made.score(audience)
    assert scores[0].any() and (scores[1:] == 0).all()
    assert (Rp3Beta.from_arrays(made.arrays()).score(audience) == scores).all()


@pytest.mark.parametrize("seed", range(3))
def test_other_numbers_change_nothing_else(seed: int) -> None:
    history, entities = at_random((N_USERS, N_ITEMS), seed), at_random((N_ITEMS, N_ENTITIES), seed + 5)
    rng = np.random.default_rng(seed)
    users, items = rng.permutation(N_USERS), rng.permutation(N_ITEMS)
    before = Rp3Beta.fit(history, entities, entity_weight=0.4).walks.toarray()
    after = Rp3Beta.fit(history[users][:, items], entities[items], entity_weight=0.4).walks.toarray()
    assert after == pytest.approx(before[np.ix_(items, items)], rel=1e-4)


def test_choices_and_wrong_ones() -> None:
    choices = Rp3BetaConfig(alpha=(0.1, 0.2), beta=(3,), entity_weight=(0,), neighbours=(7, 8)).choices()
    assert [(c["alpha"], c["neighbours"]) for c in choices] == [(0.1, 7), (0.1, 8), (0.2, 7), (0.2, 8)]
    for wrong in ({"alpha": (-1,)}, {"beta": ()}, {"neighbours": (0,)}, {"gamma": (1,)}):
        with pytest.raises(ValidationError):
            Rp3BetaConfig.model_validate(wrong)
