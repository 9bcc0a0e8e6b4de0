"""Categories of items: the values of one relation of the graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...kg import ConfigError, ItemGraph, local_name
from .groups import Groups

__all__ = ["FEW", "categories"]

FEW = 1000
"""Most values of a relation that is taken for a category without being named."""

Ends = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def categories(graph: ItemGraph, named: str | None = None) -> Groups | None:
    """The categories of the items; None where the graph has none.

    Args:
        graph: the items and what is around them.
        named: a relation, or a type of entities, by full or local name; None takes the relation of most edges among
            those with 2 to 1,000 values, fewer than there are items. "" takes none.

    Raises:
        ConfigError: if nothing around the items has that name.
    """
    if named == "":
        return None
    item, entity, relation = _edges(graph)
    if named is None:
        chosen = _commonest(graph, entity, relation)
        return None if chosen is None else _groups(graph, item[relation == chosen], entity[relation == chosen])
    for is_named in (_of_relation(graph, named)[relation], _of_type(graph, named)[entity]):
        if is_named.any():
            return _groups(graph, item[is_named], entity[is_named])
    here = [local_name(graph.relations[at]) for at in np.unique(relation)]
    raise ConfigError(
        f"evaluation.slices.category: no item is linked by a relation, or to a type, {named!r}; relations are "
        f"{', '.join(here[:20]) or 'none'}"
    )


def _edges(graph: ItemGraph) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Edges between an item and an entity, whichever way they point: item, entity (from 0), relation."""
    head, tail = graph.head.astype(np.int64), graph.tail.astype(np.int64)
    out = (head < graph.n_items) & (tail >= graph.n_items)
    back = (tail < graph.n_items) & (head >= graph.n_items)
    item, entity = np.concatenate([head[out], tail[back]]), np.concatenate([tail[out], head[back]])
    return item, entity - graph.n_items, np.concatenate([graph.relation[out], graph.relation[back]]).astype(np.int64)


def _commonest(graph: ItemGraph, entity: npt.NDArray[np.int64], relation: npt.NDArray[np.int64]) -> int | None:
    pairs = np.unique(relation * max(len(graph.entities), 1) + entity)
    values = np.bincount(pairs // max(len(graph.entities), 1), minlength=len(graph.relations))
    edges = np.bincount(relation, minlength=len(graph.relations))
    edges[(values < 2) | (values > min(FEW, graph.n_items - 1))] = 0
    return int(edges.argmax()) if edges.any() else None


def _of_relation(graph: ItemGraph, named: str) -> npt.NDArray[np.bool_]:
    return np.array([named in (name, local_name(name)) for name in graph.relations], dtype=bool)


def _of_type(graph: ItemGraph, named: str) -> npt.NDArray[np.bool_]:
    kinds = graph.type_name.dictionary_encode()
    fits = np.array([named in (name, local_name(name)) for name in kinds.dictionary.to_pylist()], dtype=bool)
    return fits[np.asarray(kinds.indices)] if len(fits) else np.zeros(len(kinds), dtype=bool)


def _groups(graph: ItemGraph, item: npt.NDArray[np.int64], entity: npt.NDArray[np.int64]) -> Groups:
    values, group = np.unique(entity, return_inverse=True)
    cells = np.ones(len(item), dtype=np.float32), (item, group)
    member = sp.csr_array(cells, shape=(graph.n_items, len(values)))
    member.sum_duplicates()
    member.data[:] = 1
    return Groups(tuple(graph.node_label(graph.n_items + int(value)) for value in values), member)
