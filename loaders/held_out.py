"""Held-out interactions taken out of a graph that knows its users: what is to be predicted must not be read off an edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from ..kg import IdMap, Interactions, KnowledgeGraph, Numbers
from ..kg.triple_columns import TripleColumns
from .links import followed
from .logs.splits import Split

__all__ = ["without_held_out"]

Mask = npt.NDArray[np.bool_]
# A node that more users than these are joined to leads on to nothing that belongs to one of them.
FEW_USERS = 3


def without_held_out(
    graph: KnowledgeGraph,
    split: Split,
    items: IdMap,
    item_entity: Numbers,
    *,
    user_prefix: str = "",
    renamed: pa.Table | None = None,
) -> tuple[KnowledgeGraph, int]:
    """The graph less the triples that tell an interaction of the validation or test part.

    These are the triples between a user and an item held out for it, in either direction, and those between such an item
    and an event of that user: a node (a review, an order, or the line of an order) that the user is joined to, at most
    through one other node that few users share, and at least half of whose items the user has met.

    Args:
        graph: the graph.
        split: what is held out.
        items: the catalogue, which holds all items of the split.
        item_entity: entity number of each item, -1 where it has none, shape (items,).
        user_prefix: a user's entity is called by this and the user's id. An entity that an item is linked to is no user.
        renamed: entity ids that were merged away (`id`) and what each became (`into`).

    Returns:
        The graph, the very same where no triple has to go, and how many went.
    """
    n = graph.n_entities
    user_entity = _user_entities(graph, split, item_entity, user_prefix, renamed)
    at = item_entity[items.numbers(split.items.to_arrow())]
    held = _keys(n, user_entity, at, split.valid, split.test)
    if len(held) == 0:
        return graph, 0
    ends = graph.head.astype(np.int64), graph.tail.astype(np.int64)
    joined = _symmetric(ends, n)
    is_item = _marked(at, n)
    node, user = _nodes_of_users(joined, _marked(user_entity, n), is_item)
    met = _keys(n, user_entity, at, split.train, split.valid, split.test)
    told = np.concatenate([held, _told_by_events(joined[:, is_item], np.flatnonzero(is_item), node, user, met, held)])
    gone = np.isin(ends[0] * n + ends[1], told) | np.isin(ends[1] * n + ends[0], told)
    if not gone.any():
        return graph, 0
    return TripleColumns.of(graph).select(~gone).graph(graph), int(gone.sum())


def _user_entities(
    graph: KnowledgeGraph, split: Split, item_entity: Numbers, prefix: str, renamed: pa.Table | None
) -> Numbers:
    before, nothing = (pa.scalar(text, pa.large_string()) for text in (prefix, ""))
    ids = pc.binary_join_element_wise(before, split.users.to_arrow(), nothing)
    numbers = graph.entities.numbers(followed(ids, renamed), missing="negative")
    numbers[np.isin(numbers, item_entity)] = -1
    return numbers


def _keys(n: int, user_entity: Numbers, item_entity: Numbers, *parts: Interactions) -> Numbers:
    """Pairs of the entities of a user and an item that interacted, as USER * n + ITEM, sorted."""
    user = np.concatenate([user_entity[part.user] for part in parts])
    item = np.concatenate([item_entity[part.item] for part in parts])
    known = (user >= 0) & (item >= 0)
    return np.unique(user[known] * n + item[known])


def _symmetric(ends: tuple[Numbers, Numbers], n: int) -> sp.csr_array:
    """Which entities are joined, binary, shape (entities, entities)."""
    rows, columns = np.concatenate(ends), np.concatenate(ends[::-1])
    joined = sp.csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(n, n))
    joined.data[:] = 1
    return joined


def _nodes_of_users(joined: sp.csr_array, is_user: Mask, is_item: Mask) -> tuple[Numbers, Numbers]:
    """Pairs of a node and a user that it may be an event of: joined at once, or through a node of few users."""
    users = np.flatnonzero(is_user)
    others = np.flatnonzero(~is_user & ~is_item)
    near = sp.csr_array(joined[others][:, users])
    n_users = np.diff(near.indptr)
    few = (n_users > 0) & (n_users <= FEW_USERS)
    beyond = sp.csr_array(joined[others[n_users == 0]][:, others[few]] @ near[few])
    rows = np.repeat(others, n_users), np.repeat(others[n_users == 0], np.diff(beyond.indptr))
    columns = np.concatenate([near.indices, beyond.indices]).astype(np.int64)
    return np.concatenate(rows), users[columns]


def _told_by_events(
    items_at: sp.csr_array, items: Numbers, node: Numbers, user: Numbers, met: Numbers, held: Numbers
) -> Numbers:
    """Pairs of an event and an item held out for its user, as EVENT * n + ITEM.

    Args:
        items_at: which items entities are joined to, shape (entities, items).
        items: entity number of each column.
        node, user: what may be an event, and of whom.
        met, held: what users have met, and what of it is held out, as USER * n + ITEM, sorted.
    """
    n = items_at.shape[0]
    counts = np.diff(items_at.indptr)[node]
    _, history = np.unique(np.concatenate([met // n, np.arange(n)]), return_counts=True)
    # At least half of the items of an event are its user's: what joins many more items needs no closer look.
    possible = (counts > 0) & (counts <= 2 * (history[user] - 1))
    node, user, counts = node[possible], user[possible], counts[possible]
    pair = np.repeat(np.arange(len(node)), counts)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    item = items[items_at.indices[items_at.indptr[node][pair] + within]]
    key = user[pair] * n + item
    own = np.bincount(pair[np.isin(key, met)], minlength=len(node))
    hit = (2 * own >= counts)[pair] & np.isin(key, held)
    told: Numbers = node[pair[hit]] * n + item[hit]
    return told


def _marked(entities: Numbers, n: int) -> Mask:
    mask = np.zeros(n, dtype=bool)
    mask[entities[entities >= 0]] = True
    return mask
