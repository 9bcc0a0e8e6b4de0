"""The command line: reads files, environment and flags; nothing below it does."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.markup import escape

from ._version import __version__
from .commands import (
    ablate,
    ask,
    compare,
    data,
    demo,
    doctor,
    evaluate,
    export,
    graph,
    neo4j,
    rerank,
    search,
    text,
    train,
    tune,
)
from .commands.console import news, out
from .kg import PlaitError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A knowledge graph, language-model text and who liked what, braided into one recommender.\n\n"
    "Start with `plait demo`; then `plait data describe` and `plait train` on a YAML of your own.",
)
for command in (
    demo.demo,
    train.train,
    tune.tune,
    ablate.ablate,
    evaluate.evaluate,
    ask.recommend,
    ask.similar,
    ask.explain,
    search.search,
    export.export,
    doctor.doctor,
):
    app.command()(command)
# What it does not know it hands on: --against parts its arguments.
app.command(context_settings={"ignore_unknown_options": True})(compare.compare)
app.command("rerank-price")(rerank.rerank_price)
for group in (data, graph, text, neo4j):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, and all log lines.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Options that go before every command."""
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(name)s: %(message)s")
    if version:
        out.print(f"plait {__version__}")
        raise typer.Exit


@contextmanager
def _errors(debug: bool) -> Iterator[None]:
    """One sentence for what a user can mend, and exit code 1; the traceback only where it was asked for."""
    try:
        yield
    except (PlaitError, OSError, MemoryError) as error:
        if debug:
            raise
        news.print(f"[red]error:[/] {escape(str(error) or type(error).__name__)}", highlight=False, soft_wrap=True)
        sys.exit(1)


def main() -> None:
    """Entry point of the command `plait`."""
    with _errors("--debug" in sys.argv):
        app(standalone_mode=True)
