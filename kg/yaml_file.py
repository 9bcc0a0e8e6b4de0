"""A YAML file as keys and values, with the place of each; what multiplies, repeats or cannot be read is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .errors import ConfigError
from .small_text import small_text

__all__ = ["read_yaml"]

MOST_VALUES = 100_000
"""Values a file may hold once every alias is written out."""


def read_yaml(path: Path) -> tuple[dict[Any, Any], yaml.Node]:
    """Read a file of one mapping.

    Returns:
        The mapping in plain values, and the tree of nodes, which tells the line of each.

    Raises:
        ConfigError: with file and, where it is known, line, if the file cannot be read, is no UTF-8 or no YAML, names a
            key twice, is nested too deeply, has an alias within itself or aliases that multiply, or is no mapping.
    """
    text = small_text(path, "a configuration", ConfigError)
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(tree, yaml.MappingNode):
            raise ConfigError("the file should hold keys and values, `data:` first", path=path)
        _check(tree, path, {})
        return dict(_values(text, tree, path)), tree
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it holds a character that is not allowed"
        raise ConfigError(f"no valid YAML: {problem}", path=path, line=mark.line + 1 if mark else None) from error
    except RecursionError:
        raise ConfigError("no valid YAML: it is nested too deeply", path=path) from None


def _check(node: yaml.Node, path: Path, sizes: dict[int, int]) -> int:
    """How many values a node holds with its aliases written out; 0 in `sizes` stands for a node that is being counted."""
    if id(node) in sizes:
        if sizes[id(node)] == 0:
            raise ConfigError("an alias stands within what it repeats; write it out", path=path, line=_line(node))
        return sizes[id(node)]
    sizes[id(node)] = 0
    inside: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, path)
        inside = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        inside = node.value
    size = 1
    for part in inside:
        size += _check(part, path, sizes)
        if size > MOST_VALUES:
            raise ConfigError(f"aliases make more than {MOST_VALUES:,} values of it", path=path, line=_line(node))
    sizes[id(node)] = size
    return size


def _check_keys(node: yaml.MappingNode, path: Path) -> None:
    """YAML's own reader takes the last of equal keys, and says nothing."""
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            if key.value in seen:
                text = f"the key {key.value[:60]!r} stands there twice; keep one"
                raise ConfigError(text, path=path, line=_line(key))
            seen.add(key.value)


def _values(text: str, tree: yaml.Node, path: Path) -> Any:
    try:
        # Not made from the tree: that would put what is merged (<<) among its keys.
        return yaml.safe_load(text)
    except (ValueError, AttributeError, TypeError, LookupError, OverflowError) as error:
        # What a scalar cannot be converted to, PyYAML tells in whatever the conversion raised, without a line.
        at = _first_bad(tree)
        shown = "a value" if at is None else f"{str(at.value)[:60]!r}"
        line = None if at is None else _line(at)
        problem = f"{shown} is no {'value' if at is None else at.tag.rpartition(':')[2]} of YAML; put text in quotes"
        raise ConfigError(problem, path=path, line=line) from error


def _first_bad(node: yaml.Node) -> yaml.ScalarNode | None:
    """The first scalar that cannot be converted."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node, deep=True)
        except (ValueError, AttributeError, TypeError, LookupError, OverflowError):
            return node
        return None
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    else:
        parts = node.value if isinstance(node, yaml.SequenceNode) else []
    return next((bad for part in parts if (bad := _first_bad(part)) is not None), None)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
