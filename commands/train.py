"""`plait train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..kg import PlaitError
from .console import ConfigPath, news, out

__all__ = ["train", "train_and_save"]


def train(
    config: ConfigPath,
    model: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model.", show_default=False)],
) -> None:
    """Train on the data a YAML names; save the model; show how it did.

    Ctrl-C while a net trains keeps the best so far and goes on; elsewhere it ends the run, and nothing is written.
    """
    train_and_save(config, model)
    out.print(f"Saved to [bold]{escape(str(model))}[/]. Next: plait recommend {escape(str(model))} --user ID --explain")


def train_and_save(config: Path, model: Path) -> None:
    """Train, save, and show how it did."""
    from ..fusion import read_config
    from ..fusion.storage import check_target
    from ..fusion.training import train as train_model
    from ..terminal import TerminalProgress, evaluation_table

    settings = read_config(config)
    check_target(model)
    try:
        trained = train_model(settings, progress=TerminalProgress(news))
        trained.save(model)
    except KeyboardInterrupt:
        raise PlaitError("interrupted; nothing was written") from None
    for part in trained.evaluation.users:
        out.print(evaluation_table(trained.evaluation, part, settings.evaluation.ks[0]))
