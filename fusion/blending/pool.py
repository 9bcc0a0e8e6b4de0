"""Candidates of each user, and what is known of each: what a gate or a ranker looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...kg import ItemGraph
from ..ranking import top_k
from ..signals.item_entities import relation_links
from ..signals.signal import Audience, Scores

__all__ = ["ItemFacts", "Pool"]

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

LATE = 3.0
"""Added to a rank before its logarithm, so that the first place is not worth all others."""
RELATIONS = 4
"""Most relations whose paths are counted; those with the most triples."""


@dataclass(frozen=True, eq=False)
class ItemFacts:
    """What is known of the items apart from any user.

    Attributes:
        counts: users of each item in training, shape (items,).
        links: by relation, which entities each item is linked to, binary, shape (items, nodes).
    """

    counts: Floats
    links: Mapping[str, sp.csr_array] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: Floats, graph: ItemGraph) -> ItemFacts:
        """The facts of a graph; of its relations those with the most triples at items."""
        at_item = (graph.head < graph.n_items) | (graph.tail < graph.n_items)
        common = np.bincount(graph.relation[at_item], minlength=len(graph.relations))
        most = np.argsort(-common, kind="stable")[:RELATIONS]
        links = {graph.relations[at]: relation_links(graph, int(at)) for at in most if common[at]}
        return cls(counts, links)


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs of a user and a candidate, users in order, with columns of features.

    Attributes:
        row: the user's row of the audience, ascending, shape (pairs,).
        item: the candidate, shape (pairs,).
        columns: a value for each pair by name of the feature, shape (pairs,) each.
        source: by name of the feature the signal it comes from, "item" for what is told of the candidate by itself,
            "paths" for ways through the graph.
        shape: users and items.
    """

    row: Numbers
    item: Numbers
    columns: Mapping[str, Floats]
    source: Mapping[str, str]
    shape: tuple[int, int]

    @classmethod
    def of(
        cls, parts: Mapping[str, Scores], audience: Audience, seen: sp.csr_array, facts: ItemFacts, depth: int
    ) -> Pool:
        """The candidates of an audience: whatever any signal has among its `depth` best unseen items.

        A signal that tells no unseen item of a user from another proposes none to that user.

        Args:
            parts: standardised scores of each signal, 0 throughout where it knows nothing, shape (batch, items).
            audience: whom for.
            seen: what is no candidate, shape (batch, items).
            facts: what is known of the items.
            depth: how far down each signal's list candidates are taken.
        """
        shape = next(iter(parts.values())).shape
        depth = min(depth, shape[1])
        ranked = {name: _first(scores, seen, depth) for name, scores in parts.items()}
        chosen = np.zeros(shape, dtype=bool)
        for items in ranked.values():
            row, place = np.nonzero(items >= 0)
            chosen[row, items[row, place]] = True
        row, item = (a.astype(np.int64) for a in np.nonzero(chosen))
        columns: dict[str, Floats] = {}
        source: dict[str, str] = {}
        for name, scores in parts.items():
            columns[f"{name} score"] = np.asarray(scores[row, item])
            columns[f"{name} height"] = np.arcsinh(columns[f"{name} score"])
            columns[f"{name} rank"] = _log_rank(ranked[name], shape, depth)[row, item]
            source |= dict.fromkeys((f"{name} score", f"{name} height", f"{name} rank"), name)
        columns["popularity of the item"] = np.log1p(facts.counts[item])
        columns["nobody met the item"] = (facts.counts[item] == 0).astype(np.float32)
        source |= {"popularity of the item": "item", "nobody met the item": "item"}
        columns["length of the history"] = np.log1p(np.diff(audience.steps.indptr)[row]).astype(np.float32)
        source["length of the history"] = "user"
        for relation, links in facts.links.items():
            name = f"paths by {relation}"
            columns[name], source[name] = np.log1p(_shared(audience.steps, links, row, item)), "paths"
        return cls(row, item, columns, source, shape)

    def matrix(self, names: Sequence[str]) -> Floats:
        """Some columns side by side, shape (pairs, features)."""
        return np.stack([self.columns[name] for name in names], axis=1)

    def select(self, rows: npt.NDArray[np.bool_]) -> Pool:
        """The pairs of some of the users (a mask over them), who keep their numbers."""
        kept = rows[self.row]
        columns = {name: column[kept] for name, column in self.columns.items()}
        return Pool(self.row[kept], self.item[kept], columns, self.source, self.shape)

    def less(self, signal: str) -> Pool:
        """The same pairs without the features of a signal."""
        columns = {name: column for name, column in self.columns.items() if self.source[name] != signal}
        return Pool(self.row, self.item, columns, self.source, self.shape)

    def relevant(self, relevant: sp.csr_array) -> npt.NDArray[np.bool_]:
        """Which pairs are hits, shape (pairs,)."""
        width = self.shape[1]
        rows = np.repeat(np.arange(self.shape[0]), np.diff(relevant.indptr)).astype(np.int64)
        return np.isin(self.row * width + self.item, rows * width + relevant.indices)

    def shift(self, values: Floats, below: Scores) -> Floats:
        """What is added to `below` so that it lies beneath all of a user's pairs, shape (users,)."""
        least = np.zeros(self.shape[0], dtype=np.float32)
        np.minimum.at(least, self.row, values)
        return np.asarray(least - below.max(axis=1, initial=0) - 1, dtype=np.float32)


def _first(scores: Scores, seen: sp.csr_array, depth: int) -> Numbers:
    """The best unseen items of each user in their order, -1 past the end, shape (batch, depth)."""
    ranked = top_k(np.asarray(scores), depth, exclude=seen).items
    spread = scores.max(axis=1) > scores.min(axis=1)
    return np.where(spread[:, None], ranked, -1)


def _log_rank(ranked: Numbers, shape: tuple[int, int], depth: int) -> Floats:
    """- log(rank + LATE), those further down than `depth` all alike, shape (batch, items)."""
    values = np.full(shape, -np.log(depth + 1 + LATE), dtype=np.float32)
    row, place = np.nonzero(ranked >= 0)
    values[row, ranked[row, place]] = -np.log(place + 1 + LATE)
    return values


def _shared(steps: sp.csr_array, links: sp.csr_array, row: Numbers, item: Numbers) -> Floats:
    """How often entities of the history are met again at each candidate, shape (pairs,)."""
    history = steps.copy()
    history.data = np.ones_like(history.data)
    profile = sp.csr_array(history @ links)
    result = np.empty(len(row), dtype=np.float32)
    # A user's candidates at a time would be a loop over users; a block of pairs at a time bounds the memory.
    for first in range(0, len(row), 1 << 18):
        block = slice(first, first + (1 << 18))
        result[block] = np.asarray(profile[row[block]].multiply(links[item[block]]).sum(axis=1)).ravel()
    return result
