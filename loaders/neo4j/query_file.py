"""The user's own Cypher query in a file: which items may be recommended now.

Values come in as named parameters alone; the text of the file is sent as it stands, in a transaction that may only read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from textwrap import shorten
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...kg import ConfigError, DataError
from ...kg.small_text import small_text
from ..files.streams import check_file
from .batches import slices
from .connection import Connection
from .faults import RefusedQuery
from .query_parameters import check_value
from .values import key_forms

__all__ = ["CypherFilter", "FilterOnServer"]

BATCH = 5000
IDS = "ids"
STRING = pa.large_string()
# Strings, comments and names in backticks come first: what looks like a parameter within them is none.
TOKEN = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|\$`(?P<quoted>(?:``|[^`])+)`|\$(?P<plain>\w+)|`[^`]*`""",
    re.DOTALL,
)
PLACE = re.compile(r"\s*\(?(?:at )?line (?P<line>\d+), column (?P<column>\d+)[^)]*\)?")


@dataclass(frozen=True)
class CypherFilter:
    """A query that tells which items may be recommended, with values for its parameters.

    It has one of two forms. Where the text mentions `$ids`, it is given ids of items and returns those that pass;
    otherwise it returns all that pass. The first column is the id, made a string as the reader of graphs makes one of a
    key: 7 is "7". A null passes nothing.

    Attributes:
        path: the file.
        text: what it holds.
        parameters: values by name, without `ids`.
    """

    path: Path
    text: str = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | Path, parameters: Mapping[str, Any] | None = None) -> CypherFilter:
        """Read a file, and see that each parameter it mentions has a value, and no other has.

        Raises:
            DataError: if the file cannot be read, or is no query.
            ConfigError: if a parameter is missing, unknown, or of a kind that a server cannot be given.
        """
        path = Path(path)
        check_file(path)
        made = cls(path, small_text(path, "a query", DataError), dict(parameters or {}))
        made._check()
        return made

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """Names of the parameters in the text."""
        found = (m["plain"] or (m["quoted"] or "").replace("``", "`") for m in TOKEN.finditer(self.text))
        return frozenset(name for name in found if name)

    @property
    def takes_ids(self) -> bool:
        """Whether it is given ids, and tells which of them pass."""
        return IDS in self.mentioned

    def on(self, connection: Connection) -> FilterOnServer:
        """The items that pass in a database."""
        return FilterOnServer(connection, self)

    def _check(self) -> None:
        wanted, given = self.mentioned - {IDS}, set(self.parameters)
        told = ", ".join(f"${name}" for name in sorted(wanted)) or "none"
        if IDS in given:
            raise ConfigError("$ids is filled in with ids of items; give it no value", path=self.path)
        if given - wanted:
            name = min(given - wanted)
            raise ConfigError(f"the query has no parameter ${name}; it has {told}", path=self.path)
        if wanted - given:
            name = min(wanted - given)
            raise ConfigError(f"the parameter ${name} has no value; the query has {told}", path=self.path)
        for name, value in self.parameters.items():
            check_value(name, value)
        bare = TOKEN.sub(lambda m: "" if m[0].startswith(("//", "/*")) else m[0], self.text).strip()
        if not bare:
            raise DataError("the file holds no query", path=self.path)
        if re.match(r"EXPLAIN\b", bare, re.IGNORECASE):
            raise DataError("a query that begins with EXPLAIN finds nothing; take that word out", path=self.path)


class FilterOnServer:
    """The items that pass a filter in a database as it is now; keeps `fusion.Candidates`."""

    def __init__(self, connection: Connection, where: CypherFilter) -> None:
        self._connection, self._where = connection, where

    def whole(self) -> pa.Array | None:
        """All ids that pass, asked for once; None if the query wants ids to be asked about.

        Raises:
            DataError: if the server refuses the query, it writes, or its first column is no id.
        """
        return None if self._where.takes_ids else self._all

    def among(self, ids: Sequence[str]) -> Collection[str]:
        """Those of some ids that pass.

        Raises:
            DataError: as `whole`, or if the query returns an id that was not among them.
        """
        if not self._where.takes_ids:
            return self._all_as_set & set(ids)
        found: set[str] = set()
        for part in slices(len(ids), BATCH):
            asked = list(ids[part])
            passed = set(self._asked({IDS: asked}).to_pylist())
            if strange := passed.difference(asked):
                raise DataError(
                    f"the query returns {min(strange)!r}, which is not among the $ids it was given (such as {asked[0]!r}); its "
                    "first column should be the id as it was given",
                    path=self._where.path,
                )
            found |= passed
        return found

    @cached_property
    def _all(self) -> pa.Array:
        return self._asked({})

    @cached_property
    def _all_as_set(self) -> set[str]:
        return set(self._all.to_pylist())

    def _asked(self, more: Mapping[str, Any]) -> pa.Array:
        with _at_fault(self._where.path):
            columns, rows, written = self._connection.ask(self._where.text, {**self._where.parameters, **more})
        if written:
            raise _writes(self._where.path)
        # ArcadeDB names no columns where no row comes.
        if not columns and self._connection.about.is_neo4j:
            raise DataError("the query returns no column; its first should be the id", path=self._where.path)
        if not rows:
            return pa.array([], STRING)
        try:
            ids = key_forms([row[0] for row in rows])
        except TypeError as error:
            raise DataError(
                f"the column {columns[0]!r} of the query holds a {error}, which is no id; return the property that "
                "is, one a row",
                path=self._where.path,
            ) from None
        return pc.unique(ids.filter(pc.greater(pc.binary_length(ids), 0)))


@contextmanager
def _at_fault(path: Path) -> Iterator[None]:
    """What the server says against the query, with the line of the file."""
    try:
        yield
    except RefusedQuery as error:
        if error.code == "Neo.ClientError.Statement.AccessMode":
            raise _writes(path) from error
        said = str(getattr(error.__cause__, "message", error))
        place = PLACE.search(said)
        # The server repeats the query below its first line.
        words = shorten(PLACE.sub("", said.split("\n", 1)[0]), 240, placeholder=" ...")
        column = f" (column {place['column']})" if place and int(place["line"]) else ""
        line = int(place["line"]) or None if place else None
        raise DataError(f"the server refuses the query: {words}{column}", path=path, line=line) from error


def _writes(path: Path) -> DataError:
    return DataError("the query writes, and a filter may only read; nothing was written", path=path)
