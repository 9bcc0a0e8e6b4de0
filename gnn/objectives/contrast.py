"""Two views of the same nodes held together: graph contrastive learning."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .softmax import softmax_loss

__all__ = ["info_nce", "noisy"]


def info_nce(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    r"""Mean of :math:`-\log (e^{\cos(z_v, z'_v) / \tau} / \sum_w e^{\cos(z_v, z'_w) / \tau})` over nodes.

    Wu et al., SGL, SIGIR 2021, equation 10.

    Args:
        one: embeddings of distinct nodes in one view, shape (n, d).
        other: those of the same nodes in another, shape (n, d).
        temperature: what cosines are divided by.
    """
    none = one.new_zeros(len(one))
    return softmax_loss(one, other, none, torch.arange(len(one), device=one.device), temperature)


def noisy(x: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Rows moved by noise into their own orthant, as long as `rate` times the mean row, shape (n, d).

    Yu et al., SimGCL, SIGIR 2022, equation 6, which has rows of about length 1. Rows of zeros stay so.
    """
    noise = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    length = x.detach().norm(dim=1).mean() * rate
    moved: Tensor = x + torch.sign(x.detach()) * functional.normalize(noise, dim=1) * length
    return moved
