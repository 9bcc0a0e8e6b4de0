"""What a peer is: a space of settings, and a fit that is measured on validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from plait.fusion.evaluation import VALIDATION_USERS, HeldOut
from plait.fusion.signals.signal import Audience, Scores
from plait.kg import Interactions, ItemGraph
from plait.loaders import Split

Setting = Mapping[str, Any]
ScoreOf = Callable[[Audience], Scores]
"""Scores of all items for an audience."""
TRIAL_MINUTES = 15
"""A net that has trained for so long ends at its next look at validation, and its best state is taken."""


@dataclass(frozen=True, eq=False)
class Task:
    """What peers are fitted on and chosen by.

    Attributes:
        split: what is held out.
        graph: what is known about the items.
        k: peers are chosen by NDCG@k on validation.
        epochs: most epochs of a net.
        patience: looks at validation without a gain before a net's training ends.
        every: epochs between looks.
        device: name of a torch device.
        seed: source of all randomness.
    """

    split: Split
    graph: ItemGraph
    k: int
    epochs: int = 200
    patience: int = 5
    every: int = 5
    device: str = "cpu"
    seed: int = 0

    def clock(self) -> Callable[[], bool]:
        """Starts a trial's clock; it tells whether the trial's time is up."""
        end = time.perf_counter() + 60 * TRIAL_MINUTES
        return lambda: time.perf_counter() > end

    @cached_property
    def watched(self) -> HeldOut:
        """The validation users that choices look at, as many as plait's do."""
        return HeldOut.of(self.split, "valid").sample(VALIDATION_USERS, np.random.default_rng(self.seed))

    def ndcg(self, score: ScoreOf) -> float:
        """The metric that choices are made by."""
        return self.watched.ndcg(score(self.watched.audience()), self.k)

    @cached_property
    def train(self) -> Interactions:
        """The positives of train."""
        return self.split.positives()

    @cached_property
    def everything(self) -> Interactions:
        """The positives of train and validation."""
        return self.split.known("test").at_least(self.split.min_weight)


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted peer.

    Attributes:
        score: scores users by the histories at hand, or by their numbers.
        valid: NDCG@k on validation.
        epochs: of a net the best epoch, 0 for others.
    """

    score: ScoreOf
    valid: float
    epochs: int = 0


class Peer(Protocol):
    """A recommender to compare with."""

    name: str
    """As tables show it."""

    space: Mapping[str, Sequence[Any]]
    """Values of each setting to draw from; the product of them is what can be drawn."""

    def fit(self, task: Task, setting: Setting) -> Fit:
        """Fitted on train by one setting."""

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """What is measured on test: `fit.score` where histories are folded in, else a last fit on train and validation."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best of a peer's trials.

    Attributes:
        setting: by which it was fitted.
        fit: the fit.
        trials: how many settings were tried.
        seconds: of all trials.
    """

    setting: Setting
    fit: Fit
    trials: int
    seconds: float


def settings_of(space: Mapping[str, Sequence[Any]], trials: int, seed: int) -> list[dict[str, Any]]:
    """At most so many different settings, drawn at random; all of them where there are no more."""
    sizes = [len(values) for values in space.values()]
    total = int(np.prod(sizes))
    drawn = np.random.default_rng(seed).permutation(total)[:trials]
    places = zip(*np.unravel_index(drawn, sizes), strict=True)
    return [{name: values[at] for (name, values), at in zip(space.items(), place, strict=True)} for place in places]


def tuned(
    peer: Peer, task: Task, trials: int, minutes: float | None, tell: Callable[[Setting, Fit], None] | None = None
) -> Chosen:
    """The setting that validates best; of equals the first.

    Args:
        peer: what is tuned.
        task: what on.
        trials: most settings that are tried.
        minutes: after so long no other is begun; None for no bound.
        tell: told of each trial.
    """
    began = time.perf_counter()
    best: tuple[Setting, Fit] | None = None
    done = 0
    for setting in settings_of(peer.space, trials, task.seed):
        if best is not None and minutes is not None and time.perf_counter() - began > 60 * minutes:
            break
        fit = peer.fit(task, setting)
        done += 1
        if tell is not None:
            tell(setting, fit)
        if best is None or fit.valid > best[1].valid:
            best = setting, fit
    assert best is not None, "a space is never empty"
    return Chosen(*best, done, time.perf_counter() - began)
