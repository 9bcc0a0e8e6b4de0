"""The nets against PyG's layers, with the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import HGTConv, LightGCN, RGCNConv, SAGEConv

from plait.gnn.nets import GraphNet, HgtNet, LightGcnNet, RgcnNet, SageNet
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

MakeNet = Callable[..., GraphNet]
Whole = Callable[["World"], Propagation]


def random_rows(world: World) -> Tensor:
    return torch.randn(world.n_nodes, 8, generator=torch.Generator().manual_seed(4))


def test_lightgcn(any_world: World, make: MakeNet, whole: Whole) -> None:
    """PyG's model over the interactions; ours over the whole graph."""
    net, graph = make("lightgcn", any_world, layers=3), whole(any_world)
    assert isinstance(net, LightGcnNet)
    bought = graph.relation % (1 + any_world.n_relations) == 0
    theirs = LightGCN(any_world.n_nodes, 8, 3)
    x = random_rows(any_world)
    with torch.no_grad():
        theirs.embedding.weight.copy_(x)
        expected = theirs.get_embedding(torch.stack([graph.sender, graph.receiver])[:, bought])
        assert torch.allclose(net(graph, x).final, expected, atol=1e-6)


def test_rgcn(any_world: World, make: MakeNet, whole: Whole) -> None:
    """With norms of 1 and no light step the layer is GELU of PyG's; and PyG adds what we multiply."""
    net, graph = make("rgcn", any_world, layers=1), whole(any_world)
    assert isinstance(net, RgcnNet)
    graph = replace(graph, norm=torch.ones_like(graph.norm))
    theirs = RGCNConv(8, 8, 2 * (1 + any_world.n_relations), num_bases=3, aggr="add", bias=False)
    x = random_rows(any_world)
    with torch.no_grad():
        net.relation_weight.zero_()
        theirs.weight.copy_(net.basis[0])
        theirs.comp.copy_(net.coefficient[0].T)
        theirs.root.copy_(net.root[0])
        expected = theirs(x, torch.stack([graph.sender, graph.receiver]), graph.relation)
        assert torch.allclose(net.step(graph, x, 0), torch.nn.functional.gelu(expected), atol=1e-5)


def test_sage(any_world: World, make: MakeNet, whole: Whole) -> None:
    """With relation weights of 1, less the mean that ours adds."""
    net, graph = make("sage", any_world, layers=1), whole(any_world)
    assert isinstance(net, SageNet)
    theirs = SAGEConv(8, 8, bias=False)
    edges = torch.stack([graph.sender, graph.receiver])
    mean = SAGEConv(8, 8, root_weight=False, bias=False)
    x = random_rows(any_world)
    with torch.no_grad():
        net.relation_weight.fill_(1)
        theirs.lin_l.weight.copy_(net.neighbours[0].T)
        theirs.lin_r.weight.copy_(net.root[0].T)
        mean.lin_l.weight.copy_(torch.eye(8))
        expected = mean(x, edges) + torch.nn.functional.gelu(theirs(x, edges))
        assert torch.allclose(net.step(graph, x, 0), expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_hgt(seed: int, make_world: type[World], make: MakeNet, whole: Whole) -> None:
    """Each relation joins one pair of kinds, since PyG has parameters for each such pair."""
    generator = torch.Generator().manual_seed(seed)
    likes = torch.randint(12, (14,), generator=generator).tolist()
    made = torch.randint(4, (7,), generator=generator).tolist()
    triples = [(i % 4, 0, 4 + e) for i, e in enumerate(made)] + [(4, 1, 5), (6, 1, 5)]
    world = make_world((3, 4, 4), 2, sorted({(p // 4, p % 4) for p in likes}), sorted(set(triples)))
    net, graph = make("hgt", world, layers=1), whole(world)
    assert isinstance(net, HgtNet)
    with torch.no_grad():
        net.relation_weight.zero_()
    theirs, kinds = _their_hgt(net), ("user", "item", "entity")
    x = torch.randn(world.n_nodes, 8, generator=generator)
    first = {kind: int((graph.kind < n).sum()) for n, kind in enumerate(kinds)}
    rows = {kind: x[graph.kind == n] for n, kind in enumerate(kinds)}
    edges = {}
    for r, (one, name, other) in enumerate(ENDS):
        found = graph.relation == r
        edges[one, name, other] = torch.stack([graph.sender[found] - first[one], graph.receiver[found] - first[other]])
    with torch.no_grad():
        expected = torch.cat([theirs(rows, edges)[kind] for kind in kinds])
        assert torch.allclose(net.step(graph, x, 0), expected, atol=1e-5)


ENDS = [
    ("user", "0", "item"),
    ("item", "1", "entity"),
    ("entity", "2", "entity"),
    ("item", "3", "user"),
    ("entity", "4", "item"),
    ("entity", "5", "entity"),
]


def _their_hgt(net: HgtNet) -> HGTConv:
    """PyG's layer with our parameters, and its skip connection shut."""
    ours, kinds = net.transformers[0], ["user", "item", "entity"]
    theirs = HGTConv(8, 8, (kinds, ENDS), heads=2)
    with torch.no_grad():
        for n, kind in enumerate(kinds):
            # PyG's order within one linear layer is key, query, value.
            told = torch.cat([ours.key[n], ours.query[n], ours.value[n]], dim=1)
            theirs.kqv_lin.lins[kind].weight.copy_(told.T)
            theirs.kqv_lin.lins[kind].bias.zero_()
            theirs.out_lin.lins[kind].weight.copy_(ours.output[n].T)
            theirs.out_lin.lins[kind].bias.zero_()
            theirs.skip[kind].fill_(1e9)
        for r, ends in enumerate(ENDS):
            theirs.p_rel["__".join(ends)].copy_(ours.prior[r])
            for h in range(2):
                theirs.k_rel.weight[h * len(ENDS) + r].copy_(ours.attention[r, h])
                theirs.v_rel.weight[h * len(ENDS) + r].copy_(ours.message[r, h])
    return theirs
