"""Item-kNN against a double loop over items, by hand, and under a change of names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from plait.fusion.signals.item_knn import Comparison, ItemKnn, ItemKnnConfig, Weighting
from plait.fusion.signals.signal import Audience

Dense = npt.NDArray[np.float64]
N_USERS, N_ITEMS, N_ENTITIES = 23, 9, 5
ALL = 1000


def at_random(shape: tuple[int, int], seed: int, share: float = 0.3) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random(shape) < share).astype(np.float32))


def slow(
    history: Dense, entities: Dense, kind: Comparison, alpha: float, weighting: Weighting, shrink: float, a: float
) -> Dense:
    """One pair of items at a time, by weighted vectors."""
    rows = np.vstack([history, entities.T]) if a else history
    counts = np.concatenate([np.ones(len(history)), np.full(len(rows) - len(history), a)])
    n = rows.shape[1]
    vectors = rows * np.sqrt(counts)[:, None]
    if weighting != "none":
        vectors = vectors * np.array([max(0.0, np.log(n / (1 + row.sum()))) for row in rows])[:, None]
    if weighting == "bm25":
        length = rows.sum(axis=0)
        vectors = vectors * (1.2 + 1) / (1.2 * (1 - 0.75 + 0.75 * length / length.mean()) + 1)
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            common = vectors[:, i] @ vectors[:, j]
            mine, other = vectors[:, i] @ vectors[:, i], vectors[:, j] @ vectors[:, j]
            if i == j or common == 0:
                continue
            below = {
                "cosine": mine**alpha * other ** (1 - alpha),
                "dice": alpha * mine + (1 - alpha) * other,
                "jaccard": mine + other - common,
            }
            result[i, j] = common / (below[kind] + shrink)
    return result


@pytest.mark.parametrize("kind", ["cosine", "dice", "jaccard"])
@pytest.mark.parametrize("weighting", ["none", "tfidf", "bm25"])
@pytest.mark.parametrize(("alpha", "shrink", "a"), [(0.5, 0, 0), (0.2, 3, 0.7)])
def test_against_a_double_loop(kind: Comparison, weighting: Weighting, alpha: float, shrink: float, a: float) -> None:
    history, entities = at_random((N_USERS, N_ITEMS), 1), at_random((N_ITEMS, N_ENTITIES), 2)
    expected = slow(history.toarray(), entities.toarray(), kind, alpha, weighting, shrink, a)
    made = ItemKnn.fit(
        history,
        entities,
        similarity=kind,
        alpha=alpha,
        weighting=weighting,
        shrink=shrink,
        neighbours=ALL,
        entity_weight=a,
    )
    assert made.neighbours.toarray() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_two_items_by_hand() -> None:
    # Both: 2 users; item 0 alone: 1; item 1 alone: 3; a third item nobody likes.
    rows = [[1, 1, 0]] * 2 + [[1, 0, 0]] + [[0, 1, 0]] * 3
    history, none = sp.csr_array(np.array(rows, dtype=np.float32)), sp.csr_array((3, 4), dtype=np.float32)
    made = ItemKnn.fit(history, none, alpha=0.5, weighting="none", shrink=1, entity_weight=0.3)
    value = 2 / (3**0.5 * 5**0.5 + 1)
    assert made.neighbours.toarray() == pytest.approx(np.array([[0, value, 0], [value, 0, 0], [0, 0, 0]]))


def test_scores_add_up_and_nobody_gets_nan() -> None:
    history = at_random((N_USERS, N_ITEMS), 3)
    history = sp.csr_array(history * (np.arange(N_ITEMS) != 4))  # item 4 has no interactions
    history.eliminate_zeros()
    made = ItemKnn.fit(history, sp.csr_array((N_ITEMS, 0), dtype=np.float32), neighbours=3)
    steps = sp.csr_array(
        np.array([[0, 1, 0, 2, 0, 0, 0, 0, 0], [0] * 9, [0, 0, 0, 0, 1, 0, 0, 0, 0]], dtype=np.float32)
    )
    scores = made.score(Audience(np.array([0, -1, -1]), steps))
    rows = made.neighbours.toarray()
    assert scores.dtype == np.float32 and scores[0] == pytest.approx(rows[1] + rows[3])
    assert (scores[1:] == 0).all()
    assert np.diff(made.neighbours.indptr).max() == 3


@pytest.mark.parametrize("seed", range(3))
def test_other_numbers_for_users_and_items_change_nothing_else(seed: int) -> None:
    history, entities = at_random((N_USERS, N_ITEMS), seed), at_random((N_ITEMS, N_ENTITIES), seed + 5)
    rng = np.random.default_rng(seed)
    users, items = rng.permutation(N_USERS), rng.permutation(N_ITEMS)
    before = ItemKnn.fit(history, entities, shrink=2, entity_weight=0.4).neighbours.toarray()
    after = ItemKnn.fit(history[users][:, items], entities[items], shrink=2, entity_weight=0.4).neighbours.toarray()
    assert after == pytest.approx(before[np.ix_(items, items)], rel=1e-4)


def test_a_user_who_likes_everything_tells_nothing_by_tfidf() -> None:
    history = at_random((N_USERS, N_ITEMS), 4)
    more = sp.csr_array(sp.vstack([history, np.ones((2, N_ITEMS), dtype=np.float32)]))
    none = sp.csr_array((N_ITEMS, 0), dtype=np.float32)
    assert (ItemKnn.fit(more, none).neighbours != ItemKnn.fit(history, none).neighbours).nnz == 0


def test_arrays_round_trip() -> None:
    made = ItemKnn.fit(at_random((N_USERS, N_ITEMS), 1), at_random((N_ITEMS, N_ENTITIES), 2), entity_weight=1)
    audience = Audience(np.arange(N_USERS), at_random((N_USERS, N_ITEMS), 6))
    again = ItemKnn.from_arrays(made.arrays())
    assert (again.score(audience) == made.score(audience)).all() and made.score(audience).any()


def test_choices() -> None:
    config = ItemKnnConfig(similarity=("cosine", "jaccard"), alpha=(0.2, 0.5), shrink=(7,), weighting=("none",))
    kinds = [(c["similarity"], c["alpha"], c["entity_weight"]) for c in config.choices()]
    assert kinds == [
        ("cosine", 0.2, 0.1),
        ("cosine", 0.2, 1),
        ("cosine", 0.5, 0.1),
        ("cosine", 0.5, 1),
        ("jaccard", 0.5, 0.1),
        ("jaccard", 0.5, 1),
    ]


@pytest.mark.parametrize("wrong", [{"alpha": (1.1,)}, {"shrink": ()}, {"neighbours": (0,)}, {"similarity": ("cos",)}])
def test_a_wrong_configuration_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ItemKnnConfig.model_validate(wrong)
