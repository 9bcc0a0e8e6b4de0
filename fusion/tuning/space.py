"""The space that is searched: by key of the configuration, the values it may take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ...kg import ConfigError
from ...kg.yaml_file import read_yaml
from ...loaders.files.streams import check_file
from ..config import Config
from .values import Value, value_at, with_values

__all__ = ["Choices", "Parameter", "Range", "Space", "default_space", "read_space"]


class Range(BaseModel):
    """All numbers between two, the ends included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(allow_inf_nan=False)
    """Smallest value."""

    high: float = Field(allow_inf_nan=False)
    """Largest value."""

    log: bool = False
    """Draw the logarithm evenly: for learning rates, penalties, all that is right or wrong by a factor."""

    whole: bool = False
    """Whole numbers only; set where the key takes no others."""

    @model_validator(mode="after")
    def _fits(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}, expected low < high")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low:g}, and a logarithm wants it above 0")
        return self


Choices = Annotated[tuple[Value, ...], Field(min_length=1)]
"""Some values, in no order."""

Parameter = Range | Choices
"""Values that a key may take."""

Space = Mapping[str, Parameter]
"""Parameters by dotted key."""

NET: dict[str, Parameter] = {
    "gnn.dimension": (32, 64, 128),
    "gnn.layers": (1, 2, 3),
    "gnn.temperature": Range(low=0.08, high=0.5, log=True),
    "gnn.dropout": Range(low=0, high=0.6),
    "gnn.learning_rate": Range(low=1e-3, high=2e-2, log=True),
    "gnn.weight_decay": Range(low=1e-7, high=1e-3, log=True),
}
"""What of a graph net is worth searching: these decide, the rest is cost."""

_RANGE, _CHOICES = TypeAdapter(Range), TypeAdapter(Choices)


def default_space(config: Config, signal: str) -> Space:
    """What is searched where nothing is said.

    Of the graph net these are its size, temperature, dropout and the rates of its training. Of a signal whose keys list
    numbers to choose from, each such key from a third of its least to three times its greatest.

    Args:
        config: the configuration.
        signal: one signal, or "blend" for all.

    Raises:
        ConfigError: if nothing about the signal is searched by default.
    """
    tree = config.model_dump(mode="json", by_alias=True)
    names = [signal] if signal != "blend" else ["ease", "gnn"]
    space: dict[str, Parameter] = {}
    for name in names:
        if name == "gnn":
            space |= NET
        elif isinstance(tree.get(name), dict):
            grids = {f"{name}.{key}": value for key, value in tree[name].items() if _is_grid(value)}
            ranges = {key: _around(config, key, grid) for key, grid in grids.items()}
            space |= {key: found for key, found in ranges.items() if found is not None}
    if not space:
        raise ConfigError(f"nothing of {signal} is searched by default; name keys and values in a file (--space)")
    return space


def _is_grid(value: Any) -> bool:
    numbers = isinstance(value, list) and value and all(isinstance(v, int | float) for v in value)
    return bool(numbers) and not any(isinstance(v, bool) for v in value)


def _around(config: Config, key: str, grid: list[float]) -> Range | None:
    """Beyond the values listed by a factor of three, as far as the key allows; None of 0 alone, which is a choice not to."""
    low, high = min(grid), max(grid)
    whole = not any(_takes(config, key, math.floor(low) + half) for half in (0.5, -0.5))
    wide = (max(1, round(low / 3)), round(high * 3)) if whole else (low / 3, high * 3)
    least = wide[0] if low > 0 and _takes(config, key, wide[0]) else low
    most = wide[1] if high > 0 and _takes(config, key, wide[1]) else high
    return Range(low=least, high=most, log=least > 0, whole=whole) if least < most else None


def _takes(config: Config, key: str, value: Value) -> bool:
    try:
        with_values(config, {key: value})
    except ConfigError:
        return False
    return True


def read_space(path: str | Path, config: Config) -> Space:
    """Read a YAML file of keys and their values: a range `{low: 0, high: 0.5}`, `log: true` if wanted, or a list.

    Raises:
        ConfigError: with file and line, if a key is not one of the configuration, or a value does not fit it.
    """
    path = Path(path)
    check_file(path, "no such file; it holds lines such as `gnn.dropout: {low: 0, high: 0.5}`", ConfigError)
    raw, tree = read_yaml(path)
    lines = _lines(tree)
    space: dict[str, Parameter] = {}
    for key, value in raw.items():
        try:
            space[str(key)] = _checked(config, str(key), _parameter(str(key), value))
        except ConfigError as error:
            raise ConfigError(str(error), path=path, line=lines.get(str(key))) from error
    if not space:
        raise ConfigError("the file names no key; give lines such as `gnn.layers: [1, 2, 3]`", path=path)
    return space


def _lines(tree: yaml.Node) -> dict[str, int]:
    assert isinstance(tree, yaml.MappingNode)
    return {str(key.value): key.start_mark.line + 1 for key, _ in tree.value}


def _parameter(key: str, value: Any) -> Parameter:
    try:
        if isinstance(value, list):
            return tuple(_CHOICES.validate_python(tuple(value), strict=True))
        if isinstance(value, dict):
            return _RANGE.validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        inner = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int) and "[" not in str(part))
        place = f"{key}.{inner}" if isinstance(value, dict) and inner else key
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = "unknown; known are high, log, low, whole"
        raise ConfigError(f"{place}: {text[:1].lower()}{text[1:]}") from error
    raise ConfigError(f"{key}: expected a list of values, or a range {{low: ..., high: ...}}")


def _checked(config: Config, key: str, parameter: Parameter) -> Parameter:
    """The parameter, of whole numbers where the key takes no others; its ends or choices fit the key."""
    value_at(config, key)
    if not isinstance(parameter, Range):
        for value in parameter:
            with_values(config, {key: value})
        return parameter
    between = math.floor(parameter.low) + 0.5
    is_whole = parameter.low.is_integer() and parameter.high.is_integer()
    whole = is_whole and (parameter.whole or not _takes(config, key, between))
    for value in (parameter.low, parameter.high):
        with_values(config, {key: int(value) if whole else value})
    return parameter.model_copy(update={"whole": whole})
