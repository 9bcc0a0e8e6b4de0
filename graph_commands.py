"""`plait graph`: the embedded graph database on the command line."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .kg import DataError, PlaitError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Keep a graph in a store on disk, without a server, and ask it.")
out = Console(emoji=False)
news = Console(stderr=True, emoji=False)
SHOWN = 100


class Answer(StrEnum):
    """How answers are printed."""

    table = "table"
    csv = "csv"
    tsv = "tsv"
    json = "json"


@app.command()
def load(
    files: Annotated[
        list[Path],
        typer.Argument(help="RDF files, patterns or folders: .nt .nq .ttl .trig .n3 .rdf .jsonld, with .gz .bz2 .zst."),
    ],
    store: Annotated[Path, typer.Option("--store", "-s", help="Folder of the store.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Replace the store that is there.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Add to the store that is there.")] = False,
    base: Annotated[str | None, typer.Option("--base", help="IRI that relative IRIs are relative to.")] = None,
) -> None:
    """Load RDF files into a store on disk: whole, or not at all if anything goes wrong."""
    from .loaders import load_store
    from .loaders.rdf.store import Existing
    from .terminal import TerminalProgress

    if replace and add:
        raise PlaitError("--replace and --add exclude each other")
    try:
        with TerminalProgress(news).stage("load graph") as stage:
            existing: Existing = "replace" if replace else "add" if add else "refuse"
            count = load_store(files, store, existing=existing, base=base, on_progress=stage.update)
            stage.result(f"{count:,} triples in the store")
    except KeyboardInterrupt:
        raise PlaitError("interrupted; the store is as it was before") from None
    shown = escape(str(store))
    out.print(
        f"Next: plait graph query {shown} 'SELECT ?relation (COUNT(*) AS ?n) {{ ?s ?relation ?o }} GROUP BY ?relation'\n"
        f"and in a YAML: data.graph: {{source: store, folder: {shown}}}",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def query(
    store: Annotated[Path, typer.Argument(help="Folder of the store.", show_default=False)],
    sparql: Annotated[
        str,
        typer.Argument(help="A SPARQL query, or @FILE that holds one, or - for standard input.", show_default=False),
    ],
    form: Annotated[
        Answer, typer.Option("--format", help="table shows the first rows; the others print all.")
    ] = Answer.table,
) -> None:
    """Ask a store with SPARQL: SELECT, ASK, CONSTRUCT or DESCRIBE. Nothing is ever changed."""
    import pyoxigraph as ox

    from .loaders import open_store

    text = _query_text(sparql)
    opened = open_store(store)
    try:
        found = opened.query(text)
        if isinstance(found, ox.QueryTriples):
            # Triples have one syntax that every tool reads, whatever is asked for.
            ox.serialize(found, cast(IO[bytes], sys.stdout.buffer), format=ox.RdfFormat.N_TRIPLES)
        elif form is Answer.table:
            _print_table(found)
        else:
            formats = {Answer.csv: ox.QueryResultsFormat.CSV, Answer.tsv: ox.QueryResultsFormat.TSV}
            kind = formats.get(form, ox.QueryResultsFormat.JSON)
            if isinstance(found, ox.QueryBoolean) and form is not Answer.json:
                sys.stdout.write(f"{str(bool(found)).lower()}\n")
            else:
                found.serialize(cast(IO[bytes], sys.stdout.buffer), format=kind)
    except SyntaxError as error:
        brief = str(error).splitlines()[0][:200]
        raise DataError(f"the query is no SPARQL: {brief}", line=error.lineno) from error
    except (OSError, RuntimeError) as error:
        # What has a number is of the output, such as a pipe that nobody reads; Oxigraph gives none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"the store cannot answer this: {error}", path=store) from error


def _query_text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    if not path.is_file():
        raise DataError("no such file", path=path)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError("the file is not UTF-8 text", path=path) from error


def _print_table(found: object) -> None:
    import pyoxigraph as ox

    if not isinstance(found, ox.QuerySolutions):
        out.print("yes" if found else "no")
        return
    table = Table(*(escape(variable.value) for variable in found.variables))
    more = False
    for number, solution in enumerate(found):
        if more := number == SHOWN:
            break
        table.add_row(*("" if term is None else escape(getattr(term, "value", str(term))) for term in solution))
    out.print(table)
    if more:
        out.print(f"[dim]The first {SHOWN} rows; --format csv prints all.[/]")
