"""`plait train` and `plait evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..kg import PlaitError
from .console import AsJson, ConfigPath, ModelPath, news, out, print_json

__all__ = ["evaluate", "train", "train_and_save"]


def train(
    config: ConfigPath,
    model: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model.", show_default=False)],
) -> None:
    """Train on the data a YAML names; save the model; show how it did.

    Ctrl-C while a net trains keeps the best so far and goes on; elsewhere it ends the run, and nothing is written.
    """
    train_and_save(config, model)
    out.print(f"Saved to [bold]{escape(str(model))}[/]. Next: plait recommend {escape(str(model))} --user ID --explain")


def evaluate(
    model: ModelPath,
    stored: Annotated[bool, typer.Option("--stored", help="Show the figures of the training; read no data.")] = False,
    k: Annotated[int | None, typer.Option("-k", help="Cut-off to show; the first measured by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model again on the data it was trained on, or show what was measured then (all ablations too)."""
    from ..fusion.saved_evaluation import evaluate_saved
    from ..fusion.storage import read_record
    from ..terminal import TerminalProgress, evaluation_table

    record = read_record(model)
    evaluation = record.evaluation if stored else evaluate_saved(model, progress=TerminalProgress(news))
    if as_json:
        print_json(evaluation.as_record())
        return
    ks = sorted(int(name.split("@")[1]) for name in evaluation.rows[0].metrics if name.startswith("ndcg@"))
    shown = k if k is not None else record.config["evaluation"]["ks"][0]
    if shown not in ks:
        raise PlaitError(f"nothing was measured at {shown}; there is {', '.join(map(str, ks))}")
    for part in evaluation.users:
        out.print(evaluation_table(evaluation, part, shown))


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
