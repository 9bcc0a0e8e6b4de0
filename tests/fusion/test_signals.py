"""The contract that every signal keeps."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.signals.ease import Ease
from plait.fusion.signals.graph_signal import GraphSignal
from plait.fusion.signals.popularity import Popularity
from plait.fusion.signals.signal import Audience, Signal
from plait.fusion.signals.text_signal import TextSignal
from plait.gnn import Embeddings
from plait.kg import IdMap, Interactions
from plait.text.features import TextFeatures

N_USERS, N_ITEMS, N_ENTITIES, DIMENSION = 13, 7, 4, 5


def interactions() -> Interactions:
    rng = np.random.default_rng(3)
    users, items = (IdMap([f"{kind}{n}" for n in range(size)]) for kind, size in (("u", N_USERS), ("i", N_ITEMS)))
    return Interactions.sorted(users, items, rng.integers(0, N_USERS - 1, 40), rng.integers(0, N_ITEMS, 40))


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


@pytest.fixture(params=["popularity", "ease", "gnn", "text"])
def signal(request: pytest.FixtureRequest) -> Signal:
    made: dict[str, Signal] = {
        "popularity": Popularity.fit(interactions()),
        "ease": Ease.fit(interactions().matrix(), l2=3),
        "gnn": _gnn(),
        "text": _text(),
    }
    assert {name: made[name].kind for name in made} == {name: name for name in made}
    return made[request.param]


@pytest.fixture
def audience() -> Audience:
    """Known users in no order and twice, strangers, histories longer than known, none at all, and of everything."""
    history = interactions().matrix().toarray()[[5, 0, 0, 8, 3, 2]]
    history[2] = 0
    history[3] = 1
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
    moved = Audience(audience.numbers[order], sp.csr_array(audience.history[order]))
    assert signal.score(moved) == pytest.approx(signal.score(audience)[order], abs=1e-6)


def test_a_batch_gives_what_its_users_give_one_by_one(signal: Signal, audience: Audience) -> None:
    rows = [slice(row, row + 1) for row in range(len(audience))]
    one_by_one = [signal.score(Audience(audience.numbers[r], sp.csr_array(audience.history[r]))) for r in rows]
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
    history = audience.history.toarray()
    signal.score(audience)
    assert all((before[name] == array).all() for name, array in signal.arrays().items())
    assert (audience.history.toarray() == history).all()


def test_a_stranger_without_history_is_answered(signal: Signal) -> None:
    stranger = Audience(np.array([-1]), sp.csr_array((1, N_ITEMS), dtype=np.float32))
    arrays, scores = signal.arrays(), signal.score(stranger)[0]
    expected = {
        "popularity": lambda: np.log1p(arrays["counts"]),
        "ease": lambda: np.zeros(N_ITEMS),
        "gnn": lambda: arrays["bias"],
        "text": lambda: np.zeros(N_ITEMS),
    }
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
