"""What a graph's types, relations and literal predicates are called in Neo4j."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ...kg import ConfigError, DataError, KnowledgeGraph, short_names
from .names import quoted

__all__ = ["GraphNames", "names_of"]


@dataclass(frozen=True)
class GraphNames:
    """Names in Neo4j, in the order of the graph's own: labels of its types, relationship types, property names."""

    labels: tuple[str, ...]
    relationships: tuple[str, ...]
    properties: tuple[str, ...]


def names_of(graph: KnowledgeGraph, *, key: str, label: str) -> GraphNames:
    """Short names where they are distinct, or else full ones; no property is called like the key.

    Raises:
        ConfigError: if `key` or `label` is no name.
        DataError: if a name of the graph is none that a server takes.
    """
    try:
        quoted(key), quoted(label)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return GraphNames(
        _checked("node type", graph.types, ()),
        _checked("relation", graph.relations, ()),
        _checked("property", graph.literals.predicates, {key}),
    )


def _checked(what: str, names: Sequence[str], taken: Collection[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name, short in zip(names, short_names(names), strict=True):
        chosen = name if short in taken else short
        while chosen in taken:
            chosen += "_"
        try:
            quoted(chosen)
        except ValueError as error:
            raise DataError(f"the {what} {name!r} cannot be written: {error}") from None
        found.append(chosen)
    return tuple(found)
