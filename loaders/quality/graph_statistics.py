"""Figures of a knowledge graph: fans of its relations, degrees, hubs, languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...kg import UNTYPED, KnowledgeGraph, short_names
from .distributions import Distribution

__all__ = [
    "Fan",
    "Hub",
    "LanguageCount",
    "degree_distributions",
    "degrees",
    "fans",
    "hubs",
    "literal_languages",
    "named",
]

TYPES = 6
Labels = Any
"""A `pa.Array` of large_string, one an entity; pyarrow ships no types."""


@dataclass(frozen=True)
class Fan:
    """A relation between two node types, and how it fans out.

    Attributes:
        source, name, target: as in `RelationType`.
        count: its triples.
        fan_out: mean number of tails of a head that has any: 1 for one brand a product.
        fan_in: mean number of heads of a tail that has any: products a brand.
    """

    source: str
    name: str
    target: str
    count: int
    fan_out: float
    fan_in: float


@dataclass(frozen=True)
class Hub:
    """An entity with many edges: its degree, and the share of all triples that it is an end of."""

    id: str
    label: str
    type: str
    degree: int
    share: float


@dataclass(frozen=True)
class LanguageCount:
    """How many literals of a predicate have one language tag; "" is none."""

    predicate: str
    language: str
    count: int


def degrees(graph: KnowledgeGraph) -> npt.NDArray[np.int64]:
    """Edges at each entity, both directions counted, shape (e,)."""
    ends = (np.bincount(end, minlength=graph.n_entities) for end in (graph.head, graph.tail))
    return np.asarray(sum(ends), dtype=np.int64)


def fans(graph: KnowledgeGraph) -> tuple[Fan, ...]:
    """Every relation between two node types, most triples first."""
    names = (*graph.types, UNTYPED)
    n, size = len(names), max(graph.n_entities, 1)
    kind = np.where(graph.type_of < 0, n - 1, graph.type_of).astype(np.int64)
    code = (graph.relation.astype(np.int64) * n + kind[graph.head]) * n + kind[graph.tail]
    # Numbered densely, so that code and entity fit one integer.
    codes, number, counts = np.unique(code, return_inverse=True, return_counts=True)
    distinct = []
    for end in (graph.head, graph.tail):
        pairs = np.sort(number * size + end)
        fresh = np.ones(len(pairs), dtype=bool)
        fresh[1:] = pairs[1:] != pairs[:-1]
        distinct.append(np.bincount(pairs[fresh] // size, minlength=len(codes)))
    shorts = short_names(graph.relations)
    found = [
        Fan(names[c // n % n], shorts[c // n // n], names[c % n], count, count / heads, count / tails)
        for c, count, heads, tails in zip(*(a.tolist() for a in (codes, counts, *distinct)), strict=True)
    ]
    return tuple(sorted(found, key=lambda fan: (-fan.count, fan.name, fan.source, fan.target)))


def degree_distributions(graph: KnowledgeGraph, degree: npt.NDArray[np.int64]) -> tuple[Distribution, ...]:
    """Degrees of the entities of each of the six commonest node types."""
    names = (*graph.types, UNTYPED)
    kind = np.where(graph.type_of < 0, len(names) - 1, graph.type_of)
    counts = np.bincount(kind, minlength=len(names))
    common = [i for i in np.argsort(-counts, kind="stable")[:TYPES].tolist() if counts[i]]
    return tuple(Distribution.of(names[i], degree[kind == i]) for i in common)


def hubs(graph: KnowledgeGraph, labels: Labels, degree: npt.NDArray[np.int64], n: int = 15) -> tuple[Hub, ...]:
    """The n entities with most edges."""
    top = np.argsort(-degree, kind="stable")[:n]
    return tuple(
        Hub(
            graph.entities.id(int(e)), str(labels[int(e)].as_py()), graph.type_name(int(e)), int(degree[e]),
            float(degree[e]) / max(graph.n_triples, 1),
        )
        for e in top if degree[e]
    )  # fmt: skip


def literal_languages(graph: KnowledgeGraph) -> tuple[LanguageCount, ...]:
    """Literals by predicate and language, for predicates that have a language anywhere; most literals first."""
    literals = graph.literals
    tags = ["" if tag is None else str(tag) for tag in literals.language.dictionary.to_pylist()]
    if not tags:
        return ()
    tag = np.asarray(literals.language.indices.fill_null(len(tags)), dtype=np.int64)
    counts = np.bincount(literals.predicate.astype(np.int64) * (len(tags) + 1) + tag)
    cells = np.zeros(len(literals.predicates) * (len(tags) + 1), dtype=np.int64)
    cells[: len(counts)] = counts
    table = cells.reshape(-1, len(tags) + 1)
    shorts = short_names(literals.predicates)
    rows = [
        LanguageCount(shorts[p], [*tags, ""][t], int(table[p, t]))
        for p, t in np.argwhere(table).tolist()
        if table[p, :-1].any()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.count, row.predicate, row.language)))


def named(ids: Labels, labels: Labels, entities: npt.NDArray[np.integer]) -> tuple[str, ...]:
    """Entities as a person reads them: label and id, or the id alone where it is the label."""
    at = pa.array(np.asarray(entities, dtype=np.int64))
    pairs = zip(labels.take(at).to_pylist(), ids.take(at).to_pylist(), strict=True)
    return tuple(i if label in (None, i) else f"{label} ({i})" for label, i in pairs)
