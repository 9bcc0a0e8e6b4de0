"""`plait evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..kg import PlaitError
from .console import AsJson, ModelPath, news, out, print_json

__all__ = ["evaluate"]


def evaluate(
    model: ModelPath,
    stored: Annotated[bool, typer.Option("--stored", help="Show the figures of the training; read no data.")] = False,
    k: Annotated[int | None, typer.Option("-k", help="Cut-off to show; the first measured by default.")] = None,
    slices: Annotated[
        str | None, typer.Option("--slices", help="Show this scorer for some users and items apart, such as blend.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write it all, with plots, to this HTML file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model again on the data it was trained on, or show what was measured then (all ablations too)."""
    from ..evaluation_tables import in_sample_note, lists_table, slice_tables, worth_table
    from ..fusion.evaluation.saved import blend_of, evaluate_saved
    from ..fusion.storage import read_record
    from ..terminal import TerminalProgress, evaluation_table

    record = read_record(model)
    evaluation = record.evaluation if stored else evaluate_saved(model, progress=TerminalProgress(news))
    ks = sorted(int(name.split("@")[1]) for name in evaluation.rows[0].metrics if name.startswith("ndcg@"))
    first = record.config["evaluation"]["ks"][0]
    shown = k if k is not None else first
    if shown not in ks:
        raise PlaitError(f"nothing was measured at {shown}; there is {', '.join(map(str, ks))}")
    told, blend = record.details["blend"], blend_of(model, record)
    note = in_sample_note(told, first) if "valid" in evaluation.users else ""
    if html is not None:
        from ..evaluation_page import write_evaluation_page

        write_evaluation_page(evaluation, html, model.absolute().name, first, blend, note)
        news.print(f"Wrote {escape(str(html))}", highlight=False, soft_wrap=True)
    if as_json:
        print_json(evaluation.as_record())
        return
    names = list(dict.fromkeys(row.name for row in evaluation.rows))
    if slices is not None and slices not in names:
        raise PlaitError(f"no scorer is called {slices!r}; there is {', '.join(names)}")
    for part in evaluation.users:
        out.print(evaluation_table(evaluation, part, shown))
        if (of_lists := lists_table(evaluation, part, shown)) is not None:
            out.print(of_lists)
        for row in evaluation.rows:
            if (row.name, row.part) == (slices, part):
                for table in slice_tables(row, first):
                    out.print(table)
    if note:
        out.print(note, highlight=False)
    if (worth := worth_table(told, blend["weights"], first)) is not None:
        out.print(worth)
