"""What can be told of a node, in the order in which it is told: the most telling first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..kg import KnowledgeGraph, Schema, local_name
from ..kg.terms import find_terms
from .verbalise_config import VerbaliseConfig
from .verbalise_names import spoken, variable, without_unit
from .verbalise_path import hierarchy_relations

__all__ = ["Slot", "Slots"]

_BRANDS = frozenset(
    ("brand", "manufacturer", "maker", "author", "artist", "creator", "director", "developer", "publisher")
)
_SILENT = frozenset(
    (
        "sameas", "seealso", "exactmatch", "closematch", "depiction", "thumbnail", "image", "isprimarytopicof",
        "primarytopic", "wasderivedfrom", "wikipagewikilink", "wikipageredirects", "wikipageexternallink",
        "wikipageusestemplate", "isdefinedby",
    )
)  # fmt: skip
"""Relations that lead to the same thing, or to a page or picture of it: their names add nothing."""

_TITLE, _BRAND, _PATH, _ATTRIBUTE, _RELATION, _LONG, _INVERSE = range(7)
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slot:
    """One place in a text.

    Attributes:
        order: where it comes in a text; of two the lower comes first, and stays where there is room for one alone.
        words: what it is called in the text: "director", "director of".
        predicate: full name of the relation or literal predicate; "" for the title.
        long: whether it holds long texts, told without their name and cut if need be.
        inverse: whether the relation is followed from tail to head.
    """

    order: tuple[int, int, float, str]
    words: str
    predicate: str
    long: bool = False
    inverse: bool = False

    @property
    def variable(self) -> str:
        """Name of its values in a template."""
        return variable(self.words)

    @property
    def prefix(self) -> str:
        """What stands before its values."""
        return "" if self.long or not self.predicate else f"{self.words}: "


@dataclass(frozen=True, eq=False)
class Slots:
    """All slots of a graph, in order; the first is the title.

    The order: title; brands and makers; category paths; attributes, texts before numbers and those that most nodes have
    before others; relations, those with few neighbours a node first, since "by: Pixar" says more than one name of a
    hundred; long texts; relations that arrive. It hangs on names and counts alone, not on how the source is sorted.

    Attributes:
        graph: the graph.
        schema: what its literals are for.
        config: what the user states.
    """

    graph: KnowledgeGraph
    schema: Schema
    config: VerbaliseConfig

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The slots in order."""
        return tuple(sorted(self._literal | self._relation, key=lambda slot: (slot.order, slot.predicate)))

    @cached_property
    def literal(self) -> tuple[Numbers, Numbers]:
        """Slot of short and of long values of each literal predicate, -1 where it is not told, shape (predicates,) each."""
        names = self.graph.literals.predicates
        return self._places(names, long=False, literal=True), self._places(names, long=True, literal=True)

    @cached_property
    def relation(self) -> tuple[Numbers, Numbers, Numbers]:
        """Slot of neighbours, of paths and of neighbours against the arrow, -1 where not told, shape (relations,) each."""
        order = {(slot.predicate, slot.order[0]): at for at, slot in enumerate(self.slots) if slot in self._relation}
        forward, path, inverse = (
            np.array(
                [next((order[name, g] for g in groups if (name, g) in order), -1) for name in self.graph.relations],
                dtype=np.int64,
            )
            for groups in ((_BRAND, _RELATION), (_PATH,), (_INVERSE,))
        )
        return forward, path, inverse

    @cached_property
    def hierarchies(self) -> dict[int, bool]:
        """Number of each relation that leads to the broader, and whether it does so against its arrow."""
        return hierarchy_relations(self.graph, self.config.hierarchies)

    @cached_property
    def units(self) -> dict[int, str]:
        """Unit of each number's predicate that has one, stated or by its name."""
        names = self.graph.literals.predicates
        stated = find_terms(list(self.config.units), names, "literal")
        kinds = {literal.predicate: literal.kind for literal in self.schema.literals}
        named = {n: without_unit(name)[1] for n, name in enumerate(names) if kinds.get(name) == "number"}
        return {n: u for n, u in named.items() if u} | dict(zip(stated, self.config.units.values(), strict=True))

    def _places(self, names: tuple[str, ...], *, long: bool, literal: bool) -> Numbers:
        at = {slot.predicate: i for i, slot in enumerate(self.slots) if slot in self._literal and slot.long == long}
        return np.array([at.get(name, -1) for name in names], dtype=np.int64)

    @cached_property
    def _left_out(self) -> frozenset[str]:
        known = [*self.graph.relations, *(p for p in self.graph.literals.predicates if p not in self.graph.relations)]
        return frozenset(known[n] for n in find_terms(self.config.leave_out, known, "relation or literal"))

    @cached_property
    def _literal(self) -> frozenset[Slot]:
        slots = {Slot((_TITLE, 0, 0.0, ""), "title", "")}
        for literal in self.schema.literals if self.config.literals else ():
            name = literal.predicate
            if literal.kind not in ("text", "number") or name in self._left_out:
                continue
            number = literal.kind == "number"
            words = without_unit(name)[0] if number else spoken(name)
            group = _BRAND if words.lower() in _BRANDS else _ATTRIBUTE
            slots.add(Slot((group, int(number), -float(literal.count), words), words, name))
            if not number:
                slots.add(Slot((_LONG, 0, -float(literal.count), words), words, name, long=True))
        return frozenset(slots)

    @cached_property
    def _relation(self) -> frozenset[Slot]:
        slots = set()
        for number, name in enumerate(self.graph.relations):
            words, first, last = spoken(name), *self.graph.offsets[number : number + 2]
            if first == last or local_name(name).lower() in _SILENT or name in self._left_out:
                continue
            heads = 1 + np.count_nonzero(np.diff(self.graph.head[first:last]))
            crowd = float(last - first) / float(heads)
            if self.config.neighbours:
                group = _BRAND if words.lower() in _BRANDS else _RELATION
                slots.add(Slot((group, 0, crowd, words), words, name))
                # What leads down leads to the broader against its arrow.
                down = self.hierarchies.get(number, False)
                slots.add(Slot((_PATH, 0, crowd, words), f"{words} of" if down else words, name, inverse=down))
            if self.config.inverse_neighbours:
                slots.add(Slot((_INVERSE, 0, crowd, words), f"{words} of", name, inverse=True))
        return frozenset(slots)
