"""Shared literal values as nodes: "colour = red" joins all that is red."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .graph import KnowledgeGraph
from .ids import IdMap
from .labels import RDFS_LABEL
from .literals import Literals
from .schema import Schema
from .triple_columns import TripleColumns

__all__ = ["with_category_nodes"]


def with_category_nodes(graph: KnowledgeGraph, schema: Schema) -> KnowledgeGraph:
    """The graph with every category literal turned into a triple to a node that stands for its value.

    The new node is called `PREDICATE=VALUE`, has the predicate's full name as node type and the value as its label. A blank
    value stands for nothing, and so for no node.
    """
    literals = graph.literals
    chosen = set(schema.predicates("category"))
    mask = np.array([p in chosen for p in literals.predicates], dtype=bool)
    rows = np.flatnonzero(mask[literals.predicate]) if len(mask) else np.empty(0, dtype=np.int64)
    rows = rows[np.asarray(pc.match_substring_regex(literals.value.take(pa.array(rows)), r"\S"), dtype=bool)]
    if len(rows) == 0:
        return graph
    part = literals.take(rows)
    names = [f"{part.predicates[p]}={v}" for p, v in zip(part.predicate.tolist(), part.value.to_pylist(), strict=True)]
    column = pa.array(names, type=pa.large_string())
    entities = IdMap.numbering(graph.entities.to_arrow(), column)
    first = graph.n_entities
    tails = entities.numbers(column)
    relations = (*graph.relations, *(p for p in part.predicates if p in chosen and p not in graph.relations))
    relation_of = {name: i for i, name in enumerate(relations)}
    types = (*graph.types, *(p for p in part.predicates if p in chosen and p not in graph.types))
    type_number = {name: i for i, name in enumerate(types)}
    # One representative row per value gives the node its type and label.
    values, where = np.unique(tails, return_index=True)
    fresh = values >= first
    type_of = np.concatenate([graph.type_of, np.full(len(entities) - first, -1, dtype=np.int32)])
    type_of[values[fresh]] = [type_number[part.predicates[p]] for p in part.predicate[where[fresh]]]
    relation = np.array([relation_of.get(p, -1) for p in part.predicates])[part.predicate]
    columns = TripleColumns.of(graph).joined(TripleColumns(part.entity, relation, tails))
    joined = KnowledgeGraph.build(
        entities,
        relations,
        columns.head,
        columns.relation,
        columns.tail,
        types=types,
        type_of=type_of,
        literals=_with_labels(literals, values[fresh], part.value.take(pa.array(where[fresh])), schema),
        weight=columns.weight,
        time=columns.time,
    )
    return replace(joined, duplicates=graph.duplicates)


def _with_labels(literals: Literals, entity: np.ndarray, value: pa.Array, schema: Schema) -> Literals:
    """The literal table with one more label for each of some entities."""
    predicate = (schema.predicates("label") or (RDFS_LABEL,))[0]
    predicates = literals.predicates if predicate in literals.predicates else (*literals.predicates, predicate)
    number = predicates.index(predicate)
    none = pa.nulls(len(entity), pa.large_string())
    return Literals(
        np.concatenate([literals.entity, entity]).astype(np.int32),
        np.concatenate([literals.predicate, np.full(len(entity), number)]).astype(np.int32),
        pa.concat_arrays([literals.value, value]),
        pa.chunked_array([literals.language.cast(pa.large_string()), none]).combine_chunks().dictionary_encode(),
        pa.chunked_array([literals.datatype.cast(pa.large_string()), none]).combine_chunks().dictionary_encode(),
        predicates,
    )
