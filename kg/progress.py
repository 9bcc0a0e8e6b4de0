"""How long work tells what it is doing: to whoever listens, or to nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Progress", "SilentProgress", "Stage", "Update"]

Update = Callable[[int, int | None, str], None]
"""Told how far work is (`Stage.update` is one): how much is done, of how much in all if known, and a word beside."""


class Stage(Protocol):
    """One stage of the work under way."""

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Tell how far it is; `note` is a word on the side, such as the loss."""

    def result(self, text: str) -> None:
        """Tell what came out, in a few words."""


class Progress(Protocol):
    """Somebody who listens to the progress of long work."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Begin a stage, of `total` steps where that is known; it ends with the context."""


class _SilentStage:
    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Nobody listens."""

    def result(self, text: str) -> None:
        """Nobody listens."""


class SilentProgress:
    """Listens and says nothing."""

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """A stage that nobody hears of."""
        yield _SilentStage()
