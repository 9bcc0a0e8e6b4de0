"""Literals as values of Neo4j's types: integers, floats, booleans, dates, times, or else text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...kg.literals import NUMERIC_DATATYPES
from ...kg.times import seconds_in

__all__ = ["typed_values"]

XSD = "http://www.w3.org/2001/XMLSchema#"
FLOATS = frozenset(XSD + name for name in ("decimal", "float", "double"))
WHOLE = (NUMERIC_DATATYPES - FLOATS) | {XSD + "gYear"}
NAMED = {"INF": "inf", "+INF": "inf", "-INF": "-inf", "NaN": "nan"}
# Neo4j's integers have 64 bits: what is longer stays text, as do years that Python has no date for.
INTEGER = r"^[-+]?[0-9]{1,18}$"
FLOAT = r"^(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?INF|NaN)$"
BOOLEAN = r"^(?:true|false|0|1)$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ZONED = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[-+][0-9]{2}:[0-9]{2})$"
LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+$"
FORMS = {"integer": INTEGER, "float": FLOAT, "boolean": BOOLEAN, "date": DATE, "zoned": ZONED, "local": LOCAL}
EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_800.0
"""The years 1 to 9999, in seconds since 1970."""


def typed_values(value: pa.Array, datatype: pa.Array) -> tuple[pa.Array, tuple[int, str] | None]:
    """The values of one property in one type, which all of them fit: a list in Neo4j holds one type alone.

    Args:
        value: lexical forms, large_string.
        datatype: datatype IRIs, dictionary-encoded, null for text.

    Returns:
        int64, float64, bool, date32, timestamp (in UTC, or of no zone), or large_string, each as many as came; and how
        many are not what their datatype says, with an example, on account of which all remain text.
    """
    used = pc.unique(datatype.indices).to_pylist()
    kinds = {_kind(None if code is None else datatype.dictionary[code].as_py()) for code in used}
    if kinds == {"integer", "float"}:
        kinds = {"float"}
    text = pc.utf8_trim_whitespace(value)
    if kinds == {"time"}:
        kinds = {"zoned"} if pc.all(pc.match_substring_regex(text, ZONED)).as_py() else {"local"}
    if len(kinds) != 1 or "text" in kinds:
        return value, None
    (kind,) = kinds
    good = np.array(pc.match_substring_regex(text, FORMS[kind]))
    if kind in ("date", "zoned", "local"):
        seconds = seconds_in(text)
        good &= (seconds >= EARLIEST) & (seconds < LATEST)
    if not good.all():
        return value, (int((~good).sum()), value[int(np.argmin(good))].as_py())
    if kind in ("integer", "float", "boolean"):
        return _number(kind, text), None
    if kind == "date":
        return pa.array(np.round(seconds / 86400).astype(np.int32), pa.int32()).cast(pa.date32()), None
    micro = pa.array(np.round(seconds * 1e6).astype(np.int64))
    return micro.cast(pa.timestamp("us", "UTC" if kind == "zoned" else None)), None


def _kind(datatype: str | None) -> str:
    if datatype in WHOLE:
        return "integer"
    if datatype in FLOATS:
        return "float"
    known = {"boolean": "boolean", "date": "date", "dateTime": "time", "dateTimeStamp": "time"}
    return (
        known.get(datatype.removeprefix(XSD), "text") if datatype is not None and datatype.startswith(XSD) else "text"
    )


def _number(kind: str, text: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(text, r"^\+", "")
    if kind == "integer":
        return plain.cast(pa.int64())
    if kind == "boolean":
        return pc.is_in(plain, pa.array(["true", "1"], plain.type))
    for name, spelled in NAMED.items():
        plain = pc.if_else(pc.equal(plain, name), spelled, plain)
    return plain.cast(pa.float64())
