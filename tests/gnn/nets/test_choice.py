"""Choosing a net, and where the richer ones start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

import pytest
import torch
from pydantic import ValidationError

from plait.gnn import GnnConfig, UnifiedGraph
from plait.gnn.nets import NETS, GraphNet, LightNet, make_net
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World


def test_every_net_has_a_name_and_every_name_a_net() -> None:
    assert set(get_args(GnnConfig.model_fields["net"].annotation)) == set(NETS)
    assert GnnConfig().net == "light"


def test_the_name_decides(name: str, any_world: World, unified: Callable[[World], UnifiedGraph]) -> None:
    net = make_net(unified(any_world), GnnConfig(net=name, dimension=8), None, torch.Generator().manual_seed(1))
    assert type(net) is NETS[name]


@pytest.mark.parametrize("net", ["hgt", "attention"])
def test_heads_must_share_the_dimensions(net: str) -> None:
    with pytest.raises(ValidationError, match="dimension 10 cannot be shared out among 4 heads"):
        GnnConfig(net=net, dimension=10)
    assert GnnConfig(net=net, dimension=10, heads=5).heads == 5
    assert GnnConfig(dimension=10).heads == 4


SILENT = {"rgcn": ("basis", "root"), "hgt": ("output",), "attention": ("lin_l",)}
"""What must be 0 for the net to add nothing to the light one."""


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_net_that_adds_nothing_is_the_light_one(
    name: str, any_world: World, make: Callable[..., GraphNet], whole: Callable[[World], Propagation]
) -> None:
    """The one way the richer nets read users out gives what the light net does by its own."""
    net, light, graph = make(name, any_world, layers=3), make("light", any_world, layers=3), whole(any_world)
    assert isinstance(light, LightNet)
    with torch.no_grad():
        light.relation_weight.copy_(net.relation_weight)
        for key, parameter in net.named_parameters():
            if any(part in key for part in SILENT[name]):
                parameter.zero_()
    own = torch.randn(any_world.n_nodes, 8, generator=torch.Generator().manual_seed(4))
    for one, other in zip(net(graph, own), light(graph, own), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
