"""Names of labels, relationship types and properties, made safe to stand in a Cypher query.

Cypher takes values as parameters, but names only as text. So a query is built of two things alone: string literals of
this package, and names that went through `quoted`. All else is a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import LiteralString

__all__ = ["any_of", "cypher", "quoted"]

# Cypher 5 turns \u0060 into a backtick before it looks for backticks, inside names too. It does so once, so that an
# escaped backslash stays one; and not where the backslash is the second of a pair.
ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=u)")


def quoted(name: str) -> LiteralString:
    r"""A label, relationship type or property name as Cypher writes it: in backticks, those inside it doubled.

    What would be read as a Unicode escape (a backslash before u) has its backslash escaped, so the name stays what it is.

    Raises:
        ValueError: if the name is empty or holds a NUL or half a surrogate pair, which no server takes.
    """
    if not name:
        raise ValueError("a label, relationship type or property name must not be empty")
    if "\0" in name or not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
        raise ValueError(
            f"{name!r} is no name of a label, relationship type or property: it holds a NUL or a surrogate"
        )
    safe = ESCAPE.sub(r"\1\\u005C", name).replace("`", "``")
    # mypy takes LiteralString for str; to a checker that does not, this line is where a name becomes part of a query.
    literal: LiteralString = f"`{safe}`"
    return literal


def any_of(names: Iterable[str]) -> LiteralString:
    """Names joined with |, as in `[r:A|B]` or `(n:A|B)`; empty if there is none."""
    return "|".join(quoted(name) for name in names)


def cypher(*parts: LiteralString) -> LiteralString:
    """A query of its parts, with a blank between; each part is a literal, or comes from `quoted` or `any_of`."""
    return " ".join(parts)
