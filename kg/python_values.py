"""Python values as literals: their lexical form and XSD datatype."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from math import isinf
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["is_missing", "literal_forms"]

XSD = "http://www.w3.org/2001/XMLSchema#"


def is_missing(value: Any) -> bool:
    """Whether a value stands for no value: None, NaN (of any number type) or NaT."""
    if value is None:
        return True
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    if isinstance(value, np.ndarray) or not isinstance(value, (Real, Decimal, np.generic, date)):
        return False
    return bool(value != value)  # noqa: PLR0124  NaN and pandas' NaT alone differ from themselves


def literal_forms(value: Any) -> Iterator[tuple[str, str | None]]:
    """Lexical form and datatype IRI (None for a plain string) of a value, or of each element of a list, set or array.

    Missing values give nothing. A set gives its elements in the order of their forms.

    Raises:
        TypeError: if the value, or an element, is none of: string, boolean, number, date, datetime.
    """
    if isinstance(value, np.ndarray):
        value = _plain(value)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=lambda element: [*literal_forms(element)])
    for element in value if isinstance(value, (list, tuple)) else (value,):
        if not is_missing(element):
            yield _form(_plain(element) if isinstance(element, np.generic) else element)


def _plain(value: np.ndarray | np.generic) -> Any:
    """A numpy value, or a list of the values of an array, as Python's own."""
    if value.dtype.kind == "M" and np.datetime_data(value.dtype.str)[0] in ("ns", "ps", "fs", "as"):
        value = value.astype("datetime64[us]")  # numpy gives finer moments as whole numbers
    return value.tolist()


def _form(value: Any) -> tuple[str, str | None]:
    if isinstance(value, str):
        return value, None
    if isinstance(value, bool):
        return str(value).lower(), XSD + "boolean"
    if isinstance(value, Integral):
        return str(int(value)), XSD + "integer"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f"), XSD + "decimal"
    if isinstance(value, (Real, Decimal)):
        number = float(value)
        return ("INF" if number > 0 else "-INF") if isinf(number) else repr(number), XSD + "double"
    if isinstance(value, date):
        return value.isoformat(), XSD + ("dateTime" if isinstance(value, datetime) else "date")
    raise TypeError(f"a {type(value).__name__} is no literal")
