"""Graphs out of names, so that a test reads as the triples it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings

from plait.kg import IdMap, KnowledgeGraph, Literals

# Time limits per example fail on a machine that does other work too; pytest-timeout guards against a hang.
settings.register_profile("plait", deadline=None)
settings.load_profile("plait")

Triple = tuple[str, str, str]
Literal = tuple[str, str, str] | tuple[str, str, str, str | None, str | None]


class GraphOf(Protocol):
    def __call__(
        self,
        triples: Sequence[Triple] = (),
        *,
        types: dict[str, str] | None = None,
        literals: Sequence[Literal] = (),
        entities: Sequence[str] = (),
    ) -> KnowledgeGraph: ...


def _graph_of(
    triples: Sequence[Triple] = (),
    *,
    types: dict[str, str] | None = None,
    literals: Sequence[Literal] = (),
    entities: Sequence[str] = (),
) -> KnowledgeGraph:
    types = types or {}
    rows = [(*row, None, None)[:5] for row in literals]
    named = [*entities, *(e for h, _, t in triples for e in (h, t)), *types, *(row[0] for row in rows)]
    ids = IdMap(list(dict.fromkeys(named)))
    relations = list(dict.fromkeys(r for _, r, _ in triples))
    kinds = list(dict.fromkeys(types.values()))
    predicates = tuple(dict.fromkeys(str(row[1]) for row in rows))
    type_of = np.full(len(ids), -1)
    for entity, kind in types.items():
        type_of[ids.number(entity)] = kinds.index(kind)
    columns = (ids.numbers([t[0] for t in triples]), ids.numbers([t[2] for t in triples]))
    return KnowledgeGraph.build(
        ids,
        relations,
        columns[0],
        np.array([relations.index(t[1]) for t in triples], dtype=np.int64),
        columns[1],
        types=kinds,
        type_of=type_of,
        literals=Literals(
            ids.numbers([str(row[0]) for row in rows]).astype(np.int32),
            np.array([predicates.index(str(row[1])) for row in rows], dtype=np.int32),
            pa.array([row[2] for row in rows], pa.large_string()),
            pa.array([row[3] for row in rows], pa.large_string()).dictionary_encode(),
            pa.array([row[4] for row in rows], pa.large_string()).dictionary_encode(),
            predicates,
        ),
    )


@pytest.fixture(scope="session")
def graph_of() -> GraphOf:
    """Make a graph from (head, relation, tail), types by entity, and (entity, predicate, value[, language, datatype])."""
    return _graph_of
