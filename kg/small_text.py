"""Files that people write by hand, read whole: small, and in UTF-8."""

from __future__ import annotations

from pathlib import Path

from .errors import ConfigError, DataError

__all__ = ["MOST_BYTES", "small_text"]

MOST_BYTES = 1 << 20


def small_text(path: Path, what: str, error_type: type[ConfigError | DataError]) -> str:
    """The text of a file of at most 1 MiB, without a byte order mark.

    Args:
        path: of the file.
        what: it should be, with its article, such as "a query".
        error_type: of what is raised.

    Raises:
        ConfigError, DataError: with the file, and the line where one is at fault, if it cannot be read, is longer, or is no
            UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # no permission, a name too long
        reason = error.strerror if isinstance(error, OSError) else error
        raise error_type(f"cannot be read: {reason}", path=path) from error
    if len(data) > MOST_BYTES:
        raise error_type(f"longer than 1 MiB; is this {what}?", path=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise error_type("the file is not UTF-8 text", path=path, line=line) from error
