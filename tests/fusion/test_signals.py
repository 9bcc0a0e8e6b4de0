"""The contract that every signal keeps: each of the registry, made by its recipe on the same small world."""

from __future__ import annotations

import json
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from plait.fusion.config import Config
from plait.fusion.signals.graph_signal import GraphSignal
from plait.fusion.signals.material import Material
from plait.fusion.signals.popularity import Popularity
from plait.fusion.signals.registry import KINDS, ORDER, RECIPES
from plait.fusion.signals.signal import Audience, Signal
from plait.fusion.signals.text_signal import TextSignal
from plait.gnn import Embeddings
from plait.kg import IdMap, Interactions, ItemGraph
from plait.text.features import TextFeatures

N_USERS, N_ITEMS, N_ENTITIES, DIMENSION = 13, 7, 4, 5


def interactions() -> Interactions:
    rng = np.random.default_rng(3)
    users, items = (IdMap([f"{kind}{n}" for n in range(size)]) for kind, size in (("u", N_USERS), ("i", N_ITEMS)))
    log = rng.integers(0, N_USERS - 1, 40), rng.integers(0, N_ITEMS, 40)
    return Interactions.sorted(users, items, *log, time=86_400.0 * rng.permutation(40))


def _graph() -> ItemGraph:
    """Every item but the last has an entity."""
    names = pa.array([f"e{n}" for n in range(N_ENTITIES)], type=pa.large_string())
    head = np.arange(N_ITEMS - 1, dtype=np.int32)
    relation, tail = head % 2, (N_ITEMS + head % N_ENTITIES).astype(np.int32)
    missing = pa.nulls(N_ITEMS, pa.large_string())
    return ItemGraph(interactions().items, IdMap(names), ("r", "s"), head, relation, tail, names, names, missing)


def _gnn() -> GraphSignal:
    rng = np.random.default_rng(4)
    rows = [rng.normal(size=(n, DIMENSION)).astype(np.float32) for n in (N_USERS, N_ITEMS, N_ITEMS, N_ENTITIES)]
    return GraphSignal(Embeddings(*rows, bias=rng.normal(size=N_ITEMS).astype(np.float32), temperature=0.3))


def _texts(rng: np.random.Generator, n: int, missing: int) -> TextFeatures:
    vectors = (rng.normal(size=(n, 9)) + 3).astype(np.float32)
    vectors[missing] = 0
    return TextFeatures(vectors, np.arange(n) != missing)


def _text() -> TextSignal:
    """Texts of all items but one, and of some users."""
    rng = np.random.default_rng(6)
    signal = TextSignal.fit(_texts(rng, N_ITEMS, 2), _texts(rng, N_USERS, 5))
    assert signal is not None
    return signal


SMALL: dict[str, dict[str, Any]] = {
    "ease": {"l2": [3]},
    "sparse_ease": {"l2": [3]},
    "ials": {"dimension": [4]},
    "factors": {"dimension": [4]},
    "sequence": {"dimension": 8, "batch_size": 8, "negatives": 3},
}
"""What a world of seven items wants otherwise than a shop."""


def _fitted(name: str) -> Signal:
    """By the recipe of the registry."""
    recipe = next(a for a in get_args(Config.model_fields[name].annotation) if a is not type(None))
    texts = _texts(np.random.default_rng(6), N_ITEMS, 2)
    material = Material(interactions(), _graph(), texts, seed=1)
    made = recipe.model_validate(SMALL.get(name, {}))
    setting = {"epochs": 2} if hasattr(made, "train") else made.choices()[0]
    signal: Signal = made.fit(material, setting)
    return signal


@pytest.fixture(params=ORDER, scope="module")
def signal(request: pytest.FixtureRequest) -> Signal:
    name: str = request.param
    if name in RECIPES:
        made = _fitted(name)
    else:
        made = {"popularity": lambda: Popularity.fit(interactions()), "gnn": _gnn, "text": _text}[name]()
    assert made.kind == name
    return made


def test_the_registry_names_every_signal_once() -> None:
    """A section for each recipe, null or not, and a class for each kind a model may be saved with."""
    assert len(set(ORDER)) == len(ORDER)
    assert set(ORDER) == set(KINDS) == {*RECIPES, "popularity", "text", "gnn"}
    assert {name for name in Config.model_fields if name in KINDS} == {*RECIPES, "text", "gnn"}
    assert all(kind.kind == name for name, kind in KINDS.items())


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "sequence"])
def test_choices_are_the_same_on_every_call_and_ready_for_json(name: str) -> None:
    recipe = next(a for a in get_args(Config.model_fields[name].annotation) if a is not type(None))()
    choices = recipe.choices()
    assert len(choices) >= 1
    assert recipe.choices() == choices
    assert json.loads(json.dumps(choices)) == [dict(choice) for choice in choices]
    assert len({json.dumps(choice, sort_keys=True) for choice in choices}) == len(choices)


@pytest.fixture
def audience() -> Audience:
    """Known users in no order and twice, strangers, histories longer than known, none at all, and of everything."""
    history = interactions().steps().toarray()[[5, 0, 0, 8, 3, 2]].astype(np.float32)
    history[2] = 0
    history[3] = np.arange(1, N_ITEMS + 1)
    return Audience(np.array([5, 0, 0, -1, 11, -1]), sp.csr_array(history))


def test_scores_are_finite_float32_of_the_right_shape(signal: Signal, audience: Audience) -> None:
    scores = signal.score(audience)
    assert scores.shape == (6, N_ITEMS)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert np.unique(scores[0]).size > 1


def test_it_is_a_signal(signal: Signal) -> None:
    assert isinstance(signal, Signal)


def test_permuted_users_have_permuted_scores(signal: Signal, audience: Audience) -> None:
    order = np.array([4, 2, 0, 5, 1, 3])
    moved = Audience(audience.numbers[order], sp.csr_array(audience.steps[order]))
    assert signal.score(moved) == pytest.approx(signal.score(audience)[order], abs=1e-5)


def test_a_batch_gives_what_its_users_give_one_by_one(signal: Signal, audience: Audience) -> None:
    rows = [slice(row, row + 1) for row in range(len(audience))]
    one_by_one = [signal.score(Audience(audience.numbers[r], sp.csr_array(audience.steps[r]))) for r in rows]
    assert signal.score(audience) == pytest.approx(np.concatenate(one_by_one), abs=1e-6)


def test_no_users_have_no_scores(signal: Signal) -> None:
    nobody = Audience(np.empty(0, dtype=np.int64), sp.csr_array((0, N_ITEMS), dtype=np.float32))
    assert signal.score(nobody).shape == (0, N_ITEMS)


def test_arrays_make_the_same_signal_again(signal: Signal, audience: Audience) -> None:
    arrays = {name: np.array(array) for name, array in signal.arrays().items()}
    again = type(signal).from_arrays(arrays)
    assert (again.score(audience) == signal.score(audience)).all()
    assert {name: array.dtype for name, array in again.arrays().items()} == {n: a.dtype for n, a in arrays.items()}


def test_scoring_changes_neither_the_signal_nor_the_audience(signal: Signal, audience: Audience) -> None:
    before = {name: array.copy() for name, array in signal.arrays().items()}
    history, steps = audience.history.toarray(), audience.steps.toarray()
    signal.score(audience)
    assert all((before[name] == array).all() for name, array in signal.arrays().items())
    assert (audience.history.toarray() == history).all()
    assert (audience.steps.toarray() == steps).all()


def test_a_stranger_without_history_is_answered(signal: Signal) -> None:
    stranger = Audience(np.array([-1]), sp.csr_array((1, N_ITEMS), dtype=np.float32))
    arrays, scores = signal.arrays(), signal.score(stranger)[0]
    expected = {
        "popularity": lambda: np.log1p(arrays["counts"]),
        "ease": lambda: np.zeros(N_ITEMS),
        "gnn": lambda: arrays["bias"],
        "text": lambda: np.zeros(N_ITEMS),
    }
    assert np.isfinite(scores).all()
    if signal.kind in expected:
        assert scores == pytest.approx(expected[signal.kind]())


def test_a_stranger_is_not_the_last_user() -> None:
    history = sp.csr_array(interactions().matrix()[:1])
    scores = [_gnn().score(Audience(np.array([number]), history)) for number in (-1, N_USERS - 1)]
    assert not np.allclose(*scores)


def test_popularity_counts_users_not_interactions() -> None:
    users, items = IdMap(["a", "b", "c"]), IdMap(["x", "y", "z", "w"])
    log = Interactions.sorted(users, items, np.array([0, 0, 1, 2, 1]), np.array([0, 0, 0, 0, 2]))
    counts = Popularity.fit(log).counts
    assert counts.tolist() == [3, 0, 1, 0]
    scores = Popularity(counts).score(Audience(np.array([-1]), sp.csr_array((1, 4), dtype=np.float32)))
    assert scores[0] == pytest.approx([np.log(4), 0, np.log(2), 0])


def test_numbers_and_histories_must_be_of_the_same_users() -> None:
    with pytest.raises(ValueError, match="2 users, and histories of 3"):
        Audience(np.array([0, 1]), sp.csr_array((3, N_ITEMS), dtype=np.float32))
