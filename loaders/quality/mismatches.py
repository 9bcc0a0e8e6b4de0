"""Links that look wrong: items whose title is not the name of their entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import KnowledgeGraph, Schema, local_name, readable_name
from ..source import Catalogue
from .likeness import LONE_WORD, likeness_to_names, with_text
from .titles import bracketed_year, name_parts, normalised, without_article

__all__ = ["LIKENESS", "Mismatch", "Mismatches", "find_mismatches"]

LIKENESS = 78
"""Below this a title and a name are held to be different things; chosen by reading links of films to DBpedia."""

YEARS_APART = 3
"""From this many years on, things of equal names are held to be namesakes: the dates of one release differ by less."""

TEXT_BEGIN = 600
"""How much of a description is searched for another title: encyclopaedias give it in the first sentences."""

BLOCK = 50_000
"""Links compared at a time: each takes kilobytes meanwhile."""

GENERAL = 0.3
"""From this share of links that look wrong on, the names are of another kind or language, and no link is to blame."""

Strings = Any
"""A `pa.Array` of large_string; pyarrow ships no types."""
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mismatch:
    """One link that looks wrong.

    Attributes:
        item, title: the item's id and title.
        entity, label: the entity it is linked to, and its name.
        likeness: of title and name, 0 to 100.
        reason: whether the names differ, or the years of things of one name.
        years: that of the item and the nearest of the entity, where both are known.
        suggestion: id of an entity of the items' type whose name is the title, if there is one.
    """

    item: str
    title: str
    entity: str
    label: str
    likeness: int
    reason: Literal["name", "year"]
    years: tuple[int, int] | None
    suggestion: str | None


@dataclass(frozen=True)
class Mismatches:
    """Links that look wrong.

    Attributes:
        compared: how many links were compared.
        found: those that look wrong, the least alike first.
        left_out: links with a title and a name that were not compared, since of many others most differ already.
    """

    compared: int
    found: tuple[Mismatch, ...]
    left_out: int = 0

    @property
    def general(self) -> bool:
        """Whether so many look wrong that it is not the links that are."""
        return self.compared >= 20 and len(self.found) > GENERAL * self.compared


@dataclass(frozen=True, eq=False)
class _Suspects:
    """Links that look wrong, shape (n,): item and entity numbers, likeness, years (NaN where unknown)."""

    item: Numbers
    entity: Numbers
    likeness: npt.NDArray[np.float64]
    here: npt.NDArray[np.float64]
    there: npt.NDArray[np.float64]


def find_mismatches(catalogue: Catalogue) -> Mismatches:
    """Compare the titles of the item table with the names of the linked entities.

    A title may be any of an entity's labels or the end of its IRI; may be a part of it ("Léon: The Professional");
    and may stand in its description instead, as translated titles do. What is left over is listed. Of more than 50,000
    links, those that are left are not compared once three in ten of the others differ.
    """
    graph, schema = catalogue.knowledge, catalogue.schema
    items = np.flatnonzero((catalogue.item_entity >= 0) & with_text(catalogue.table.titles))
    if graph is None or schema is None or not len(items):
        return Mismatches(0, ())
    blocks = -(-len(items) // BLOCK)
    compared, parts = 0, []
    # Every so-many-th link, so that one block is like the next.
    for first in range(blocks):
        block = items[first::blocks]
        parts.append(_suspects(catalogue, graph, schema, block))
        compared += len(block)
        if sum(len(part.item) for part in parts) > GENERAL * compared:
            break
    item, entity, likeness, here, there = (
        np.concatenate([getattr(part, name) for part in parts]) for name in _Suspects.__dataclass_fields__
    )
    order = np.lexsort((item, likeness))
    item, entity, likeness, here, there = (column[order] for column in (item, entity, likeness, here, there))
    titles = catalogue.table.titles.take(pa.array(item))
    suggestions = _suggestions(catalogue, graph, schema, titles, entity)
    found = []
    for row, suggestion in enumerate(suggestions):
        years = None if np.isnan(here[row] - there[row]) else (int(here[row]), int(there[row]))
        found.append(
            Mismatch(
                catalogue.items.id(int(item[row])), titles[row].as_py(), graph.entities.id(int(entity[row])),
                catalogue.labels[int(entity[row])].as_py(), int(likeness[row]),
                "name" if likeness[row] < LIKENESS else "year", years, suggestion,
            )
        )  # fmt: skip
    return Mismatches(compared, tuple(found), len(items) - compared)


def _suspects(catalogue: Catalogue, graph: KnowledgeGraph, schema: Schema, items: Numbers) -> _Suspects:
    """Which of some linked items look wrong."""
    entity = catalogue.item_entity[items]
    titles = catalogue.table.titles.take(pa.array(items))
    named, names = _names(catalogue, graph, schema, entity)
    likeness = likeness_to_names(titles, named, names)
    here, there = _years(catalogue, graph, schema, items, named, names)
    suspect = np.abs(here - there) >= YEARS_APART
    poor = np.flatnonzero(likeness < LIKENESS)
    told = _in_description(graph, schema, titles.take(pa.array(poor)), entity[poor], catalogue.labels)
    suspect[poor[~told]] = True
    return _Suspects(items[suspect], entity[suspect], likeness[suspect], here[suspect], there[suspect])


def _names(catalogue: Catalogue, graph: KnowledgeGraph, schema: Schema, entity: Numbers) -> tuple[Numbers, Strings]:
    """All names of each entity asked for: which of them (a position in `entity`), and the name."""
    order = np.argsort(entity, kind="stable")
    row, literal = _literals_of(graph, schema.predicates("label"), entity, order)
    ids = graph.entities.ids(entity)
    # The end of an IRI may itself hold a slash: resource/Face/Off.
    tails = [unquote(" ".join(i.rsplit("/", 2)[-2:])).replace("_", " ") if "://" in i else i for i in ids]
    columns = [
        catalogue.labels.take(pa.array(entity)),
        pa.array([readable_name(i) for i in ids], pa.large_string()),
        pa.array(tails, pa.large_string()),
        graph.literals.value.take(pa.array(literal)),
    ]
    every = np.arange(len(entity))
    return np.concatenate([every, every, every, row]), pa.concat_arrays([c.cast(pa.large_string()) for c in columns])


def _literals_of(
    graph: KnowledgeGraph, predicates: Sequence[str], entity: Numbers, order: Numbers
) -> tuple[Numbers, Numbers]:
    """Literals of some predicates at some entities (which may repeat): position in `entity`, and literal row."""
    wanted = np.array([p in set(predicates) for p in graph.literals.predicates], dtype=bool)
    rows = np.flatnonzero(wanted[graph.literals.predicate]) if len(wanted) else np.empty(0, dtype=np.int64)
    at = graph.literals.entity[rows]
    first, last = (np.searchsorted(entity[order], at, side) for side in ("left", "right"))
    return order[_ranges(first, last)], np.repeat(rows, last - first)


def _ranges(first: Numbers, last: Numbers) -> Numbers:
    """The numbers of all ranges, one range after the other."""
    counts = last - first
    numbers: Numbers = np.arange(int(counts.sum())) + np.repeat(first - np.cumsum(counts) + counts, counts)
    return numbers


def _years(
    catalogue: Catalogue, graph: KnowledgeGraph, schema: Schema, items: Numbers, named: Numbers, names: Strings
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The year of each item and the nearest to it of its entity's, NaN where unknown."""
    titles = catalogue.table.titles.take(pa.array(items))
    texts = pa.array([catalogue.table.texts[i] for i in items.tolist()], pa.large_string())
    # The table's columns are joined by points, title first: a year alone in one of them is the item's.
    alone = pc.struct_field(pc.extract_regex(texts, r"\. (?P<year>1[5-9]\d\d|20\d\d)(?:\. |$)"), "year").cast(
        pa.int64()
    )
    here = _floats(pc.coalesce(bracketed_year(titles), alone))
    entity = catalogue.item_entity[items]
    dated = [
        literal.predicate
        for literal in schema.literals
        if literal.kind == "date"
        or (literal.kind == "number" and any(w in local_name(literal.predicate).lower() for w in ("year", "date")))
    ]
    row, literal = _literals_of(graph, dated, entity, np.argsort(entity, kind="stable"))
    values = graph.literals.value.take(pa.array(literal))
    read = pc.struct_field(pc.extract_regex(values, r"^\s*(?P<year>1[5-9]\d\d|20\d\d)(?:\D|$)"), "year")
    rows = np.concatenate([named, row])
    years = np.concatenate([_floats(bracketed_year(names)), _floats(read.cast(pa.int64()))])
    known = ~np.isnan(years) & ~np.isnan(here[rows])
    rows, years = rows[known], years[known]
    there = np.full(len(items), np.nan)
    # Assigned from the farthest to the nearest, so that the nearest is written last.
    order = np.lexsort((-years, -np.abs(years - here[rows])))
    there[rows[order]] = years[order]
    return here, there


def _floats(numbers: Any) -> npt.NDArray[np.float64]:
    return np.asarray(numbers.cast(pa.float64()).fill_null(float("nan")), dtype=np.float64)


def _in_description(
    graph: KnowledgeGraph, schema: Schema, titles: Strings, entity: Numbers, labels: Strings
) -> npt.NDArray[np.bool_]:
    """Whether an entity's description gives the title as another name of it."""
    told = np.zeros(len(titles), dtype=bool)
    row, literal = _literals_of(graph, schema.predicates("text"), entity, np.argsort(entity, kind="stable"))
    begin = pc.utf8_slice_codeunits(graph.literals.value.take(pa.array(literal)), 0, TEXT_BEGIN)
    names = without_article(normalised(pc.replace_substring_regex(labels.take(pa.array(entity)), r"\s*\([^()]*\)", "")))
    wholes, _ = name_parts(titles, articles="the|a|an")
    ways = list(zip(*(way.to_pylist() for way in wholes), strict=True))
    names = names.to_pylist()
    for at, text in zip(row.tolist(), normalised(begin).to_pylist(), strict=True):
        # The name itself is taken out first: the "Dead Man" in "Dead Man Walking" is no mention.
        rest = f" {text} ".replace(f" {names[at]} ", " | ")
        told[at] |= any(way and f" {way} " in rest and _telling(way, names[at]) for way in ways[at])
    return told


def _telling(title: str, name: str) -> bool:
    """Whether a title found in a description cannot be there by chance, as a single word of the name may be."""
    return " " in title or (len(title) >= LONE_WORD and title not in name.split())


def _suggestions(
    catalogue: Catalogue, graph: KnowledgeGraph, schema: Schema, titles: Strings, entity: Numbers
) -> list[str | None]:
    """For each title the id of an entity of the items' type that has it as its name, other than the linked one."""
    if not len(titles):
        return []
    kinds = np.unique(graph.type_of[catalogue.item_entity[catalogue.item_entity >= 0]])
    of_type = graph.type_of == graph.types.index(schema.item_type) if schema.item_type in graph.types else None
    # Among entities without a type, those that say something about others are like items; values are only told of.
    heads = np.bincount(graph.head, minlength=graph.n_entities) > 0
    candidates = np.flatnonzero(np.isin(graph.type_of, kinds) & heads if of_type is None else of_type)
    plain = pc.replace_substring_regex(catalogue.labels.take(pa.array(candidates)), r"\s*\([^()]*\)", "")
    names = without_article(normalised(plain), "the|a|an")
    result: list[str | None] = [None] * len(titles)
    for way in name_parts(titles, articles="the|a|an")[0]:
        found = pc.index_in(way, value_set=names, skip_nulls=True).to_pylist()
        for at, position in enumerate(found):
            if position is not None and result[at] is None and candidates[position] != entity[at]:
                result[at] = graph.entities.id(int(candidates[position]))
    return result
