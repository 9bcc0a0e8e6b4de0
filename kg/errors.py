"""The errors plait raises about what a user gave it: one sentence, the place, the remedy."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ConfigError", "DataError", "ModelError", "PlaitError", "UnknownIdError"]


class PlaitError(Exception):
    """Base of all errors whose message is meant for the user: the command line prints it without a traceback."""


class DataError(PlaitError):
    """Input data that cannot be used.

    Args:
        message: what is wrong, and what to do about it, in one sentence.
        path: the file at fault, if one is.
        line: the line in it, counted from 1, if known.
    """

    def __init__(self, message: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.line = line
        place = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        super().__init__(place + message)


class UnknownIdError(PlaitError, KeyError):
    """An id that the model or the map does not know; also a `KeyError`, for those who catch that."""

    def __str__(self) -> str:
        # KeyError shows its argument in quotes, as a key; this is a sentence.
        return str(self.args[0])


class ConfigError(DataError):
    """A configuration that cannot be used: an unknown key, a value out of range, an unset variable."""


class ModelError(DataError):
    """A saved model that cannot be used: missing, half-written, changed, or of another version."""
