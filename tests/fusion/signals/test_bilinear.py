"""The bilinear form against minimisation, and items that nobody has met."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.signals.bilinear import Bilinear, BilinearConfig
from plait.fusion.signals.material import Material
from plait.fusion.signals.signal import Audience
from plait.kg import ConfigError, IdMap, Interactions, ItemGraph

N_USERS, N_ITEMS, DIMENSION = 29, 11, 4


def data() -> tuple[sp.csr_array, np.ndarray]:
    rng = np.random.default_rng(0)
    history = (rng.random((N_USERS, N_ITEMS)) < 0.4).astype(np.float32)
    history[:, 3] = 0  # nobody has met item 3
    return sp.csr_array(history), rng.normal(size=(N_ITEMS, DIMENSION)).astype(np.float32)


def test_without_dropout_it_solves_the_ridge_equations() -> None:
    history, content = data()
    l2, item_l2 = 3.0, 0.7
    form = Bilinear.fit(history, content, l2=l2, item_l2=item_l2, dropout=0).form.astype(float)
    together, own = np.zeros((DIMENSION, DIMENSION)), np.zeros((DIMENSION, DIMENSION))
    for row in history.toarray().astype(float):
        items = np.flatnonzero(row)
        for i in items:
            for j in items:  # each pair of a user's items counts by the square root of the history's length
                pair = np.outer(content[i], content[j]) / np.sqrt(len(items))
                together += pair
                own += pair * (i == j)
    met = np.delete(content, 3, axis=0).astype(float)
    left = (together + l2 * np.eye(DIMENSION)) @ form @ (met.T @ met + item_l2 * np.eye(DIMENSION))
    assert left == pytest.approx(together - own, rel=1e-3, abs=1e-3)


def test_with_nearly_all_hidden_each_item_tells_by_itself() -> None:
    history, content = data()
    form = Bilinear.fit(history, content, l2=1, item_l2=1, dropout=0.999999).form
    counts = (history.toarray() / np.maximum(history.toarray().sum(axis=1, keepdims=True), 1) ** 0.5).sum(axis=0)
    scaled = history.toarray() / np.maximum(history.toarray().sum(axis=1, keepdims=True), 1) ** 0.25
    own = content.T @ (counts[:, None] * content)
    cross = (scaled @ content).T @ (scaled @ content) - own
    met = np.delete(content, 3, axis=0)
    unit = np.eye(DIMENSION)
    assert form == pytest.approx(np.linalg.inv(own + unit) @ cross @ np.linalg.inv(met.T @ met + unit), abs=1e-4)


def test_scores_by_hand() -> None:
    content = np.array([[1, 0], [0, 2], [3, 0]], dtype=np.float32)
    form = np.array([[0, 1], [0.5, 0]], dtype=np.float32)
    history = sp.csr_array(np.array([[2, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=np.float32))
    scores = Bilinear(content, form).score(Audience(np.array([0, -1, 1]), history))
    # Histories as content, all items weighing 1: (1 + 3, 0), (0, 2); by the form: (0, 4), (1, 0).
    assert scores.tolist() == [[0, 8, 0], [1, 0, 3], [0, 0, 0]]
    assert scores.dtype == np.float32


def test_an_item_nobody_met_is_scored_as_one_of_its_kind(item_graph: Callable[..., ItemGraph]) -> None:
    # Cameras 0 to 2 go with films 3 to 5; nobody has met camera 2 and film 5.
    triples = [(i, "category", 6 + (i > 2)) for i in range(6)]
    graph = item_graph(6, ["camera", "film", "brand"], [*triples, (0, "brand", 8), (3, "brand", 8)])
    users = IdMap([f"u{n}" for n in range(20)])
    who = np.repeat(np.arange(20), 2)
    what = np.array([(n % 2, 3 + n // 2 % 2) for n in range(20)]).ravel()
    told = Material(Interactions.sorted(users, graph.items, who, what), graph)
    config = BilinearConfig(l2=(0.1,), item_l2=0.1)
    signal = config.fit(told, config.choices()[0])
    scores = signal.score(Audience(np.array([-1]), sp.csr_array(np.array([[1, 0, 0, 0, 0, 0]], dtype=np.float32))))[0]
    assert scores[5] > scores[2]
    assert scores[5] > 0.5 * scores[4] > 0


def test_nothing_known_of_items_is_refused(item_graph: Callable[..., ItemGraph]) -> None:
    graph = ItemGraph.without_graph(item_graph(3, [], []).items)
    log = Interactions.sorted(IdMap(["u"]), graph.items, np.array([0]), np.array([1]))
    with pytest.raises(ConfigError, match="bilinear: the items have no entities .* give data.graph or text"):
        BilinearConfig().fit(Material(log, graph), BilinearConfig().choices()[0])


def test_choices_and_round_trip() -> None:
    config = BilinearConfig(dimension=(8, 4), l2=(1, 2, 3))
    assert len(config.choices()) == 6 and config.choices() == config.choices()
    history, content = data()
    signal = Bilinear.fit(history, content, l2=3)
    audience = Audience(np.arange(N_USERS), history)
    assert (Bilinear.from_arrays(signal.arrays()).score(audience) == signal.score(audience)).all()
