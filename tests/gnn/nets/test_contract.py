"""What every net keeps: numbering says nothing, a part with all neighbours tells the same, gradients are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from plait.gnn import Embeddings, GnnConfig, UnifiedGraph
from plait.gnn.nets import GraphNet, NodeText, make_net
from plait.gnn.nets.embedding_net import EmbeddingNet
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

MakeNet = Callable[..., GraphNet]
Whole = Callable[["World"], Propagation]
SomeText = Callable[["World"], NodeText]


def final(net: GraphNet, graph: Propagation) -> Tensor:
    return net(graph, net.inputs(graph.node)).final


def renumbered(world: World) -> tuple[World, Tensor]:
    """The world with users, items and entities numbered anew, each within their kind, and each node's new number."""
    rng = np.random.default_rng(1)
    sizes = (world.n_users, world.n_items, world.n_entities)
    user, item, entity = (rng.permutation(n) for n in sizes)
    node = np.concatenate([item, world.n_items + entity])
    pairs = [(int(user[u]), int(item[i])) for u, i in world.pairs]
    triples = [(int(node[h]), r, int(node[t])) for h, r, t in world.triples]
    other = type(world)(sizes, world.n_relations, pairs, triples)
    return other, torch.from_numpy(np.concatenate([user, world.n_users + node]))


def test_how_nodes_are_numbered_says_nothing(
    name: str, any_world: World, make: MakeNet, whole: Whole, some_text: SomeText
) -> None:
    other_world, number = renumbered(any_world)
    assert not torch.equal(number, torch.arange(len(number)))
    text = some_text(any_world)
    net = make(name, any_world, text)
    back = torch.argsort(number)
    told = number[any_world.n_users :] - any_world.n_users
    moved = NodeText(torch.empty_like(text.vectors), torch.empty_like(text.present))
    moved.vectors[told], moved.present[told] = text.vectors, text.present
    other = make(name, other_world, moved)
    state = {key: value.clone() for key, value in other.state_dict().items()}
    state.update(dict(net.named_parameters()))
    if isinstance(net, EmbeddingNet):
        state["embedding"] = net.embedding[back]
    other.load_state_dict(state)
    found, expected = final(other, whole(other_world))[number], final(net, whole(any_world))
    assert expected.abs().max() > 0.05
    assert torch.allclose(found, expected, atol=1e-5)


def part_of(graph: Propagation, seeds: list[int], layers: int) -> Propagation:
    """The seeds, first, then all nodes within `layers` steps in a mixed order; all edges into those nearer than that.

    The slow way: node by node, edge by edge.
    """
    start, sender = graph.start.tolist(), graph.sender.tolist()
    reached, complete, border = list(seeds), [], list(seeds)
    for _ in range(layers):
        complete += border
        border = [sender[e] for v in border for e in range(start[v], start[v + 1])]
        border = sorted(set(border) - set(reached), key=lambda v: (v * 7) % 5)
        reached += border
    row = {v: n for n, v in enumerate(reached)}
    edges = [e for v in reached if v in complete for e in range(start[v], start[v + 1])]
    counts = [start[v + 1] - start[v] if v in complete else 0 for v in reached]
    place = {e: n for n, e in enumerate(edges)}
    node, kept = torch.tensor(reached), torch.tensor(edges, dtype=torch.long)
    return Propagation(
        torch.tensor([0, *np.cumsum(counts)]),
        torch.tensor([row[sender[e]] for e in edges], dtype=torch.long),
        torch.tensor([row[int(graph.receiver[e])] for e in edges], dtype=torch.long),
        graph.relation[kept],
        graph.norm[kept],
        torch.tensor([place.get(int(graph.reverse[e]), -1) for e in edges], dtype=torch.long),
        node,
        graph.kind[node],
    )


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_part_with_all_neighbours_tells_what_the_whole_tells(
    name: str, kind: int, layers: int, any_world: World, make: MakeNet, whole: Whole, some_text: SomeText
) -> None:
    """Embeddings of the seeds, and their gradients in every parameter."""
    net, graph = make(name, any_world, some_text(any_world), layers=layers), whole(any_world)
    seeds = (graph.kind == kind).nonzero()[:2, 0]
    part = part_of(graph, seeds.tolist(), layers)
    if layers == 1:
        assert len(part.node) < len(graph.node)
    weights = torch.randn(2, 8, generator=torch.Generator().manual_seed(2))
    seen, told = final(net, part)[:2], final(net, graph)[seeds]
    assert torch.allclose(seen, told, atol=1e-6)
    learned = [p for p in net.parameters() if p.requires_grad]
    by_part = torch.autograd.grad((seen * weights).sum(), learned, allow_unused=True)
    by_whole = torch.autograd.grad((told * weights).sum(), learned, allow_unused=True)
    for one, other in zip(by_part, by_whole, strict=True):
        assert torch.allclose(_some(one), _some(other), atol=1e-5)


def _some(gradient: Tensor | None) -> Tensor:
    return torch.zeros(()) if gradient is None else gradient


def test_gradients_are_what_differences_say(
    name: str, make_world: type[World], make: MakeNet, whole: Whole, some_text: SomeText
) -> None:
    world = make_world((2, 3, 2), 2, [(0, 0), (0, 1), (1, 1)], [(0, 0, 3), (1, 0, 3), (2, 1, 4), (3, 1, 4)])
    net = make(name, world, some_text(world), dimension=4).double()
    graph = whole(world)
    graph = Propagation(*(getattr(graph, f).double() if f == "norm" else getattr(graph, f) for f in FIELDS))
    learned = {key: p for key, p in net.named_parameters() if p.requires_grad}

    def out(*values: Tensor) -> Tensor:
        given = dict(zip(learned, values, strict=True))
        return final(_With(net, given), graph)  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(out, tuple(p.detach().requires_grad_() for p in learned.values()), fast_mode=True)


FIELDS = ("start", "sender", "receiver", "relation", "norm", "reverse", "node", "kind")


class _With:
    """A net with other values for its parameters."""

    def __init__(self, net: GraphNet, values: dict[str, Tensor]) -> None:
        self.net, self.values = net, values

    def inputs(self, nodes: Tensor) -> Tensor:
        return functional_call(_Inputs(self.net), {f"net.{k}": v for k, v in self.values.items()}, nodes)

    def __call__(self, graph: Propagation, own: Tensor) -> object:
        return functional_call(self.net, self.values, (graph, own))


class _Inputs(torch.nn.Module):
    def __init__(self, net: GraphNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, nodes: Tensor) -> Tensor:
        return self.net.inputs(nodes)


def test_a_user_is_a_function_of_the_history(
    name: str, any_world: World, make: MakeNet, whole: Whole, some_text: SomeText
) -> None:
    net, graph = make(name, any_world, some_text(any_world), layers=3), whole(any_world)
    out = net(graph, net.inputs())
    read = [part.detach().numpy() for part in net.readout(graph, out)]
    history = any_world.interactions.matrix()
    met = np.diff(history.indptr) > 0
    assert 0 < met.sum() < any_world.n_users
    users = Embeddings(*read, np.zeros(any_world.n_items, np.float32), 1.0).users(history)
    expected = out.final.detach().numpy()
    assert users[met] == pytest.approx(expected[: any_world.n_users][met], rel=1e-4, abs=1e-5)
    last = any_world.n_users + any_world.n_items
    assert (read[2] == expected[any_world.n_users : last]).all()
    assert (read[3] == expected[last:]).all()
    assert (read[0][~met] == 0).all()


def test_nodes_without_edges_and_graphs_without_triples(
    name: str, make_world: type[World], make: MakeNet, whole: Whole, some_text: SomeText
) -> None:
    worlds = [
        make_world((3, 2, 1), 1, [(0, 0)], []),
        make_world((2, 3, 0), 0, [(0, 0), (1, 2)], []),
        make_world((1, 2, 2), 1, [], [(0, 0, 2)]),
    ]
    for world in worlds:
        for text in (None, some_text(world)):
            net = make(name, world, text)
            out = final(net, whole(world))
            assert out.isfinite().all()
            out.square().sum().backward()
            assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_rows_asked_for_are_those_of_the_input_layer(
    name: str, any_world: World, make: MakeNet, some_text: SomeText
) -> None:
    for text in (None, some_text(any_world)):
        net = make(name, any_world, text)
        nodes = torch.randperm(any_world.n_nodes, generator=torch.Generator().manual_seed(1))[:9]
        assert torch.allclose(net.inputs(nodes), net.inputs()[nodes], atol=1e-7)


def test_the_seed_alone_decides_the_start(name: str, any_world: World) -> None:
    graph = UnifiedGraph.build(any_world.interactions, any_world.graph)
    config = GnnConfig(net=name, dimension=8)
    before = torch.random.get_rng_state()
    one, same, other = (make_net(graph, config, None, torch.Generator().manual_seed(n)) for n in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    pairs = list(zip(one.parameters(), same.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_half_precision_tells_about_the_same(
    name: str, any_world: World, make: MakeNet, whole: Whole, some_text: SomeText
) -> None:
    net, graph = make(name, any_world, some_text(any_world)), whole(any_world)
    expected = final(net, graph).detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = final(net, graph).float()
    found.sum().backward()
    assert (found - expected).norm() < 0.05 * expected.norm()


def test_entities_alone_tell_items_apart(name: str, make_world: type[World], whole: Whole) -> None:
    """Users like items of one maker; items 12 and up were met by nobody, and their makers alone say whom they suit.

    The net that reads no graph must know nothing of them, or something leaks.
    """
    rng = np.random.default_rng(0)
    maker = np.arange(18) % 3
    pairs = [(u, int(i)) for u in range(24) for i in rng.choice(np.flatnonzero(maker[:12] == u % 3), 3, replace=False)]
    world = make_world((24, 18, 3), 1, pairs, [(i, 0, 18 + int(maker[i])) for i in range(18)])
    text = NodeText(torch.cat([torch.zeros(18, 3), torch.eye(3)]), torch.arange(21) >= 18)
    unified = UnifiedGraph.build(world.interactions, world.graph)
    generator = torch.Generator().manual_seed(1)
    net, graph = make_net(unified, GnnConfig(net=name, dimension=8, heads=2), text, generator), whole(world)
    user, item = torch.tensor(pairs).T
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    for _ in range(100):
        out = torch.nn.functional.normalize(net(graph, net.inputs()).final, dim=1)
        loss = torch.nn.functional.cross_entropy(out[user] @ out[24:36].T / 0.2, item)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    out = torch.nn.functional.normalize(final(net, graph).detach(), dim=1)
    cosine = out[:24] @ out[36:42].T
    right = torch.from_numpy(np.arange(24)[:, None] % 3 == maker[None, 12:])
    if name == "lightgcn":
        assert (cosine == 0).all()
    else:
        assert cosine[right].min() > cosine[~right].max()
        assert cosine[right].mean() - cosine[~right].mean() > 0.7
