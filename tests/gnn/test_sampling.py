"""Neighbourhoods: with full fan-out exact for every net, otherwise right on average and no larger than asked for."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from plait.gnn import GnnConfig, UnifiedGraph
from plait.gnn.nets import NodeText, make_net
from plait.gnn.propagation import Propagation
from plait.gnn.sampling import NeighbourSampler, _distinct
from plait.gnn.training_config import TrainingConfig

if TYPE_CHECKING:
    from conftest import World

CPU = torch.device("cpu")
DRAWS = 300
WAYS: list[dict[str, object]] = [
    {},
    {"replace": True},
    {"neighbours": "degree"},
    {"fan_out_per": "relation"},
    {"fan_out_per": "relation", "neighbours": "degree"},
]


def whole_of(world: World) -> Propagation:
    return Propagation.on(UnifiedGraph.build(world.interactions, world.graph), CPU)


def sampler_of(graph: Propagation, fan_out: tuple[int, ...], way: dict[str, object]) -> NeighbourSampler:
    return NeighbourSampler(graph, TrainingConfig.model_validate({"fan_out": fan_out, "regime": "sampled"} | way))


@pytest.mark.parametrize(
    ("net", "layers", "fan_out", "way"),
    [
        *((net, 2, 0, {}) for net in ("light", "lightgcn", "rgcn", "hgt", "attention", "sage")),
        ("light", 1, 100, {}),
        ("rgcn", 3, 100, {}),
        *(("light", 2, 100, way) for way in WAYS),
    ],
)
def test_with_full_fan_out_seeds_get_what_the_whole_graph_gives(
    any_world: World, net: str, layers: int, fan_out: int, way: dict[str, object]
) -> None:
    generator = torch.Generator().manual_seed(1)
    config = GnnConfig.model_validate({"net": net, "dimension": 8, "layers": layers})
    text = torch.randn(any_world.n_items + any_world.n_entities, 5, generator=generator)
    unified = UnifiedGraph.build(any_world.interactions, any_world.graph)
    told = NodeText(text, torch.ones(len(text), dtype=torch.bool))
    model = make_net(unified, config, told, generator)
    whole, seeds = whole_of(any_world), torch.tensor([8, 2, 6, 0, 15])
    part = sampler_of(whole, (fan_out,) * layers, way).around(seeds, generator)
    pull = torch.linspace(-1, 2, 5 * 8).reshape(5, 8)
    names = [name for name, p in model.named_parameters() if p.requires_grad and name != "bias"]
    answers = []
    for graph, rows in ((whole, seeds), (part.graph, torch.arange(5))):
        model.zero_grad()
        final = model(graph, model.inputs(graph.node)).final[rows]
        (final * pull).sum().backward()
        answers.append([final, *(dict(model.named_parameters())[name].grad for name in names)])
    for full, sampled in zip(*answers, strict=True):
        if full is not None:
            assert torch.allclose(full, sampled, atol=1e-4)


@pytest.mark.parametrize("way", WAYS)
def test_a_layer_is_right_on_average(any_world: World, way: dict[str, object]) -> None:
    whole, generator = whole_of(any_world), torch.Generator().manual_seed(3)
    weights = torch.linspace(0.5, 2, 2 * (1 + any_world.n_relations))
    x = torch.randn(any_world.n_nodes, 3, generator=generator)
    sampler, seeds = sampler_of(whole, (2,), way), torch.arange(any_world.n_nodes)
    expected = whole(x, weights)
    sums = []
    for _ in range(DRAWS):
        graph = sampler.around(seeds, generator).graph
        sums.append(graph(x[graph.node], weights)[: len(seeds)])
    drawn = torch.stack(sums)
    error = drawn.std(0) / len(sums) ** 0.5
    assert float(error.max()) > 0
    assert bool(((drawn.mean(0) - expected).abs() <= 5 * error + 1e-5).all())


def test_two_layers_are_right_on_average(any_world: World) -> None:
    whole, generator = whole_of(any_world), torch.Generator().manual_seed(3)
    weights, x = torch.ones(2 * (1 + any_world.n_relations)), torch.randn(any_world.n_nodes, 3, generator=generator)
    sampler, seeds = sampler_of(whole, (2, 1), {}), torch.tensor([9, 0, 7])
    sums = []
    for _ in range(DRAWS):
        graph = sampler.around(seeds, generator).graph
        sums.append(graph(graph(x[graph.node], weights), weights)[:3])
    drawn, expected = torch.stack(sums), whole(whole(x, weights), weights)[seeds]
    assert bool(((drawn.mean(0) - expected).abs() <= 5 * drawn.std(0) / len(sums) ** 0.5 + 1e-5).all())


@pytest.mark.parametrize("way", WAYS)
def test_a_part_has_edges_of_the_graph_and_no_more_than_asked_for(any_world: World, way: dict[str, object]) -> None:
    whole = whole_of(any_world)
    generator = torch.Generator().manual_seed(5)
    seeds = torch.tensor([9, 0, 7])
    part = sampler_of(whole, (2, 1), way).around(seeds, generator)
    graph, edge = part.graph, part.edge
    assert torch.equal(graph.node[:3], seeds)
    assert len(set(graph.node.tolist())) == len(graph.node)
    assert torch.equal(graph.kind, whole.kind[graph.node])
    for column in ("sender", "receiver"):
        assert torch.equal(graph.node[getattr(graph, column)], getattr(whole, column)[edge])
    assert torch.equal(graph.relation, whole.relation[edge])
    assert torch.equal(torch.repeat_interleave(torch.arange(len(graph.node)), graph.start.diff()), graph.receiver)
    keys = zip(graph.receiver.tolist(), graph.relation.tolist(), strict=True)
    counted = Counter(key if way.get("fan_out_per") == "relation" else key[0] for key in keys)
    first_hop = {r for r in graph.receiver.tolist() if r < 3}
    assert first_hop and max(counted.values()) <= 2
    outer = [n for key, n in counted.items() if (key[0] if isinstance(key, tuple) else key) >= 3]
    assert outer and max(outer) <= 1
    if not way.get("replace") and way.get("neighbours") != "degree":
        assert len(set(edge.tolist())) == len(edge)


def test_the_generator_alone_decides(any_world: World) -> None:
    sampler = sampler_of(whole_of(any_world), (2, 2), {})
    one, two, other = (
        sampler.around(torch.tensor([9, 0, 7]), torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(one.edge, two.edge) and not torch.equal(one.edge, other.edge)


def test_nodes_without_edges_are_alone(make_world: type[World]) -> None:
    whole = whole_of(make_world((2, 3, 0), 0, [(0, 1)], []))
    for way in WAYS:
        part = sampler_of(whole, (2, 2), way).around(torch.tensor([4, 1]), torch.Generator())
        assert part.graph.node.tolist() == [4, 1] and len(part.edge) == 0


def test_every_subset_is_as_likely() -> None:
    drawn = _distinct(torch.full((20_000,), 5), 3, torch.Generator().manual_seed(0)).sort(1).values
    found = Counter(map(tuple, drawn.tolist()))
    assert set(found) == set(combinations(range(5), 3))
    # 2,000 each; five standard deviations are 212.
    assert np.ptp(list(found.values())) < 2 * 212
