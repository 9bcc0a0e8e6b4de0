"""Which entities of the graph each item is linked to, as a matrix."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ...kg import ItemGraph

__all__ = ["item_entities"]


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
