"""`plait neo4j`: a Neo4j database looked at, and a model's results written into it and taken out again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..kg import DataError, ModelError
from .console import AsJson, news, out
from .neo4j_options import Database, PasswordFile, Uri, interruptible, server_of
from .neo4j_tables import schema_record, schema_tables, written_table
from .neo4j_write import recommend, write

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Look at a Neo4j database; write a model's embeddings and recommendations into it; take them out again.\n\n"
    "The server is named by NEO4J_URI, NEO4J_USERNAME and NEO4J_PASSWORD, or by --uri and --password-file.",
)


@app.command()
def schema(
    config: Annotated[
        Path | None, typer.Argument(help="YAML whose data come from Neo4j: its server, its keys.", show_default=False)
    ] = None,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Look at so many nodes of a label, relationships of a type.")
    ] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Labels, relationship types, properties with counts, and the keys that plait would take; nothing is changed.

    Example: plait neo4j schema --uri bolt://localhost:7687
    """
    from ..loaders.neo4j.connection import connected
    from ..loaders.neo4j.interactions import Neo4jInteractions
    from ..loaders.neo4j.read import Neo4jGraph
    from ..loaders.neo4j.schema import read_schema

    graph, log = None, None
    if config is not None:
        from ..fusion import read_config

        data = read_config(config).data
        graph = data.graph if isinstance(data.graph, Neo4jGraph) else None
        log = data.interactions if isinstance(data.interactions, Neo4jInteractions) else None
        if graph is None and log is None:
            raise DataError("neither data.graph nor data.interactions has source: neo4j", path=config)
    with connected(server_of(uri, database, password_file, graph or log)) as connection:
        about, found, where = connection.about, read_schema(connection, sample=sample), connection.where
    if as_json:
        sys.stdout.write(json.dumps(schema_record(found, about), indent=2, ensure_ascii=False) + "\n")
        return
    index = "searches vectors by an index" if about.vector_index else "has no vector index"
    out.print(f"{escape(where[:1].upper() + where[1:])}: {about.name} {about.version}, {about.edition}; it {index}.",
              highlight=False, soft_wrap=True)  # fmt: skip
    if not found.labels:
        out.print("The database has no nodes. Next: plait graph push FILES...")
        return
    for table in schema_tables(
        found,
        keys={**(log.keys if log else {}), **(graph.keys if graph else {})},
        items=[label for label in (graph and graph.item_label, log and log.item_label) if label],
        users=[log.user_label] if log else [],
        interactions=log.relationships if log else (),
    ):
        out.print(table)
    keys = ", ".join(f"{label.label}: {label.key[0]}" for label in found.labels if len(label.key) == 1)
    _next(f"in a YAML, data.graph: {{source: neo4j, keys: {{{keys}}}}}; then plait data describe, plait train")


app.command()(write)
app.command()(recommend)


@app.command()
def clean(
    model: Annotated[str, typer.Option("--model", help="Id of the model, or its folder.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; remove nothing.")] = False,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
) -> None:
    """Take out exactly what one model wrote: embeddings, recommendations, user nodes, vector indexes.

    Example: plait neo4j clean --model plait-1f3a5b7c9d0e --dry-run
    """
    from ..loaders.neo4j.clean import clean as clean_model
    from ..loaders.neo4j.connection import connected
    from ..loaders.neo4j.ledger import entries
    from ..terminal import TerminalProgress
    from .neo4j_targets import SavedModel

    saved = SavedModel(Path(model)) if (Path(model) / "manifest.json").is_file() else None
    server = server_of(uri, database, password_file, saved.server if saved else None)
    model = saved.identity.id if saved else model
    with connected(server) as connection:
        known = sorted({entry.model for entry in entries(connection)})
        where = connection.where
    if model not in known:
        listed = f"here wrote {', '.join(known)}" if known else "no model wrote anything here"
        raise ModelError(f"{where} has nothing of a model {model!r}; {listed}")
    again = "the same command takes out the rest"
    with interruptible(again), TerminalProgress(news).stage("clean") as stage:
        report = clean_model(server, model, dry_run=dry_run, on_progress=stage.update)
        stage.result("nothing removed" if dry_run else "done")
    kept = (
        f"; {report.kept:,} nodes made for users stay, as others have tied or added something to them"
        if report.kept
        else ""
    )
    indexes = f", vector index {', '.join(report.indexes)}" if report.indexes else ""
    verb = "Dry run: nothing was removed. It would be" if report.dry_run else "Removed"
    sentence = (
        f"{verb} embeddings of {report.embeddings:,} nodes, {report.recommendations:,} recommendations, "
        f"{report.nodes:,} nodes made for users{indexes}{kept}."
    )
    out.print(escape(sentence), highlight=False, soft_wrap=True)


@app.command()
def models(
    uri: Uri = None, database: Database = None, password_file: PasswordFile = None, as_json: AsJson = False
) -> None:
    """What models have written into a database: embeddings, recommendations, and how many there are by now."""
    from dataclasses import asdict

    from ..loaders.neo4j.connection import connected
    from ..loaders.neo4j.ledger import count_of, entries

    with connected(server_of(uri, database, password_file)) as connection:
        written = [(entry, count_of(connection, entry)) for entry in entries(connection)]
    if as_json:
        sys.stdout.write(json.dumps([{**asdict(e), "count": n} for e, n in written], indent=2) + "\n")
    elif written:
        out.print(written_table(written))
    else:
        out.print("No model wrote anything into this database. Next: plait neo4j write MODEL")


def _next(text: str) -> None:
    out.print(f"Next: {escape(text)}", highlight=False, soft_wrap=True)
