"""Which items a command may recommend: those that a query of the user's own lets pass, in a Neo4j database as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..kg import ConfigError
from .neo4j_options import server_of

if TYPE_CHECKING:
    from ..fusion import Recommender
    from ..fusion.candidates import Candidates

__all__ = ["ByEntity", "Parameters", "Where", "candidates_of"]

GROUP = "Candidates"
Where = Annotated[
    Path | None,
    typer.Option(
        "--where",
        help="Cypher file: returns the ids of the items that may be shown, or, of the $ids it is given, those that may.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        help="NAME=VALUE for a $NAME in that file, again for each; a value is JSON, or else a string.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
ByEntity = Annotated[
    bool,
    typer.Option(
        "--by-entity",
        help="The file's ids are those of the items' entities in the graph.",
        rich_help_panel=GROUP,
    ),
]


@contextmanager
def candidates_of(
    model: Path,
    recommender: Recommender,
    where: Path | None,
    parameters: Sequence[str] | None,
    by_entity: bool,
    uri: str | None,
    database: str | None,
    password_file: Path | None,
) -> Iterator[Candidates | None]:
    """Who tells which items may be recommended, as options say; None if they say nothing of it.

    The server is that of the options, else the one that the model was trained from, else that of the environment.

    Raises:
        ConfigError: if parameters do not fit the file, or no server is named.
        DataError: if the file or the server cannot be used.
    """
    if where is None:
        if parameters or by_entity:
            raise ConfigError(
                "--param and --by-entity say more of the query file that --where names, and there is none"
            )
        if uri is not None or database is not None or password_file is not None:
            raise ConfigError("--uri, --database and --password-file say where --where asks, and there is no --where")
        yield None
        return
    from ..fusion.candidates import ThroughEntities
    from ..loaders.neo4j.connection import connected
    from ..loaders.neo4j.query_file import CypherFilter
    from ..loaders.neo4j.query_parameters import parameters_of
    from .neo4j_targets import SavedModel

    saved = SavedModel(model)
    query = CypherFilter.read(where, parameters_of(parameters or ()))
    with connected(server_of(uri, database, password_file, saved.server)) as connection:
        found = query.on(connection)
        if by_entity or saved.by_entity:
            yield ThroughEntities(found, recommender.items, recommender.graph.item_entity)
        else:
            yield found
