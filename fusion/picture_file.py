"""Files that pictures are written to."""

from __future__ import annotations

from pathlib import Path

from ..kg import ConfigError

__all__ = ["check_picture", "picture_format", "undated"]

FORMATS = (".svg", ".png", ".pdf")


def check_picture(path: Path) -> None:
    """See, before the work, that a picture can be written there.

    Raises:
        ConfigError: if the file's ending names no format of pictures, or its folder is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"no picture can be written as {path.suffix!r}; take {', '.join(FORMATS)}", path=path)
    if not path.absolute().parent.is_dir():
        raise ConfigError("the picture's folder is not there; make it first, or name another", path=path)


def picture_format(path: Path) -> str:
    """The format by the file's ending, as matplotlib calls it."""
    return path.suffix.lower()[1:]


def undated(path: Path) -> dict[str, None]:
    """What to tell matplotlib about a file so that the same figures give the same bytes."""
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(picture_format(path), {})
