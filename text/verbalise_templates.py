"""Nodes told by the templates of their types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..kg import UNTYPED, KnowledgeGraph
from .template import NodeTemplate, Values, read_templates
from .verbalise_cells import Cells, Parts
from .verbalise_names import spoken
from .verbalise_slots import Slots

__all__ = ["NodeTemplates"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NodeTemplates:
    """Renders the templates of node types.

    A template sees `label`, `type`, `id`, `text` (the inferred text), and a list of values for each literal and relation
    that a node of the type has: named as it is told, blanks as underscores, `director_of` for a relation that arrives.

    Attributes:
        graph: the graph.
        slots: its slots, whose config has the templates.
        names: name of each entity, null where it has none.
    """

    graph: KnowledgeGraph
    slots: Slots
    names: pa.Array

    def render(self, asked: Numbers, rows: Numbers, cells: Cells, parts: Parts) -> list[str]:
        """The texts of the asked nodes at some rows, in the order of `rows`; "" for a node without cells.

        Raises:
            ConfigError: if a template fails; it names type and line.
        """
        inferred = parts.texts(len(asked)).take(pa.array(rows)).to_pylist()
        names = self.names.take(pa.array(asked[rows])).to_pylist()
        ids = self.graph.entities.to_arrow().take(pa.array(asked[rows])).to_pylist()
        values = self._values(rows, cells, parts)
        texts = []
        for n, kind in enumerate(self.graph.type_of[asked[rows]].tolist()):
            template, variables = self.by_kind[kind]
            told = {variable: Values() for variable in variables}
            for name, more in values[n]:
                told[name].extend(more)
            scalars = {"label": names[n] or "", "type": self._kind(kind), "id": ids[n], "text": inferred[n]}
            texts.append(template.render({**told, **scalars}) if inferred[n] else "")
        return texts

    @cached_property
    def by_kind(self) -> dict[int, tuple[NodeTemplate, frozenset[str]]]:
        """Template and variables by number of the node type, -1 for nodes without one."""
        sources = read_templates(self.slots.config, self.graph)
        known = {kind: self._variables(kind) for kind in sources}
        return {k: (NodeTemplate(self._kind(k), source, known[k]), known[k]) for k, source in sources.items()}

    def _values(self, rows: Numbers, cells: Cells, parts: Parts) -> list[list[tuple[str, list[str]]]]:
        """Variables and values of each row."""
        slots = self.slots.slots
        first, last = np.searchsorted(parts.row, rows).tolist(), np.searchsorted(parts.row, rows, side="right").tolist()
        wanted = np.isin(cells.row, rows)
        words = np.empty(len(cells), dtype=object)
        words[wanted] = cells.value.filter(pa.array(wanted)).to_pylist()
        found = []
        for start, stop in zip(first, last, strict=True):
            chosen = [(slots[parts.slot[p]], words[parts.first[p] : parts.first[p + 1]]) for p in range(start, stop)]
            found.append([(slot.variable, list(more)) for slot, more in chosen if slot.predicate])
        return found

    def _kind(self, number: int) -> str:
        return spoken(self.graph.types[number]) if number >= 0 else UNTYPED

    def _variables(self, kind: int) -> frozenset[str]:
        """The variables that some node of a type has values for."""
        graph = self.graph
        of = graph.type_of == kind if kind >= 0 else graph.type_of < 0
        predicates = np.unique(graph.literals.predicate[of[graph.literals.entity]])
        leaving, arriving = np.unique(graph.relation[of[graph.head]]), np.unique(graph.relation[of[graph.tail]])
        forward, path, inverse = self.slots.relation
        told = [slot[predicates] for slot in self.slots.literal if len(slot)]
        told += [forward[leaving], path[leaving], inverse[arriving], path[arriving]]
        return frozenset(self.slots.slots[place].variable for place in np.concatenate(told).tolist() if place > 0)
