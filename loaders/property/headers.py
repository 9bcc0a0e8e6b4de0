"""Headers of neo4j-admin's import: what a column is, told by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ...kg import DataError
from ..files.tables import listed

__all__ = ["Header", "column_with_role", "parse_headers", "stated_column"]

_XSD = "http://www.w3.org/2001/XMLSchema#"
DATATYPES = {
    "int": "int", "long": "long", "short": "short", "byte": "byte", "float": "float", "double": "double",
    "boolean": "boolean", "date": "date", "datetime": "dateTime", "localdatetime": "dateTime", "time": "time",
    "localtime": "time", "duration": "duration", "string": None, "char": None, "point": None,
}  # fmt: skip
ROLES = frozenset({"ID", "START_ID", "END_ID", "LABEL", "TYPE", "IGNORE"})
# The last colon counts, so that a property's name may hold others; options in braces are neo4j's own affair.
PATTERN = re.compile(
    r"(?P<name>.*):(?P<kind>[A-Za-z_]+)(?:\((?P<space>[^)]*)\))?(?P<many>\[\])?\s*(?:\{.*\})?", re.DOTALL
)


@dataclass(frozen=True)
class Header:
    """What a column's name says.

    Attributes:
        column: the name as it stands in the file.
        name: name of the property; empty where the column bears none.
        role: ID, START_ID, END_ID, LABEL, TYPE, IGNORE, or None for a property.
        space: id space of an id.
        datatype: IRI of the declared type; None for text and where none is declared.
        many: whether a cell holds several values.
        declared: whether the name states a type at all.
    """

    column: str
    name: str
    role: str | None = None
    space: str = ""
    datatype: str | None = None
    many: bool = False
    declared: bool = False


def parse_headers(columns: Sequence[str]) -> list[Header]:
    """What each column is; one whose name ends in no known type is a property of its whole name.

    The forms: `:ID`, `id:ID(Space)`, `:LABEL`, `:START_ID(Space)`, `:END_ID(Space)`, `:TYPE`, `x:IGNORE`, `name`,
    `price:float`, `tags:string[]`, each perhaps with options, `{...}`, which are passed over.
    """
    return [_parsed(column) for column in columns]


def _parsed(column: str) -> Header:
    match = PATTERN.fullmatch(column)
    if match is None:
        return Header(column, column)
    kind = match["kind"]
    if kind in ROLES:
        return Header(column, match["name"], kind, match["space"] or "")
    if kind.lower() in DATATYPES and match["space"] is None:
        local = DATATYPES[kind.lower()]
        datatype = None if local is None else _XSD + local
        return Header(column, match["name"], None, "", datatype, match["many"] is not None, True)
    return Header(column, column)


def column_with_role(headers: Sequence[Header], role: str, stated: str | None, key: str, path: Path) -> Header:
    """The column that the configuration states, else the one whose header has the role.

    Raises:
        DataError: if there is none, or several.
    """
    if stated is not None:
        return stated_column(headers, stated, key, path)
    found = [header for header in headers if header.role == role]
    names = listed([header.column for header in headers])
    if not found:
        raise DataError(f"no :{role} column among {names}; name the column as `{key}`", path=path)
    if len(found) > 1:
        raise DataError(f"more than one :{role} column: {listed([header.column for header in found])}", path=path)
    return found[0]


def stated_column(headers: Sequence[Header], stated: str, key: str, path: Path) -> Header:
    """The column of a name, its whole header or the part before the type.

    Raises:
        DataError: if there is none.
    """
    for header in headers:
        if header.column == stated:
            return header
    for header in headers:
        if header.name == stated:
            return header
    names = [header.column for header in headers]
    close = get_close_matches(stated, names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise DataError(f"no column {stated!r} for `{key}`; there are {listed(names)}{hint}", path=path)
