"""Knowledge graphs to networkx and back: for small graphs, since networkx keeps Python objects a node and edge."""

from __future__ import annotations

import reprlib
from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .errors import DataError
from .graph import KnowledgeGraph
from .ids import IdMap
from .literals import Literals
from .python_values import is_missing, literal_forms

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["from_networkx", "to_networkx"]

LINKED = "linked"
"""The relation of edges that name none."""
Edge = tuple[Hashable, Hashable, Any, Mapping[str, Any]]
Row = tuple[str, str, str | None, str | None]
"""A literal of a node: predicate, value, language tag, datatype IRI."""


def to_networkx(graph: KnowledgeGraph) -> nx.MultiDiGraph:
    """A networkx graph that `from_networkx` turns back into the same graph.

    Nodes are external ids. Their attributes: `type`, absent where an entity has none; `literals`, a list of (predicate,
    value, language, datatype), absent where there are none. The key of an edge is its relation; `weight` and `time` are
    its attributes where they are known. Relations and types that nothing has are not kept.
    """
    import networkx as nx

    made = nx.MultiDiGraph()
    names = graph.entities.to_arrow().to_pylist()
    for name, kind in zip(names, graph.type_of.tolist(), strict=True):
        made.add_node(name, **({"type": graph.types[kind]} if kind >= 0 else {}))
    for entity, row in _rows(graph.literals):
        made.nodes[names[entity]].setdefault("literals", []).append(row)
    columns = {"weight": graph.weight, "time": graph.time}
    known = {name: column.tolist() for name, column in columns.items() if column is not None}
    ends = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    for at, (h, r, t) in enumerate(ends):
        attributes = {name: values[at] for name, values in known.items() if values[at] == values[at]}
        made.add_edge(names[h], names[t], key=graph.relations[r], **attributes)
    return made


def from_networkx(
    graph: nx.Graph, *, type_attribute: str = "type", relation_attribute: str | None = None
) -> KnowledgeGraph:
    """A knowledge graph of any networkx graph.

    - Ids are `str(node)`.
    - An undirected edge becomes one triple, from the end that comes first in the graph's order of nodes.
    - The relation of an edge is its key, where that is a string (in a multigraph), or else its attribute `relation`,
      `label` or `type`, or else "linked".
    - Edge attributes `weight` (a number that float32 can hold) and `time` (seconds since 1970, or a date or datetime, of
      Python, numpy or pandas, in UTC where it has no zone) are taken; a graph of triples has no place for others.
    - Other node attributes become literals with their XSD datatype: strings, numbers, booleans, dates; of a list, a set
      or an array each element. None and NaN stand for no value.

    Args:
        graph: Graph, DiGraph, MultiGraph or MultiDiGraph.
        type_attribute: node attribute that names the type of a node.
        relation_attribute: edge attribute that names the relation, in place of key and other attributes.

    Raises:
        DataError: if two nodes have the same id as strings, or an attribute cannot be used; it names the node or edge.
    """
    ids = _ids(graph)
    kinds = [
        _name(data.get(type_attribute), f"node {n!r}: attribute {type_attribute!r}")
        for n, data in graph.nodes(data=True)
    ]
    types = list(dict.fromkeys(kind for kind in kinds if kind is not None))
    edges = list(_edges(graph))
    position = {node: number for number, node in enumerate(graph)}
    named = pa.array([_relation(*edge, relation_attribute) for edge in edges], pa.large_string()).dictionary_encode()
    type_number = {name: number for number, name in enumerate(types)}
    return KnowledgeGraph.build(
        ids,
        named.dictionary.to_pylist(),
        np.array([position[edge[0]] for edge in edges], dtype=np.int32),
        np.asarray(named.indices),
        np.array([position[edge[1]] for edge in edges], dtype=np.int32),
        types=types,
        type_of=np.array([-1 if kind is None else type_number[kind] for kind in kinds], dtype=np.int32),
        literals=_literals(graph, type_attribute),
        weight=_column([_number(h, t, data.get("weight"), "weight") for h, t, _, data in edges]),
        time=_column([_number(h, t, _seconds(data.get("time")), "time") for h, t, _, data in edges]),
    )


def _rows(literals: Literals) -> Iterator[tuple[int, Row]]:
    """Each literal with the number of its entity."""
    predicates = (literals.predicates[p] for p in literals.predicate)
    columns = (column.to_pylist() for column in (literals.value, literals.language, literals.datatype))
    return zip(literals.entity.tolist(), zip(predicates, *columns, strict=True), strict=True)


def _ids(graph: nx.Graph) -> IdMap:
    named: dict[str, Hashable] = {}
    for node in graph:
        other = named.setdefault(str(node), node)
        if other is not node:
            raise DataError(f"nodes {other!r} and {node!r} have the same id {str(node)!r}; rename one of them")
    return IdMap(pa.array([_text(name) for name in named], pa.large_string()))


def _edges(graph: nx.Graph) -> Iterator[Edge]:
    """Head, tail, key (None where the graph has no keys) and attributes of each edge."""
    if graph.is_multigraph():
        yield from graph.edges(keys=True, data=True)
    else:
        yield from ((h, t, None, data) for h, t, data in graph.edges(data=True))


def _relation(h: Hashable, t: Hashable, key: Any, data: Mapping[str, Any], attribute: str | None) -> str:
    if attribute is not None:
        name = _name(data.get(attribute), f"edge {h!r} to {t!r}: attribute {attribute!r}")
        if name is None:
            raise DataError(
                f"edge {h!r} to {t!r} has no attribute {attribute!r} to name its relation; set it on every edge"
            )
        return name
    known = (
        value for value in (key, data.get("relation"), data.get("label"), data.get("type")) if isinstance(value, str)
    )
    return _text(next(known, LINKED))


def _name(value: Any, what: str) -> str | None:
    """A type or relation by its name, which may be a whole number; None where it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, str) or (isinstance(value, Integral) and not isinstance(value, bool)):
        return _text(str(value))
    raise DataError(f"{what} is a {type(value).__name__}, {value!r}; give one name as a string")


def _number(h: Hashable, t: Hashable, value: Any, attribute: str) -> float:
    if is_missing(value):
        return float("nan")
    if isinstance(value, (Real, Decimal)):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if abs(number) > (np.finfo(np.float32).max if attribute == "weight" else np.finfo(np.float64).max):
            raise DataError(
                f"edge {h!r} to {t!r}: {attribute} {reprlib.repr(value)} is too large; scale it, or remove it"
            )
        return number
    raise DataError(f"edge {h!r} to {t!r}: {attribute} {value!r} is not a number; make it one, or remove it")


def _seconds(value: Any) -> Any:
    """A date or datetime as seconds since 1970, in UTC where it has no zone; anything else as it is."""
    if isinstance(value, np.datetime64) and not is_missing(value):
        return float((value - np.datetime64(0, "s")) / np.timedelta64(1, "s"))
    if not isinstance(value, date) or is_missing(value):
        return value
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _column(values: list[float]) -> np.ndarray | None:
    column = np.array(values, dtype=np.float64)
    return None if np.isnan(column).all() else column


def _literals(graph: nx.Graph, type_attribute: str) -> Literals:
    rows = [
        (number, *row)
        for number, (node, data) in enumerate(graph.nodes(data=True))
        for name, value in data.items()
        if name != type_attribute
        for row in _rows_of(node, name, value)
    ]
    entity, predicate, value, language, datatype = zip(*rows, strict=True) if rows else ((),) * 5
    predicates = pa.array(predicate, pa.large_string()).dictionary_encode()
    return Literals(
        np.array(entity, dtype=np.int32),
        np.asarray(predicates.indices, dtype=np.int32),
        pa.array(value, pa.large_string()),
        pa.array(language, pa.large_string()).dictionary_encode(),
        pa.array(datatype, pa.large_string()).dictionary_encode(),
        tuple(predicates.dictionary.to_pylist()),
    )


def _rows_of(node: Hashable, name: Any, value: Any) -> list[Row]:
    """The literals that one attribute of a node holds."""
    if name == "literals" and isinstance(value, (list, tuple)) and all(map(_is_row, value)):
        return [tuple(row) for row in value]
    try:
        return [(_text(str(name)), _text(text), None, datatype) for text, datatype in literal_forms(value)]
    except TypeError as error:
        raise DataError(
            f"node {node!r}: attribute {name!r} is {reprlib.repr(value)}, and {error}; use strings, numbers, booleans or "
            "dates, or remove it"
        ) from None


def _is_row(row: Any) -> bool:
    """Whether something is a literal as `to_networkx` writes it; a list will do, for files that know no tuples."""
    if not isinstance(row, (list, tuple)) or len(row) != 4:
        return False
    return all(isinstance(part, str) for part in row[:2]) and all(
        part is None or isinstance(part, str) for part in row[2:]
    )


def _text(text: str) -> str:
    """A string that can be written down: Python alone allows halves of UTF-16 pairs."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise DataError(f"{text!r} holds a lone surrogate, which is no character; decode the text with its encoding")
    return text
