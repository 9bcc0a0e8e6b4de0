"""Where texts enter a net: centred, and projected onto the axes on which they differ most."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..features import NodeFeatures

__all__ = ["NodeText", "centred", "mean_text", "principal_projection"]


class NodeText(NamedTuple):
    """Texts of items and entities in node order.

    Attributes:
        vectors: text vectors, shape (items + entities, t).
        present: which nodes have a text, bool, shape (items + entities,); the vectors of the others are not read.
    """

    vectors: Tensor
    present: Tensor

    @classmethod
    def of(cls, features: NodeFeatures | None) -> NodeText | None:
        """The same on the CPU; None of none."""
        if features is None:
            return None
        return cls(torch.from_numpy(features.vectors), torch.from_numpy(features.present))


def mean_text(text: NodeText) -> Tensor:
    """The mean of the texts there are, shape (t,); zero where there is none."""
    return text.vectors[text.present].mean(0) if bool(text.present.any()) else torch.zeros(text.vectors.shape[1])


def centred(text: NodeText, mean: Tensor) -> Tensor:
    """Text vectors less their mean, zero where there is none, shape (items + entities, t).

    Language models' vectors share a large common part that says nothing.
    """
    return torch.where(text.present[:, None], text.vectors - mean, torch.zeros(()))


def principal_projection(rows: Tensor, present: Tensor, dimension: int, std: float) -> Tensor:
    """The projection of centred texts onto their first principal axes, scaled to a mean deviation of `std`.

    Starting from the principal axes the projected texts are as far apart at the start as they can be.

    Args:
        rows: centred texts, zero where there is none, shape (n, t).
        present: which there are, shape (n,).
        dimension: how many axes.
        std: root mean square of the projected texts' components.

    Returns:
        The projection, shape (t, dimension); zero beyond the t-th axis.
    """
    # Of the Gram matrix rather than of the rows: t is some hundreds, the rows may be millions.
    _, axes = torch.linalg.eigh((rows.T @ rows).double())
    projection = torch.zeros(rows.shape[1], dimension)
    chosen = axes.flip(1)[:, :dimension].float()
    projection[:, : chosen.shape[1]] = chosen
    # An eigenvector's sign is arbitrary; fixing it makes the start the same on every machine.
    projection *= torch.where(projection.sum(0) < 0, -1.0, 1.0)
    spread = (rows @ projection)[present].square().mean().sqrt()
    # One text, or none, is as far from all others as it is near: nothing to spread.
    return projection * (std / spread) if spread > 0 else projection
