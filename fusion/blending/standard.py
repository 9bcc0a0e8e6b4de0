"""Scores of different signals on one scale: standardised per user over what the user has not seen."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ..signals.signal import Scores

__all__ = ["standardised"]


def standardised(scores: Scores, seen: sp.csr_array) -> Scores:
    """Scores less their mean, divided by their deviation, per user over the items not seen.

    Items already seen have extreme scores in some signals and will not be ranked, so they have no say. A signal that
    is the same for all unseen items of a user knows nothing about them, and gives 0.
    """
    n_users, n_items = scores.shape
    n_seen = np.diff(seen.indptr)
    # Of a user who has seen everything nothing will be ranked; any mean will do, so long as there is one.
    left_out = np.repeat(n_seen < n_items, n_seen)
    rows = np.repeat(np.arange(n_users), n_seen)[left_out]
    columns = seen.indices[left_out]
    n = n_items - np.bincount(rows, minlength=n_users)

    middle = (scores.sum(axis=1, dtype=np.float64) - np.bincount(rows, scores[rows, columns], minlength=n_users)) / n
    result = scores - middle[:, None].astype(np.float32)
    # Out of the way for the sums: squares of what is extreme would drown the others.
    known = result[rows, columns]
    result[rows, columns] = 0
    # Single precision left a little of the mean, which would not matter but where the deviation is as little.
    rest = result.sum(axis=1, dtype=np.float64) / n
    square = np.einsum("ij,ij->i", result, result, dtype=np.float64) / n
    result[rows, columns] = known
    deviation = np.sqrt(np.maximum(square - rest**2, 0))
    flat = ~(deviation > 1e-6 * (np.abs(middle) + deviation))
    result -= rest[:, None].astype(np.float32)
    result /= np.where(flat, 1, deviation)[:, None].astype(np.float32)
    result[flat] = 0
    return np.asarray(result)
