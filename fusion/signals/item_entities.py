"""Which entities of the graph each item is linked to, as a matrix."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ...kg import ItemGraph

__all__ = ["item_entities", "relation_links"]


def item_entities(graph: ItemGraph) -> sp.csr_array:
    """Which nodes each item is linked to, binary, shape (items, items + entities).

    Columns are nodes: items first (an item bought with another), then entities. An edge counts whichever way it
    points; an entity's own outgoing edges are followed one step, so that a product of a leaf category is one of
    the parent category too.
    """
    n_items, n = graph.n_items, graph.n_nodes
    ones = np.ones(len(graph.head), dtype=np.float32)
    outgoing = sp.csr_array((ones, (graph.head.astype(np.int64), graph.tail.astype(np.int64))), shape=(n, n))
    linked = sp.csr_array(outgoing + outgoing.T)[:n_items]
    upward = (graph.head >= n_items) & (graph.tail >= n_items)
    ends = graph.head[upward].astype(np.int64), graph.tail[upward].astype(np.int64)
    among_entities = sp.csr_array((ones[upward], ends), shape=(n, n))
    matrix = sp.csr_array(linked + linked @ among_entities)
    matrix.data[:] = 1
    return matrix


def relation_links(graph: ItemGraph, relation: int) -> sp.csr_array:
    """Which nodes each item is joined to by one relation, whichever way it points, binary, shape (items, nodes)."""
    of_relation = graph.relation == relation
    head, tail = graph.head[of_relation].astype(np.int64), graph.tail[of_relation].astype(np.int64)
    item, node = np.concatenate([head, tail]), np.concatenate([tail, head])
    mine = item < graph.n_items
    ones = np.ones(int(mine.sum()), dtype=np.float32)
    matrix = sp.csr_array((ones, (item[mine], node[mine])), shape=(graph.n_items, graph.n_nodes))
    matrix.data[:] = 1
    return matrix
