"""The best configuration as a YAML file: the user's own, comments and variables included, with the values found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ...kg import ConfigError, whole_file
from ...kg.yaml_file import read_yaml
from ..config import Config, read_config
from .values import Value, value_at, with_values

__all__ = ["check_beside", "write_best"]


def check_beside(source: Path, target: Path) -> None:
    """See that the target lies in the source's folder, since paths in it count from there, and is another file.

    Raises:
        ConfigError: if it does not.
    """
    if target.absolute().parent.resolve() != source.absolute().parent.resolve():
        raise ConfigError(
            f"write it into {source.absolute().parent}, where {source.name} lies: the paths in it count from there",
            path=target,
        )
    if target.resolve() == source.resolve():
        raise ConfigError("this is the configuration itself; name another file", path=target)


def write_best(source: Path, target: Path, values: Mapping[str, Value], heading: str) -> None:
    """Write a configuration with other values; it reads as the one that was tried, or nothing is written.

    Comments are kept; where a value stands in what an alias repeats, the file is written anew without them.

    Args:
        source: the configuration as it stands.
        target: the file to write, in the same folder; one that is there is replaced.
        values: by dotted key.
        heading: a comment for the first line.

    Raises:
        ConfigError: if the source has changed since it was read and does not take the values any more.
    """
    check_beside(source, target)
    config = read_config(source)
    wanted = with_values(config, values)
    first = "".join(f"# {line}\n" for line in heading.splitlines())
    with whole_file(target) as temporary:
        temporary.write_text(first + _edited(source, config, values), encoding="utf-8")
        if not _reads_as(temporary, wanted):
            temporary.write_text(first + _anew(source, config, values), encoding="utf-8")
            if not _reads_as(temporary, wanted):
                raise ConfigError("the values found cannot be put into it; see the study for them", path=source)


def _reads_as(path: Path, wanted: Config) -> bool:
    try:
        return read_config(path).model_dump(mode="json") == wanted.model_dump(mode="json")
    except ConfigError:
        return False


def _edited(source: Path, config: Config, values: Mapping[str, Value]) -> str:
    """The text with the values put in, the rest as it was."""
    import io

    from ruamel.yaml import YAML

    writer = YAML(typ="rt")
    writer.preserve_quotes = True
    writer.width = 120
    writer.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    tree = writer.load(source.read_text(encoding="utf-8-sig"))
    _put(tree, config, values)
    out = io.StringIO()
    writer.dump(tree, out)
    return out.getvalue()


def _anew(source: Path, config: Config, values: Mapping[str, Value]) -> str:
    # Through YAML and back once more: what aliases share becomes everyone's own.
    tree = yaml.load(yaml.dump(read_yaml(source)[0], Dumper=_Plain), Loader=yaml.SafeLoader)
    _put(tree, config, values)
    return yaml.dump(tree, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Writes out what aliases repeat."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _put(tree: Any, config: Config, values: Mapping[str, Value]) -> None:
    """Set the values in a tree of mappings, sections made where missing."""
    for key, value in values.items():
        inside = tree
        *sections, name = key.split(".")
        for section in sections:
            if not isinstance(inside.get(section), dict):
                inside[section] = {}
            inside = inside[section]
        inside[name] = [value] if isinstance(value_at(config, key), list) else value
