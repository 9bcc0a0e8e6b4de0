"""The text of a node: its name, what is known about it, its chosen neighbours; the most telling first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import KnowledgeGraph, Schema
from .budget import Budget
from .budget_cut import CountTokens
from .clean_report import CleaningReport
from .verbalise_cells import Cells, Parts
from .verbalise_config import VerbaliseConfig
from .verbalise_literals import ToldLiterals
from .verbalise_names import entity_names, label_predicates, spoken
from .verbalise_neighbours import Neighbours
from .verbalise_slots import Slots
from .verbalise_sources import Triple, triples_of
from .verbalise_templates import NodeTemplates

__all__ = ["CutPart", "NodeText", "VerbaliseConfig", "Verbaliser"]

_LARGE = pa.large_string()
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CutPart:
    """What was left out of one part of a text: the part's name, and how many characters and tokens of it."""

    part: str
    characters: int
    tokens: int


@dataclass(frozen=True)
class NodeText:
    """The text of one entity, and what it was made from.

    Attributes:
        text: the words; "" for an entity of which nothing but an id is known.
        triples: subject, predicate and object of what is told, in the order told; the type's predicate is "rdf:type".
        cut: what the budget left out, in order.
        tokens: tokens of the text, special ones not counted; estimated where there is no tokenizer.
    """

    text: str
    triples: tuple[Triple, ...] = ()
    cut: tuple[CutPart, ...] = ()
    tokens: int = field(default=0, compare=False)

    @property
    def present(self) -> bool:
        """Whether there is any text."""
        return bool(self.text)


@dataclass(frozen=True, eq=False)
class _Told:
    """The texts of some nodes on their way: `parts` as wished for, `fitted` as there is room."""

    asked: Numbers
    cells: Cells
    parts: Parts
    fitted: Parts
    texts: pa.Array
    whole: pa.Array
    by_template: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Verbaliser:
    """Tells entities of a graph in words.

    The order is: label and type; brands and makers; category paths; attributes (`price: 12 EUR`); relations
    (`cast: Tom Hanks`); long texts; relations that arrive (`director of: Toy Story`): see `Slots` and `Neighbours`. It does not
    hang on the order of the source. A template for a node type goes before all that.

    Attributes:
        graph: the knowledge graph.
        schema: which literals are labels, text, numbers, categories.
        labels: display name of each entity.
        config: what goes in.
        max_tokens: most tokens of a text, without those that the encoder adds; None for no bound.
        count_tokens: the encoder's tokenizer: tokens of each of some texts, special ones not counted. None estimates
            them, one for 4 bytes.
    """

    graph: KnowledgeGraph
    schema: Schema
    labels: pa.Array
    config: VerbaliseConfig
    max_tokens: int | None = None
    count_tokens: CountTokens | None = None

    def tell(self, entities: Iterable[int]) -> list[NodeText]:
        """The texts of some entities, in their order, each with what it was made from.

        Raises:
            ConfigError: if the configuration names what the graph does not have, or a template cannot be used.
        """
        told = self._told(_numbers(entities))
        kept = np.repeat(np.asarray(pc.binary_length(told.fitted.text)) > 0, np.diff(told.parts.first))
        triples = triples_of(
            self.graph, told.cells, told.asked, kept, self._is_path[told.cells.slot],
            self._neighbours.parents, self._slots.hierarchies,
        )  # fmt: skip
        tokens = self._budget.counted(told.texts).tolist()
        cut = self._cut(told)
        texts = told.texts.to_pylist()
        return [
            NodeText(text, sources if text else (), cut.get(row, ()), count)
            for row, (text, sources, count) in enumerate(zip(texts, triples, tokens, strict=True))
        ]

    def texts_of(self, entities: Iterable[int]) -> tuple[list[str], npt.NDArray[np.bool_], CleaningReport]:
        """The texts of some entities, faster and without what they were made from.

        Returns:
            The texts, "" where there is none; which are present, shape (n,); and what cleaning found: in names and
            literals of the whole graph, and of the entities asked for, which have no text and which were cut.

        Raises:
            ConfigError: as `tell`.
        """
        told = self._told(_numbers(entities))
        present = np.asarray(pc.binary_length(told.texts)) > 0
        ids = self.graph.entities
        report = CleaningReport.joined([self._names[1], self._literals.report])
        nameless = np.flatnonzero(np.asarray(pc.is_null(self._names[0].take(pa.array(told.asked))), dtype=bool))
        differs = np.asarray(pc.not_equal(told.fitted.text, told.parts.text), dtype=bool)
        cut = np.union1d(
            told.parts.row[differs], np.flatnonzero(np.asarray(pc.not_equal(told.texts, told.whole)) & told.by_template)
        )
        for kind, rows in (("no-name", nameless), ("no-text", np.flatnonzero(~present)), ("cut", cut)):
            if len(rows):
                report = report.with_finding(kind, len(rows), ids.id(int(told.asked[rows[0]])))  # type: ignore[arg-type]
        return told.texts.to_pylist(), present, report

    def _told(self, asked: Numbers) -> _Told:
        cells = self._cells(asked)
        parts = Parts.of(cells, self._slots.slots)
        slots = self._slots.slots
        by_template = np.isin(self.graph.type_of[asked], list(self._templates.by_kind))
        fitted = parts
        if self.max_tokens is not None:
            long, late = np.array([[s.long, s.order[0] > _LONG_GROUP] for s in slots], dtype=bool).T
            fitted = self._budget.fitted(parts, long[parts.slot], late[parts.slot], len(asked))
        texts = whole = fitted.texts(len(asked))
        if by_template.any():
            rows = np.flatnonzero(by_template)
            rendered = pa.array(self._templates.render(asked, rows, cells, parts), _LARGE)
            short = rendered if self.max_tokens is None else self._budget.shortened(rendered)
            mask = pa.array(by_template)
            texts, whole = pc.replace_with_mask(texts, mask, short), pc.replace_with_mask(texts, mask, rendered)
            # Which part a template's text owes to which cell nobody knows: all count as told.
            kept = pa.array(by_template[parts.row])
            fitted = Parts(parts.row, parts.slot, pc.if_else(kept, parts.text, fitted.text), parts.first)
        return _Told(asked, cells, parts, fitted, texts, whole, by_template)

    def _cells(self, asked: Numbers) -> Cells:
        """All that is told of some entities; of one of which nothing but its id is known, nothing."""
        literals, neighbours = self._literals.cells(asked), self._neighbours.cells(asked)
        names = self._names[0].take(pa.array(asked))
        own = np.asarray(pc.is_valid(names), dtype=bool)
        own[literals.row] = True
        own[neighbours.row[~neighbours.inverse | self._is_path[neighbours.slot]]] = True
        rows = np.flatnonzero(own)
        type_of = self.graph.type_of[asked[rows]]
        kinds = pa.array([spoken(name) for name in self.graph.types], _LARGE).take(pa.array(type_of, mask=type_of < 0))
        named = names.take(pa.array(rows))
        opened, closed, nothing = (pa.scalar(mark, _LARGE) for mark in (" (", ")", ""))
        both = pc.binary_join_element_wise(named, opened, kinds, closed, nothing)
        title = pc.coalesce(both, named, kinds, nothing)
        label = self._label_rows[asked[rows]]
        titles = Cells.of_literals(rows, np.zeros(len(rows), dtype=np.int64), title, label)
        every = Cells.sorted([titles, literals, neighbours], len(self._slots.slots))
        return every if own.all() else every.of_rows(own)

    def _cut(self, told: _Told) -> dict[int, tuple[CutPart, ...]]:
        """What was left out, by row."""
        parts, fitted = told.parts, told.fitted
        at = np.flatnonzero(np.asarray(pc.not_equal(parts.text, fitted.text), dtype=bool))
        names = [self._slots.slots[slot].words for slot in parts.slot[at].tolist()]
        templated = np.flatnonzero(told.by_template & np.asarray(pc.not_equal(told.texts, told.whole), dtype=bool))
        before = pa.chunked_array(
            [parts.text.take(pa.array(at)), told.whole.take(pa.array(templated))]
        ).combine_chunks()
        after = pa.chunked_array(
            [fitted.text.take(pa.array(at)), told.texts.take(pa.array(templated))]
        ).combine_chunks()
        characters = np.asarray(pc.utf8_length(before)) - np.asarray(pc.utf8_length(after))
        tokens = self._budget.counted(before) - self._budget.counted(after)
        rows = np.concatenate([parts.row[at], templated]).tolist()
        found: defaultdict[int, list[CutPart]] = defaultdict(list)
        for row, name, fewer, less in zip(
            rows, [*names, *["template"] * len(templated)], characters.tolist(), tokens.tolist(), strict=True
        ):
            found[row].append(CutPart(name, fewer, max(less, 0)))
        return {row: tuple(cut) for row, cut in found.items()}

    @cached_property
    def _budget(self) -> Budget:
        return Budget(2**40 if self.max_tokens is None else self.max_tokens, self.count_tokens)

    @cached_property
    def _slots(self) -> Slots:
        return Slots(self.graph, self.schema, self.config)

    @cached_property
    def _is_path(self) -> npt.NDArray[np.bool_]:
        is_path = np.zeros(len(self._slots.slots), dtype=bool)
        paths = self._slots.relation[1]
        is_path[paths[paths >= 0]] = True
        return is_path

    @cached_property
    def _names(self) -> tuple[pa.Array, CleaningReport]:
        return entity_names(self.graph, self.schema, self.labels)

    @cached_property
    def _literals(self) -> ToldLiterals:
        return ToldLiterals.of(self.graph, self._slots)

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.graph, self._slots, self._names[0])

    @cached_property
    def _label_rows(self) -> Numbers:
        """Row of the literal that each entity's label is, -1 where it is none, shape (entities,)."""
        rows = np.full(self.graph.n_entities, -1, dtype=np.int64)
        literals, chosen = self.graph.literals, label_predicates(self.graph, self.schema)
        if len(chosen):
            at = np.flatnonzero(chosen[literals.predicate])
            same = pc.equal(literals.value.take(pa.array(at)), self.labels.take(pa.array(literals.entity[at])))
            at = at[np.asarray(same.fill_null(False), dtype=bool)][::-1]
            rows[literals.entity[at]] = at
        return rows

    @cached_property
    def _templates(self) -> NodeTemplates:
        return NodeTemplates(self.graph, self._slots, self._names[0])


_LONG_GROUP = 5
"""Group of long texts in `Slot.order`; what is above comes after them."""


def _numbers(entities: Iterable[int]) -> Numbers:
    if isinstance(entities, np.ndarray):
        return entities.astype(np.int64)
    return np.fromiter(entities, dtype=np.int64)
