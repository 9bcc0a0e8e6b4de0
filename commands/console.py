"""What all commands share: where they print, and the arguments that mean the same everywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

__all__ = ["AsJson", "ConfigPath", "ModelPath", "news", "out", "print_json"]

# Ids may look like emoji codes, and must be copied as they are.
out = Console(emoji=False)
news = Console(stderr=True, emoji=False)

ConfigPath = Annotated[Path, typer.Argument(help="YAML configuration.", show_default=False)]
ModelPath = Annotated[Path, typer.Argument(help="Folder of a trained model.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    # Plain print to standard output: rich would wrap lines and colour what a program is to read.
    from ..fusion.storage import without_nan

    sys.stdout.write(json.dumps(without_nan(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
