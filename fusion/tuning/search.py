"""What a search over configurations came to: its trials, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .space import Space
from .values import Value

__all__ = ["Search", "Trial", "TrialState"]

TrialState = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Attributes:
        number: which, from 0.
        state: complete; pruned, if its training was ended since others were better at the same point; or failed.
        value: the validation metric; None unless complete.
        values: what was tried, by key.
        seconds: how long it took.
        reason: why it failed.
    """

    number: int
    state: TrialState
    value: float | None
    values: Mapping[str, Value]
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class Search:
    """A search, perhaps not at its end.

    Attributes:
        metric: what was measured, such as "NDCG@10 of the blend on validation".
        baseline: what the configuration reaches as it stands.
        space: what was searched.
        trials: all trials, those of earlier runs included.
        importance: share of the metric's variation that each key stands for, by key; empty where too few trials tell.
        ended: why no further trial was begun.
    """

    metric: str
    baseline: float
    space: Space
    trials: tuple[Trial, ...]
    importance: Mapping[str, float]
    ended: str

    @property
    def complete(self) -> list[Trial]:
        """Trials that were measured to their end."""
        return [trial for trial in self.trials if trial.value is not None]

    @property
    def best(self) -> Trial | None:
        """The best trial, of equals the first; None if none was better than the configuration as it stands."""
        best = max(self.complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)
        return best if best is not None and (best.value or 0.0) > self.baseline else None

    def count(self, state: TrialState) -> int:
        """How many trials ended so."""
        return sum(trial.state == state for trial in self.trials)
