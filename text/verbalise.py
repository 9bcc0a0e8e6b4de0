"""The text of a node: its name, what is known about it, its chosen neighbours; the most telling first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from ..kg import KnowledgeGraph, Schema, short_names

__all__ = ["NodeText", "VerbaliseConfig", "Verbaliser"]


class VerbaliseConfig(BaseModel):
    """What goes into a node's text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: int = Field(default=4, ge=0, le=100)
    """Most neighbours named per relation; 0 leaves relations out."""

    literals: bool = True
    """Whether texts and numbers are told; category values are neighbours by then, and told as such."""


@dataclass(frozen=True)
class NodeText:
    """The text of one entity, and the (predicate, value) pairs it was made from, by their full names."""

    text: str
    triples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Verbaliser:
    """Tells entities of a graph in words.

    The order is: label, type, attributes (`price: 12`), relations (`director: John Lasseter`), then long texts. An
    encoder cuts what is too long at the end, so a long description never pushes out the name or the brand.

    Attributes:
        graph: the knowledge graph.
        schema: which literals are labels, text, numbers, categories.
        labels: display name of each entity.
        config: what goes in.
    """

    graph: KnowledgeGraph
    schema: Schema
    labels: pa.Array
    config: VerbaliseConfig

    def tell(self, entities: Iterable[int]) -> list[NodeText]:
        """The texts of some entities, in their order."""
        return [self._tell(int(entity)) for entity in entities]

    def _tell(self, entity: int) -> NodeText:
        label = self._names[entity]
        kind = self.graph.type_of[entity]
        parts = [label if kind < 0 else f"{label} ({self._types[kind]})"]
        used: list[tuple[str, str]] = []
        short, long = self._literal_parts(entity, used)
        parts += short
        if self.config.neighbours:
            parts += self._relation_parts(entity, used)
        return NodeText(". ".join([*parts, *long]), tuple(used))

    def _literal_parts(self, entity: int, used: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
        """Attributes and long texts of an entity; one value a predicate, in the preferred language."""
        short: list[str] = []
        long: list[str] = []
        if not self.config.literals:
            return short, long
        told: set[int] = set()
        for row in self._literals_of(entity):
            predicate = int(self.graph.literals.predicate[row])
            kind = self._kinds[predicate]
            if predicate in told or kind not in ("text", "number"):
                continue
            literal = str(self.graph.literals.value[row])
            value = " ".join(literal.split())
            if not value:
                continue
            told.add(predicate)
            used.append((self.graph.literals.predicates[predicate], literal))
            if kind == "text" and len(value) > 60:
                long.append(value)
            else:
                short.append(f"{self._predicates[predicate]}: {value}")
        return short, long

    def _relation_parts(self, entity: int, used: list[tuple[str, str]]) -> list[str]:
        """`relation: neighbour, neighbour` for each relation that leaves the entity."""
        start, order = self._outgoing
        rows = order[start[entity] : start[entity + 1]]
        parts = []
        for relation in np.unique(self._relation[rows]):
            tails = self.graph.tail[rows[self._relation[rows] == relation]][: self.config.neighbours]
            names = [self._names[tail] for tail in tails]
            used.extend((self.graph.relations[relation], self.graph.entities.id(int(tail))) for tail in tails)
            parts.append(f"{self._relations[relation]}: {', '.join(names)}")
        return parts

    def _literals_of(self, entity: int) -> npt.NDArray[np.int64]:
        start, order = self._literal_index
        return order[start[entity] : start[entity + 1]]

    @cached_property
    def _names(self) -> list[str]:
        return [name if name is not None else "" for name in self.labels.to_pylist()]

    @cached_property
    def _types(self) -> tuple[str, ...]:
        return short_names(self.graph.types)

    @cached_property
    def _relations(self) -> tuple[str, ...]:
        return short_names(self.graph.relations)

    @cached_property
    def _predicates(self) -> tuple[str, ...]:
        return short_names(self.graph.literals.predicates)

    @cached_property
    def _kinds(self) -> list[str]:
        kind = {literal.predicate: literal.kind for literal in self.schema.literals}
        return [kind.get(predicate, "ignore") for predicate in self.graph.literals.predicates]

    @cached_property
    def _relation(self) -> npt.NDArray[np.int32]:
        return self.graph.relation

    @cached_property
    def _outgoing(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return _grouped(self.graph.head, np.arange(self.graph.n_triples), self.graph.n_entities)

    @cached_property
    def _literal_index(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Literals by entity, those of a predicate by language; the source's order otherwise."""
        literals = self.graph.literals
        order = np.lexsort((literals.language_rank(self.schema.language), literals.predicate))
        return _grouped(literals.entity[order], order, self.graph.n_entities)


def _grouped(
    key: npt.NDArray[np.int32], rows: npt.NDArray[np.int64], n: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows by key: where each key's rows start, and the rows in that order."""
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(key, minlength=n), out=start[1:])
    return start, rows[np.argsort(key, kind="stable")]
