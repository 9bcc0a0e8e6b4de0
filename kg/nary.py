"""Nodes that stand for an event between two others, as edges: a review joins its reviewer and what is reviewed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse
from scipy.sparse import csgraph

from .errors import ConfigError
from .graph import KnowledgeGraph
from .literal_paths import PathValues, path_values
from .mapping_step import MappingStep, first_edge, first_id
from .relation_paths import find_hop, follow
from .terms import find_term
from .times import numbers_in, seconds_in
from .triple_columns import TripleColumns, without_entities

__all__ = ["EdgesFromNodes", "nodes_as_edges"]

Path = str | tuple[str, ...]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Matrix = sparse.csr_array


class EdgesFromNodes(BaseModel):
    """A node type whose nodes become edges. A path is one relation, or several in a row; `^offers` is walked backwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    """Name of the new relation; if the graph has one of exactly this name, the new triples join it."""

    head: Path = Field(min_length=1)
    """Path from the node to the edge's head."""

    tail: Path = Field(min_length=1)
    """Path from the node to the edge's tail."""

    type: str | None = None
    """Node type of the nodes; without it, every node that has both ends. A node of several types has the commonest."""

    weight: Path | None = Field(default=None, min_length=1)
    """Literal predicate with the edge's weight, or a path whose last part is one; of several numbers the largest.

    Weights and times choose among repeated edges and go along into networkx and `HeteroData`. Training uses neither."""

    time: Path | None = Field(default=None, min_length=1)
    """The same for its time, one unit for all numbers (`seconds_in` says what is read); of several the latest."""


def nodes_as_edges(
    graph: KnowledgeGraph, config: EdgesFromNodes, *, max_triples: int
) -> tuple[KnowledgeGraph, MappingStep]:
    """The graph with each node of a type turned into a triple with a weight and a time.

    A node with several heads or tails gives every pair. It leaves with its triples and literals, and so do the nodes
    that were passed on the way to its weight, time, head and tail and that now have no triple to anything that stays.
    A node stays as it is if it lacks a head or a tail, or has a weight that is no number; a node of the
    kind is no end of another (a review of a review). A time that cannot be read is unknown, and counted. Of edges that
    repeat one another, or a triple of that relation, the latest stays, of equals the heaviest; the others are counted.

    Raises:
        ConfigError: if a type, relation or predicate is not in the graph, or there are more pairs than `max_triples`.
    """
    nodes = _candidates(graph, config)
    heads, tails = (_ends(graph, path, nodes, max_triples) for path in (config.head, config.tail))
    weight, time = (
        None if path is None else path_values(graph, _parts(path), nodes, read, max_triples)
        for path, read in ((config.weight, _weights_in), (config.time, seconds_in))
    )
    complete = (np.diff(heads[-1].indptr) > 0) & (np.diff(tails[-1].indptr) > 0)
    good = complete if weight is None else complete & ~weight.unreadable
    at, head, tail = _pairs(heads[-1], tails[-1], good, max_triples, config.name)
    relations = graph.relations if config.name in graph.relations else (*graph.relations, config.name)
    new = TripleColumns(
        head,
        np.full(len(head), relations.index(config.name)),
        tail,
        None if weight is None else weight.value[at],
        None if time is None else time.value[at],
    )
    columns = TripleColumns.of(graph)
    again = columns.repeated_by(new, graph.n_entities)
    joined = columns.joined(new).graph(graph, relations)
    gone = np.zeros(graph.n_entities, dtype=bool)
    gone[nodes[good]] = True
    between = [*heads[1:-1], *tails[1:-1], *(m for values in (weight, time) if values for m in values.between)]
    passed = _reached(between, good, graph.n_entities)
    passed[head] = False
    passed[tail] = False
    gone |= _left_alone(joined, gone, passed)
    after = without_entities(joined, gone)
    edges = f"{len(head):,} edges {config.name}" + (
        f", {int(again.sum()):,} of them there already" if again.any() else ""
    )
    text, example = _told(graph, config, nodes, complete, good, weight, time, edges, int((gone & passed).sum()))
    example = first_edge(graph.entities, head[again], config.name, tail[again]) if example is None else example
    return after, MappingStep("edges_from_nodes", text, int((~good).sum() + again.sum()), example)


def _weights_in(texts: pa.Array) -> npt.NDArray[np.float64]:
    """Numbers that fit a weight, NaN where there is none."""
    numbers = numbers_in(texts)
    return np.where(np.abs(numbers) <= np.finfo(np.float32).max, numbers, np.nan)


def _candidates(graph: KnowledgeGraph, config: EdgesFromNodes) -> Numbers:
    """The nodes that may become edges."""
    if config.type is not None:
        return np.flatnonzero(graph.type_of == find_term(config.type, graph.types, "node type"))
    both = np.ones(graph.n_entities, dtype=bool)
    for path in (config.head, config.tail):
        leave, _ = find_hop(graph, _parts(path)[0]).ends(graph)
        has = np.zeros(graph.n_entities, dtype=bool)
        has[leave] = True
        both &= has
    return np.flatnonzero(both)


def _parts(path: Path) -> tuple[str, ...]:
    return (path,) if isinstance(path, str) else path


def _ends(graph: KnowledgeGraph, path: Path, nodes: Numbers, limit: int) -> list[Matrix]:
    """What each node reaches along a path, hop by hop; at its end no other node of the kind."""
    hops = [find_hop(graph, name) for name in _parts(path)]
    reached = follow(graph, hops, nodes, limit, f"the path {' / '.join(_parts(path))}")
    event = np.zeros(graph.n_entities, dtype=bool)
    event[nodes] = True
    row, end = _entries(reached[-1])
    row, end = row[~event[end]], end[~event[end]]
    reached[-1] = sparse.csr_array((np.ones(len(row), dtype=bool), (row, end)), shape=reached[-1].shape)
    return reached


def _entries(matrix: Matrix) -> tuple[Numbers, Numbers]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices.astype(np.int64)


def _pairs(heads: Matrix, tails: Matrix, good: Flags, limit: int, name: str) -> tuple[Numbers, Numbers, Numbers]:
    """Every head with every tail of each good node: the node's position, head and tail, one row an edge."""
    node, head = _entries(heads)
    node, head = node[good[node]], head[good[node]]
    counts = np.diff(tails.indptr).astype(np.int64)[node]
    total = int(counts.sum())
    if total > limit:
        raise ConfigError(
            f"{name} would have {total:,} triples, more than max_triples, {limit:,}; check its head and tail"
        )
    row = np.repeat(np.arange(len(node)), counts)
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return node[row], head[row], tails.indices[tails.indptr[node[row]] + within].astype(np.int64)


def _reached(between: list[Matrix], good: Flags, n: int) -> Flags:
    """Entities passed on the way from good nodes, shape (n,)."""
    passed = np.zeros(n, dtype=bool)
    for matrix in between:
        node, entity = _entries(matrix)
        passed[entity[good[node]]] = True
    return passed


def _left_alone(graph: KnowledgeGraph, gone: Flags, passed: Flags) -> Flags:
    """Which of the entities passed have triples only to those that go and to one another, shape (e,)."""
    alone = passed & ~gone
    if not alone.any():
        return alone
    open_ = ~(gone[graph.head] | gone[graph.tail])
    head, tail = graph.head[open_], graph.tail[open_]
    inner = alone[head] & alone[tail]
    matrix = sparse.csr_array(
        (np.ones(int(inner.sum()), dtype=bool), (head[inner], tail[inner])), shape=(len(gone),) * 2
    )
    # Nodes passed that hang together leave together, or, if one of them holds on to something, not at all.
    _, group = csgraph.connected_components(matrix, directed=False)
    held = np.zeros(len(gone), dtype=bool)
    held[group[np.concatenate([head[~inner], tail[~inner]])]] = True
    return alone & ~held[group]


def _told(
    graph: KnowledgeGraph,
    config: EdgesFromNodes,
    nodes: Numbers,
    complete: Flags,
    good: Flags,
    weight: PathValues | None,
    time: PathValues | None,
    edges: str,
    passed: int,
) -> tuple[str, str | None]:
    """What was done, and a node that stays as it is."""
    kind = "" if config.type is None else f" {config.type}"
    text = f"{int(good.sum()):,} of {len(good):,}{kind} nodes became {edges}"
    text += f", {passed:,} nodes on the way to their values left with them" if passed else ""
    if not complete.all():
        text += f"; {int((~complete).sum()):,} stay as they are for want of a head or a tail"
    if weight is not None and (complete & ~good).any():
        text += f"; {int((complete & ~good).sum()):,} stay because the weight is no number, such as {weight.example!r}"
    if time is not None and (good & time.unreadable).any():
        text += f"; {int((good & time.unreadable).sum()):,} have a time that cannot be read, such as {time.example!r}"
    return text, first_id(graph.entities, nodes[~good])
