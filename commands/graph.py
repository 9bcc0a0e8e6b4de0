"""`plait graph`: the embedded graph database on the command line."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape
from rich.table import Table

from ..kg import DataError, PlaitError
from .console import news, out
from .neo4j_options import Database, DryRun, PasswordFile, Uri, interruptible, server_of
from .neo4j_tables import preview_lines

if TYPE_CHECKING:
    from ..kg import KnowledgeGraph
    from ..terminal import TerminalProgress

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Keep a graph in a store on disk, without a server, and ask it; push a graph into Neo4j."
)
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
    from ..loaders import load_store
    from ..loaders.rdf.store import Existing
    from ..terminal import TerminalProgress

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

    from ..loaders import open_store

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


@app.command()
def push(
    files: Annotated[
        list[Path],
        typer.Argument(help="RDF files, patterns or folders; or one YAML, whose data.graph is read, mapping and all."),
    ],
    label: Annotated[
        str, typer.Option("--label", help="Label that all nodes get beside that of their type.")
    ] = "Entity",
    key: Annotated[str, typer.Option("--key", help="Property for their ids.")] = "id",
    language: Annotated[str, typer.Option("--language", help="Where a literal comes in several.")] = "en",
    existing: Annotated[
        bool, typer.Option("--existing", help="The database holds nodes already; those with the same key are the same.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Nodes or relationships a transaction.")] = 5000,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="A model trained on this graph: its explanations give Cypher from then on."),
    ] = None,
    dry_run: DryRun = False,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
) -> None:
    """Load a graph into a Neo4j database: entities become nodes, triples relationships, literals properties.

    The same command again changes nothing, and takes up one that was cut.

    Example: plait graph push catalogue.ttl --label Thing --key iri --dry-run
    """
    from ..fusion.neo4j_paths import tell_pushed
    from ..fusion.storage import check_target, read_record
    from ..loaders.neo4j.push import push_graph
    from ..terminal import TerminalProgress

    server = server_of(uri, database, password_file)
    if model is not None:
        # Now, not after a long push: the folder may be no model.
        read_record(model)
        check_target(model)
    progress = TerminalProgress(news)
    graph = _graph_of(files, progress)
    with (
        interruptible("what is written is whole, batch by batch: the same command takes it up where it stopped"),
        progress.stage("push graph", graph.n_entities + graph.n_triples) as stage,
    ):
        report = push_graph(
            graph, server, label=label, key=key, language=language, into="existing" if existing else "empty",
            batch=batch, dry_run=dry_run, on_progress=stage.update,
        )  # fmt: skip
        stage.result(
            "nothing written" if dry_run else f"{report.nodes_created + report.relationships_created:,} created"
        )
    if report.preview is not None:
        for line in preview_lines(report.preview):
            out.print(line, highlight=False, soft_wrap=True)
        return
    if model is not None:
        tell_pushed(model, report, label=label, key=key)
    resumed = " (a push that was cut, taken up)" if report.resumed else ""
    text = "".join(
        f"; {n:,} values of {name} are not of their datatype, such as {example!r}: text"
        for name, (n, example) in report.as_text.items()
    )
    out.print(
        escape(f"Created {report.nodes_created:,} of {report.nodes:,} nodes and {report.relationships_created:,} of "
               f"{report.relationships:,} relationships{resumed}{text}.")
        + f"\nNext: plait neo4j schema\nand in a YAML: data.graph: {{source: neo4j, labels: \\[{escape(label)}], keys: {{{escape(label)}: {escape(key)}}}}}",
        highlight=False,
        soft_wrap=True,
    )  # fmt: skip


def _graph_of(files: list[Path], progress: TerminalProgress) -> KnowledgeGraph:
    """The graph of a configuration, or of RDF files."""
    from ..fusion import read_config
    from ..loaders import read_graph, read_rdf

    configs = [path for path in files if path.suffix.lower() in (".yaml", ".yml")]
    if configs and len(files) > 1:
        raise DataError("push one YAML, or RDF files", path=configs[0])
    with progress.stage("read graph") as stage:
        if not configs:
            graph = read_rdf(files, on_progress=stage.update)
        else:
            data = read_config(configs[0]).data
            if data.graph is None:
                raise DataError("it has no data.graph to push", path=configs[0])
            graph = read_graph(data.graph, on_progress=stage.update, without=data.interaction_relationships).graph
        stage.result(f"{graph.n_entities:,} entities, {graph.n_triples:,} triples")
    return graph


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
