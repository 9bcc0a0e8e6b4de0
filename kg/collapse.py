"""Several relations in a row as one: film, director, nationality becomes film, director's nationality."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from .graph import KnowledgeGraph
from .mapping_step import MappingStep, first_edge, first_id
from .relation_paths import Hop, bounded_product, find_hop, hop_matrix
from .triple_columns import TripleColumns

__all__ = ["Collapse", "collapsed"]

Flags = npt.NDArray[np.bool_]


class Collapse(BaseModel):
    """A path of relations that becomes one relation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """Name of the new relation; if the graph has one of exactly this name, the new triples join it."""

    path: tuple[str, ...] = Field(min_length=2)
    """Relations in the order they are walked, by full or short name; `^director` is walked from tail to head."""

    keep: bool = True
    """Whether the triples walked stay in the graph beside the new ones."""

    max_fanout: int | None = Field(default=None, ge=1)
    """An entity on the way that leads on to more entities than this is a hub, and not walked through."""


def collapsed(graph: KnowledgeGraph, config: Collapse, *, max_triples: int) -> tuple[KnowledgeGraph, MappingStep]:
    """The graph with one triple for each distinct pair of entities that the path joins.

    That is the boolean product of the relations' matrices, less its diagonal: that a film is by the director of itself
    says nothing. The new triples have neither weight nor time; those that were there already are counted. Without `keep`, every triple on a path from its
    beginning to its end leaves, also where the path only led back to where it began.

    Raises:
        ConfigError: if a relation is not in the graph, or the new relation may have more than `max_triples` triples.
    """
    hops = [find_hop(graph, name) for name in config.path]
    closed = [_hubs(graph, hop, config.max_fanout if i else None) for i, hop in enumerate(hops)]
    pairs = hop_matrix(graph, hops[0])
    what = f"the path {' / '.join(config.path)} ({config.name})"
    for hop, hubs in zip(hops[1:], closed[1:], strict=True):
        pairs = bounded_product(pairs, hop_matrix(graph, hop, closed=hubs), max_triples, what)
    head, tail = np.repeat(np.arange(graph.n_entities), np.diff(pairs.indptr)), pairs.indices
    other = head != tail
    head, tail = head[other], tail[other]
    used, passed = _used(graph, hops, closed)
    columns = TripleColumns.of(graph)
    if not config.keep:
        columns = columns.select(~used)
    relations = graph.relations if config.name in graph.relations else (*graph.relations, config.name)
    new = TripleColumns(head, np.full(len(head), relations.index(config.name)), tail)
    again = columns.repeated_by(new, graph.n_entities)
    text = f"{' / '.join(config.path)} became {len(head):,} triples of {config.name}"
    text += f", {int(again.sum()):,} of them there already" if again.any() else ""
    none = [name for name, hop in zip(config.path, hops, strict=True) if hop.rows(graph).start == hop.rows(graph).stop]
    text += f"; {none[0]} has no triple, or none any more" if none else ""
    text += f"; {int((~other).sum()):,} pairs of an entity with itself left out" if not other.all() else ""
    text += f"; {int(passed.sum()):,} hubs not walked through" if passed.any() else ""
    text += f"; {int(used.sum()):,} triples walked taken out" if not config.keep else ""
    dropped = int((~other).sum()) + int(passed.sum()) + int(again.sum()) + (0 if config.keep else int(used.sum()))
    example = first_id(graph.entities, np.flatnonzero(passed))
    example = first_edge(graph.entities, head[again], config.name, tail[again]) if example is None else example
    return columns.joined(new).graph(graph, relations), MappingStep("collapse", text, dropped, example)


def _hubs(graph: KnowledgeGraph, hop: Hop, max_fanout: int | None) -> Flags:
    if max_fanout is None:
        return np.zeros(graph.n_entities, dtype=bool)
    leave, _ = hop.ends(graph)
    return np.bincount(leave, minlength=graph.n_entities) > max_fanout


def _used(graph: KnowledgeGraph, hops: list[Hop], closed: list[Flags]) -> tuple[Flags, Flags]:
    """Which triples lie on a path from its first step to its last, shape (t,); which hubs a path ended at, shape (e,)."""
    reached = np.ones(graph.n_entities, dtype=bool)
    passed = np.zeros(graph.n_entities, dtype=bool)
    walked: list[Flags] = []
    for hop, hubs in zip(hops, closed, strict=True):
        passed |= reached & hubs
        leave, arrive = hop.ends(graph)
        walked.append(reached[leave] & ~hubs[leave])
        reached = np.zeros(graph.n_entities, dtype=bool)
        reached[arrive[walked[-1]]] = True
    used = np.zeros(graph.n_triples, dtype=bool)
    onward = np.ones(graph.n_entities, dtype=bool)
    for hop, on in zip(reversed(hops), reversed(walked), strict=True):
        leave, arrive = hop.ends(graph)
        on = on & onward[arrive]
        used[hop.rows(graph)] |= on
        onward = np.zeros(graph.n_entities, dtype=bool)
        onward[leave[on]] = True
    return used, passed
