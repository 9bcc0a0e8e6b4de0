"""Which Neo4j server a command speaks to, out of its options and the environment; passwords are no option."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..kg import ConfigError, PlaitError

if TYPE_CHECKING:
    from ..loaders.neo4j.connection import Neo4jServer

__all__ = ["Database", "DryRun", "PasswordFile", "Uri", "interruptible", "server_in_words", "server_of"]

GROUP = "Server (NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD otherwise)"
Uri = Annotated[
    str | None,
    typer.Option("--uri", help="neo4j:// or bolt://, with +s for TLS.", rich_help_panel=GROUP, show_default=False),
]
Database = Annotated[
    str | None,
    typer.Option("--database", help="Its database; the user's own by default.", rich_help_panel=GROUP),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="File whose first line is the password, instead of NEO4J_PASSWORD.",
        rich_help_panel=GROUP,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would be written, and the Cypher.")]


def server_of(
    uri: str | None, database: str | None, password_file: Path | None, configured: Neo4jServer | None = None
) -> Neo4jServer:
    """The server that options name, what they leave out taken from a configuration, or else the environment.

    Raises:
        ConfigError: if the URI is none, or no server is named anywhere.
    """
    from pydantic import ValidationError

    from ..loaders.neo4j.connection import Neo4jServer

    fields: dict[str, Any] = {}
    if configured is not None:
        fields = {name: getattr(configured, name) for name in Neo4jServer.model_fields}
    if uri is not None and configured is not None and configured.uri not in (None, uri):
        # Another server has other databases, and another password; a configuration without a server is of any.
        fields = {}
    stated = {"uri": uri, "database": database, "password_file": password_file}
    fields |= {name: value for name, value in stated.items() if value is not None}
    if password_file is not None:
        fields.pop("password_env", None)
    try:
        server = Neo4jServer.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = "--" + "-".join(str(part) for part in problem["loc"]).replace("_", "-")
        raise ConfigError(f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None
    try:
        server.address()
    except ConfigError:
        if server.uri is None and not os.environ.get("NEO4J_URI", "").strip():
            raise ConfigError("no Neo4j server is named; give --uri, or set NEO4J_URI in the environment") from None
        raise
    return server


@contextmanager
def interruptible(remedy: str) -> Iterator[None]:
    """Ctrl-C ends the command with one sentence that says what stands, and what to do."""
    try:
        yield
    except KeyboardInterrupt:
        raise PlaitError(f"interrupted; {remedy}") from None


def server_in_words(seconds: float = 5.0) -> str:
    """Name, version and edition of the server in the environment, or why it does not answer; takes no longer than that."""
    if not os.environ.get("NEO4J_URI", "").strip():
        return "NEO4J_URI is not set"
    from ..loaders.neo4j.connection import Neo4jServer, connected

    found: list[str] = []

    def ask() -> None:
        try:
            with connected(Neo4jServer(retry_seconds=seconds)) as connection:
                about = connection.about
                index = "with" if about.vector_index else "without"
                found.append(f"{about.name} {about.version}, {about.edition}, {index} vector index")
        except (PlaitError, OSError, ValueError, RuntimeError) as error:
            found.append(str(error))

    # Not waited for beyond its time: a name that is looked up, or a port that swallows, may take minutes.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else f"the server at NEO4J_URI does not answer within {seconds:.0f} s"
