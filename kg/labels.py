"""A display name for every entity."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .graph import KnowledgeGraph
from .names import readable_name
from .schema import Schema

__all__ = ["RDFS_LABEL", "labels"]

RDFS_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"


def labels(graph: KnowledgeGraph, schema: Schema) -> pa.Array:
    """Display names, large_string, one an entity.

    The best label literal by predicate and language; of equals the first in the source. An entity without one, or with
    a blank one, is named by the last part of its IRI.
    """
    literals = graph.literals
    # rdfs:label is a label even where the schema was inferred before any was added (nodes of category values).
    rank_of = {p: i for i, p in enumerate(dict.fromkeys((*schema.predicates("label"), RDFS_LABEL)))}
    ranks = np.array([rank_of.get(p, -1) for p in literals.predicates], dtype=np.int64)
    rows = np.flatnonzero(ranks[literals.predicate] >= 0) if len(ranks) else np.empty(0, dtype=np.int64)
    rows = rows[np.asarray(pc.match_substring_regex(literals.value.take(pa.array(rows)), r"\S"), dtype=bool)]
    language = literals.language_rank(schema.language)
    # A label in another language is still better than a lesser predicate's: name over alternateName.
    order = rows[np.lexsort((rows, language[rows], ranks[literals.predicate[rows]], literals.entity[rows]))]
    entity = literals.entity[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = entity[1:] != entity[:-1]
    at = np.full(graph.n_entities, -1, dtype=np.int64)
    at[entity[first]] = order[first]
    named = literals.value.take(pa.array(at, mask=at < 0)) if len(literals) else pa.nulls(len(at), pa.large_string())
    missing = pc.is_null(named)
    fallback = [readable_name(i) for i in graph.entities.to_arrow().filter(missing).to_pylist()]
    return pc.replace_with_mask(named, missing, pa.array(fallback, type=pa.large_string()))
