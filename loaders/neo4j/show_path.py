"""The Cypher that shows a path: for Neo4j Browser, where a person pastes it, and for programs, with parameters."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, islice
from typing import Any

from .names import quoted
from .places import Direction, NodePlace
from .values import key_forms

__all__ = ["CypherPath", "PathNode", "cypher_of", "text_literal"]

ROWS = 25
"""Most rows of the answer: nodes may be joined by several relationships of a type."""
WAYS = 64
"""Most ways of reading an id as a composite key; where there are more, nothing is shown."""
SHORT = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Co", "Cn")
"""Unicode categories that are written as escapes: what cannot be seen may turn the text round or break the line."""


@dataclass(frozen=True)
class CypherPath:
    """A query that returns a path `p`.

    Attributes:
        text: for a person to paste, with its values written out.
        query: for programs, with `parameters`.
        parameters: the values.
    """

    text: str
    query: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class PathNode:
    """A node of a path: where it is, and its id; without one any node with the label."""

    place: NodePlace
    id: str | None = None


@dataclass(frozen=True)
class _Date:
    """A date, as ISO 8601 text."""

    text: str


_Value = str | int | float | bool | _Date
_Write = Callable[[_Value], str]
_Test = dict[str, tuple[_Value, ...]] | str
"""What a node must have: by property its value, or one of several; or its element id."""


def cypher_of(nodes: Sequence[PathNode], edges: Sequence[Sequence[Direction]]) -> CypherPath | None:
    """The query that shows a path from its first node to its last; None where a node cannot be found by its id.

    Args:
        nodes: the nodes in order.
        edges: for each two neighbours the relationship types that join them, and whether these lead backwards.
    """
    tests = [[] if node.id is None else _tests(node.place, node.id) for node in nodes]
    if any(node.id is not None and not test for node, test in zip(nodes, tests, strict=True)) or not all(edges):
        return None
    parameters: dict[str, Any] = {}

    def parameter(value: _Value) -> str:
        name = f"p{len(parameters)}"
        parameters[name] = value.text if isinstance(value, _Date) else value
        return f"date(${name})" if isinstance(value, _Date) else f"${name}"

    text, query = (_written(nodes, tests, edges, write) for write in (_literal, parameter))
    return CypherPath(text, query, parameters)


def text_literal(text: str) -> str:
    """A string as Cypher writes it: in single quotes, with escapes for what ends it and for what cannot be seen."""
    return "'" + "".join(SHORT.get(c) or (_escaped(c) if unicodedata.category(c) in HIDDEN else c) for c in text) + "'"


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))


def _literal(value: _Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return text_literal(value)
        case _Date():
            return f"date({text_literal(value.text)})"
        case _:
            return repr(value)


def _written(
    nodes: Sequence[PathNode],
    tests: Sequence[Sequence[_Test]],
    edges: Sequence[Sequence[Direction]],
    write: _Write,
) -> str:
    """The query, its values written one way or the other."""
    pattern, where = "", list[str]()
    for at, (node, test) in enumerate(zip(nodes, tests, strict=True)):
        inline, more = _of_node(f"n{at}", test, write)
        pattern += "" if at == 0 else _of_edge(at, edges[at - 1], where, write)
        pattern += f"(n{at}" + ("" if node.place.label is None else f":{quoted(node.place.label)}") + inline + ")"
        where += more
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    return f"MATCH p = {pattern}{condition} RETURN p LIMIT {ROWS}"


def _of_node(name: str, tests: Sequence[_Test], write: _Write) -> tuple[str, list[str]]:
    """What stands in the pattern of a node, and what in the condition."""
    if not tests:
        return "", []
    first = tests[0]
    if len(tests) == 1 and isinstance(first, dict) and all(len(values) == 1 for values in first.values()):
        return " {" + ", ".join(f"{quoted(key)}: {write(values[0])}" for key, values in first.items()) + "}", []
    ways = [_condition(name, test, write) for test in tests]
    return "", [ways[0] if len(ways) == 1 else "(" + " OR ".join(ways) + ")"]


def _condition(name: str, test: _Test, write: _Write) -> str:
    if isinstance(test, str):
        return f"elementId({name}) = {write(test)}"
    return " AND ".join(
        f"{name}.{quoted(key)} = {write(values[0])}"
        if len(values) == 1
        else f"{name}.{quoted(key)} IN [{', '.join(map(write, values))}]"
        for key, values in test.items()
    )


def _of_edge(at: int, types: Sequence[Direction], where: list[str], write: _Write) -> str:
    """What joins node at - 1 to node at; a condition too where types lead either way."""
    names = "|".join(quoted(kind) for kind in dict.fromkeys(kind for kind, _ in types))
    ways = {backwards for _, backwards in types}
    if len(ways) == 1:
        return f"<-[:{names}]-" if ways.pop() else f"-[:{names}]->"
    tests = (f"type(r{at}) = {write(k)} AND startNode(r{at}) = n{at if back else at - 1}" for k, back in types)
    where.append("(" + " OR ".join(tests) + ")")
    return f"-[r{at}:{names}]-"


def _tests(place: NodePlace, id_: str) -> list[_Test]:
    """The ways in which a node may have an id, as the reader of graphs makes ids; none where it cannot be told.

    As that reader makes sure that no two nodes have an id in common, one node fits at most.
    """
    tests: list[_Test] = []
    stem = id_
    if place.prefix and place.label is not None:
        stem = id_.removeprefix(f"{place.label}/")
    if place.key and (not place.prefix or place.label is None or stem != id_):
        splits = list(islice(_splits(stem, place.separator, len(place.key)), WAYS + 1))
        if len(splits) > WAYS:
            return []
        for parts in splits:
            values = [_values(part, kinds) for part, kinds in zip(parts, place.kinds, strict=True)]
            if any(value is None for value in values):
                return []
            if all(values):
                tests.append({key: value for key, value in zip(place.key, values, strict=True) if value})
    if place.unkeyed or not place.key:
        tests.append(id_)
    return tests


def _splits(text: str, separator: str, n: int) -> Iterator[tuple[str, ...]]:
    """Every way of cutting a text at n - 1 separators."""
    starts = [match.start() for match in re.finditer(f"(?={re.escape(separator)})", text)]
    for chosen in combinations(starts, n - 1):
        begins = [0, *(at + len(separator) for at in chosen)]
        if all(begin <= end for begin, end in zip(begins, chosen, strict=False)):
            yield tuple(text[a:b] for a, b in zip(begins, [*chosen, len(text)], strict=True))


def _values(text: str, kinds: Sequence[str]) -> tuple[_Value, ...] | None:
    """What values have this form, of the kinds that a property has; None if there is a kind that cannot be told."""
    readers: dict[str, Callable[[str], tuple[_Value, ...]]] = {
        "str": lambda form: (form,),
        "int": _whole,
        "float": _floating,
        "bool": lambda form: (form == "true",) if form in ("true", "false") else (),
        "Date": _day,
    }
    if not set(kinds) <= set(readers):
        return None
    return tuple(value for kind in kinds for value in readers[kind](text))


def _day(form: str) -> tuple[_Date, ...]:
    try:
        known = date.fromisoformat(form).isoformat() == form
    except ValueError:
        return ()
    return (_Date(form),) if known else ()


def _whole(form: str) -> tuple[int, ...]:
    value = int(form) if re.fullmatch(r"0|-?[1-9]\d{0,18}", form, re.ASCII) else None
    # Neo4j's integers have 64 bits.
    return () if value is None or not -(2**63) <= value < 2**63 else (value,)


def _floating(form: str) -> tuple[float, ...]:
    try:
        value = float(form)
    except ValueError:
        return ()
    # "12.0" and "1_2" are numbers to Python, and yet no number's id: that of 12.0 is "12".
    return (value,) if math.isfinite(value) and key_forms([value])[0].as_py() == form else ()
