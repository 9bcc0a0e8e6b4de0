"""Embeddings: a user is a function of the history, and with the history of the training what the net propagated."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
import torch

from plait.fusion.signals.graph_signal import GraphSignal
from plait.gnn import Embeddings, GnnConfig
from plait.gnn.embeddings import joined, unit
from plait.gnn.run import Run as _Run
from plait.text.features import TextFeatures

if TYPE_CHECKING:
    from conftest import World

Matrix = npt.NDArray[np.float32]


def run_of(world: World, layers: int) -> _Run:
    """A net that has learned a little, its relation weights put far from 1."""
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(world.n_items + world.n_entities, 9)).astype(np.float32)
    text = TextFeatures(vectors, np.ones(len(vectors), dtype=bool))
    config = GnnConfig(dimension=5, layers=layers, batch_size=8)
    run = _Run(world.interactions, world.graph, text, config, seed=11, device=torch.device("cpu"))
    run.epoch()
    with torch.no_grad():
        weights = rng.uniform(0.2, 4, len(run.net.relation_weight)) * rng.choice([-1, 1], len(run.net.relation_weight))
        run.net.relation_weight.copy_(torch.from_numpy(weights))
    return run


def propagated(run: _Run) -> Matrix:
    with torch.no_grad():
        final: Matrix = run.net(run.graph, run.net.inputs()).final.numpy()
    return final


def by_hand() -> Embeddings:
    """Two users, three items, one entity in the plane."""
    return Embeddings(
        user_own=np.array([[1, 0], [0, 2]], dtype=np.float32),
        fold=np.array([[0, 4], [3, 0], [1, 1]], dtype=np.float32),
        items=np.array([[3, 4], [0, 0], [-2, 0]], dtype=np.float32),
        entities=np.array([[5, 5]], dtype=np.float32),
        bias=np.array([0.5, 0.25, -1], dtype=np.float32),
        temperature=0.2,
    )


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_with_the_training_history_users_are_what_the_net_propagated(any_world: World, layers: int) -> None:
    run = run_of(any_world, layers)
    history = any_world.interactions.matrix()
    met = np.diff(history.indptr) > 0
    assert 0 < met.sum() < any_world.n_users
    folded = run.embeddings().users(history)
    assert folded[met] == pytest.approx(propagated(run)[: any_world.n_users][met], rel=1e-5, abs=1e-5)


def test_items_and_entities_are_what_the_net_propagated(any_world: World) -> None:
    run = run_of(any_world, 2)
    embeddings, final = run.embeddings(), propagated(run)
    first, last = any_world.n_users, any_world.n_users + any_world.n_items
    assert (embeddings.items == final[first:last]).all()
    assert (embeddings.entities == final[last:]).all()
    met = any_world.interactions.matrix().sum(axis=0) > 0
    assert (embeddings.bias == run.net.bias.detach().numpy())[met].all()
    assert embeddings.temperature == run.config.temperature


def test_a_user_the_training_never_met_is_no_one(any_world: World) -> None:
    """Its number is known, but its random start is noise: it must be folded in like a stranger."""
    embeddings = run_of(any_world, 2).embeddings()
    history = sp.csr_array(any_world.interactions.matrix()[:1])
    never_met = np.array([any_world.n_users - 1])
    assert (embeddings.users(history, never_met) == embeddings.users(history, np.array([-1]))).all()
    assert (embeddings.user_own[never_met] == 0).all()
    assert (embeddings.user_own[:1] != 0).any()


def test_users_by_hand() -> None:
    history = sp.csr_array(np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], dtype=np.float32))
    users = by_hand().users(history, np.array([1, 0, -1]))
    assert users == pytest.approx(
        np.array([[(0 + 1) / sqrt(2), 2 + (4 + 1) / sqrt(2)], [1, 0], [(0 + 3 + 1) / sqrt(3), (4 + 0 + 1) / sqrt(3)]])
    )


def test_users_by_default_are_all_in_order() -> None:
    history = sp.csr_array(np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32))
    assert (by_hand().users(history) == np.array([[1 + 0, 0 + 4], [0 + 3, 2 + 0]])).all()


def test_what_was_learned_is_left_as_it_is() -> None:
    embeddings = by_hand()
    empty = sp.csr_array((2, 3), dtype=np.float32)
    embeddings.users(empty)[:] = 99
    embeddings.users(empty, np.array([0, 1]))[:] = 99
    assert (embeddings.user_own == by_hand().user_own).all()
    assert (embeddings.fold == by_hand().fold).all()


def test_scores_by_hand() -> None:
    scores = by_hand().scores(np.array([[8, 6], [0, 0]], dtype=np.float32))
    # (0.8, 0.6) with (0.6, 0.8), with nothing, with (-1, 0); a user of zeros has the bias alone.
    expected = [[(0.8 * 0.6 + 0.6 * 0.8) / 0.2 + 0.5, 0 + 0.25, -0.8 / 0.2 - 1], [0.5, 0.25, -1]]
    assert scores == pytest.approx(np.array(expected), rel=1e-6)
    assert scores.dtype == np.float32


@pytest.mark.parametrize("length", [0, 1e-45, 1e-30, 1e-13, 1e-3, 1, 1e15])
def test_a_unit_row_is_never_longer_than_1(length: float) -> None:
    row = unit(np.array([[length, 0, 0]], dtype=np.float32))
    assert 0 <= row[0, 0] <= 1
    assert row[0, 0] == pytest.approx(1) or length < 1e-12
    trained = torch.nn.functional.normalize(torch.tensor([[length, 0, 0]], dtype=torch.float32), dim=1)
    assert row == pytest.approx(trained.numpy(), abs=1e-6)


def three_nets() -> list[Embeddings]:
    """Nets of one configuration, in 3 dimensions; one of them knows nothing of item 2."""
    rng = np.random.default_rng(12)
    nets = [
        Embeddings(
            *(rng.normal(size=(n, 3)).astype(np.float32) for n in (4, 6, 6, 5)),
            bias=rng.normal(size=6).astype(np.float32),
            temperature=0.2,
        )
        for _ in range(3)
    ]
    nets[1].items[2] = 0
    return nets


def test_joined_nets_score_by_the_mean_of_their_scores() -> None:
    nets = three_nets()
    whole = joined(nets)
    history = sp.csr_array((np.random.default_rng(1).random((4, 6)) < 0.5).astype(np.float32))
    numbers = np.array([2, -1, 0, 3])
    expected = np.mean([net.scores(net.users(history, numbers)) for net in nets], axis=0)
    assert whole.scores(whole.users(history, numbers)) == pytest.approx(expected, abs=1e-5)
    assert whole.items.shape == (6, 9)
    assert whole.entities.shape == (5, 9)


def test_cosines_of_joined_items_and_entities_are_the_mean_of_the_nets() -> None:
    nets = three_nets()
    whole = joined(nets)
    for rows in ("items", "entities"):
        expected = np.mean([unit(getattr(net, rows)) @ unit(net.items).T for net in nets], axis=0)
        assert getattr(whole, rows) @ whole.items.T == pytest.approx(expected, abs=1e-6)


def test_one_net_joined_is_itself_and_three_alike_score_as_one() -> None:
    net = three_nets()[0]
    assert joined([net]) is net
    history = sp.csr_array(np.eye(4, 6, dtype=np.float32))
    alike = joined([net, net, net])
    assert alike.scores(alike.users(history)) == pytest.approx(net.scores(net.users(history)), abs=1e-5)


def test_joined_nets_are_the_same_when_read_again() -> None:
    whole = joined(three_nets())
    again = GraphSignal.from_arrays({name: np.array(a) for name, a in GraphSignal(whole).arrays().items()}).embeddings
    history = sp.csr_array(np.eye(4, 6, dtype=np.float32))
    assert again.blocks == 3
    assert (again.scores(again.users(history)) == whole.scores(whole.users(history))).all()
