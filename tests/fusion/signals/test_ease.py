"""EASE against a dense inverse in double precision, and what counts as an entity of an item."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from plait.fusion.signals.ease import Ease, EaseConfig
from plait.fusion.signals.item_entities import item_entities
from plait.fusion.signals.material import Material
from plait.fusion.signals.signal import Audience
from plait.kg import ConfigError, IdMap, Interactions, ItemGraph

Dense = npt.NDArray[np.float64]
Maker = Callable[..., ItemGraph]
N_USERS, N_ITEMS, N_ENTITIES = 23, 9, 5


def at_random(shape: tuple[int, int], seed: int, share: float = 0.3) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random(shape) < share).astype(np.float32))


def slow(history: Dense, entities: Dense, l2: float, a: float, dropout: float = 0) -> Dense:
    gram = history.T @ history + a * entities @ entities.T
    inverse = np.linalg.inv(gram + np.diag(l2 + dropout / (1 - dropout) * np.diag(gram)))
    weights = np.zeros_like(inverse)
    for i in range(len(inverse)):
        for j in range(len(inverse)):
            weights[i, j] = 0 if i == j else -inverse[i, j] / inverse[j, j]
    return weights


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("l2", "a", "dropout"), [(0.5, 0.3, 0), (30, 1, 0.5), (7, 3, 0.9), (2, 0, 0), (2, 0, 0.33)])
def test_against_a_dense_inverse(seed: int, l2: float, a: float, dropout: float) -> None:
    history, entities = at_random((N_USERS, N_ITEMS), seed), at_random((N_ITEMS, N_ENTITIES), seed + 10)
    expected = slow(history.toarray().astype(float), entities.toarray().astype(float), l2, a, dropout)
    weights = Ease.fit(history, entities, l2=l2, entity_weight=a, dropout=dropout).weights
    assert weights == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert (np.diag(weights) == 0).all()
    assert weights.dtype == np.float32 and weights.flags.c_contiguous


def test_two_items_by_hand() -> None:
    # Both items: 2 users; item 0 alone: 1; item 1 alone: 3. Gram matrix with penalty 4: ((3+4, 2), (2, 5+4)).
    history = sp.csr_array(np.array([[1, 1]] * 2 + [[1, 0]] + [[0, 1]] * 3, dtype=np.float32))
    determinant = 7 * 9 - 2 * 2
    p_00, p_11, p_01 = 9 / determinant, 7 / determinant, -2 / determinant
    weights = Ease.fit(history, l2=4).weights
    assert weights == pytest.approx(np.array([[0, -p_01 / p_11], [-p_01 / p_00, 0]]))
    # It is the ridge regression of each item on the other: 2 / (3 + 4) and 2 / (5 + 4).
    assert weights == pytest.approx(np.array([[0, 2 / 7], [2 / 9, 0]]))


def test_dropout_is_least_squares_over_hidden_histories() -> None:
    # What is left of a history is scaled by 1 / (1 - p), so that an item of n users has the second moment n / (1 - p):
    # 3 and 5 users times 3/2. Two users like both items, and the penalty is 4.
    history = sp.csr_array(np.array([[1, 1]] * 2 + [[1, 0]] + [[0, 1]] * 3, dtype=np.float32))
    weights = Ease.fit(history, l2=4, dropout=1 / 3).weights
    assert weights == pytest.approx(np.array([[0, 2 / (3 * 1.5 + 4)], [2 / (5 * 1.5 + 4), 0]]))


def test_entities_are_users_who_like_all_their_items() -> None:
    history, entities = at_random((N_USERS, N_ITEMS), 1), at_random((N_ITEMS, N_ENTITIES), 2)
    stacked = sp.csr_array(sp.vstack([history, entities.T]))
    joined = Ease.fit(history, entities, l2=3, entity_weight=1)
    assert joined.weights == pytest.approx(Ease.fit(stacked, l2=3).weights, abs=1e-6)
    assert not np.allclose(joined.weights, Ease.fit(history, l2=3).weights, atol=1e-3)


def test_no_entities_and_entities_of_weight_0_are_plain_ease() -> None:
    history, entities = at_random((N_USERS, N_ITEMS), 1), at_random((N_ITEMS, N_ENTITIES), 2)
    plain = Ease.fit(history, l2=3).weights
    assert (Ease.fit(history, entities, l2=3, entity_weight=0).weights == plain).all()
    assert (Ease.fit(history, sp.csr_array((N_ITEMS, 0), dtype=np.float32), l2=3).weights == plain).all()


def test_fitting_changes_nothing_it_was_given() -> None:
    history, entities = at_random((N_USERS, N_ITEMS), 1), at_random((N_ITEMS, N_ENTITIES), 2)
    before = history.toarray(), entities.toarray()
    Ease.fit(history, entities, l2=3)
    assert (history.toarray() == before[0]).all() and (entities.toarray() == before[1]).all()


def test_scores_are_sums_of_the_history_items_rows() -> None:
    weights = np.arange(9, dtype=np.float32).reshape(3, 3)
    history = sp.csr_array(np.array([[1, 0, 1], [0, 0, 0]], dtype=np.float32))
    scores = Ease(weights).score(Audience(np.array([0, -1]), history))
    assert (scores == np.array([[0 + 6, 1 + 7, 2 + 8], [0, 0, 0]])).all()


@pytest.mark.parametrize("wrong", [{"entity_weight": -1}, {"dropout": 1}, {"dropout": -0.1}])
def test_other_arguments_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} is {next(iter(wrong.values()))}, expected a number"):
        Ease.fit(at_random((N_USERS, N_ITEMS), 0), l2=1, **wrong)


@pytest.mark.parametrize("l2", [0, -1, -0.001])
def test_a_penalty_that_is_not_positive_is_refused(l2: float) -> None:
    with pytest.raises(ValueError, match=f"l2 is {l2}, expected a number above 0"):
        Ease.fit(at_random((N_USERS, N_ITEMS), 0), l2=l2)


def test_a_matrix_that_cannot_be_inverted_is_refused() -> None:
    # Two users with the same huge catalogue: the penalty drowns in float32.
    history = sp.csr_array(np.ones((50, 40), dtype=np.float32))
    with pytest.raises(ValueError, match="choose a larger ease.l2"):
        Ease.fit(history, l2=1e-9)


@pytest.mark.parametrize(
    "wrong", [{"l2": (0,)}, {"l2": (-1, 3)}, {"l2": ()}, {"entity_weight": (-0.1,)}, {"dropout": (1,)}, {"l3": (1,)}]
)
def test_a_wrong_configuration_is_refused_when_made(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValidationError):
        EaseConfig.model_validate(wrong)


def material(item_graph: Maker) -> Material:
    """Twelve users, five items of which two share a brand."""
    rng = np.random.default_rng(5)
    users, graph = IdMap([f"u{n}" for n in range(12)]), item_graph(5, ["acme"], [(0, "brand", 5), (3, "brand", 5)])
    log = Interactions.sorted(users, graph.items, rng.integers(0, 12, 40), rng.integers(0, 5, 40))
    return Material(log, graph)


def test_each_choice_is_fitted_as_it_says(item_graph: Maker) -> None:
    config = EaseConfig(l2=(2, 5), entity_weight=(3, 0), dropout=(0, 0.5))
    told = material(item_graph)
    choices = config.choices()
    assert len(choices) == 8 and choices == config.choices()
    assert len({tuple(choice.values()) for choice in choices}) == 8
    for choice in choices:
        a = choice["entity_weight"]
        expected = slow(
            told.history.toarray().astype(float), told.entities.toarray(), choice["l2"], a, choice["dropout"]
        )
        assert config.fit(told, choice).weights == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_without_graph_changes_entities_alone() -> None:
    config = EaseConfig(l2=(2, 5), dropout=(0.1,), max_items=7)
    bare = config.without_graph()
    assert {choice["entity_weight"] for choice in bare.choices()} == {0}
    assert len(bare.choices()) == 2
    assert bare.model_copy(update={"entity_weight": config.entity_weight}) == config


def test_what_cannot_be_fitted_is_a_wrong_configuration(item_graph: Maker) -> None:
    setting = {"l2": 1.0, "entity_weight": 1.0, "dropout": 0.0}
    with pytest.raises(ConfigError, match=r"EASE needs a matrix of 5 x 5 items .* raise ease.max_items"):
        EaseConfig(max_items=4).fit(material(item_graph), setting)
    with pytest.raises(ConfigError, match="ease: l2 is -1"):
        EaseConfig().fit(material(item_graph), {**setting, "l2": -1})


def test_entities_of_items_by_hand(item_graph: Maker) -> None:
    # Nodes: items 0 to 3, brand 4, leaf category 5, its parent 6, the parent's parent 7.
    graph = item_graph(
        4,
        ["brand", "leaf", "parent", "root"],
        [
            (0, "brand", 4),
            (4, "made", 1),  # points at the item: counts all the same
            (0, "category", 5),
            (2, "category", 6),
            (5, "narrower_than", 6),
            (6, "narrower_than", 7),
            (3, "also_bought", 2),
        ],
    )
    assert item_entities(graph).toarray().tolist() == [
        # items 0 to 3, then brand, leaf, parent, root
        [0, 0, 0, 0, 1, 1, 1, 0],  # the leaf's parent too, but not the parent's parent
        [0, 0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0, 1, 1],  # bought with item 3
        [0, 0, 1, 0, 0, 0, 0, 0],  # bought with item 2; item 2's category is not its own
    ]


def test_many_ways_to_an_entity_count_once(item_graph: Maker) -> None:
    triples = [(0, "category", 3), (0, "category", 2), (2, "narrower_than", 3), (0, "tag", 3), (3, "example", 0)]
    assert item_entities(item_graph(2, ["leaf", "parent"], triples)).toarray().tolist() == [[0, 0, 1, 1], [0, 0, 0, 0]]


def test_no_graph_has_no_entities(item_graph: Maker) -> None:
    links = item_entities(ItemGraph.without_graph(item_graph(3, [], []).items))
    assert links.shape == (3, 3) and links.nnz == 0
