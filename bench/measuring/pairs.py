"""Paired tests over the users that all contenders were measured on, each user's figure the mean over the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from plait.fusion.evaluation import PerUser
from plait.fusion.evaluation.significance import paired, with_holm
from plait.kg import ConfigError, IdMap

FloatVector = npt.NDArray[np.float64]


def mean_over_seeds(runs: Sequence[PerUser], scorer: str, metric: str, users: IdMap) -> FloatVector:
    """Each user's mean, NaN for who was not measured by every run, shape (users,).

    Raises:
        ConfigError: if there is no such scorer or metric.
    """
    for run in runs:
        if scorer not in run.values:
            raise ConfigError(f"no scorer {scorer!r} was measured; there is {', '.join(run.scorers)}")
        if metric not in run.values[scorer]:
            raise ConfigError(f"no {metric!r} was kept for each user; there is {', '.join(run.values[scorer])}")
    # Kept in float32: without rounding, means that are equal would differ in their last digits, and be ranked.
    return np.stack([run.of(users, scorer, metric) for run in runs]).mean(axis=0).round(6)


def tested(
    first: tuple[str, FloatVector], others: Mapping[str, FloatVector], metric: str, seed: int = 0
) -> list[dict[str, Any]]:
    """The first against each of the others, JSON-ready: Wilcoxon's signed-rank test, Holm over the pairs.

    Args:
        first: name, and figure of each user.
        others: by name the figures of the same users.
        metric: what the figures are.
        seed: of the bootstrap of the interval.
    """
    name, column = first
    found = with_holm([paired(column, other, np.random.default_rng(seed)) for other in others.values()])
    return [
        {"first": name, "second": other, "metric": metric, **asdict(one)}
        for other, one in zip(others, found, strict=True)
    ]


def within(runs: Sequence[PerUser], scorers: Sequence[str], metric: str) -> list[dict[str, Any]]:
    """The first of some scorers against each of the others.

    Raises:
        ConfigError: if there are fewer than two, or one was not measured.
    """
    if len(set(scorers)) < max(2, len(scorers)):
        raise ConfigError("name two different scorers or more: the first is compared with each of the others")
    users = IdMap.numbering(*(run.users for run in runs))
    columns = {scorer: mean_over_seeds(runs, scorer, metric, users) for scorer in scorers}
    return tested((scorers[0], columns.pop(scorers[0])), columns, metric)
