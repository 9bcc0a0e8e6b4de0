"""Knowledge graphs to PyG's `HeteroData` and back."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .errors import DataError
from .graph import UNTYPED, KnowledgeGraph
from .ids import IdMap
from .names import local_name, short_names
from .terms import find_term

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

__all__ = ["from_hetero_data", "to_hetero_data"]

Columns = dict[str, npt.NDArray[Any]]
EdgeType = tuple[str, str, str]


def to_hetero_data(
    graph: KnowledgeGraph, *, reverse: bool, inverse_names: Mapping[str, str], entity_ids: bool
) -> HeteroData:
    """See `KnowledgeGraph.to_hetero_data`."""
    import torch
    from torch_geometric.data import HeteroData

    data = HeteroData()
    # A source may itself name a type "untyped": those are then one node type.
    names = graph.types if UNTYPED in graph.types else (*graph.types, UNTYPED)
    kind = np.where(graph.type_of < 0, names.index(UNTYPED), graph.type_of)
    position = np.empty(graph.n_entities, dtype=np.int64)
    for number, name in enumerate(names):
        members = np.flatnonzero(kind == number)
        position[members] = np.arange(len(members))
        if len(members):
            store = data.get_node_store(name)
            store.num_nodes, store.entity = len(members), torch.from_numpy(members)
            if entity_ids:
                store.entity_id = graph.entities.ids(members)
    shorts = short_names(graph.relations)
    turned = _turned(graph.relations, shorts, inverse_names) if reverse or inverse_names else None
    for r, short in enumerate(shorts):
        rows = slice(int(graph.offsets[r]), int(graph.offsets[r + 1]))
        head, tail = graph.head[rows], graph.tail[rows]
        known = {"edge_weight": graph.weight, "edge_time": graph.time}
        values = {name: column[rows] for name, column in known.items() if column is not None}
        pair = kind[head].astype(np.int64) * len(names) + kind[tail]
        for code in np.unique(pair):
            at = np.flatnonzero(pair == code)
            source, target = names[code // len(names)], names[code % len(names)]
            ends = np.stack([position[head[at]], position[tail[at]]])
            part = {name: column[at] for name, column in values.items() if not np.isnan(column[at]).all()}
            _put(data, (source, short, target), ends, part, relation=graph.relations[r])
            if turned:
                _put(data, (target, turned[r], source), ends[::-1].copy(), part, inverse_of=graph.relations[r])
    return data


def _put(data: HeteroData, edge_type: EdgeType, ends: npt.NDArray[np.int64], values: Columns, **names: str) -> None:
    import torch

    store = data.get_edge_store(*edge_type)
    store.edge_index = torch.from_numpy(ends)
    for name, value in {**values, **names}.items():
        store[name] = value if isinstance(value, str) else torch.from_numpy(value)


def _turned(relations: Sequence[str], shorts: Sequence[str], given: Mapping[str, str]) -> list[str]:
    """The name of each relation turned round."""
    names = [f"rev_{short}" for short in shorts]
    used = Counter(local_name(name) for name in [*relations, *given.values()])
    for relation, name in given.items():
        # As with relations: the last part of an IRI, or the whole where another ends alike.
        short = local_name(name)
        names[find_term(relation, relations, "relation")] = short if used[short] == 1 else name
    counts = Counter([*shorts, *names])
    for relation, name in zip(relations, names, strict=True):
        if counts[name] > 1:
            raise DataError(
                f"relation {relation!r} turned round would be called {name!r}, which names another; "
                "give it a name of its own in inverse_names"
            )
    return names


def from_hetero_data(data: HeteroData, *, ids: Mapping[str, Sequence[str]]) -> KnowledgeGraph:
    """See `KnowledgeGraph.from_hetero_data`."""
    if unknown := sorted(set(ids) - set(data.node_types)):
        raise DataError(f"ids are given for {unknown[0]!r}, which is none of the node types {sorted(data.node_types)}")
    names = {kind: _ids(data, kind, ids.get(kind)) for kind in data.node_types}
    sizes = np.array([len(part) for part in names.values()], dtype=np.int64)
    nodes = dict(zip(names, zip(np.cumsum(sizes) - sizes, sizes, strict=True), strict=True))
    types = [kind for kind in names if kind != UNTYPED]
    number = np.array([-1 if kind == UNTYPED else types.index(kind) for kind in names], dtype=np.int32)
    relations: dict[str, int] = {}
    parts = []
    for edge_type in data.edge_types:
        store = data.get_edge_store(*edge_type)
        if "inverse_of" in store:
            continue
        head, tail = _ends(edge_type, store, nodes)
        stated = store.get("relation", None)
        relation = relations.setdefault(stated if isinstance(stated, str) else edge_type[1], len(relations))
        values = [_values(edge_type, store, name, len(head)) for name in ("edge_weight", "edge_time")]
        parts.append((head, np.full(len(head), relation), tail, *values))
    none, unknown_values = np.empty(0, dtype=np.int64), np.empty(0)
    columns = list(zip((none, none, none, unknown_values, unknown_values), *parts, strict=True))
    head, relation_of, tail, weight, time = (np.concatenate(column) for column in columns)
    return KnowledgeGraph.build(
        _distinct(names),
        list(relations),
        head,
        relation_of,
        tail,
        types=types,
        type_of=np.repeat(number, sizes),
        weight=None if np.isnan(weight).all() else weight,
        time=None if np.isnan(time).all() else time,
    )


def _ids(data: HeteroData, kind: str, given: Sequence[str] | None) -> list[str]:
    """External ids of the nodes of a type."""
    store = data.get_node_store(kind)
    listed = store["entity_id"] if given is None and "entity_id" in store else given
    with warnings.catch_warnings():
        # PyG warns where it finds nothing to count by.
        warnings.simplefilter("ignore")
        n = store.num_nodes
    if n is None and listed is not None:
        n = len(listed)
    if n is None:
        raise DataError(f"node type {kind!r} does not say how many nodes it has; set data[{kind!r}].num_nodes")
    if listed is None:
        return [f"{kind}/{number}" for number in range(n)]
    if len(listed) != n:
        raise DataError(f"node type {kind!r} has {n:,} nodes and {len(listed):,} ids; give one id a node")
    if not all(isinstance(name, str) for name in listed):
        odd = next(name for name in listed if not isinstance(name, str))
        raise DataError(f"node type {kind!r} has the id {odd!r}, which is not a string; write ids as strings")
    return list(listed)


def _distinct(names: Mapping[str, list[str]]) -> IdMap:
    column = pa.array([name for part in names.values() for name in part], pa.large_string())
    if len(column.unique()) < len(column):
        owner: dict[str, str] = {}
        for kind, part in names.items():
            for name in part:
                if name in owner:
                    both = f"a {owner[name]!r} and a {kind!r}" if owner[name] != kind else f"two nodes of type {kind!r}"
                    raise DataError(f"the id {name!r} is that of {both}; make ids distinct, as in 'TYPE/ID'")
                owner[name] = kind
    return IdMap(column)


def _ends(edge_type: EdgeType, store: Any, nodes: Mapping[str, tuple[Any, Any]]) -> Iterator[npt.NDArray[np.int64]]:
    """Heads and tails of an edge type, as numbers of the whole graph."""
    index = store["edge_index"].cpu().numpy() if "edge_index" in store else None
    if index is None or index.ndim != 2 or len(index) != 2:
        raise DataError(f"edge type {edge_type} has no edge_index of shape (2, edges); give it one")
    for kind, ends in zip((edge_type[0], edge_type[2]), index, strict=True):
        first, size = nodes.get(kind, (0, 0))
        if kind not in nodes or (len(ends) and not 0 <= ends.min() <= ends.max() < size):
            raise DataError(
                f"edge type {edge_type} has nodes beyond the {size:,} of type {kind!r}; correct its edge_index"
            )
        yield first + ends


def _values(edge_type: EdgeType, store: Any, name: str, n: int) -> npt.NDArray[np.float64]:
    """A number of each edge, NaN where there is none."""
    if name not in store:
        return np.full(n, np.nan)
    values = store[name].cpu().numpy().astype(np.float64)
    if values.size != n:
        raise DataError(
            f"edge type {edge_type} has {n:,} edges, but {name} of shape {values.shape}; give one number an edge"
        )
    if name == "edge_weight" and (np.abs(values) > np.finfo(np.float32).max).any():
        raise DataError(f"edge type {edge_type} has an edge_weight too large for float32; scale the weights")
    return np.asarray(values.reshape(n))
