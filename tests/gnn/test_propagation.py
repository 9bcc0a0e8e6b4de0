"""One propagation step: by hand, against a dense second implementation, against PyG; its gradient; its symmetry."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch_geometric.nn import LGConv

from plait.gnn import UnifiedGraph
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

CPU = torch.device("cpu")


def propagation(world: World) -> Propagation:
    return Propagation.on(UnifiedGraph.build(world.interactions, world.graph), CPU)


def inputs(world: World, dimension: int = 3) -> tuple[Tensor, Tensor]:
    """Rows for all nodes, and weights far from 1, some negative."""
    generator = torch.Generator().manual_seed(world.n_nodes)
    x = torch.randn(world.n_nodes, dimension, generator=generator)
    return x, 3 * torch.randn(2 * (1 + world.n_relations), generator=generator)


def dense(world: World, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Row v holds what each node sends to v: edge after edge, straight from the world."""
    degree = np.zeros(world.n_nodes)
    for head, _, tail in world.edges():
        degree[head] += 1
        degree[tail] += 1
    matrix = np.zeros((world.n_nodes, world.n_nodes))
    for head, relation, tail in world.edges():
        norm = 1 / sqrt(degree[head] * degree[tail])
        matrix[tail, head] += weights[relation] * norm
        matrix[head, tail] += weights[relation + 1 + world.n_relations] * norm
    return matrix


def test_one_step_on_four_nodes_by_hand(four_nodes: World) -> None:
    user, item_0, item_1, entity = rows = np.array([[1, -4], [2, 8], [10, 0.5], [6, 3]])
    x = torch.tensor(rows, dtype=torch.float32)
    # Along interaction, r0, r1; then against them.
    out = propagation(four_nodes)(x, torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])).numpy()
    assert out[0] == pytest.approx(7 / sqrt(2) * item_0)
    assert out[1] == pytest.approx(2 / sqrt(2) * user + 11 / sqrt(2 * 2) * entity)
    assert out[2] == pytest.approx(5 / sqrt(2) * entity)
    assert out[3] == pytest.approx(3 / sqrt(2 * 2) * item_0 + 13 / sqrt(2) * item_1)


def test_against_a_dense_second_implementation(any_world: World) -> None:
    x, weights = inputs(any_world)
    expected = dense(any_world, weights.double().numpy()) @ x.double().numpy()
    out = propagation(any_world)(x, weights).numpy()
    assert out == pytest.approx(expected, rel=1e-5, abs=1e-5)
    # The last user and the last entity have no edge.
    assert (out[[any_world.n_users - 1, any_world.n_nodes - 1]] == 0).all()


def test_against_pyg(any_world: World) -> None:
    x, weights = inputs(any_world)
    graph = propagation(any_world)
    expected = LGConv(normalize=True)(x, torch.stack([graph.sender, graph.receiver]))
    assert torch.allclose(graph(x, torch.ones_like(weights)), expected, atol=1e-6)


@pytest.mark.parametrize("learned", [(True, True), (True, False), (False, True)])
def test_gradients(any_world: World, learned: tuple[bool, bool]) -> None:
    graph = propagation(any_world)
    graph = replace(graph, norm=graph.norm.double())
    x, weights = (t.double().requires_grad_(wanted) for t, wanted in zip(inputs(any_world), learned, strict=True))
    assert torch.autograd.gradcheck(graph, (x, weights))


def test_gradients_through_two_steps_are_those_of_the_dense_matrix(any_world: World) -> None:
    x, weights = inputs(any_world)
    x.requires_grad_()
    graph, pull = propagation(any_world), torch.linspace(-1, 2, x.numel()).reshape(x.shape)
    (gradient,) = torch.autograd.grad((graph(graph(x, weights), weights) * pull).sum(), x)
    matrix = dense(any_world, weights.double().numpy())
    assert gradient.numpy() == pytest.approx(matrix.T @ matrix.T @ pull.double().numpy(), rel=1e-4, abs=1e-4)


def test_renumbered_nodes_receive_the_same(any_world: World) -> None:
    x, weights = inputs(any_world)
    before = propagation(any_world)(x, weights)
    rng = np.random.default_rng(5)
    sizes = any_world.n_users, any_world.n_items, any_world.n_entities
    users, items, entities = (rng.permutation(size) for size in sizes)
    nodes = np.concatenate([items, sizes[1] + entities])
    any_world.pairs = [(int(users[u]), int(items[i])) for u, i in reversed(any_world.pairs)]
    any_world.triples = [(int(nodes[h]), r, int(nodes[t])) for h, r, t in reversed(any_world.triples)]
    place = torch.from_numpy(np.concatenate([users, sizes[0] + nodes]))
    moved = torch.empty_like(x)
    moved[place] = x
    assert torch.allclose(propagation(any_world)(moved, weights)[place], before, atol=1e-5)


def test_gradients_of_norms_and_of_a_graph_that_lacks_opposites(any_world: World) -> None:
    whole = propagation(any_world)
    keep = torch.rand(len(whole.sender), generator=torch.Generator().manual_seed(2)) < 0.6
    graph = whole.select(keep)
    assert bool((graph.reverse < 0).any()) and bool((graph.reverse >= 0).any())
    x, weights = (t.double().requires_grad_() for t in inputs(any_world))
    norm = graph.norm.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w, n: replace(graph, norm=n)(x, w), (x, weights, norm))


def test_some_edges_are_the_edges_that_were_kept(any_world: World) -> None:
    whole = propagation(any_world)
    keep = torch.rand(len(whole.sender), generator=torch.Generator().manual_seed(3)) < 0.5
    x, weights = inputs(any_world)
    part = whole.select(keep)
    assert torch.allclose(part(x, weights), whole.scaled(keep.float())(x, weights), atol=1e-6)
    for column in ("sender", "receiver", "relation", "norm"):
        assert torch.equal(getattr(part, column), getattr(whole, column)[keep])
    there = part.reverse >= 0
    assert torch.equal(part.sender[there], part.receiver[part.reverse[there]])
    assert torch.equal(there, keep[whole.reverse[keep]])


def test_edges_left_out_go_both_ways_and_the_rest_makes_up_for_them(any_world: World) -> None:
    whole, generator = propagation(any_world), torch.Generator().manual_seed(4)
    x, weights = inputs(any_world)
    total, draws = torch.zeros(any_world.n_nodes, 3), 1500
    for _ in range(draws):
        part = whole.without_some(0.3, generator)
        assert int(part.reverse.min()) >= 0
        total += part(x, weights)
    assert len(part.sender) < len(whole.sender)
    scale = float(whole(x, weights).abs().max())
    # Five standard deviations of such a mean are about 0.05 of the largest sum.
    assert torch.allclose(total / draws, whole(x, weights), atol=0.08 * scale)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_what_the_cpu_gives(any_world: World) -> None:
    answers = []
    for device in (CPU, torch.device("cuda")):
        graph = Propagation.on(UnifiedGraph.build(any_world.interactions, any_world.graph), device)
        x, weights = (t.to(device).requires_grad_() for t in inputs(any_world))
        out = graph(x, weights)
        pull = torch.linspace(-1, 2, out.numel(), device=device).reshape(out.shape)
        answers.append([out, *torch.autograd.grad((out * pull).sum(), (x, weights))])
    for here, there in zip(*answers, strict=True):
        assert torch.allclose(here, there.cpu(), atol=1e-5)
