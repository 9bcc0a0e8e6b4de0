"""Aspects as entities of the graph, joined to the items praised or criticised for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import IdMap, KnowledgeGraph, Literals
from ..kg.labels import RDFS_LABEL
from ..kg.triple_columns import TripleColumns
from .aspects import Aspects
from .sentiment import NEUTRAL

__all__ = ["ASPECT", "CRITICISED_FOR", "PRAISED_FOR", "with_aspects"]

ASPECT = "Aspect"
"""Node type of aspects."""

PRAISED_FOR, CRITICISED_FOR = "praised_for", "criticised_for"
"""Relations from an item to an aspect."""


def with_aspects(graph: KnowledgeGraph, aspects: Aspects, item_entity: npt.NDArray[np.integer]) -> KnowledgeGraph:
    """The graph with an entity `aspect/NAME` for each aspect, and triples from the items whose reviews speak of it.

    A triple's weight is the absolute value of `Aspects.weight`; its relation tells the sign. Where reviews of an item are
    neutral or divided about an aspect (mean polarity nearer to 0 than `NEUTRAL`), there is no triple. An aspect joined to
    nothing is no entity.

    Args:
        graph: the graph.
        aspects: what reviews say of items.
        item_entity: entity number of each item, -1 for none, shape (items,).
    """
    head = np.asarray(item_entity, dtype=np.int64)[aspects.item]
    rows = np.flatnonzero((head >= 0) & (np.abs(aspects.polarity) >= NEUTRAL))
    if len(rows) == 0:
        return graph
    used = np.unique(aspects.aspect[rows])
    names = aspects.names.take(pa.array(used))
    before, nothing = (pa.scalar(text, pa.large_string()) for text in ("aspect/", ""))
    ids = pc.binary_join_element_wise(before, names, nothing)
    entities = IdMap.numbering(graph.entities.to_arrow(), ids)
    entity = entities.numbers(ids)
    relations = tuple(dict.fromkeys((*graph.relations, PRAISED_FOR, CRITICISED_FOR)))
    praised, criticised = (relations.index(name) for name in (PRAISED_FOR, CRITICISED_FOR))
    types = tuple(dict.fromkeys((*graph.types, ASPECT)))
    type_of = np.concatenate([graph.type_of, np.full(len(entities) - graph.n_entities, -1)])
    type_of[entity] = types.index(ASPECT)
    more = TripleColumns(
        head[rows],
        np.where(aspects.polarity[rows] > 0, praised, criticised),
        entity[np.searchsorted(used, aspects.aspect[rows])],
        np.abs(aspects.weight[rows]),
    )
    columns = TripleColumns.of(graph).joined(more)
    built = KnowledgeGraph.build(
        entities,
        relations,
        columns.head,
        columns.relation,
        columns.tail,
        types=types,
        type_of=type_of,
        literals=_with_labels(graph.literals, entity, names),
        weight=columns.weight,
        time=columns.time,
    )
    return replace(built, duplicates=graph.duplicates)


def _with_labels(literals: Literals, entity: npt.NDArray[np.int64], names: pa.Array) -> Literals:
    predicates = tuple(dict.fromkeys((*literals.predicates, RDFS_LABEL)))
    english, none = pa.array(["en"] * len(entity), pa.large_string()), pa.nulls(len(entity), pa.large_string())
    return Literals(
        np.concatenate([literals.entity, entity]).astype(np.int32),
        np.concatenate([literals.predicate, np.full(len(entity), predicates.index(RDFS_LABEL))]).astype(np.int32),
        pa.concat_arrays([literals.value, names]),
        _encoded(literals.language, english),
        _encoded(literals.datatype, none),
        predicates,
    )


def _encoded(before: pa.Array, more: pa.Array) -> pa.Array:
    return pa.chunked_array([before.cast(pa.large_string()), more]).combine_chunks().dictionary_encode()
