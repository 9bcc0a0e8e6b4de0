"""`plait neo4j write` and `plait neo4j recommend`: a model's results into a Neo4j database."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .console import news, out
from .neo4j_options import Database, DryRun, PasswordFile, Uri, interruptible, server_of
from .neo4j_tables import left_alone, preview_lines

if TYPE_CHECKING:
    from ..loaders.neo4j.batches import Preview
    from ..loaders.neo4j.connection import Neo4jServer
    from ..loaders.neo4j.write_embeddings import EmbeddingReport
    from .neo4j_targets import SavedModel, Target, What

__all__ = ["recommend", "write"]

INTERRUPTED = (
    "what is written is whole, batch by batch: the same command takes it up where it stopped, and "
    "`plait neo4j clean --model {}` takes it out again"
)

ModelPath = Annotated[Path, typer.Argument(help="Folder of a trained model.", show_default=False)]
ByEntity = Annotated[
    bool,
    typer.Option(
        "--by-entity", help="The key is the id of an item's entity in the graph, as `plait graph push` writes it."
    ),
]


class Embedded(StrEnum):
    """What has embeddings."""

    items = "items"
    entities = "entities"
    users = "users"


def write(
    model: ModelPath,
    what: Annotated[Embedded, typer.Option("--what", help="Which embeddings.")] = Embedded.items,
    label: Annotated[str | None, typer.Option("--label", help="Label of their nodes.", show_default=False)] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="Property that is their id; again for a composite one.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Property for the embedding.")] = "plait_embedding",
    index: Annotated[bool, typer.Option(help="Make a vector index over it, by cosine.")] = True,
    by_entity: ByEntity = False,
    batch: Annotated[int, typer.Option(min=1, help="Nodes a transaction.")] = 2000,
    dry_run: DryRun = False,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
) -> None:
    """Write a model's embeddings to nodes that are there, as a property with a vector index.

    Label and key come from the model where it was trained from Neo4j. A property that somebody else wrote is left alone;
    the same command again changes nothing, and takes up one that was cut.

    Example: plait neo4j write model --label Product --key sku --dry-run
    """
    from ..loaders.neo4j.connection import connected
    from .neo4j_targets import SavedModel

    saved = SavedModel(model)
    kind: What = what.value
    _ = saved.recommender  # Loaded first: a model that is damaged is told before a server is asked.
    server = server_of(uri, database, password_file, saved.server)
    by_entity = by_entity or saved.by_entity
    labels = saved.entity_labels() if kind == "entities" and label is None else [saved.label(kind, label)]
    with connected(server) as connection:
        targets = [saved.target(connection, kind, one, key, by_entity=by_entity) for one in labels]
    _introduce(saved, server)
    for target in targets:
        report = _write_one(saved, kind, target, server, name, index, by_entity, batch, dry_run)
        _tell_written(report, kind, target, name)
    if not dry_run:
        _next(
            f"plait neo4j recommend {model}; plait neo4j models; taken out by plait neo4j clean --model {saved.identity.id}"
        )


def _write_one(
    saved: SavedModel,
    what: What,
    target: Target,
    server: Neo4jServer,
    name: str,
    index: bool,
    by_entity: bool,
    batch: int,
    dry_run: bool,
) -> EmbeddingReport:
    from ..loaders.neo4j.write_embeddings import write_embeddings
    from ..terminal import TerminalProgress

    table = saved.embeddings(what, by_entity=by_entity, label=target.label)
    with (
        interruptible(INTERRUPTED.format(saved.identity.id)),
        saved.hinted(by_entity=by_entity),
        TerminalProgress(news).stage(f"write embeddings to :{target.label}", len(table)) as stage,
    ):
        report = write_embeddings(
            server, table, label=target.label, key=target.key, model_id=saved.identity.id,
            created=saved.identity.created, name=name, index=index, separator=target.separator,
            id_prefix=target.id_prefix, batch=batch, dry_run=dry_run, must_match=True, on_progress=stage.update,
        )  # fmt: skip
        stage.result(f"{report.written:,} written" if not dry_run else "nothing written")
    return report


def _tell_written(report: EmbeddingReport, what: What, target: Target, name: str) -> None:
    rest = left_alone("ids have no node", report.unknown)
    rest += left_alone(f"nodes have a property {name} of somebody else's, left alone", report.foreign)
    same = f"; {report.unchanged:,} had this model's already" if report.unchanged else ""
    if report.preview is not None:
        _tell_preview(report.preview, same + rest)
        return
    index = f" The vector index {report.index} is online." if report.index else ""
    index += f" {report.note[:1].upper()}{report.note[1:]}." if report.note else ""
    sentence = f"Wrote embeddings of {report.written:,} {what} to {target}, property {name}{same}{rest}.{index}"
    out.print(escape(sentence), highlight=False, soft_wrap=True)


def recommend(
    model: ModelPath,
    user_label: Annotated[str | None, typer.Option(help="Label of the users' nodes.", show_default=False)] = None,
    item_label: Annotated[str | None, typer.Option(help="Label of the items' nodes.", show_default=False)] = None,
    user_key: Annotated[
        list[str] | None, typer.Option(help="Property that is a user's id; may be given again.")
    ] = None,
    item_key: Annotated[
        list[str] | None, typer.Option(help="Property that is an item's id; may be given again.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Items per user.")] = 10,
    user: Annotated[
        list[str] | None, typer.Option("--user", "-u", help="User id; may be given again. All known users by default.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Type of the relationships.")] = "RECOMMENDED",
    by_entity: ByEntity = False,
    create_users: Annotated[bool, typer.Option("--create-users", help="Make nodes for users that have none.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Relationships a transaction, about.")] = 5000,
    dry_run: DryRun = False,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
) -> None:
    """Write recommendations as relationships (user)-[:RECOMMENDED {score, rank, model, at}]->(item).

    A user's list of this model is replaced in one transaction; other models' and other people's relationships stay.
    Labels and keys come from the model where it was trained from Neo4j.

    Example: plait neo4j recommend model --user-label User --user-key id --item-label Product --item-key sku -k 20
    """
    from ..loaders.neo4j.connection import connected
    from ..loaders.neo4j.write_recommendations import write_recommendations
    from ..terminal import TerminalProgress
    from .neo4j_targets import SavedModel

    saved, progress = SavedModel(model), TerminalProgress(news)
    identity = saved.identity
    _ = saved.recommender  # Loaded first: a model that is damaged is told before a server is asked.
    server = server_of(uri, database, password_file, saved.server)
    by_entity = by_entity or saved.by_entity
    with connected(server) as connection:
        users = saved.target(connection, "users", saved.label("users", user_label), user_key, by_entity=by_entity)
        items = saved.target(connection, "items", saved.label("items", item_label), item_key, by_entity=by_entity)
    _introduce(saved, server)
    with interruptible(INTERRUPTED.format(identity.id)), saved.hinted(by_entity=by_entity):
        with progress.stage("recommend") as stage:
            table = saved.recommendations(user, k, by_entity=by_entity, on_progress=stage.update)
            stage.result(f"{len(table):,} recommendations")
        with progress.stage("write recommendations", len(table)) as stage:
            report = write_recommendations(
                server, table, user_label=users.label, item_label=items.label, user_key=users.key, item_key=items.key,
                model_id=identity.id, created=identity.created, name=name, separator=users.separator,
                user_id_prefix=users.id_prefix, item_id_prefix=items.id_prefix, create_users=create_users,
                batch=batch, dry_run=dry_run, must_match=True, on_progress=stage.update,
            )  # fmt: skip
            stage.result(f"{report.created:,} created, {report.deleted:,} older deleted")
    rest = left_alone("users have no node", report.unknown_users)
    rest += left_alone("items have no node", report.unknown_items)
    if report.preview is not None:
        _tell_preview(report.preview, rest)
        return
    made = f"; {report.users_created:,} nodes made for users" if report.users_created else ""
    sentence = f"Wrote {report.created:,} relationships {name} for {report.users:,} users, {users}, to items, {items}"
    out.print(escape(f"{sentence}{made}{rest}."), highlight=False, soft_wrap=True)
    _next(f"in Neo4j Browser, MATCH p = ()-[r:`{name}` {{model: '{identity.id}'}}]->() RETURN p LIMIT 25; "
          f"taken out by plait neo4j clean --model {identity.id}")  # fmt: skip


def _introduce(saved: SavedModel, server: Neo4jServer) -> None:
    model = f"Model [bold]{escape(saved.identity.id)}[/], saved {saved.identity.created:%Y-%m-%d %H:%M} UTC"
    out.print(f"{model}, to {escape(server.address())}", highlight=False, soft_wrap=True)


def _tell_preview(preview: Preview, rest: str) -> None:
    for line in preview_lines(preview):
        out.print(line, highlight=False, soft_wrap=True)
    if rest:
        out.print(escape(rest.removeprefix("; ")) + ".", highlight=False, soft_wrap=True)


def _next(text: str) -> None:
    out.print(f"Next: {escape(text)}", highlight=False, soft_wrap=True)
