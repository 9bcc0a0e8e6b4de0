"""The inductive net: what came after the training gets an answer from its text and its edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from plait.gnn import GnnConfig, UnifiedGraph
from plait.gnn.nets import GraphNet, NodeText, SageNet
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

MakeNet = Callable[..., GraphNet]
Whole = Callable[["World"], Propagation]


def grown(world: World, edges: list[tuple[int, int]]) -> World:
    """The world with one more item, after the others, of these (relation, entity) and without an interaction."""
    n = world.n_items
    moved = [(h + (h >= n), r, t + (t >= n)) for h, r, t in world.triples]
    added = [(n, r, n + 1 + e) for r, e in edges]
    sizes = (world.n_users, n + 1, world.n_entities)
    return type(world)(sizes, world.n_relations, world.pairs, moved + added)


def text_of(world: World, new: list[float]) -> tuple[NodeText, NodeText]:
    """Texts before and after an item with this text came."""
    before = torch.randn(world.n_items + world.n_entities, 6, generator=torch.Generator().manual_seed(2)) + 4
    present = torch.arange(len(before)) != 1
    n = world.n_items
    after = torch.cat([before[:n], torch.tensor([new]), before[n:]])
    return NodeText(before, present), NodeText(after, torch.cat([present[:n], torch.tensor([True]), present[n:]]))


def on(net: SageNet, world: World, text: NodeText | None) -> SageNet:
    """What a net learned, for another graph."""
    config = GnnConfig(net="sage", dimension=net.counting.shape[1], layers=net.layers)
    return SageNet.learned(UnifiedGraph.build(world.interactions, world.graph), config, text, net.state())


def embedding_of_new(net: SageNet, world: World, text: NodeText, whole: Whole) -> torch.Tensor:
    later = on(net, world, text)
    found: torch.Tensor = later(whole(world), later.inputs()).final[world.n_users + world.n_items - 1]
    return found.detach()


def test_no_parameter_belongs_to_a_node_but_for_the_items_biases(any_world: World, make: MakeNet) -> None:
    more = grown(any_world, [(0, 0), (1, 2)])
    small, large = (dict(make("sage", world).named_parameters()) for world in (any_world, more))
    assert {key for key in small if small[key].shape != large[key].shape} == {"bias"}


def test_an_item_added_later_is_told_by_its_text_and_by_its_edges(
    any_world: World, make: MakeNet, whole: Whole
) -> None:
    before, after = text_of(any_world, [3.0, 5, 4, 4, 1, 7])
    net = make("sage", any_world, before)
    assert isinstance(net, SageNet)
    one = embedding_of_new(net, grown(any_world, [(0, 0)]), after, whole)
    other_edges = embedding_of_new(net, grown(any_world, [(0, 1)]), after, whole)
    other_text = embedding_of_new(net, grown(any_world, [(0, 0)]), text_of(any_world, [9.0, 1, 4, 4, 4, 4])[1], whole)
    assert one.isfinite().all()
    assert (one - other_edges).norm() > 0.01
    assert (one - other_text).norm() > 0.01


def test_it_is_told_as_if_it_had_been_there_from_the_start(any_world: World, make: MakeNet, whole: Whole) -> None:
    """A twin of an item of the training that nobody met has its embedding, and the others keep theirs.

    The new item is joined to nothing, so that nothing else changes.
    """
    last = any_world.n_items - 1
    alone = type(any_world)(
        (any_world.n_users, any_world.n_items, any_world.n_entities),
        any_world.n_relations,
        [p for p in any_world.pairs if p[1] != last],
        [t for t in any_world.triples if last not in (t[0], t[2])],
    )
    before, _ = text_of(alone, [0.0] * 6)
    _, after = text_of(alone, before.vectors[last].tolist())
    net = make("sage", alone, before)
    assert isinstance(net, SageNet)
    more = grown(alone, [])
    found = on(net, more, after)
    now = found(whole(more), found.inputs()).final.detach()
    was = net(whole(alone), net.inputs()).final.detach()
    new = alone.n_users + alone.n_items
    assert torch.allclose(now[new], was[new - 1], atol=1e-6)
    assert now[new].abs().max() > 0.01
    assert torch.allclose(torch.cat([now[:new], now[new + 1 :]]), was, atol=1e-6)
    assert torch.equal(found.bias[:-1], net.bias)
    assert found.bias[-1] == 0


def test_being_met_often_is_no_feature(any_world: World, make: MakeNet) -> None:
    before = make("sage", any_world).inputs()
    any_world.pairs = [*any_world.pairs, (0, 0), (1, 0), (2, 0), (3, 0)]
    assert torch.equal(make("sage", any_world).inputs(), before)


def test_edge_counts_by_hand(four_nodes: World, make: MakeNet) -> None:
    """Relations: interaction, r0, r1, then each against its direction; all counts here are 0 or 1."""
    four_nodes.triples = [*four_nodes.triples, (1, 0, 2)]
    net = make("sage", four_nodes)
    assert isinstance(net, SageNet)
    log2, log3 = np.log([2, 3])
    # item 0 hears from the entity against r0; item 1 along r1 and against r0; the entity along r0 twice, against r1.
    expected = [[0] * 6, [0, 0, 0, 0, log2, 0], [0, 0, log2, 0, log2, 0], [0, log3, 0, 0, 0, log2]]
    assert net.get_buffer("counts").numpy() == pytest.approx(np.array(expected), rel=1e-6)
    assert (net.inputs()[0] == 0).all()


def test_what_does_not_fit_is_refused(any_world: World, make: MakeNet) -> None:
    before, after = text_of(any_world, [0.0] * 6)
    net = make("sage", any_world, before)
    assert isinstance(net, SageNet)
    more = grown(any_world, [])
    later = make("sage", more, after)
    assert isinstance(later, SageNet)
    with pytest.raises(ValueError, match="knows 7 items and 4 relations, the graph has 6 and 4"):
        on(later, any_world, before)
    with pytest.raises(ValueError, match="with texts or without"):
        on(net, more, None)
