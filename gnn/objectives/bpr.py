"""Pairwise ranking: the interacted item above items drawn."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

__all__ = ["bpr_loss"]


def bpr_loss(
    users: Tensor, own: tuple[Tensor, Tensor], others: tuple[Tensor, Tensor], valid: Tensor, temperature: float
) -> Tensor:
    r"""Bayesian personalised ranking, :math:`-\log \sigma(s_+ - s_-)`, mean over the valid pairs; 0 if there is none.

    Rendle et al., UAI 2009; the score is the net's own, cosine / temperature + bias.

    Args:
        users: embeddings of each row's user, shape (batch, d).
        own: embeddings (batch, d) and biases (batch,) of the positives.
        others: embeddings (batch, n, d) and biases (batch, n) of the items drawn for each row.
        valid: which of those count: not the positive, nor another one of the user's, bool, shape (batch, n).
        temperature: what cosines are divided by.
    """
    u = functional.normalize(users, dim=1) / temperature
    right = (u * functional.normalize(own[0], dim=1)).sum(1) + own[1]
    wrong = (u[:, None, :] * functional.normalize(others[0], dim=2)).sum(2) + others[1]
    pairs = functional.softplus(wrong - right[:, None])
    return (pairs * valid).sum() / valid.sum().clamp_min(1)
