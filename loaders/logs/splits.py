"""Splits into train, validation and test; the split owns which edges must not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...kg import ConfigError, IdMap, Interactions

__all__ = ["Part", "Split", "SplitConfig", "assembled", "given_parts", "parts_of", "split_interactions"]

Part = Literal["valid", "test"]
"""A held-out part."""


class SplitConfig(BaseModel):
    """How interactions are held out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Literal["temporal", "temporal_per_user", "leave_last_out", "random", "given"] = "temporal"
    """temporal: one point in time for all users, as in production, so that nothing of the future is known.
    temporal_per_user: the last part of each user's own history (other users' later interactions are in train).
    leave_last_out: each user's last is test, the last but one validation; file order where no time is known.
    random: rows at random by seed. given: test comes in a file of its own, and validation too, or else it is held out
    of train, rows at random by seed."""

    valid: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the interactions held out for validation (of a given split without a validation file: of train)."""

    test: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of the interactions held out for test."""

    valid_path: Path | None = None
    """Validation file of a given split, of the same layout as data.interactions.path, which is then train. Without
    one the share `valid` of train becomes validation."""

    test_path: Path | None = None
    """Test file of a given split."""

    def files(self) -> list[Path]:
        """Files of a given split, validation (if it has a file) first."""
        return [path for path in (self.valid_path, self.test_path) if path is not None]

    @model_validator(mode="after")
    def _files(self) -> SplitConfig:
        if self.strategy == "given" and self.test_path is None:
            raise ValueError("strategy: given needs test_path (and valid_path, if validation has a file as well)")
        if self.strategy != "given" and self.files():
            raise ValueError("valid_path and test_path go with strategy: given; remove them, or choose it")
        return self


@dataclass(frozen=True, eq=False)
class Split:
    """Train, validation and test interactions over the same id maps.

    Each part holds all rows of its time; `min_weight` says which of them are positives. What a net is trained on
    is `positives()` alone; what counts as a hit is `relevant(part)`; what is left out of a ranking as seen
    is `seen(part)`.
    """

    train: Interactions
    valid: Interactions
    test: Interactions
    min_weight: float | None = None
    overlap: int = 0
    """Held-out rows dropped because the same pair stands in an earlier part."""

    @property
    def users(self) -> IdMap:
        """Ids of all users."""
        return self.train.users

    @property
    def items(self) -> IdMap:
        """Ids of the catalogue."""
        return self.train.items

    def with_items(self, items: IdMap) -> Split:
        """The same split over a larger catalogue."""
        train, valid, test = (part.with_items(items) for part in (self.train, self.valid, self.test))
        return Split(train, valid, test, self.min_weight, self.overlap)

    def known(self, part: Part) -> Interactions:
        """What is known when `part` is predicted: train; for test, validation too, which is history by then."""
        return self.train if part == "valid" else self.train.joined(self.valid)

    def seen(self, part: Part) -> sp.csr_array:
        """User-item matrix of what is left out of the ranking for `part`, liked or not."""
        return self.known(part).matrix()

    def history(self, part: Part) -> sp.csr_array:
        """User-item matrix of the positives known when `part` is predicted, by how many steps ago (1 the last)."""
        return self.known(part).at_least(self.min_weight).steps()

    def relevant(self, part: Part) -> sp.csr_array:
        """User-item matrix of the positives held out in `part`."""
        return (self.valid if part == "valid" else self.test).at_least(self.min_weight).matrix()

    def positives(self) -> Interactions:
        """The interactions to train on: positives of train, none of them held out."""
        return self.train.at_least(self.min_weight)


def split_interactions(
    log: Interactions, config: SplitConfig, *, min_weight: float | None = None, rng: np.random.Generator
) -> Split:
    """Split a log by any strategy but "given".

    Raises:
        ConfigError: if a temporal strategy meets a log without times, or a part comes out empty.
    """
    return assembled(*parts_of(log, config, rng), min_weight=min_weight)


def parts_of(
    log: Interactions, config: SplitConfig, rng: np.random.Generator
) -> tuple[Interactions, Interactions, Interactions]:
    """Rows of train, validation and test, before pairs that an earlier part knows are left out.

    Raises:
        ConfigError: if a temporal strategy meets a log without times.
    """
    if config.strategy.startswith("temporal") and log.time is None:
        raise ConfigError(
            f"split.strategy {config.strategy} needs times, and the log has no time column; "
            "name it under data.interactions.time, or choose leave_last_out or random"
        )
    if config.strategy == "leave_last_out":
        part = _leave_last_out(log)
    elif config.strategy == "temporal_per_user":
        part = _last_of_each_user(log, config)
    else:
        order = rng.permutation(len(log)) if config.strategy == "random" else np.arange(len(log))
        part = _by_share(len(log), order, config)
    return log.select(part == 0), log.select(part == 1), log.select(part == 2)


def given_parts(
    logs: Sequence[Interactions], config: SplitConfig, rng: np.random.Generator
) -> tuple[Interactions, Interactions, Interactions]:
    """Rows of train, validation and test of a given split, before pairs that an earlier part knows are left out.

    Without a validation file, the share `valid` of train's user-item pairs, at random, is validation: all rows of a
    pair go the same way, so that none is known from train.

    Args:
        logs: what the files hold: train, validation if it has a file, test.
        config: the split.
        rng: draws the validation rows.

    Raises:
        ConfigError: if there are too few pairs for that.
    """
    if len(logs) == 3:
        train, valid, test = logs
        return train, valid, test
    train, test = logs
    pairs, of_row = np.unique(train.user.astype(np.int64) * max(len(train.items), 1) + train.item, return_inverse=True)
    n = round(len(pairs) * config.valid)
    if n == 0:
        raise ConfigError(
            f"split.valid {config.valid:g} of {len(pairs):,} pairs of train is none; raise it, or give split.valid_path"
        )
    held_out = np.zeros(len(pairs), dtype=bool)
    held_out[rng.permutation(len(pairs))[:n]] = True
    return train.select(~held_out[of_row]), train.select(held_out[of_row]), test


def assembled(
    train: Interactions, valid: Interactions, test: Interactions, *, min_weight: float | None = None
) -> Split:
    """A split of three parts, held-out pairs that an earlier part knows already left out.

    Raises:
        ConfigError: if a part is empty of positives.
    """
    fresh_valid = _new_pairs(valid, train)
    fresh_test = _new_pairs(test, train.joined(valid))
    overlap = len(valid) - len(fresh_valid) + len(test) - len(fresh_test)
    split = Split(train, fresh_valid, fresh_test, min_weight, overlap)
    for name, part in (("train", train), ("validation", fresh_valid), ("test", fresh_test)):
        if len(part.at_least(min_weight)) == 0:
            raise ConfigError(f"the {name} part of the split has no positive interaction; choose another split")
    return split


def _new_pairs(part: Interactions, earlier: Interactions) -> Interactions:
    width = len(part.items)
    pairs = (rows.user.astype(np.int64) * width + rows.item for rows in (part, earlier))
    return part.select(~np.isin(next(pairs), next(pairs)))


def _by_share(n: int, order: npt.NDArray[np.int64], config: SplitConfig) -> npt.NDArray[np.int8]:
    """Part of each row (0 train, 1 validation, 2 test): the last shares of an order."""
    part = np.zeros(n, dtype=np.int8)
    first_test = n - round(n * config.test)
    part[order[first_test - round(n * config.valid) : first_test]] = 1
    part[order[first_test:]] = 2
    return part


def _from_the_end(log: Interactions) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each row, its place counted from the end of its user's history (0 is the last) and that history's length."""
    order = np.argsort(log.user, kind="stable")
    length = np.bincount(log.user, minlength=len(log.users))
    last = np.cumsum(length)[log.user[order]] - 1
    place = np.empty(len(log), dtype=np.int64)
    place[order] = last - np.arange(len(log))
    return place, length[log.user]


def _leave_last_out(log: Interactions) -> npt.NDArray[np.int8]:
    place, length = _from_the_end(log)
    # With fewer than three, nothing would be left to know the user by.
    long_enough = length >= 3
    return np.where(long_enough & (place == 0), 2, np.where(long_enough & (place == 1), 1, 0)).astype(np.int8)


def _last_of_each_user(log: Interactions, config: SplitConfig) -> npt.NDArray[np.int8]:
    place, length = _from_the_end(log)
    n_test = np.round(length * config.test).astype(np.int64)
    # However large the shares, each user's first stays in train: nothing else would be left to know the user by.
    n_valid = np.minimum(np.round(length * config.valid).astype(np.int64), length - n_test - 1)
    return np.where(place < n_test, 2, np.where(place < n_test + n_valid, 1, 0)).astype(np.int8)
