"""Held-out interactions taken out of a graph that knows its users: what is to be predicted must not be read off an edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..kg import IdMap, KnowledgeGraph, Numbers
from ..kg.triple_columns import TripleColumns
from .logs.splits import Split

__all__ = ["without_held_out"]

Mask = npt.NDArray[np.bool_]


def without_held_out(
    graph: KnowledgeGraph, split: Split, items: IdMap, item_entity: Numbers
) -> tuple[KnowledgeGraph, int]:
    """The graph less the triples that tell an interaction of the validation or test part.

    These are the triples between a user and an item held out for it, in either direction, and, where a node (a review,
    an order) is joined to one user alone, those between that node and an item held out for that user. A user is the
    entity of the user's id, unless an item is linked to it.

    Args:
        graph: the graph.
        split: what is held out.
        items: the catalogue; those of the split come first in it.
        item_entity: entity number of each item, -1 where it has none, shape (items,).

    Returns:
        The graph, the very same where no triple has to go, and how many went.
    """
    user_entity = graph.entities.numbers(split.users.to_arrow(), missing="negative")
    user_entity[np.isin(user_entity, item_entity)] = -1
    held = _held_out(split, items, user_entity, item_entity, graph.n_entities)
    if len(held) == 0:
        return graph, 0
    is_user, is_item = (_marked(entities, graph.n_entities) for entities in (user_entity, item_entity))
    head, tail = graph.head.astype(np.int64), graph.tail.astype(np.int64)
    only_user = _only_user(head, tail, is_user, is_item)
    gone = np.zeros(len(head), dtype=bool)
    for one, other in ((head, tail), (tail, head)):
        user = np.where(is_user[one], one, only_user[one])
        at = np.flatnonzero((user >= 0) & is_item[other])
        gone[at] |= np.isin(user[at] * graph.n_entities + other[at], held)
    if not gone.any():
        return graph, 0
    return TripleColumns.of(graph).select(~gone).graph(graph), int(gone.sum())


def _held_out(split: Split, items: IdMap, user_entity: Numbers, item_entity: Numbers, n: int) -> Numbers:
    """Pairs of the entities of a user and of an item held out for it, as one number each, sorted."""
    at = items.numbers(split.items.to_arrow())
    user = np.concatenate([part.user for part in (split.valid, split.test)])
    item = np.concatenate([part.item for part in (split.valid, split.test)])
    ends = user_entity[user], item_entity[at[item]]
    known = (ends[0] >= 0) & (ends[1] >= 0)
    return np.unique(ends[0][known] * n + ends[1][known])


def _only_user(head: Numbers, tail: Numbers, is_user: Mask, is_item: Mask) -> Numbers:
    """The one user that each entity is joined to, shape (entities,); -1 for none, several, users and items."""
    ends = np.concatenate([head, tail]), np.concatenate([tail, head])
    between = is_user[ends[0]] & ~is_user[ends[1]] & ~is_item[ends[1]]
    user, node = ends[0][between], ends[1][between]
    least, most = np.full(len(is_user), len(is_user)), np.full(len(is_user), -1)
    np.minimum.at(least, node, user)
    np.maximum.at(most, node, user)
    return np.where(least == most, most, -1)


def _marked(entities: Numbers, n: int) -> Mask:
    mask = np.zeros(n, dtype=bool)
    mask[entities[entities >= 0]] = True
    return mask
