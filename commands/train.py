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
    refit: Annotated[
        bool | None,
        typer.Option(
            "--refit/--no-refit",
            help="Fit what was chosen once more, on train and validation, and save that; else as the YAML says.",
            show_default=False,
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            "--checkpoints",
            help="Folder to write the nets' training to as it goes on; the same command takes it up there again.",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train on the data a YAML names; save the model; show how it did.

    Ctrl-C while a net trains keeps the best so far and goes on; elsewhere it ends the run, and nothing is written.
    """
    train_and_save(config, model, refit, checkpoints)
    out.print(f"Saved to [bold]{escape(str(model))}[/]. Next: plait recommend {escape(str(model))} --user ID --explain")


def train_and_save(config: Path, model: Path, refit: bool | None = None, checkpoints: Path | None = None) -> None:
    """Train, save, and show how it did; `refit` overrides what the YAML says of the last fit."""
    from ..evaluation_tables import in_sample_note, worth_table
    from ..fusion import read_config
    from ..fusion.storage import check_target
    from ..fusion.training import train as train_model
    from ..terminal import TerminalProgress, evaluation_table

    settings = read_config(config)
    if refit is not None:
        settings = settings.model_copy(update={"refit": refit})
    check_target(model)
    try:
        trained = train_model(settings, progress=TerminalProgress(news), checkpoints=checkpoints)
        trained.save(model)
    except KeyboardInterrupt:
        kept = "" if checkpoints is None else f", but for the nets' training in {checkpoints}"
        raise PlaitError(f"interrupted; nothing was written{kept}") from None
    k, told = settings.evaluation.ks[0], trained.record.details["blend"]
    for part in trained.evaluation.users:
        out.print(evaluation_table(trained.evaluation, part, k))
    out.print(in_sample_note(told, k), soft_wrap=True)
    if (table := worth_table(told, trained.recommender.blend.weights, k)) is not None:
        out.print(table)
