"""Weighted ridge regression whose penalty is chosen by leaving out each row in turn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["ridge_fit"]

_MOST = 50_000
"""Rows fitted to: of more, so many evenly spaced ones, which tell a few hundred coefficients apart well enough."""

_PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""As shares of the mean eigenvalue."""

Vector = npt.NDArray[np.float64]


def ridge_fit(
    vectors: npt.NDArray[np.floating], target: Vector, weight: Vector
) -> tuple[Vector, float, Vector, npt.NDArray[np.int64]]:
    """Coefficients b and offset a that minimise `sum_i w_i (y_i - a - x_i b)^2 + penalty |b|^2`.

    The penalty is the one with the least weighted square of the left-out residuals `e_i / (1 - h_i)`, where e are the
    residuals and h the leverages of the rows (Allen's PRESS).

    Args:
        vectors: x, shape (n, d), of n >= 2 rows.
        target: y, shape (n,).
        weight: w, positive, shape (n,).

    Returns:
        b of shape (d,); a; what each row used is judged when left out; and which rows were used.
    """
    used = np.unique(np.linspace(0, len(target) - 1, min(len(target), _MOST)).astype(np.int64))
    x, y, w = np.asarray(vectors[used], dtype=np.float64), target[used], weight[used]
    x_mean, y_mean = np.average(x, axis=0, weights=w), float(np.average(y, weights=w))
    root = np.sqrt(w)
    a, b = (x - x_mean) * root[:, None], (y - y_mean) * root
    values, axes = np.linalg.eigh(a.T @ a)
    turned = a @ axes
    best: tuple[float, Vector, Vector] | None = None
    for share in _PENALTIES:
        inverse = 1 / (np.maximum(values, 0) + share * values.mean() + np.finfo(np.float64).tiny)
        along = inverse * (turned.T @ b)
        # The weighted mean is fitted as well, and has its own part in the leverage.
        leverage = (turned**2) @ inverse + w / w.sum()
        left_out = (b - turned @ along) / np.maximum(1 - leverage, np.finfo(np.float64).eps)
        loss = float(left_out @ left_out)
        if best is None or loss < best[0]:
            best = loss, axes @ along, y - left_out / root
    assert best is not None
    _, coefficients, unseen = best
    return coefficients, y_mean - float(x_mean @ coefficients), unseen, used
