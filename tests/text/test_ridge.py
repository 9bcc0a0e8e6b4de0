"""Ridge regression: against its own definition, each row really left out."""

from __future__ import annotations

import numpy as np
import pytest

from plait.text.ridge import ridge_fit


def by_definition(x: np.ndarray, y: np.ndarray, w: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Coefficients and offset by the normal equations, the offset not punished."""
    one = np.column_stack([x, np.ones(len(y))])
    square = np.diag([*np.full(x.shape[1], penalty), 0.0])
    found = np.linalg.solve(one.T @ (one * w[:, None]) + square, one.T @ (w * y))
    return found[:-1], float(found[-1])


def test_fit_and_left_out_rows() -> None:
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(40, 3)), rng.uniform(0.5, 2, size=40)
    y = x @ [1.0, -2.0, 0.5] + 0.7 + rng.normal(size=40)
    slope, offset, unseen, used = ridge_fit(x, y, w)
    mean = np.average(x, axis=0, weights=w)
    scale = np.trace((x - mean).T @ ((x - mean) * w[:, None])) / 3
    losses = {}
    for share in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0):
        left_out = np.empty(40)
        for row in range(40):
            rest = np.arange(40) != row
            # The penalty stays that of all rows: the eigenvalues are taken once.
            b, a = by_definition(x[rest], y[rest], w[rest], share * scale)
            left_out[row] = x[row] @ b + a
        losses[share] = (w @ (y - left_out) ** 2, left_out)
    best = min(losses, key=lambda share: losses[share][0])
    b, a = by_definition(x, y, w, best * scale)
    assert slope == pytest.approx(b)
    assert offset == pytest.approx(a)
    assert unseen == pytest.approx(losses[best][1])
    assert used.tolist() == list(range(40))


def test_fewer_rows_than_dimensions() -> None:
    x = np.eye(3, 7)
    slope, offset, _, _ = ridge_fit(x, np.array([1.0, 0.0, -1.0]), np.ones(3))
    assert np.isfinite(slope).all()
    assert slope[0] > 0 > slope[2]
    assert offset == pytest.approx(0, abs=1e-9)
