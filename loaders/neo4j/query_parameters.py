"""Values for the named parameters of a user's query: out of the command line, and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any, NoReturn

from ...kg import ConfigError

__all__ = ["check_value", "parameters_of"]

DEPTH = 20
SMALLEST, LARGEST = -(2**63), 2**63 - 1


def parameters_of(words: Iterable[str]) -> dict[str, Any]:
    """Parameters of words such as `min_stock=3`: a value that is JSON is what JSON says, any other a string.

    So 3 is a number, "3" in quotes a string, 007 a string, [1, 2] a list.

    Raises:
        ConfigError: if a word has no name or no `=`, a name comes twice, or a value begins as JSON and is none.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ConfigError(f"the parameter {word!r} should be NAME=VALUE, such as min_stock=3")
        if name in found:
            raise ConfigError(f"the parameter {name!r} is given twice")
        found[name] = _value(name, text)
        check_value(name, found[name])
    return found


def _value(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ConfigError(f"the parameter {name!r} is nested too deeply") from None
    except ValueError:
        if text[:1] in ("[", "{", '"'):
            raise ConfigError(
                f"the parameter {name!r} begins as JSON and is none: {text[:80]}; a string that begins so is written in "
                f"quotes, as {json.dumps(text[:20], ensure_ascii=False)}"
            ) from None
        return text


def _refuse(constant: str) -> NoReturn:
    # NaN and Infinity are no JSON, so they are strings.
    raise ValueError(constant)


def check_value(name: str, value: Any, depth: int = 0) -> None:
    """See that a server can be given a value.

    Raises:
        ConfigError: if it is none of null, boolean, 64-bit integer, float, string, date, time, or a list or map of such.
    """
    if depth > DEPTH:
        raise ConfigError(f"the parameter {name!r} is nested too deeply")
    if isinstance(value, bool | float | date | time) or value is None:
        return
    if isinstance(value, int):
        if not SMALLEST <= value <= LARGEST:
            raise ConfigError(f"the parameter {name!r} is {value}, which is no 64-bit integer; a string is in quotes")
    elif isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise ConfigError(f"the parameter {name!r} holds half a surrogate pair, which is no text")
    elif isinstance(value, list | tuple):
        for element in value:
            check_value(name, element, depth + 1)
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        for key, element in value.items():
            check_value(name, key)
            check_value(name, element, depth + 1)
    else:
        raise ConfigError(f"the parameter {name!r} is {type(value).__name__}, which a server cannot be given")
