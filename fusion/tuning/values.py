"""Values put into a configuration by dotted keys, such as gnn.dropout."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from ...kg import ConfigError
from ..config import Config

__all__ = ["Value", "value_at", "with_values"]

Value = bool | int | float | str | None
"""What a key may be set to."""

FIXED = {
    "data": "the data is read once for all trials",
    "split": "trials on other splits could not be compared",
    "evaluation": "trials measured otherwise could not be compared",
    "seed": "the best of several seeds is luck, not a better model",
    "device": "it should not change the result",
    "threads": "it should not change the result",
}
"""Sections that are the same for all trials, and why."""


def with_values(config: Config, values: Mapping[str, Value]) -> Config:
    """The configuration with other values; a key that holds a list of values to choose from gets the one.

    Raises:
        ConfigError: if there is no such key, it is the same for all trials, or the value does not fit; without file
            and line.
    """
    tree = config.model_dump(mode="json", by_alias=True)
    for key, value in values.items():
        inside = _inside(tree, key)
        name = key.rpartition(".")[2]
        inside[name] = [value] if isinstance(inside[name], list) else value
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        # Whatever is at fault was given just now: the rest was validated before.
        where = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
        raise ConfigError(f"{where}: {problem['msg'].removeprefix('Value error, ')}") from error


def value_at(config: Config, key: str) -> Any:
    """What stands at a key, in JSON's types.

    Raises:
        ConfigError: if there is no such key, or it is the same for all trials.
    """
    return _inside(config.model_dump(mode="json", by_alias=True), key)[key.rpartition(".")[2]]


def _inside(tree: dict[str, Any], key: str) -> dict[str, Any]:
    """The mapping that holds the last part of a key."""
    parts = key.split(".")
    if parts[0] in FIXED:
        raise ConfigError(f"{key} cannot be tuned: {FIXED[parts[0]]}")
    inside: Any = tree
    for number, part in enumerate(parts):
        before = ".".join(parts[:number])
        if inside is None:
            raise ConfigError(f"{key} cannot be tuned: the configuration does without {before} (null)")
        if not isinstance(inside, dict):
            raise ConfigError(f"there is no key {key}: {before} is a value, and holds none")
        if part not in inside:
            close = get_close_matches(part, inside, 1)
            known = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(inside))}"
            raise ConfigError(f"unknown key {part!r} in {before or 'the configuration'}; {known}")
        if number == len(parts) - 1:
            if isinstance(inside[part], dict):
                raise ConfigError(f"{key} is a section; name a key in it, such as {key}.{next(iter(inside[part]), '')}")
            return inside
        inside = inside[part]
    raise AssertionError("a key has at least one part")
