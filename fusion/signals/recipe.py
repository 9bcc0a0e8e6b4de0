"""How a signal is made: settings to choose from on validation, and a fit by each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ...kg import ConfigError
from .material import Material
from .signal import Signal

__all__ = ["NothingToFitOnError", "Recipe", "Setting", "Tell", "TrainedRecipe", "Watch"]

Setting = Mapping[str, Any]
"""What was chosen for a signal, by name; JSON-ready."""

Watch = Callable[[Signal], float]
"""The validation metric of a signal; higher is better. It never sees test data."""

Tell = Callable[[int, int | None, str], None]
"""Told how many steps of how many are done, and a word about the last one."""


class NothingToFitOnError(ConfigError):
    """What a signal is made of is not there at all; no other setting would help."""


class Recipe(Protocol):
    """The configuration of a signal that is fitted in one go. It is a frozen pydantic model."""

    def choices(self) -> Sequence[Setting]:
        """Settings to choose from on validation; each is fitted. At least one, the same on every call."""

    def fit(self, material: Material, setting: Setting) -> Signal:
        """The signal by one of the settings.

        Raises:
            ConfigError: if it cannot be fitted by it; the message names the key and the remedy. NothingToFitOnError if
                that is so by any setting.
        """


class TrainedRecipe(Protocol):
    """The configuration of a signal that is trained in steps and stopped by validation."""

    def train(self, material: Material, watch: Watch, tell: Tell) -> tuple[Signal, Setting, bool]:
        """Train, stopped early by `watch`.

        Returns:
            The best signal; the setting (epochs, ...) that `fit` makes it by; whether Ctrl-C ended the training before
            its time.
        """

    def fit(self, material: Material, setting: Setting) -> Signal:
        """Train by a setting without looking at any validation: for the last fit, on all there is.

        Raises:
            KeyboardInterrupt: at Ctrl-C; what was trained half is worth nothing here.
        """
