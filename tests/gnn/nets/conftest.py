"""Nets on small worlds, their parameters moved to where each of them matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch

from plait.gnn import GnnConfig, UnifiedGraph
from plait.gnn.nets import NETS, GraphNet, NodeText, make_net
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

MakeNet = Callable[..., GraphNet]


@pytest.fixture(params=sorted(NETS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def unified() -> Callable[[World], UnifiedGraph]:
    return lambda world: UnifiedGraph.build(world.interactions, world.graph)


@pytest.fixture
def whole() -> Callable[[World], Propagation]:
    return lambda world: Propagation.on(UnifiedGraph.build(world.interactions, world.graph), torch.device("cpu"))


@pytest.fixture
def some_text() -> Callable[[World], NodeText]:
    """Text vectors of width 6, none at the second node."""

    def text(world: World) -> NodeText:
        vectors = torch.randn(world.n_items + world.n_entities, 6, generator=torch.Generator().manual_seed(9)) + 3
        return NodeText(vectors, torch.arange(len(vectors)) != 1)

    return text


@pytest.fixture
def make() -> MakeNet:
    """A net of a world. All that it learns is moved at random, so that nothing multiplies by 0 or 1."""

    def of(name: str, world: World, text: NodeText | None = None, *, layers: int = 2, **config: Any) -> GraphNet:
        sizes = {"dimension": 8, "bases": 3, "heads": 2, **config}
        graph = UnifiedGraph.build(world.interactions, world.graph)
        net = make_net(graph, GnnConfig(net=name, layers=layers, **sizes), text, torch.Generator().manual_seed(3))
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for parameter in net.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn(parameter.shape, generator=generator) / 3)
        return net

    return of
