"""The schema of a graph: node types, relation types, and what each literal is for; inferred, then overridden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from .graph import UNTYPED, KnowledgeGraph
from .literals import ANY_URI, DATE_DATATYPES, NUMERIC_DATATYPES
from .names import local_name, short_names
from .terms import find_term

__all__ = ["LiteralKind", "LiteralType", "NodeType", "RelationType", "Schema", "SchemaConfig"]

LiteralKind = Literal["label", "text", "number", "category", "date", "ignore"]
"""What a literal is for: a display name, text to encode, a number, a value that groups nodes, a date, nothing."""

# Names that vocabularies give to what a person would call the node by, best first.
_LABEL_NAMES = ("prefLabel", "label", "name", "title", "altLabel", "alternateName")


class SchemaConfig(BaseModel):
    """What the user states about the schema; all else is inferred."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item_type: str | None = None
    """Node type of the items, by full or short name. Inferred: the commonest type among entities that items are linked to."""

    literals: dict[str, LiteralKind] = {}
    """Kind per literal predicate, by full or short name, where inference guesses wrong."""

    language: str = "en"
    """Language preferred where a literal comes in several; any other is taken where it is missing."""


@dataclass(frozen=True)
class NodeType:
    """A node type and how many entities have it."""

    name: str
    count: int


@dataclass(frozen=True)
class RelationType:
    """A relation between two node types and its number of triples; `relation` is the source's full name."""

    source: str
    name: str
    target: str
    count: int
    relation: str


@dataclass(frozen=True)
class LiteralType:
    """A literal predicate: its kind, how many literals and distinct values it has, and one example."""

    name: str
    kind: LiteralKind
    count: int
    distinct: int
    example: str
    predicate: str


@dataclass(frozen=True)
class Schema:
    """Node types, relation types and literal types of one graph."""

    node_types: tuple[NodeType, ...]
    relations: tuple[RelationType, ...]
    literals: tuple[LiteralType, ...]
    item_type: str | None = None
    language: str = "en"

    @classmethod
    def infer(cls, graph: KnowledgeGraph) -> Schema:
        """Read the schema off a graph."""
        names = (*graph.types, UNTYPED)
        kind = np.where(graph.type_of < 0, len(graph.types), graph.type_of).astype(np.int64)
        counts = np.bincount(kind, minlength=len(names))
        node_types = [NodeType(names[i], int(counts[i])) for i in np.argsort(-counts, kind="stable") if counts[i]]
        return cls(tuple(node_types), _relation_types(graph, names, kind), _literal_types(graph))

    def with_item_type(self, graph: KnowledgeGraph, linked: npt.NDArray[np.int64]) -> Schema:
        """The schema with the commonest node type among linked entities as item type, if none is set."""
        if self.item_type is not None or len(linked) == 0:
            return self
        kinds = graph.type_of[linked]
        kinds = kinds[kinds >= 0]
        return replace(self, item_type=graph.types[int(np.bincount(kinds).argmax())] if len(kinds) else UNTYPED)

    def override(self, config: SchemaConfig) -> Schema:
        """The schema with what the user states in place of what was inferred.

        Raises:
            ConfigError: if a predicate or node type is not in the graph.
        """
        kinds = {self._literal(name).predicate: kind for name, kind in config.literals.items()}
        known = [node.name for node in self.node_types]
        item_type = None if config.item_type is None else known[find_term(config.item_type, known, "node type")]
        return replace(
            self,
            literals=tuple(replace(lit, kind=kinds.get(lit.predicate, lit.kind)) for lit in self.literals),
            item_type=item_type or self.item_type,
            language=config.language,
        )

    def predicates(self, kind: LiteralKind) -> tuple[str, ...]:
        """Full names of the predicates of one kind, most literals first; labels by how good a name they give."""
        chosen = [lit for lit in self.literals if lit.kind == kind]
        if kind == "label":
            rank = {name: i for i, name in enumerate(_LABEL_NAMES)}
            chosen.sort(key=lambda lit: rank.get(local_name(lit.predicate), len(rank)))
        return tuple(lit.predicate for lit in chosen)

    def _literal(self, name: str) -> LiteralType:
        return self.literals[find_term(name, [literal.predicate for literal in self.literals], "literal")]


def _relation_types(
    graph: KnowledgeGraph, names: tuple[str, ...], kind: npt.NDArray[np.int64]
) -> tuple[RelationType, ...]:
    n = len(names)
    relation = graph.relation.astype(np.int64)
    codes, counts = np.unique((relation * n + kind[graph.head]) * n + kind[graph.tail], return_counts=True)
    shorts = short_names(graph.relations)
    types = [
        RelationType(
            names[code // n % n], shorts[code // n // n], names[code % n], int(count), graph.relations[code // n // n]
        )
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    ]
    return tuple(sorted(types, key=lambda r: (-r.count, r.name, r.source, r.target)))


def _literal_types(graph: KnowledgeGraph) -> tuple[LiteralType, ...]:
    literals = graph.literals
    types = []
    for number, (predicate, short) in enumerate(
        zip(literals.predicates, short_names(literals.predicates), strict=True)
    ):
        rows = np.flatnonzero(literals.predicate == number)
        if len(rows) == 0:
            continue
        sample = literals.take(rows[:: max(1, len(rows) // 20_000)])
        values = literals.value.take(pa.array(rows))
        distinct = int(pc.count_distinct(values).as_py())
        entities = len(np.unique(literals.entity[rows]))
        kind = _literal_kind(local_name(predicate), sample.value, sample.datatype, distinct / len(rows), entities)
        if kind == "text" and graph.entities.to_arrow().take(pa.array(sample.entity)).equals(sample.value):
            kind = "ignore"  # the entities' own ids over again
        types.append(LiteralType(short, kind, len(rows), distinct, values[0].as_py(), predicate))
    return tuple(sorted(types, key=lambda lit: (-lit.count, lit.name)))


def _literal_kind(
    name: str, values: pa.Array, datatypes: pa.Array, distinct_share: float, entities: int
) -> LiteralKind:
    """Guess what a predicate's literals are for, from a sample of them."""
    length = float(pc.mean(pc.utf8_length(values)).as_py())
    known = [d for d in datatypes.to_pylist() if d is not None]
    if known and sum(d in DATE_DATATYPES for d in known) >= 0.95 * len(values):
        return "date"
    # An address says nothing to a reader, be it of a page or of a picture.
    if known and sum(d == ANY_URI for d in known) >= 0.95 * len(values):
        return "ignore"
    if name in _LABEL_NAMES and length <= 200:
        return "label"
    numeric = pc.match_substring_regex(values, r"^\s*[-+]?\d+(\.\d+)?([eE][-+]?\d+)?\s*$")
    if (
        sum(d in NUMERIC_DATATYPES for d in known) >= 0.95 * len(values)
        or float(pc.mean(pc.cast(numeric, pa.float64())).as_py()) >= 0.95
    ):
        return "number"
    # A value that groups nodes is short and shared; among a handful of entities nothing can be said, so it is text.
    if length <= 60 and distinct_share <= 0.5 and entities >= 4:
        return "category"
    return "text"
