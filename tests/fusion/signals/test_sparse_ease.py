"""Sparse EASE against the dense one, and against a regression on the neighbours written out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.signals import sparse_ease
from plait.fusion.signals.ease import Ease
from plait.fusion.signals.material import Material
from plait.fusion.signals.signal import Audience
from plait.fusion.signals.sparse_ease import SparseEase, SparseEaseConfig
from plait.kg import ConfigError, IdMap, Interactions, ItemGraph

N_USERS, N_ITEMS, N_ENTITIES = 23, 11, 5


def at_random(shape: tuple[int, int], seed: int, share: float = 0.3) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random(shape) < share).astype(np.float32))


@pytest.fixture
def history() -> sp.csr_array:
    return at_random((N_USERS, N_ITEMS), 0)


@pytest.fixture
def entities() -> sp.csr_array:
    return at_random((N_ITEMS, N_ENTITIES), 1)


@pytest.mark.parametrize(("l2", "a", "dropout"), [(3, 0.5, 0), (1, 0, 0.4), (10, 2, 0.7)])
def test_with_all_items_as_neighbours_it_is_ease(
    history: sp.csr_array, entities: sp.csr_array, l2: float, a: float, dropout: float
) -> None:
    # All items go together, through one user who likes all.
    history = sp.csr_array(sp.vstack([history, np.ones((1, N_ITEMS), dtype=np.float32)]))
    setting = {"l2": l2, "entity_weight": a, "dropout": dropout}
    sparse = SparseEase.fit(history, entities, neighbours=N_ITEMS, **setting).weights.toarray()
    assert sparse == pytest.approx(Ease.fit(history, entities, **setting).weights, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("share", [0.3, 0.09])  # in the second most items have fewer neighbours than there may be
@pytest.mark.parametrize("batch", [1, 50, 2**22])  # of regressions, and of rows that are ranked
def test_each_item_is_regressed_on_its_neighbours(batch: int, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_ease, "BATCH", batch)
    history = at_random((N_USERS, N_ITEMS), 0, share)
    most, l2, dropout = 3, 2.0, 0.25
    gram = history.toarray().T.astype(float) @ history.toarray()
    ridge = np.diag(l2 + dropout / (1 - dropout) * np.diag(gram))
    expected = np.zeros_like(gram)
    for j in range(N_ITEMS):
        cosine = [gram[i, j] / np.sqrt(gram[i, i] + l2) if i != j else 0 for i in range(N_ITEMS)]
        near = sorted((i for i in range(N_ITEMS) if cosine[i] > 0), key=lambda i: (-round(cosine[i], 5), i))[:most]
        expected[near, j] = np.linalg.solve((gram + ridge)[np.ix_(near, near)], gram[near, j])
    fitted = SparseEase.fit(history, l2=l2, dropout=dropout, neighbours=most).weights
    assert fitted.toarray() == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert (np.diff(sp.csc_array(fitted).indptr) <= most).all()


def test_an_item_that_goes_with_none_has_no_weights(history: sp.csr_array) -> None:
    lonely = history.toarray()
    lonely[:, 4] = 0
    weights = SparseEase.fit(sp.csr_array(lonely), l2=1).weights.toarray()
    assert (weights[4] == 0).all() and (weights[:, 4] == 0).all() and np.isfinite(weights).all()
    nothing = SparseEase.fit(sp.csr_array((N_USERS, N_ITEMS), dtype=np.float32), l2=1)
    assert nothing.weights.shape == (N_ITEMS, N_ITEMS) and nothing.weights.nnz == 0


def test_scores_and_arrays_round_trip(history: sp.csr_array) -> None:
    fitted = SparseEase.fit(history, l2=2, neighbours=3)
    audience = Audience(np.arange(N_USERS), history)
    again = SparseEase.from_arrays(fitted.arrays())
    assert (again.score(audience) == fitted.score(audience)).all()
    assert fitted.score(audience) == pytest.approx(history.toarray() @ fitted.weights.toarray(), abs=1e-6)
    assert fitted.score(audience).dtype == np.float32


def material(n_linked: int) -> Material:
    """Six items, of which the first share a brand, and users who like one item each."""
    items, users = IdMap([f"i{n}" for n in range(6)]), IdMap([f"u{n}" for n in range(6)])
    log = Interactions.sorted(users, items, np.arange(6), np.arange(6))
    bare = ItemGraph.without_graph(items)
    graph = ItemGraph(
        items,
        IdMap(["acme"]),
        ("brand",),
        np.arange(n_linked, dtype=np.int32),
        np.zeros(n_linked, dtype=np.int32),
        np.full(n_linked, 6, dtype=np.int32),
        bare.label.slice(0, 0),
        bare.type_name.slice(0, 0),
        bare.item_entity,
    )
    return Material(log, graph)


def test_entities_of_too_many_items_are_left_out() -> None:
    config = SparseEaseConfig(l2=(1,), max_entity_items=4)
    assert config.fit(material(4), config.choices()[0]).weights.nnz == 4 * 3
    assert config.fit(material(5), config.choices()[0]).weights.nnz == 0
    bare = config.without_graph()
    assert bare.fit(material(4), bare.choices()[0]).weights.nnz == 0


def test_too_many_pairs_are_refused_with_the_remedy() -> None:
    config = SparseEaseConfig(l2=(1,), max_pairs=17)  # 4 x 4 of the brand and 2 of items alone are 18
    with pytest.raises(ConfigError, match="sparse_ease: more than 17 pairs of items .* lower max_entity_items"):
        config.fit(material(4), config.choices()[0])
    enough = SparseEaseConfig(l2=(1,), max_pairs=18)
    assert enough.fit(material(4), enough.choices()[0]).weights.nnz == 4 * 3
