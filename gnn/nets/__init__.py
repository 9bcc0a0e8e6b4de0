"""The nets: how nodes of a graph of users, items and entities become embeddings."""

from .attention import AttentionNet
from .choice import NETS, make_net
from .hgt import HgtNet
from .light import LightNet
from .lightgcn import LightGcnNet
from .net import GraphNet, Propagated, Readout
from .rgcn import RgcnNet
from .sage import SageNet
from .text_input import NodeText

__all__ = [
    "NETS",
    "AttentionNet",
    "GraphNet",
    "HgtNet",
    "LightGcnNet",
    "LightNet",
    "NodeText",
    "Propagated",
    "Readout",
    "RgcnNet",
    "SageNet",
    "make_net",
]
