"""A Neo4j server: where it is, how to be let in, and queries to it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated, Any, LiteralString, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from ...kg import ConfigError
from ...kg.addresses import split_address
from .faults import LostConnection, RefusedQuery, driver_installed, translated

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction, Record

__all__ = ["Connection", "Neo4jServer", "ServerFacts", "Written", "connected"]

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
URI_VARIABLE = "NEO4J_URI"
PASSWORD_VARIABLE = "NEO4J_PASSWORD"
T = TypeVar("T")


def _checked_uri(text: str) -> str:
    parts, named = split_address(text, "URI", "bolt://localhost:7687")
    if named:
        raise ValueError(
            "a URI with a user or a password in it is refused; put them into environment variables, and name these in "
            "`user_env` and `password_env`"
        )
    if (
        parts.scheme not in SCHEMES
        or not parts.hostname
        or parts.path not in ("", "/")
        or not text.isprintable()
        or " " in text
    ):
        raise ValueError(f"a URI such as neo4j+s://example.org:7687 is wanted; it begins with {', '.join(SCHEMES)}")
    return text


class Neo4jServer(BaseModel):
    """Where a Neo4j server is and how to be let in; user and password never stand here."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    uri: Annotated[str, AfterValidator(_checked_uri)] | None = None
    """neo4j:// or bolt://, with +s for TLS, with +ssc for TLS whose certificate is not checked. The environment
    variable NEO4J_URI if absent."""

    database: str | None = Field(default=None, min_length=1)
    """Name of the database; the user's own if absent."""

    user_env: str = Field(default="NEO4J_USERNAME", min_length=1)
    """Environment variable that holds the user's name; the user is neo4j where it is not set."""

    password_env: str = Field(default=PASSWORD_VARIABLE, min_length=1)
    """Environment variable that holds the password. Where it is not set, and no file is given, none is sent."""

    password_file: Path | None = None
    """File whose first line is the password; instead of `password_env`."""

    retry_seconds: PositiveFloat = 30.0
    """How long a query is tried again where the connection fails or the server is busy."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        # A saved configuration states the default too.
        if self.password_file is not None and self.password_env != PASSWORD_VARIABLE:
            raise ValueError("state `password_env` or `password_file`, not both")
        return self

    def address(self) -> str:
        """The URI, from the config or the environment.

        Raises:
            ConfigError: if neither states one, or the environment's cannot be used.
        """
        if self.uri is not None:
            return self.uri
        found = os.environ.get(URI_VARIABLE, "").strip()
        if not found:
            raise ConfigError(
                f"no Neo4j server is stated; give its `uri`, or set the environment variable {URI_VARIABLE}"
            )
        try:
            return _checked_uri(found)
        except ValueError as error:
            raise ConfigError(f"the environment variable {URI_VARIABLE} cannot be used: {error}") from None

    def credentials(self) -> tuple[str, str] | None:
        """User and password; None where no password is given.

        Raises:
            ConfigError: if the password file cannot be read or is empty.
        """
        if self.password_file is None:
            password = os.environ.get(self.password_env, "")
        else:
            password = _first_line(self.password_file)
        return (os.environ.get(self.user_env, "").strip() or "neo4j", password) if password else None


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            password = file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the password file cannot be read", path=path) from error
    if not password:
        raise ConfigError("the first line of the password file is empty; it should be the password", path=path)
    return password


@dataclass(frozen=True)
class ServerFacts:
    """What a server is: its name, version, edition, and whether it searches vectors by an index."""

    name: str
    version: str
    edition: str
    vector_index: bool

    @property
    def is_neo4j(self) -> bool:
        """Whether it is Neo4j itself, and no other server that speaks Bolt."""
        return self.name == "Neo4j Kernel"


@dataclass(frozen=True)
class Written:
    """What a writing query answered, and what the server counted: nodes_created, properties_set, ... (0 left out)."""

    records: list[Record]
    counters: dict[str, int]


@contextmanager
def connected(server: Neo4jServer) -> Iterator[Connection]:
    """A connection to a server, checked; closed with the context.

    Raises:
        ConfigError: if the driver is not installed, or user, password, database or certificate do not fit.
        LostConnection: if the server cannot be reached.
    """
    driver_installed()
    import neo4j

    # The driver logs each attempt; without a handler of the user's own, Python would print that.
    logging.getLogger("neo4j").addHandler(logging.NullHandler())
    uri, auth = server.address(), server.credentials()
    where = f"the server {uri}" if server.database is None else f"the server {uri} (database {server.database})"
    with translated(where):
        driver = neo4j.GraphDatabase.driver(
            uri,
            auth=auth,
            connection_timeout=10.0,
            connection_acquisition_timeout=20.0,
            max_transaction_retry_time=server.retry_seconds,
            notifications_min_severity="OFF",
            telemetry_disabled=True,
        )
    try:
        connection = Connection(driver, server, where)
        # Once, without the patience that later queries have: an address is more often wrong than its server busy.
        with translated(where):
            driver.verify_connectivity()
        # In the database, which perhaps does not exist.
        connection.read_all("RETURN 1 AS one")
        yield connection
    finally:
        driver.close()


class Connection:
    """Queries to one database of a server; made by `connected`.

    A query is built of literals and `names.quoted` alone; all else is a parameter.

    Attributes:
        where: the server as messages name it.
    """

    def __init__(self, driver: Driver, server: Neo4jServer, where: str) -> None:
        self.where = where
        self._driver, self._database, self._patience = driver, server.database, server.retry_seconds

    def __repr__(self) -> str:
        return f"Connection({self.where})"

    def read(self, query: LiteralString, /, **parameters: Any) -> Iterator[Record]:
        """The records of a reading query, as they come; memory holds one at a time.

        A failure is not tried again, since records were perhaps used: `patiently` starts the whole anew.

        Raises:
            LostConnection: if the connection is lost, also in the middle.
            RefusedQuery: if the server refuses the query.
        """
        with (
            translated(self.where),
            self._driver.session(database=self._database, default_access_mode="READ") as session,
        ):
            yield from session.run(query, parameters)

    def patiently(self, work: Callable[[], T]) -> T:
        """What `work` returns; called again from its start while the connection fails, for `retry_seconds` at most."""
        until, pause = monotonic() + self._patience, 0.2
        while True:
            try:
                return work()
            except LostConnection:
                if monotonic() + pause > until:
                    raise
            sleep(pause)
            pause = min(2 * pause, 5.0)

    def read_all(self, query: LiteralString, /, **parameters: Any) -> list[Record]:
        """All records of a reading query; tried again as a whole where that can help."""

        def work(transaction: ManagedTransaction) -> list[Record]:
            return list(transaction.run(query, parameters))

        with translated(self.where), self._driver.session(database=self._database) as session:
            return session.execute_read(work)

    def ask(self, query: str, parameters: Mapping[str, Any], /) -> tuple[list[str], list[list[Any]], dict[str, int]]:
        """Columns, rows and counters of a query of the user's own, which is rolled back; tried again where that can help."""

        def work() -> tuple[list[str], list[list[Any]], dict[str, int]]:
            session = self._driver.session(database=self._database, default_access_mode="READ")
            with translated(self.where), session:
                # Never committed: the session rolls it back as it ends.
                result = session.begin_transaction().run(query, dict(parameters))
                return [*result.keys()], result.values(), _counted(result.consume().counters)

        return self.patiently(work)

    def write(self, query: LiteralString, /, **parameters: Any) -> Written:
        """Run a writing query in a transaction of its own; tried again as a whole where that can help.

        Where the connection is lost during the commit it may be applied twice: write so that this changes nothing (MERGE).
        """
        return self.write_together(lambda run: run(query, **parameters))

    def write_together(self, work: Callable[[Callable[..., Written]], T]) -> T:
        """Run several queries in one transaction: all of them are applied, or none.

        Args:
            work: is given a function like `write`, and calls it; called again from the start where that can help.
        """

        def managed(transaction: ManagedTransaction) -> T:
            def run(query: LiteralString, /, **parameters: Any) -> Written:
                result = transaction.run(query, parameters)
                records = list(result)
                return Written(records, _counted(result.consume().counters))

            return work(run)

        with translated(self.where), self._driver.session(database=self._database) as session:
            return session.execute_write(managed)

    def run(self, query: LiteralString, /, **parameters: Any) -> Written:
        """Run a query that manages its own transactions (`CALL {} IN TRANSACTIONS`), once."""
        with translated(self.where), self._driver.session(database=self._database) as session:
            result = session.run(query, parameters)
            records = list(result)
            return Written(records, _counted(result.consume().counters))

    @cached_property
    def about(self) -> ServerFacts:
        """Name, version and edition of the server, and whether it has a vector index."""
        found = self.read_all("CALL dbms.components() YIELD name, versions, edition RETURN name, versions, edition")
        # Others than the kernel are parts of it, such as Cypher.
        first = min(found, key=lambda record: record["name"] != "Neo4j Kernel")
        agent = self._driver.get_server_info().agent
        # Others than Neo4j give its name there too, lest a client refuse them; they say who they are here.
        name = agent if "compatible" in agent else first["name"]
        return ServerFacts(name, first["versions"][0], first["edition"], self._searches_vectors())

    def _searches_vectors(self) -> bool:
        try:
            wanted: LiteralString = "SHOW PROCEDURES YIELD name WHERE name = 'db.index.vector.queryNodes' RETURN name"
            return len(self.read_all(wanted)) > 0
        except (RefusedQuery, ConfigError):
            # Another server than Neo4j, or a user who may not list procedures.
            return False


def _counted(counters: Any) -> dict[str, int]:
    return {name: n for name, n in vars(counters).items() if isinstance(n, int) and not isinstance(n, bool) and n}
