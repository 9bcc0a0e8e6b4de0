"""Link prediction: queries and losses by a slow second way, and planted triples are learned."""

from __future__ import annotations

from math import exp, log, pi
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import torch
from torch.nn import functional

from plait.gnn import UnifiedGraph
from plait.gnn.objectives import LinkPrediction
from plait.gnn.training_config import LinkPredictionConfig
from plait.kg import ConfigError

if TYPE_CHECKING:
    from conftest import World

Model = Literal["transe", "distmult", "rotate"]
MODELS: tuple[Model, ...] = ("transe", "distmult", "rotate")


def links_of(world: World, model: Model, dimension: int = 6, **options: float) -> LinkPrediction:
    config = LinkPredictionConfig.model_validate({"model": model, **options})
    unified = UnifiedGraph.build(world.interactions, world.graph)
    return LinkPrediction(unified, config, dimension, torch.Generator().manual_seed(3))


def slow_score(model: Model, h: torch.Tensor, r: torch.Tensor, t: torch.Tensor) -> float:
    if model == "distmult":
        return float(sum(a * b * c for a, b, c in zip(h, r, t, strict=True)))
    if model == "transe":
        return -float(sum((a + b - c) ** 2 for a, b, c in zip(h, r, t, strict=True)))
    half = len(h) // 2
    turned = [complex(h[k], h[k + half]) * np.exp(1j * pi * float(r[k])) for k in range(half)]
    return -float(sum(abs(z - complex(t[k], t[k + half])) ** 2 for k, z in enumerate(turned)))


@pytest.mark.parametrize("model", MODELS)
def test_the_loss_by_a_slow_second_way(four_nodes: World, model: Model) -> None:
    """Two triples and three nodes that may be tails: the draws are repeated with a generator of the same seed."""
    links = links_of(four_nodes, model, batch_size=3, negatives=4, temperature=0.5)
    x = torch.randn(four_nodes.n_nodes, 6, generator=torch.Generator().manual_seed(8))
    unit = functional.normalize(x, dim=1)
    again = torch.Generator().manual_seed(5)
    chosen = torch.randint(2, (3,), generator=again).tolist()
    wrong = torch.randint(1, 4, (4,), generator=again).tolist()
    # The world's triples (0, 0, 2), (2, 1, 1), as (head, relation, tail) by node: items follow one user.
    triples = {(1, 0, 3), (3, 1, 2)}
    ours = [tuple(int(n) for n in row) for row in links.get_buffer("triples")]
    assert set(ours) == triples
    expected = []
    for h, r, t in (ours[number] for number in chosen):
        relation = links.relation.detach()[r]
        logits = [slow_score(model, unit[h], relation, unit[v]) / 0.5 for v in (t, *(v for v in wrong if v != t))]
        expected.append(log(sum(map(exp, logits))) - logits[0])
    loss = links(lambda nodes: x[nodes], torch.Generator().manual_seed(5))
    assert float(loss) == pytest.approx(sum(expected) / 3, rel=1e-5)


def test_a_turn_keeps_lengths(four_nodes: World) -> None:
    links = links_of(four_nodes, "rotate")
    head = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    turned = links.query(head, torch.tensor([0, 1, 1, 0, 1]))
    assert turned.norm(dim=1).tolist() == pytest.approx(head.norm(dim=1).tolist(), rel=1e-5)
    assert not torch.allclose(turned, head)


@pytest.mark.parametrize("model", MODELS)
def test_planted_triples_are_learned(make_world: type[World], model: Model) -> None:
    """Item i -r-> entity i: the right tail comes out first for all but the odd one."""
    world = make_world((2, 9, 9), 1, [(0, 0)], [(i, 0, 9 + i) for i in range(9)])
    links = links_of(world, model, dimension=8, batch_size=64, negatives=32)
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(world.n_nodes, 8, generator=generator).requires_grad_()
    optimizer = torch.optim.Adam([table, *links.parameters()], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        links(lambda nodes: table[nodes], generator).backward()
        optimizer.step()
    unit = functional.normalize(table.detach(), dim=1)
    query = links.query(unit[2:11], torch.zeros(9, dtype=torch.long))[None]
    best = links._scores(query, unit[None, 11:])[0].argmax(1)
    assert int((best == torch.arange(9)).sum()) >= 8


def test_a_graph_without_triples_has_nothing_to_predict(make_world: type[World]) -> None:
    links = links_of(make_world((2, 3, 0), 0, [(0, 1)], []), "transe")
    assert float(links(lambda nodes: torch.ones(len(nodes), 6), torch.Generator())) == 0


def test_an_odd_dimension_cannot_be_turned(four_nodes: World) -> None:
    with pytest.raises(ConfigError, match="dimension 7 is odd"):
        links_of(four_nodes, "rotate", dimension=7)
