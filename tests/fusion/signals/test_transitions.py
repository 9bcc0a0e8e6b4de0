"""Transitions against a loop over all pairs of steps, and what each setting means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
from pydantic import ValidationError

from plait.fusion.signals.recency import Recency
from plait.fusion.signals.signal import Audience
from plait.fusion.signals.transitions import Transitions, TransitionsConfig

Dense = npt.NDArray[np.float64]
N_USERS, N_ITEMS, N_ENTITIES = 17, 9, 6


def histories(seed: int) -> list[list[int]]:
    """Items in order of time, of different lengths, one history empty."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(N_ITEMS)[: n % 7].tolist() for n in range(N_USERS)]


def steps_of(sequences: list[list[int]]) -> sp.csr_array:
    dense = np.zeros((len(sequences), N_ITEMS), dtype=np.float32)
    for user, sequence in enumerate(sequences):
        for ago, item in enumerate(reversed(sequence), start=1):
            dense[user, item] = ago
    return sp.csr_array(dense)


def links(seed: int) -> sp.csr_array:
    return sp.csr_array((np.random.default_rng(seed).random((N_ITEMS, N_ENTITIES)) < 0.4).astype(np.float32))


NO_LINKS = sp.csr_array((N_ITEMS, 0), dtype=np.float32)
BARE = {"backward": 0, "shrink": 0, "discount": 0, "graph": 0}


def counted(sequences: list[list[int]], half_life: float, backward: float, window: int) -> Dense:
    total = np.zeros((N_ITEMS, N_ITEMS))
    for sequence in sequences:
        for at, first in enumerate(sequence):
            for apart, second in enumerate(sequence[at + 1 : at + 1 + window], start=1):
                total[first, second] += 2 ** (-(apart - 1) / half_life)
                total[second, first] += backward * 2 ** (-(apart - 1) / half_life)
    return total


@pytest.mark.parametrize(
    ("half_life", "backward", "shrink", "discount", "window"), [(1, 0, 0, 0, 9), (3, 0.4, 5, 0.3, 2), (2, 1, 1, 1, 1)]
)
def test_against_a_loop(half_life: float, backward: float, shrink: float, discount: float, window: int) -> None:
    counts = counted(histories(1), half_life, backward, window)
    expected = np.zeros_like(counts)
    for i in range(N_ITEMS):
        for j in range(N_ITEMS):
            if counts[i, j]:
                expected[i, j] = counts[i, j] / (counts[i].sum() + shrink) / max(1, counts[:, j].sum()) ** discount
    settings = {"half_life": half_life, "backward": backward, "shrink": shrink, "discount": discount}
    made = Transitions.fit(steps_of(histories(1)), links(2), **settings, window=window, graph=0)
    assert made.followers.toarray() == pytest.approx(expected, rel=1e-5)


def test_order_matters() -> None:
    # After item 3 comes 5, never the other way.
    made = Transitions.fit(steps_of([[3, 5], [3, 5], [3, 1]]), NO_LINKS, **BARE)
    scores = made.score(Audience(np.array([-1, -1]), steps_of([[3], [5]])))
    assert scores[0] == pytest.approx([0, 1 / 3, 0, 0, 0, 2 / 3, 0, 0, 0])
    assert (scores[1] == 0).all()


def test_the_last_items_speak_most() -> None:
    made = Transitions.fit(steps_of([[0, 1], [2, 3], [4, 5]]), NO_LINKS, **BARE, recent=2)
    audience = Audience(np.array([-1]), steps_of([[0, 2, 4]]))
    assert made.score(audience)[0, [1, 3, 5]] == pytest.approx([1 / 2, 2**-0.5, 1])
    # Weights of the history count besides: 1 + 3 for the last, 1 + 3/2, 1 + 3/4.
    boosted = made.score(audience.recent(Recency(3, 1)))[0, [1, 3, 5]]
    assert boosted == pytest.approx([(1 + 3 / 4) / 2, (1 + 3 / 2) * 2**-0.5, 4])


def test_the_graph_speaks_for_an_item_nobody_went_on_from() -> None:
    entities = np.zeros((N_ITEMS, N_ENTITIES), dtype=np.float32)
    entities[[6, 7], 0] = 1
    sequences = [[0, 1], [1, 7]]
    alone = Transitions.fit(steps_of(sequences), sp.csr_array(entities), **BARE)
    settings = {**BARE, "graph": 0.25}
    helped = Transitions.fit(steps_of(sequences), sp.csr_array(entities), **settings)
    assert alone.followers.toarray()[6].sum() == 0
    assert helped.followers.toarray()[6] == pytest.approx([0] * 7 + [0.25, 0])
    assert (helped.followers.toarray()[:6] == alone.followers.toarray()[:6]).all()


@pytest.mark.parametrize("seed", range(3))
def test_other_numbers_change_nothing_else(seed: int) -> None:
    steps, entities = steps_of(histories(seed)), links(seed)
    rng = np.random.default_rng(seed)
    users, items = rng.permutation(N_USERS), rng.permutation(N_ITEMS)
    before = Transitions.fit(steps, entities).followers.toarray()
    after = Transitions.fit(sp.csr_array(steps[users][:, items]), sp.csr_array(entities[items])).followers.toarray()
    assert after == pytest.approx(before[np.ix_(items, items)], rel=1e-4, abs=1e-8)


def test_few_neighbours_empty_histories_and_a_round_trip() -> None:
    made = Transitions.fit(steps_of(histories(1)), links(2), neighbours=2, recent=3)
    assert np.diff(made.followers.indptr).max() == 2
    audience = Audience(np.arange(N_USERS), steps_of(histories(4)))
    scores = made.score(audience)
    assert (scores[0] == 0).all() and scores.any() and np.isfinite(scores).all()
    assert (Transitions.from_arrays(made.arrays()).score(audience) == scores).all()


@pytest.mark.parametrize("sequences", [[], [[]], [[4]], [[], [2], [3]]])
def test_without_any_step(sequences: list[list[int]]) -> None:
    steps = steps_of(sequences) if sequences else sp.csr_array((0, N_ITEMS), dtype=np.float32)
    assert Transitions.fit(steps, NO_LINKS).followers.nnz == 0


def test_choices_and_wrong_ones() -> None:
    choices = TransitionsConfig(shrink=(1, 2), graph=(0,), recent=(3, 4), window=5, neighbours=6).choices()
    assert [(c["shrink"], c["recent"]) for c in choices] == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert {(c["window"], c["neighbours"]) for c in choices} == {(5, 6)}
    for wrong in ({"half_life": (0,)}, {"recent": ()}, {"window": 0}, {"graph": (-1,)}, {"decay": (1,)}):
        with pytest.raises(ValidationError):
            TransitionsConfig.model_validate(wrong)
