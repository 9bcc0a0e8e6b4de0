"""Gates: which edges share one, how likely they are open, and that useless triples are the ones that close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from plait.gnn import GnnConfig, UnifiedGraph
from plait.gnn.objectives import Gates
from plait.gnn.run import Run

if TYPE_CHECKING:
    from conftest import World


def gates_of(world: World) -> tuple[UnifiedGraph, Gates]:
    unified = UnifiedGraph.build(world.interactions, world.graph)
    return unified, Gates(unified)


def test_both_directions_share_a_gate_and_interactions_have_none(any_world: World) -> None:
    unified, gates = gates_of(any_world)
    assert len(gates.logit) == len(any_world.triples)
    with torch.no_grad():
        gates.logit.copy_(torch.linspace(-1, 1, len(gates.logit)))
    value = gates().detach().numpy()
    interaction = unified.relation % unified.n_relations == 0
    assert (value[interaction] == 1).all()
    assert (value == value[unified.reverse]).all()
    assert len(np.unique(value[~interaction])) == len(any_world.triples)
    some = torch.tensor([5, 0, 7])
    assert (gates(some).detach().numpy() == value[[5, 0, 7]]).all()


def test_gates_start_open(any_world: World) -> None:
    assert (gates_of(any_world)[1]() == 1).all()


@pytest.mark.parametrize("logit", [-2.0, 0.0, 1.5])
def test_the_penalty_is_how_often_a_noisy_gate_is_open(make_world: type[World], logit: float) -> None:
    world = make_world((1, 4000, 1), 1, [(0, 0)], [(item, 0, 4000) for item in range(4000)])
    gates = gates_of(world)[1]
    with torch.no_grad():
        gates.logit.fill_(logit)
    value = gates(generator=torch.Generator().manual_seed(0)).detach()[gates.get_buffer("gate") >= 0]
    share = gates.open_share().item()
    # 4,000 gates: five standard deviations of a share are at most 0.04.
    assert float((value > 0).float().mean()) == pytest.approx(share, abs=0.04)
    assert float(value.min()) == 0 and 0 < share < 1


def test_without_triples_there_is_no_penalty(make_world: type[World]) -> None:
    gates = gates_of(make_world((2, 3, 0), 0, [(0, 1)], []))[1]
    assert gates.open_share().item() == 0 and (gates() == 1).all()


def test_misleading_triples_close_before_helpful_ones(make_world: type[World]) -> None:
    """Two groups of users with items of their own; relation 0 says an item's group, relation 1 an entity at random."""
    rng = np.random.default_rng(0)
    pairs = [(u, int(i)) for u in range(30) for i in rng.choice(12, 4, replace=False)]
    pairs += [(u, 12 + int(i)) for u in range(30, 61) for i in rng.choice(12, 4, replace=False)]
    triples = [(i, 0, 24 + i // 12) for i in range(24)]
    triples += [(i, 1, 26 + int(e)) for i in range(24) for e in rng.choice(3, 2, replace=False)]
    world = make_world((61, 24, 5), 2, pairs, triples)
    config = GnnConfig.model_validate({"dimension": 8, "denoise": {"weight": 0.05, "learning_rate": 0.05}})
    run = Run(world.interactions, world.graph, None, config, 1, torch.device("cpu"))
    for _ in range(80):
        run.epoch()
    assert run.gates is not None
    # Gates are in the order of the graph's edges: which triple a gate is of is asked of the graph.
    gate, relation = run.gates.get_buffer("gate"), run.graph.relation
    helpful, misleading = (
        run.gates.logit.detach()[gate[(relation == wanted) & (gate >= 0)]].mean() for wanted in (1, 2)
    )
    assert float(misleading) < float(helpful) - 0.2
