"""Relations that say the same in the other direction: starring and stars in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from .errors import ConfigError
from .graph import KnowledgeGraph
from .mapping_step import MappingStep
from .terms import find_term, matching_terms
from .triple_columns import TripleColumns

__all__ = ["OWL_INVERSE_OF", "StatedInverses", "with_inverses"]

OWL_INVERSE_OF = "http://www.w3.org/2002/07/owl#inverseOf"
StatedInverses = Literal["name", "merge", "ignore"]
"""What an owl:inverseOf triple does: name the other direction, merge two relations into one, nothing."""


def with_inverses(
    graph: KnowledgeGraph, inverse: Mapping[str, str], *, stated: StatedInverses = "name"
) -> tuple[KnowledgeGraph, list[MappingStep], dict[str, str]]:
    """The graph with each pair of inverse relations as one, and the names of the other directions.

    Where both relations have triples, the second's are turned round and join the first's; equal ones count once.

    Args:
        graph: the graph.
        inverse: by relation, the relation of the other direction, or a mere name for it. A pair may be told from both
            sides; what was told first stays.
        stated: what an owl:inverseOf triple does; one with a blank node names nothing. Merging keeps the relation with more triples, of equals the first by
            the alphabet; what `inverse` says of a relation goes before what the graph says.

    Returns:
        The graph, what was done, and the name of the other direction by full relation name.

    Raises:
        ConfigError: if the graph has no relation of a given name, or one is given two inverses.
    """
    given = _given(graph, inverse)
    own = {number for first, second, _ in given for number in (first, second)}
    told = [] if stated == "ignore" else _stated(graph, own)
    names = {graph.relations[first]: name for first, _, name in (*given, *told)}
    merges = [(first, second) for first, second, _ in given if second not in (-1, first)]
    if stated == "merge":
        merges += [(first, second) for first, second, _ in told if second >= 0]
    else:
        # Both relations stay, and each names the other.
        names |= {graph.relations[second]: graph.relations[first] for first, second, _ in told if second >= 0}
    if not merges:
        return graph, [], names
    counts = np.diff(graph.offsets)
    target, turned = np.arange(len(counts)), np.zeros(len(counts), dtype=bool)
    for first, second in merges:
        target[second], turned[second] = first, True
    columns, round_ = TripleColumns.of(graph), turned[graph.relation]
    head = np.where(round_, columns.tail, columns.head)
    tail = np.where(round_, columns.head, columns.tail)
    one = TripleColumns(head, target[columns.relation], tail, columns.weight, columns.time).graph(graph)
    after = dict(zip(one.relations, np.diff(one.offsets).tolist(), strict=True))
    steps = [_told(graph.relations, first, second, counts, after) for first, second in merges]
    return one, steps, names


def _told(
    relations: tuple[str, ...], first: int, second: int, counts: np.ndarray, after: Mapping[str, int]
) -> MappingStep:
    name, total = relations[first], int(counts[first] + counts[second])
    both = total - after.get(name, 0)
    text = f"{counts[second]:,} triples of {relations[second]} turned round into {name}, {both:,} of them there already"
    return MappingStep("inverse", text, both)


def _given(graph: KnowledgeGraph, inverse: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """First relation, second relation or -1, and the second's name, of each pair the user gives."""
    pairs: list[tuple[int, int, str]] = []
    for name, other in inverse.items():
        first = find_term(name, graph.relations, "relation")
        known = bool(matching_terms(other, graph.relations))
        # What is no relation is a name for the other direction.
        second = find_term(other, graph.relations, "relation") if known else -1
        if (second, first) not in [pair[:2] for pair in pairs]:  # a pair may be told from both sides
            pairs.append((first, second, graph.relations[second] if known else other))
    seen: set[int] = set()
    for first, second, _ in pairs:
        twice = ({first, second} - {-1}) & seen
        if twice:
            raise ConfigError(f"the relation {graph.relations[twice.pop()]!r} is given two inverses; keep one")
        seen |= {first, second} - {-1}
    return pairs


def _stated(graph: KnowledgeGraph, taken: set[int]) -> list[tuple[int, int, str]]:
    """The same of the owl:inverseOf triples, of relations that are in no pair yet."""
    if OWL_INVERSE_OF not in graph.relations:
        return []
    number = graph.relations.index(OWL_INVERSE_OF)
    rows = slice(int(graph.offsets[number]), int(graph.offsets[number + 1]))
    relation_of = np.full(graph.n_entities, -1, dtype=np.int64)
    terms = graph.entities.numbers(graph.relations, missing="negative")
    relation_of[terms[terms >= 0]] = np.flatnonzero(terms >= 0)
    head, tail = graph.head[rows], graph.tail[rows]
    known = (relation_of[head] >= 0) | (relation_of[tail] >= 0)
    counts = np.diff(graph.offsets)
    pairs = []
    for one, other in zip(graph.entities.ids(head[known]), graph.entities.ids(tail[known]), strict=True):
        if one.startswith("_:") or other.startswith("_:"):
            continue  # an inverse without a name, as OWL's restrictions are about
        ranked = [(-int(counts[graph.relations.index(n)]) if n in graph.relations else 1, n) for n in (one, other)]
        pairs.append(tuple(name for _, name in sorted(ranked)))
    found, used = [], set(taken)
    for first, second in sorted(set(pairs)):
        a = graph.relations.index(first)
        b = graph.relations.index(second) if second in graph.relations else -1
        if first != second and not {a, b} & (used - {-1}):
            found.append((a, b, second))
            used |= {a, b}
    return found
