"""Recency: what was liked last counts for more."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion import Audience, Ease
from plait.fusion.signals.recency import Recency, RecencyConfig


def test_weights_by_hand() -> None:
    # 1 + 3 * 2^(-(s - 1) / 2) for s = 1, 2, 3, 5.
    expected = [1 + 3, 1 + 3 / 2**0.5, 1 + 3 / 2, 1 + 3 / 4]
    assert Recency(3, 2).weights(np.array([1.0, 2.0, 3.0, 5.0])) == pytest.approx(expected)
    assert Recency().weights(np.array([1.0, 7.0])).tolist() == [1, 1]


def test_signals_see_the_weights_and_the_steps_stay() -> None:
    steps = sp.csr_array(np.array([[2.0, 0, 1], [0, 0, 0]], dtype=np.float32))
    audience = Audience(np.array([0, -1]), steps)
    weights = np.array([[0, 1, 2], [3, 0, 4], [5, 6, 0]], dtype=np.float32)
    assert Ease(weights).score(audience).tolist() == [[5, 7, 2], [0, 0, 0]]
    # The last item weighs 1 + 2, the one before 1 + 2 / 2.
    recent = audience.recent(Recency(2, 1))
    assert Ease(weights).score(recent).tolist() == [[3 * 5, 3 * 6 + 2 * 1, 2 * 2], [0, 0, 0]]
    assert (recent.steps.toarray() == steps.toarray()).all()


def test_choices_begin_with_none() -> None:
    assert RecencyConfig(boost=(0, 2, 5), half_life=(1, 4)).choices() == [
        Recency(),
        Recency(2, 1),
        Recency(2, 4),
        Recency(5, 1),
        Recency(5, 4),
    ]
    assert RecencyConfig(boost=(0,)).choices() == [Recency()]
    assert RecencyConfig(boost=(2,), half_life=(3,)).choices() == [Recency(2, 3)]


@pytest.mark.parametrize("values", [{"boost": (-1,)}, {"half_life": (0,)}, {"boost": ()}, {"bost": (1,)}])
def test_what_cannot_be_is_refused(values: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        RecencyConfig(**values)  # type: ignore[arg-type]
