"""Property values of a page of nodes as literals: lexical forms with XSD datatypes, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Forms", "forms_of", "key_forms"]

XSD = "http://www.w3.org/2001/XMLSchema#"
STRING = pa.large_string()
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Forms:
    """Values of one kind.

    Attributes:
        rows: the row of the page each belongs to, shape (n,); a list gives several of one row.
        value: lexical forms, n long; None if the kind is no literal, and the values are left out.
        datatype: XSD datatype, None for strings.
        kind: what the values are, in words.
    """

    rows: Rows
    value: Any
    datatype: str | None
    kind: str


def forms_of(column: list[Any]) -> Iterator[Forms]:
    """The values of a property, one a row and None where a node lacks it, as literals, kind by kind.

    Strings have no datatype; whole numbers are xsd:integer, others xsd:double, then xsd:boolean, xsd:date, xsd:time,
    xsd:dateTime, xsd:duration. A list gives its elements, a literal each. Vectors (lists of floating-point numbers),
    points and bytes are left out.
    """
    kinds = set(map(type, column)) - {type(None)}
    for kind in sorted(kinds, key=lambda k: k.__name__):
        here = [*kinds] == [kind] and None not in column
        rows = np.arange(len(column)) if here else np.flatnonzero([type(value) is kind for value in column])
        values = column if here else [column[row] for row in rows]
        if kind is list:
            yield from _of_lists(rows, values)
        else:
            yield _of_kind(rows, values, kind)


def key_forms(column: list[Any]) -> Any:
    """The values of a key property as strings, null where a node lacks it, large_string, one a row.

    Raises:
        TypeError: if one is a list, a point or bytes.
    """
    if set(map(type, column)) <= {str, type(None)}:
        return pa.array(column, STRING)
    forms: list[str | None] = [None] * len(column)
    for found in forms_of(column):
        if found.value is None or list in map(type, column):
            raise TypeError(found.kind)
        for row, form in zip(found.rows.tolist(), found.value.to_pylist(), strict=True):
            forms[row] = form
    return pa.array(forms, STRING)


def _of_lists(rows: Rows, lists: list[list[Any]]) -> Iterator[Forms]:
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    elements = [element for each in lists for element in each]
    owner = np.repeat(rows, lengths)
    for found in forms_of(elements):
        if found.kind == "float":
            yield Forms(np.unique(owner[found.rows]), None, None, "vector")
        else:
            yield Forms(owner[found.rows], found.value, found.datatype, found.kind)


def _of_kind(rows: Rows, values: list[Any], kind: type) -> Forms:
    name = kind.__name__
    if name not in WRITTEN:
        return Forms(rows, None, None, KINDS.get(name, name))
    datatype, write = WRITTEN[name]
    return Forms(rows, write(values), None if datatype is None else XSD + datatype, name)


def _strings(values: list[Any]) -> Any:
    return pa.array(values, STRING)


def _cast(values: list[Any]) -> Any:
    return pa.array(values).cast(STRING)


def _doubles(values: list[Any]) -> Any:
    forms = pa.array(values, pa.float64()).cast(STRING)
    for arrow, xsd in (("nan", "NaN"), ("inf", "INF"), ("-inf", "-INF")):
        forms = pc.if_else(pc.equal(forms, arrow), xsd, forms)
    return forms


def _iso(values: list[Any]) -> Any:
    return pa.array([value.iso_format() for value in values], STRING)


WRITTEN: Mapping[str, tuple[str | None, Callable[[list[Any]], Any]]] = {
    "str": (None, _strings),
    "int": ("integer", _cast),
    "float": ("double", _doubles),
    "bool": ("boolean", _cast),
    "Date": ("date", _iso),
    "Time": ("time", _iso),
    "DateTime": ("dateTime", _iso),
    "Duration": ("duration", _iso),
}
KINDS = {"WGS84Point": "point", "CartesianPoint": "point", "Point": "point", "bytearray": "bytes", "bytes": "bytes"}
