"""`plait ablate`: what each part is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from ..kg import PlaitError, whole_file
from .console import ConfigPath, news, out

if TYPE_CHECKING:
    from ..fusion.ablation import Ablation

__all__ = ["ablate"]


def ablate(
    config: ConfigPath,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from that of the configuration on.")] = 5,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A variant besides the whole (no-graph, without-ease, ...), or whole; may be repeated."),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="JSON of the result.", show_default="CONFIG.ablation.json"),
    ] = None,
    part: Annotated[Literal["valid", "test"], typer.Option(help="Which part the table shows.")] = "valid",
) -> None:
    """Train with and without graph, text and each signal, by several seeds; test what each is worth.

    Each finished run is kept in a folder beside the result (--out without .json, and .runs): the same command goes on
    where it was interrupted, and is done at once where all are there. A table in Markdown is written too.
    """
    from ..fusion import read_config
    from ..fusion.ablation import ablate as run_variants
    from ..fusion.storage import without_nan
    from ..terminal import TerminalProgress

    settings = read_config(config)
    result = target or config.with_name(f"{config.stem}.ablation.json")
    if result.suffix != ".json":
        raise PlaitError(f"{result}: the result is JSON; let its name end in .json")
    folder = result.with_suffix(".runs")
    try:
        found = run_variants(settings, folder, seeds=seeds, only=only or (), progress=TerminalProgress(news))
    except KeyboardInterrupt:
        raise PlaitError(f"interrupted; finished runs are kept in {folder}, and the same command goes on") from None
    with whole_file(result) as temporary:
        record = json.dumps(without_nan(found.as_record()), indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(record + "\n", encoding="utf-8")
    with whole_file(result.with_suffix(".md")) as temporary:
        temporary.write_text(found.as_markdown(), encoding="utf-8")
    out.print(_table(found, part))
    for entry in found.lacking:
        out.print(f"{entry.variant} was left out: {entry.reason}")
    shown = escape(f"{result} and {result.with_suffix('.md').name}")
    out.print(f"Written to [bold]{shown}[/]", soft_wrap=True)


def _table(ablation: Ablation, part: str) -> Table:
    """The variants of a part, each with its spread over seeds, and its test against the whole."""
    from ..fusion.ablation.summary import compared, with_spread

    rows = ablation.of(part)
    title = f"{'Validation' if part == 'valid' else 'Test'}: {rows[0].users:,} users, {len(ablation.seeds)} seeds"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    metrics = [ablation.metric, *(name for name in rows[0].mean if name.startswith("recall"))]
    table.add_column("variant", no_wrap=True)
    for name in (*metrics, "change", "p (Holm)"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = [with_spread(row.mean[metric], row.spread[metric]) for metric in metrics]
        table.add_row(row.variant, *cells, *compared(row))
    return table
