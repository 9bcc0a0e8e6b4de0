"""The triples of one answer, held back until they are known to be all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

from ...kg import DataError
from ..collector import TripleCollector
from ..rdf.ntriples import collect_ntriples
from ..rdf.terms import BlankNodes
from .retries import BrokenAnswer

__all__ = ["HeldTriples"]


class HeldTriples(TripleCollector):
    """Keeps columns as they come, and hands them on when asked."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Callable[[TripleCollector], None]] = []

    @classmethod
    def parsed(cls, text: bytes) -> HeldTriples:
        """The triples of an answer in N-Triples.

        Raises:
            BrokenAnswer: if a line is malformed, or is about a triple.
        """
        held = cls()
        try:
            if text.strip():
                collect_ntriples(BytesIO(text), held, blank=BlankNodes())
        except DataError as error:
            raise BrokenAnswer(str(error)) from error
        return held

    def add_edges(self, head: Any, relation: Any, tail: Any, **attributes: Any) -> None:
        """Keep triples between entities."""
        self.rows += len(head)
        self._calls.append(partial(TripleCollector.add_edges, head=head, relation=relation, tail=tail, **attributes))

    def add_types(self, entity: Any, kind: Any) -> None:
        """Keep node types."""
        self.rows += len(entity)
        self._calls.append(partial(TripleCollector.add_types, entity=entity, kind=kind))

    def add_literals(self, entity: Any, predicate: Any, value: Any, **tags: Any) -> None:
        """Keep literals."""
        self.rows += len(entity)
        self._calls.append(
            partial(TripleCollector.add_literals, entity=entity, predicate=predicate, value=value, **tags)
        )

    def add_entities(self, entity: Any) -> None:
        """Keep entities that perhaps no triple names."""
        self._calls.append(partial(TripleCollector.add_entities, entity=entity))

    def into(self, collector: TripleCollector) -> None:
        """Hand everything on, in the order it came."""
        for call in self._calls:
            call(collector)
