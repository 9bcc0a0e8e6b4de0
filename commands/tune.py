"""`plait tune`: search for a configuration that validates better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..kg import PlaitError
from .console import ConfigPath, news, out

if TYPE_CHECKING:
    from ..fusion.tuning import Search

__all__ = ["tune"]

SHOWN = 10
"""Trials in the table."""


def tune(
    config: ConfigPath,
    trials: Annotated[
        int, typer.Option("--trials", "-n", min=1, help="Trials the study shall have, earlier runs' included.")
    ] = 30,
    minutes: Annotated[float | None, typer.Option(min=0, help="Begin no trial after so long.")] = None,
    signal: Annotated[str, typer.Option(help="Look at one signal alone (ease, gnn, ...): faster.")] = "blend",
    space: Annotated[
        Path | None, typer.Option(help="YAML of keys and the values they may take.", show_default="the usual keys")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="SQLite file of the study.", show_default="CONFIG.SIGNAL.study.db")
    ] = None,
    best: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the best goes.", show_default="CONFIG.best.yaml")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Picture of the search: .svg, .png or .pdf.", show_default="CONFIG.SIGNAL.study.svg"),
    ] = None,
) -> None:
    """Search for a configuration that validates better, and write it as YAML.

    The first thing measured is the configuration as it stands. Every trial is kept in the study: Ctrl-C ends the search
    with what was found, and the same command goes on. Test data is not looked at.
    """
    from ..fusion import read_config
    from ..fusion.picture_file import check_picture
    from ..fusion.tuning import check_beside, default_space, draw_search, read_space, write_best
    from ..fusion.tuning import tune as search_space
    from ..fusion.tuning.objective import check_signal
    from ..terminal import TerminalProgress

    settings = read_config(config)
    check_signal(signal)
    target = best or config.with_name(f"{config.stem}.best.yaml")
    picture = plot or config.with_name(f"{config.stem}.{signal}.study.svg")
    file = study or config.with_name(f"{config.stem}.{signal}.study.db")
    # What could not be written in the end is told before the work.
    check_beside(config, target)
    check_picture(picture)
    wanted = default_space(settings, signal) if space is None else read_space(space, settings)
    try:
        progress = TerminalProgress(news)
        found = search_space(settings, wanted, file, trials=trials, minutes=minutes, signal=signal, progress=progress)
    except KeyboardInterrupt:
        raise PlaitError("interrupted before the first measurement; nothing was written") from None
    out.print(_table(found))
    # What is found first: a picture can be drawn again.
    if found.best is not None:
        heading = f"{config.name} with what `plait tune` found in trial {found.best.number}:"
        reached = f"{found.metric} {found.best.value:.4f}, before {found.baseline:.4f}"
        write_best(config, target, found.best.values, f"{heading} {reached}")
    draw_search(found, picture)
    out.print(f"The search as a picture: [bold]{escape(str(picture))}[/]", soft_wrap=True)
    if found.best is None:
        out.print("Nothing was better than the configuration as it stands; no YAML was written.")
        return
    shown = escape(str(target))
    out.print(f"Written to [bold]{shown}[/]. Next: plait train {shown} --out MODEL", soft_wrap=True)


def _table(search: Search) -> Table:
    """The configuration as it stands, and the best trials below."""
    table = Table(title=search.metric, title_justify="left")
    table.add_column("trial", justify="right")
    table.add_column("value", justify="right")
    for key in search.space:
        table.add_column(escape(key), justify="right")
    table.add_row("as it stands", f"{search.baseline:.4f}", *("" for _ in search.space))
    ordered = sorted(search.complete, key=lambda trial: (-(trial.value or 0.0), trial.number))
    for trial in ordered[:SHOWN]:
        values = (trial.values.get(key) for key in search.space)
        cells = (f"{value:.4g}" if isinstance(value, float) else escape(str(value)) for value in values)
        table.add_row(str(trial.number), f"{trial.value:.4f}", *cells)
    return table
