"""The literals of a graph as they are told: cleaned, in one language, a few a predicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import KnowledgeGraph, Literals
from .boilerplate import without_boilerplate
from .clean import cleaned
from .clean_report import CleaningReport
from .verbalise_cells import Cells, place_in_group
from .verbalise_names import unit_of_datatype
from .verbalise_slots import Slots

__all__ = ["LONG", "ToldLiterals"]

LONG = 60
"""Characters of the longest text that is told as an attribute, with its name; what is longer is a text of its own."""

_LARGE = pa.large_string()
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ToldLiterals:
    """What is told of all literals of a graph, sorted by entity.

    Attributes:
        start: those of entity i are rows start[i] to start[i + 1], shape (entities + 1,).
        slot: where each is told, shape (n,).
        value: the words, unit included, large_string, n long.
        literal: row in the graph's literal table, shape (n,).
        report: what cleaning found.
    """

    start: Numbers
    slot: Numbers
    value: pa.Array
    literal: Numbers
    report: CleaningReport

    @classmethod
    def of(cls, graph: KnowledgeGraph, slots: Slots) -> ToldLiterals:
        """Clean and choose: of each entity and predicate the values in the best language, up to the bound, in order."""
        short, long = slots.literal
        literals = graph.literals
        rows = np.flatnonzero(short[literals.predicate] >= 0) if len(short) else np.empty(0, dtype=np.int64)
        number = short[literals.predicate[rows]] != long[literals.predicate[rows]]
        number &= long[literals.predicate[rows]] < 0
        texts, report = _texts(graph, rows[~number])
        numbers = _numbers(literals, rows[number], slots.units)
        value = pa.chunked_array([texts, numbers], _LARGE).combine_chunks()
        row = np.concatenate([rows[~number], rows[number]])
        told = np.flatnonzero(np.asarray(pc.is_valid(value), dtype=bool))
        chosen = told[_chosen(graph, slots, row[told], value.take(pa.array(told)))]
        row, value = row[chosen], value.take(pa.array(chosen))
        predicate = literals.predicate[row]
        is_long = np.asarray(pc.greater(pc.utf8_length(value), LONG), dtype=bool) & (long[predicate] >= 0)
        start = np.searchsorted(literals.entity[row], np.arange(graph.n_entities + 1))
        return cls(start, np.where(is_long, long[predicate], short[predicate]), value, row, report)

    def cells(self, asked: Numbers) -> Cells:
        """The literals of some entities."""
        counts = self.start[asked + 1] - self.start[asked]
        row = np.repeat(np.arange(len(asked)), counts)
        at = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts - self.start[asked], counts)
        return Cells.of_literals(row, self.slot[at], self.value.take(pa.array(at)), self.literal[at])


def _texts(graph: KnowledgeGraph, rows: Numbers) -> tuple[pa.Array, CleaningReport]:
    """Cleaned texts, null where nothing is left."""
    texts, report = cleaned(graph.literals.value.take(pa.array(rows)))
    long = np.flatnonzero(np.asarray(pc.fill_null(pc.greater(pc.utf8_length(texts), LONG), False), dtype=bool))
    if len(long) == 0:
        return texts, report
    entity = graph.literals.entity[rows[long]]
    kinds = np.where(graph.type_of < 0, len(graph.types), graph.type_of).astype(np.int64)
    sizes = np.bincount(kinds, minlength=len(graph.types) + 1)
    less, repeated = without_boilerplate(texts.take(pa.array(long)), entity, kinds[entity], sizes)
    if repeated.findings:
        mask = np.zeros(len(texts), dtype=bool)
        mask[long] = True
        texts = pc.replace_with_mask(texts, pa.array(mask), less)
    return texts, CleaningReport.joined([report, repeated])


def _numbers(literals: Literals, rows: Numbers, units: dict[int, str]) -> pa.Array:
    """Numbers with their units: "12.50 EUR"; null where there is no digit ("n/a")."""
    value = pc.utf8_trim_whitespace(literals.value.take(pa.array(rows)))
    value = pc.replace_substring_regex(value, r"^([-+]?\d+)\.0+$", r"\1")
    value = pc.if_else(pc.match_substring_regex(value, r"^.{0,100}$"), value, pa.scalar(None, _LARGE))
    value = pc.if_else(pc.match_substring_regex(value, r"\d"), value, pa.scalar(None, _LARGE))
    datatypes = [unit_of_datatype(name) or None for name in literals.datatype.dictionary.to_pylist()]
    by_datatype = pa.array(datatypes, _LARGE).take(literals.datatype.indices.take(pa.array(rows)))
    by_name = pa.array([units.get(n) for n in range(len(literals.predicates))], _LARGE)
    unit = pc.coalesce(by_name.take(pa.array(literals.predicate[rows])), by_datatype)
    gap = pc.binary_join_element_wise(pa.scalar(" ", _LARGE), unit, pa.scalar("", _LARGE))
    return pc.binary_join_element_wise(value, pc.fill_null(gap, ""), pa.scalar("", _LARGE))


def _chosen(graph: KnowledgeGraph, slots: Slots, row: Numbers, value: pa.Array) -> Numbers:
    """Which values are told, in order: by entity, predicate, then value, so that the source's order is no matter."""
    literals = graph.literals
    entity, predicate = literals.entity[row].astype(np.int64), literals.predicate[row]
    rank = literals.language_rank(slots.schema.language)[row].astype(np.int64)
    # Tags of the preferred language are one ("en", "en-GB"); of others one is taken, since two would be translations.
    tag = np.asarray(literals.language.indices.fill_null(-1), dtype=np.int64)[row]
    tongue = np.where(rank == 2, 2 + np.append(_ranked(literals.language.dictionary), 0)[tag], rank)
    group = entity * max(len(literals.predicates), 1) + predicate
    order = np.lexsort((tongue, group))
    first = order[place_in_group(group[order]) == 0]
    best = tongue[first][np.searchsorted(group[first], group)] if len(first) else tongue
    order = order[tongue[order] == best[order]]
    several = np.bincount(np.searchsorted(group[first], group[order]), minlength=len(first)) > 1
    among = order[several[np.searchsorted(group[first], group[order])]] if len(order) else order
    by_value = np.zeros(len(row), dtype=np.int64)
    coded = value.take(pa.array(among)).dictionary_encode()
    length = np.asarray(pc.utf8_length(coded.dictionary), dtype=np.int64)
    # A number of fewer digits is, as a rule, the smaller one; texts go by the alphabet.
    codes = np.asarray(coded.indices, dtype=np.int64)
    is_number = slots.literal[1][predicate[among]] < 0
    by_value[among] = _ranked(coded.dictionary)[codes] + np.where(is_number, length[codes] * (len(length) + 1), 0)
    order = order[np.lexsort((by_value[order], group[order]))]
    fresh = place_in_group(group[order], by_value[order]) == 0
    order = order[fresh | ~several[np.searchsorted(group[first], group[order])]]
    return np.asarray(order[place_in_group(group[order]) < slots.config.values])


def _ranked(words: pa.Array) -> Numbers:
    """Place of each word by the alphabet, shape (n,)."""
    rank = np.empty(len(words), dtype=np.int64)
    rank[np.asarray(pc.sort_indices(words.cast(_LARGE)))] = np.arange(len(words))
    return rank
