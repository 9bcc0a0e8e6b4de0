"""What the Neo4j driver reports, as one sentence with the remedy: the only place that knows its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...kg import ConfigError, DataError

if TYPE_CHECKING:
    from neo4j.exceptions import Neo4jError

__all__ = ["LostConnection", "RefusedQuery", "driver_installed", "translated"]

EXCERPT = 300
REMEDIES = {
    "Neo.ClientError.Database.DatabaseNotFound": "has no such database; correct `database`, or leave it out for the "
    "user's own (the Community edition has one alone, neo4j)",
    "Neo.ClientError.Security.Unauthorized": "refuses this user and password; put the right ones into the environment "
    "variables that `user_env` and `password_env` name, or into `password_file`",
    "Neo.ClientError.Security.AuthenticationRateLimit": "has locked this user for some seconds after wrong passwords; "
    "wait, and give the right one",
    "Neo.ClientError.Security.CredentialsExpired": "wants a new password before anything else; set one in Neo4j Browser",
    "Neo.ClientError.Security.Forbidden": "forbids this to the user; ask its owner for the right",
    "Neo.DatabaseError.Statement.ExecutionFailed": "failed over a query",
}
OUT_OF_MEMORY = "Neo.TransientError.General.MemoryPoolOutOfMemoryError"


class LostConnection(DataError):
    """The server cannot be reached, or went away in the middle; the same call may succeed later."""


class RefusedQuery(DataError):
    """The server answers, and refuses a query: its syntax, a constraint, something it lacks.

    Attributes:
        code: the server's name of the fault, such as Neo.ClientError.Statement.SyntaxError.
    """

    code: str = ""


def driver_installed() -> None:
    """Make sure that the driver can be imported.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        import neo4j  # noqa: F401
    except ImportError as error:
        raise ConfigError("the Neo4j driver is not installed: pip install 'plait[neo4j]'") from error


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the driver's errors into sentences.

    Args:
        where: the server as messages name it; without user and password.
    """
    from neo4j.exceptions import DriverError, Neo4jError

    try:
        yield
    # The cause is kept for `__cause__`; nothing in it holds a password.
    except Neo4jError as error:
        raise _of_server(where, error) from error
    except DriverError as error:
        raise _of_driver(where, error) from error
    except OSError as error:
        raise LostConnection(f"{where} cannot be reached: {_excerpt(str(error))}") from error


def _of_server(where: str, error: Neo4jError) -> DataError:
    code = error.code or ""
    if code.startswith("Neo.ClientError.Security") or code in REMEDIES:
        said = "" if "Security" in code else f": {_excerpt(error.message)}"
        return ConfigError(f"{where} {REMEDIES.get(code, 'refuses this user (' + code + ')')}{said}")
    if code == OUT_OF_MEMORY:
        return DataError(f"{where} ran out of memory over a query; make `batch` smaller, or give the server more")
    if error.is_retryable():
        return LostConnection(f"{where} is busy or not ready ({code}), asked again and again; try later")
    refused = RefusedQuery(f"{where} refuses a query ({code.rsplit('.', 1)[-1]}): {_excerpt(error.message)}")
    refused.code = code
    return refused


def _of_driver(where: str, error: Exception) -> DataError:
    from neo4j.exceptions import (
        ConfigurationError,
        ConnectionAcquisitionTimeoutError,
        ServiceUnavailable,
        SessionExpired,
    )

    trouble = _excerpt(_deepest(error))
    if "CERTIFICATE_VERIFY_FAILED" in trouble:
        return ConfigError(
            f"{where} shows a certificate that this machine does not trust; install its authority, or, for a server "
            f"of your own, write bolt+ssc:// or neo4j+ssc:// ({trouble})"
        )
    if "SSL" in trouble or "TLS" in trouble or "wrong version number" in trouble:
        return ConfigError(
            f"{where} does not speak TLS as asked; write bolt:// or neo4j:// if it is without ({trouble})"
        )
    if isinstance(error, ConfigurationError):
        return ConfigError(f"{where} cannot be used as configured: {trouble}")
    if isinstance(error, ServiceUnavailable | SessionExpired | ConnectionAcquisitionTimeoutError):
        return LostConnection(f"{where} cannot be reached, or went away: {trouble}; check that it runs and the `uri`")
    return DataError(f"{where} and the driver do not understand each other: {trouble}")


def _deepest(error: BaseException) -> str:
    """What the first cause says: the driver wraps a TLS fault into one of the connection, and that into one of routing."""
    while True:
        cause = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
        if cause is None or not str(cause):
            return str(error)
        error = cause


def _excerpt(text: str | None) -> str:
    """The server's words in one line, shortened."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text or "no reason given").split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}..."
