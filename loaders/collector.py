"""Triples gathered block by block, as columns of strings, and then numbered into one knowledge graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..kg import IdMap, KnowledgeGraph, Literals
from ..kg.type_choice import type_ranks
from .files.tables import ENCODED

__all__ = ["RDF_TYPE", "TripleCollector"]

RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
Strings = Any
"""A `pa.Array` or `pa.ChunkedArray` of strings; pyarrow ships no types."""
Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.int32]
STRING = pa.large_string()


class TripleCollector:
    """Gathers what a source tells, and makes a graph of it.

    All columns of one call are equally long and hold the source's own names: ids of entities, full names of relations.
    A column may be dictionary-encoded. Nothing is null but where it says so.

    Attributes:
        rows: how many triples have been told so far, types and literals included.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._entities, self._relations, self._types = _Vocabulary(), _Vocabulary(), _Vocabulary()
        self._predicates, self._languages, self._datatypes = _Vocabulary(), _Vocabulary(), _Vocabulary()
        # Where the columns of each call lie in the vocabulary of the entities.
        self._heads: list[int] = []
        self._tails: list[int] = []
        self._typed: list[int] = []
        self._described: list[int] = []
        self._values: list[Strings] = []
        self._weights: list[Floats | None] = []
        self._times: list[Floats | None] = []

    def add_edges(
        self,
        head: Strings,
        relation: Strings,
        tail: Strings,
        *,
        weight: Floats | None = None,
        time: Floats | None = None,
    ) -> None:
        """Triples between entities, perhaps with a weight and a time each (seconds since 1970; NaN where unknown)."""
        self.rows += len(head)
        self._heads.append(self._entities.add(head))
        self._relations.add(relation)
        self._tails.append(self._entities.add(tail))
        self._weights.append(weight)
        self._times.append(time)

    def add_types(self, entity: Strings, kind: Strings) -> None:
        """Node types; an entity may have several, of which the commonest counts."""
        self.rows += len(entity)
        self._typed.append(self._entities.add(entity))
        self._types.add(kind)

    def add_literals(
        self,
        entity: Strings,
        predicate: Strings,
        value: Strings,
        *,
        language: Strings | None = None,
        datatype: Strings | None = None,
    ) -> None:
        """Literals; language tag and datatype IRI are null where there is none (a plain string has no datatype)."""
        self.rows += len(entity)
        self._described.append(self._entities.add(entity))
        self._predicates.add(predicate)
        self._values.append(_whole(value).cast(STRING))
        for column, vocabulary in ((language, self._languages), (datatype, self._datatypes)):
            vocabulary.add(pa.nulls(len(entity), STRING) if column is None else column)

    def add_entities(self, entity: Strings) -> None:
        """Entities that perhaps no triple names."""
        self._entities.add(entity)

    def graph(self) -> KnowledgeGraph:
        """The graph of all that was told; repeated triples and literals count once.

        It lets go of the columns as it numbers them, so that they are not held twice: it is called once, and last.

        Raises:
            RuntimeError: if the graph was made before; so do the methods that add to it.
        """
        names, entity = self._entities.numbered()
        relations, relation = self._relations.numbered()
        types, kind = self._types.numbered()
        typed, kinds = _joined([entity[i] for i in self._typed]), _joined(kind)
        literals, repeated = self._literals([entity[i] for i in self._described])
        head, tail = (_joined([entity[i] for i in at]) for at in (self._heads, self._tails))
        lengths = [len(entity[i]) for i in self._heads]
        return KnowledgeGraph.build(
            IdMap.of_distinct(names),
            relations.to_pylist(),
            head,
            _joined(relation),
            tail,
            types=types.to_pylist(),
            type_of=_commonest(typed, kinds, types.to_pylist(), len(names)),
            literals=literals,
            weight=_attribute(self._weights, lengths, np.float32),
            time=_attribute(self._times, lengths, np.float64),
            repeated=repeated,
        )

    def _literals(self, entity: list[Numbers]) -> tuple[Literals, int]:
        """The literal table, each literal once, and how many were repeated."""
        if not entity:
            return Literals.empty(), 0
        predicates, predicate = self._predicates.numbered()
        tags, tag = self._languages.numbered()
        kinds, kind = self._datatypes.numbered()
        table = Literals(
            _joined(entity),
            _joined(predicate),
            pa.concat_arrays(self._values),
            _encoded(_joined(tag), tags),
            _encoded(_joined(kind), kinds),
            tuple(predicates.to_pylist()),
        )
        fresh = _first_of_each(_joined(entity), _joined(predicate), table.value, _joined(tag), _joined(kind))
        return (table, 0) if fresh is None else (table.take(fresh), len(table) - len(fresh))


class _Vocabulary:
    """Columns of strings that share one numbering: each keeps its own dictionary until the end."""

    def __init__(self) -> None:
        self._dictionaries: list[Strings] = []
        # Held as they came, so that no other can come to lie where one of them lay.
        self._held: list[Strings] = []
        self._at: dict[tuple[int, ...], int] = {}
        self._columns: list[tuple[int, Strings]] = []
        self._is_numbered = False

    def add(self, column: Strings) -> int:
        """Keep a column; its number."""
        self._check_open()
        column = _whole(column)
        if not pa.types.is_dictionary(column.type) or column.dictionary.null_count:
            column = column.cast(STRING).dictionary_encode()
        self._columns.append((self._kept(column.dictionary), column.indices))
        return len(self._columns) - 1

    def _kept(self, dictionary: Strings) -> int:
        """The place of a dictionary; columns cut out of one share theirs, which is looked through but once."""
        where = (dictionary.offset, len(dictionary), *(0 if b is None else b.address for b in dictionary.buffers()))
        if where not in self._at:
            self._at[where] = len(self._dictionaries)
            self._held.append(dictionary)
            self._dictionaries.append(dictionary.cast(STRING))
        return self._at[where]

    def numbered(self) -> tuple[Strings, list[Numbers]]:
        """The distinct strings in order of first appearance, and each column as numbers, -1 where null."""
        self._check_open()
        self._is_numbered = True
        names, fresh = self._unified()
        numbers = []
        for at, indices in self._columns:
            # The last place of each list is that of null.
            places = np.asarray(indices.fill_null(len(fresh[at]) - 1))
            numbers.append(fresh[at][places])
        self._columns = []
        # A column cut out of a larger one brings words along that it does not use. The last place is that of -1.
        used = np.zeros(len(names) + 1, dtype=bool)
        for column in numbers:
            used[column] = True
        if used[:-1].all():
            return names, numbers
        closer = np.append(np.cumsum(used[:-1], dtype=np.int32) - 1, np.int32(-1))
        return names.filter(pa.array(used[:-1])), [closer[column] for column in numbers]

    def _check_open(self) -> None:
        if self._is_numbered:
            raise RuntimeError("the graph of this collector was made already; collect into a new TripleCollector")

    def _unified(self) -> tuple[Strings, list[Numbers]]:
        """All words once, and for each dictionary the number of each of its words, with -1 behind."""
        if not self._dictionaries:
            return pa.array([], STRING), []
        each = [
            pa.DictionaryArray.from_arrays(pa.array(np.arange(len(words), dtype=np.int32)), words)
            for words in self._dictionaries
        ]
        whole = pa.chunked_array(each, ENCODED).unify_dictionaries()
        numbers = [np.append(np.asarray(chunk.indices, dtype=np.int32), np.int32(-1)) for chunk in whole.chunks]
        self._dictionaries, self._held, self._at = [], [], {}
        return whole.chunk(0).dictionary, numbers


def _whole(column: Strings) -> Strings:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _joined(columns: list[Numbers]) -> Numbers:
    return np.concatenate([np.empty(0, dtype=np.int32), *columns])


def _encoded(numbers: Numbers, names: Strings) -> Strings:
    return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=numbers < 0), names)


def _attribute(parts: list[Floats | None], lengths: list[int], dtype: type[np.floating]) -> Floats | None:
    """An attribute of all triples; None if no call told any."""
    if all(part is None for part in parts):
        return None
    filled = (np.full(n, np.nan) if part is None else part for part, n in zip(parts, lengths, strict=True))
    return np.concatenate([np.asarray(part, dtype=dtype) for part in filled])


def _commonest(entity: Numbers, kind: Numbers, names: list[str], n_entities: int) -> Numbers:
    """Each entity's commonest type, shape (n_entities,), -1 where it has none.

    A type is counted once an entity however often it is told. `type_ranks` says which goes first of equals.
    """
    type_of = np.full(n_entities, -1, dtype=np.int32)
    pairs = np.sort(entity.astype(np.int64) * max(len(names), 1) + kind)
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]
    entity, kind = (column.astype(np.int32) for column in np.divmod(pairs, max(len(names), 1)))
    counts = np.bincount(kind, minlength=len(names))
    # Assigned from the rarest type up, so that the commonest is written last.
    by_rank = np.argsort(-type_ranks(names, counts)[kind], kind="stable")
    type_of[entity[by_rank]] = kind[by_rank]
    return type_of


def _first_of_each(
    entity: Numbers, predicate: Numbers, value: Strings, language: Numbers, datatype: Numbers
) -> npt.NDArray[np.int64] | None:
    """Rows that repeat no earlier one, in their order; None if all are distinct."""
    pair = entity.astype(np.int64) * (int(predicate.max(initial=0)) + 1) + predicate
    ordered = np.sort(pair)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(again) == 0:
        return None
    # Only where an entity has several literals of a predicate are values compared.
    rows = np.flatnonzero(np.isin(pair, again))
    codes = (pair, value.take(pa.array(rows)).dictionary_encode().indices, language, datatype)
    keys = [np.asarray(codes[1])[None], *(column[rows][None] for column in (codes[0], codes[2], codes[3]))]
    keyed = np.concatenate([key.astype(np.int64) for key in keys])
    order = np.lexsort(keyed)
    fresh = np.ones(len(rows), dtype=bool)
    # A stable sort leaves the first of equals in front.
    fresh[order[1:]] = (keyed[:, order[1:]] != keyed[:, order[:-1]]).any(axis=0)
    if fresh.all():
        return None
    keep = np.ones(len(entity), dtype=bool)
    keep[rows[~fresh]] = False
    return np.flatnonzero(keep)
