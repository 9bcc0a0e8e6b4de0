"""The light net: mean of the layers, and where text enters."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.gnn import GnnConfig, UnifiedGraph
from plait.gnn.nets import LightNet, NodeText
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

CONFIG = GnnConfig(dimension=5, layers=2)


def net_of(world: World, text: NodeText | None, config: GnnConfig = CONFIG, seed: int = 3) -> LightNet:
    unified = UnifiedGraph.build(world.interactions, world.graph)
    return LightNet(unified, config, text, torch.Generator().manual_seed(seed))


def told(net: LightNet) -> Tensor:
    """What text adds to items and entities."""
    return (net.inputs() - own_part(net))[net.n_users :].detach()


def own_part(net: LightNet) -> Tensor:
    """The trainable embeddings of the nodes that may have one."""
    return net.embedding * net.get_buffer("met")


def some_text(world: World, width: int = 8) -> NodeText:
    """Text vectors with a large common part, as language models give, and no text at node 1."""
    generator = torch.Generator().manual_seed(9)
    text = torch.randn(world.n_items + world.n_entities, width, generator=generator) * torch.linspace(3, 0.1, width) + 7
    text[1] = 0
    return NodeText(text, torch.arange(len(text)) != 1)


def test_mean_of_three_layers_by_hand(four_nodes: World) -> None:
    unified = UnifiedGraph.build(four_nodes.interactions, four_nodes.graph)
    net = net_of(four_nodes, None)
    with torch.no_grad():
        net.relation_weight.copy_(torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0]))
    own = torch.zeros(4, 2)
    own[0] = torch.tensor([1.0, 0.0])
    own[2] = torch.tensor([0.0, 4.0])
    out = net(Propagation.on(unified, torch.device("cpu")), own)
    # News of the user (first component) and of item 1 (second): there after one step, and after two.
    item_0, entity = [2 / sqrt(2), 0], [0, 13 / sqrt(2) * 4]
    user_2 = [7 / sqrt(2) * item_0[0], 0]
    item_0_2, item_1_2 = [0, 11 / 2 * entity[1]], [0, 5 / sqrt(2) * entity[1]]
    entity_2 = [3 / 2 * item_0[0], 0]
    first, second = np.array([[0, 0], item_0, [0, 0], entity]), np.array([user_2, item_0_2, item_1_2, entity_2])
    assert out.final.detach().numpy() == pytest.approx((own.numpy() + first + second) / 3, rel=1e-6)
    assert out.inner.detach().numpy() == pytest.approx(own.numpy() + first, rel=1e-6)
    assert out.own is own


def test_without_text_the_input_is_the_embedding_alone(four_nodes: World) -> None:
    """Item 1 has no interaction, so nothing of its own either."""
    net = net_of(four_nodes, None)
    inputs = net.inputs().detach()
    assert torch.equal(inputs[[0, 1, 3]], net.embedding.detach()[[0, 1, 3]])
    assert (inputs[2] == 0).all()
    assert {name for name, _ in net.named_parameters()} == {"embedding", "bias", "relation_weight"}


def test_text_is_told_by_items_and_entities_alone(any_world: World) -> None:
    net = net_of(any_world, some_text(any_world))
    added = (net.inputs() - own_part(net)).detach()
    assert (added[: any_world.n_users] == 0).all()
    assert (added[any_world.n_users :].abs().sum(1) > 0).sum() == any_world.n_items + any_world.n_entities - 1


def test_a_node_without_text_stays_without(any_world: World) -> None:
    # The others are centred: were it too, it would stand for "as far from the mean as can be".
    assert (told(net_of(any_world, some_text(any_world)))[1] == 0).all()


@pytest.mark.parametrize("filler", [-40.0, float("nan")])
def test_the_mark_alone_says_what_is_missing(any_world: World, filler: float) -> None:
    """Whatever stands in a row that is marked as missing; and a text whose vector is 0 is a text for all that."""
    text, present = some_text(any_world)
    filled = text.clone()
    filled[1] = filler
    added = told(net_of(any_world, NodeText(filled, present)))
    assert torch.equal(added, told(net_of(any_world, NodeText(text, present))))
    zero = told(net_of(any_world, NodeText(text, torch.ones(len(text), dtype=torch.bool))))
    assert (zero[1] != 0).any()


def test_projected_text_keeps_what_distances_five_axes_can(any_world: World) -> None:
    text, present = some_text(any_world)
    rows = text[present] - text[present].mean(0)
    # A second implementation by singular values; signs of axes are free, so inner products are compared.
    u, s, _ = torch.linalg.svd(rows, full_matrices=False)
    best = u[:, :5] * s[:5]
    projected = told(net_of(any_world, NodeText(text, present)))[present]
    scale = 0.1 / best.square().mean().sqrt()
    assert torch.allclose(projected @ projected.T, scale**2 * best @ best.T, atol=1e-5)
    assert float(projected.square().mean().sqrt()) == pytest.approx(0.1, rel=1e-4)


def test_what_all_texts_have_in_common_says_nothing(any_world: World) -> None:
    text = some_text(any_world)
    moved = NodeText(text.vectors + 20, text.present)
    assert torch.allclose(told(net_of(any_world, text)), told(net_of(any_world, moved)), atol=1e-4)


def test_text_narrower_than_the_embedding_leaves_the_rest_empty(any_world: World) -> None:
    added = told(net_of(any_world, some_text(any_world, width=3)))
    assert (added[:, 3:] == 0).all()
    assert (added[2, :3] != 0).all()


@pytest.mark.parametrize("texts", [0, 1])
def test_a_single_text_or_none_adds_nothing(any_world: World, texts: int) -> None:
    text = torch.zeros_like(some_text(any_world).vectors)
    text[:texts] = 3.0
    net = net_of(any_world, NodeText(text, torch.arange(len(text)) < texts))
    assert (told(net) == 0).all()
    assert net.projection is not None
    assert float(net.projection.detach().abs().max()) <= 1


def test_the_seed_alone_decides_the_start(any_world: World) -> None:
    torch.manual_seed(1)
    one = net_of(any_world, some_text(any_world))
    torch.manual_seed(2)
    same, other = net_of(any_world, some_text(any_world)), net_of(any_world, some_text(any_world), seed=4)
    assert torch.equal(one.inputs(), same.inputs())
    assert not torch.equal(one.embedding, other.embedding)
    assert torch.allclose(told(one), told(other), atol=1e-6)


def test_relation_weights_start_at_one_and_learn_only_if_asked(four_nodes: World) -> None:
    fixed = net_of(four_nodes, None, GnnConfig(relation_weights=False))
    assert fixed.relation_weight.tolist() == [1.0] * 6
    assert not fixed.relation_weight.requires_grad
    assert net_of(four_nodes, None).relation_weight.requires_grad
