"""From a net to the embeddings it leaves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from .config import GnnConfig
from .embeddings import Embeddings
from .nets import GraphNet
from .propagation import Propagation

__all__ = ["array_of", "embeddings_of", "extrapolated", "users_of"]


@torch.no_grad()
def embeddings_of(net: GraphNet, graph: Propagation, counts: npt.NDArray[np.int64], config: GnnConfig) -> Embeddings:
    """What a net says of all nodes of a graph, propagated over it whole, on the CPU.

    Args:
        net: the net, made for the graph.
        graph: the graph.
        counts: users of each item, shape (items,).
        config: of the net.
    """
    read = net.readout(graph, net(graph, net.inputs()))
    parts = {name: array_of(part) for name, part in read._asdict().items()}
    bias = extrapolated(array_of(net.bias), counts)
    return Embeddings(**parts, bias=bias, temperature=config.temperature, blocks=1)


def users_of(history: sp.csr_array) -> npt.NDArray[np.int64]:
    """How many users met each item, of the binary user-item matrix, shape (items,)."""
    return np.bincount(history.indices, minlength=history.shape[1])


def extrapolated(bias: npt.NDArray[np.float32], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Biases with those of items that nobody met put where the others' point to.

    A bias grows with log(1 + users of the item); a line through those that were learned, read off at no users, says
    what an unmet item may claim. At 0 instead it would claim as much as an item of average popularity.

    Args:
        bias: learned biases, shape (items,).
        counts: users of each item in training, shape (items,).
    """
    met = counts > 0
    if met.all():
        return bias
    known, x = bias[met].astype(np.float64), np.log1p(counts[met])
    spread = x - x.mean()
    # Where all counts are alike their spread is 0 but for rounding.
    slope = float(spread @ known / (spread @ spread)) if np.ptp(counts[met]) else 0.0
    return np.where(met, bias, np.float32(known.mean() - slope * x.mean()))


def array_of(tensor: Tensor) -> npt.NDArray[np.float32]:
    """A copy on the CPU."""
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32)
