"""The content of files: as JSON, and as a hash that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..kg import DataError

__all__ = ["content_hash", "read_json"]


def read_json(file: Path, *, default: Any) -> Any:
    """What a JSON file says, `default` where there is none.

    Raises:
        DataError: if it is not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except (OSError, ValueError) as error:
        raise DataError(f"not JSON: {error}", path=file) from error


def content_hash(settings: str, files: Iterable[Path]) -> str:
    """sha256 over some settings and the names and contents of files, whose folder does not matter, as 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{settings}\n".encode())
    for file in sorted(set(files)):
        status = file.stat()
        digest.update(f"{file.name} {_sha256(file, status.st_size, status.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _sha256(file: Path, size: int, modified: int) -> str:
    """Hash of a file; size and time are there for the cache alone, which forgets a file that changed."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
