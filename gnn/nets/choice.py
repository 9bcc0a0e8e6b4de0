"""Which net a config asks for."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..config import GnnConfig
from ..unified import UnifiedGraph
from .attention import AttentionNet
from .hgt import HgtNet
from .light import LightNet
from .lightgcn import LightGcnNet
from .net import GraphNet
from .rgcn import RgcnNet
from .sage import SageNet
from .text_input import NodeText

__all__ = ["NETS", "make_net"]

NETS: dict[str, Callable[[UnifiedGraph, GnnConfig, NodeText | None, torch.Generator], GraphNet]] = {
    "light": LightNet,
    "lightgcn": LightGcnNet,
    "rgcn": RgcnNet,
    "hgt": HgtNet,
    "attention": AttentionNet,
    "sage": SageNet,
}
"""The nets by the name that `GnnConfig.net` gives them."""


def make_net(graph: UnifiedGraph, config: GnnConfig, text: NodeText | None, generator: torch.Generator) -> GraphNet:
    """The net of a config, untrained, on the CPU.

    Args:
        graph: the unified graph it is for.
        config: which net, and its sizes.
        text: texts of items and entities in node order; None for a net without text.
        generator: source of the initial values, on the CPU, so that all devices start alike.
    """
    return NETS[config.net](graph, config, text, generator)
