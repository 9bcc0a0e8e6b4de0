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
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(seen.indptr))
    mask = np.ones(scores.shape, dtype=bool)
    mask[rows, seen.indices] = False
    # Of a user who has seen everything nothing will be ranked; any mean will do, so long as there is one.
    mask[~mask.any(axis=1)] = True
    mean = scores.mean(axis=1, where=mask, keepdims=True, dtype=np.float64)
    deviation = scores.std(axis=1, where=mask, keepdims=True, dtype=np.float64)
    scale = np.abs(mean) + deviation
    flat = ~(deviation > 1e-6 * scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = ((scores - mean) / deviation).astype(np.float32)
    return np.where(flat, np.float32(0), result)
