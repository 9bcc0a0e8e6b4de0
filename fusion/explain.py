"""Why an item: real paths from what the user liked to what is recommended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..kg import GraphPath, ItemGraph, Step, find_paths, local_name, short_names
from ..loaders.neo4j.show_path import CypherPath
from .neo4j_paths import Neo4jPaths

__all__ = ["Explainer", "Explanation", "Hop"]

INTERACTED = "interacted"
TOGETHER = 16
"""Items that paths are sought to at once."""
LOOKED_AT = 500
"""Most paths to an item of which the most telling are chosen: the shortest, and of these those through rare nodes."""
MAX_DEGREE = 300
"""Nodes with more edges are not walked on from: that two films are both in English explains little. Such a node is
told only as the one between two items, and only where it is among the rarest that join them."""


@dataclass(frozen=True)
class Hop:
    """One triple of a path, in its own direction, by the user's ids; `*_label` are display names.

    `reverse` says that the path walks it from tail to head.
    """

    head: str
    relation: str
    tail: str
    head_label: str
    tail_label: str
    reverse: bool


@dataclass(frozen=True)
class Explanation:
    """One path from a user to an item.

    Attributes:
        kind: "graph": through the knowledge graph; "co-interaction": through other users' histories.
        score: how telling the path is, to compare paths of one item by.
        hops: the triples walked, the user's interaction first.
        users: how many users met both items, for a co-interaction.
        text: the path in one line.
        in_neo4j: the Cypher that gives the path; None where no Neo4j database is known to have it.
    """

    kind: Literal["graph", "co-interaction"]
    score: float
    hops: tuple[Hop, ...]
    users: int
    text: str
    in_neo4j: CypherPath | None = None

    @property
    def cypher(self) -> str | None:
        """The statement that shows the path in Neo4j Browser; None where no database is known to have it."""
        return None if self.in_neo4j is None else self.in_neo4j.text

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        record = asdict(replace(self, in_neo4j=None))
        del record["in_neo4j"]
        return {**record, "cypher": self.cypher}


@dataclass(frozen=True, eq=False)
class Explainer:
    """Finds and words paths.

    Attributes:
        graph: the graph around the items.
        title: display name of an item number.
        seen: all users' interactions, shape (users, items).
        affinity: how much a liked item speaks for another: (history item numbers, item number) -> (history,) >= 0.
        neo4j: makes the Cypher of paths; None where no database has them.
    """

    graph: ItemGraph
    title: Callable[[int], str]
    seen: sp.csr_array
    affinity: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.float64]]
    neo4j: Neo4jPaths | None = None

    def explain(
        self, user_id: str, history: npt.NDArray[np.int64], item: int, *, n: int = 3, max_length: int = 4
    ) -> list[Explanation]:
        """The n most telling paths to one item: see `explain_all`."""
        return self.explain_all(user_id, history, [item], n=n, max_length=max_length)[0]

    def explain_all(
        self, user_id: str, history: npt.NDArray[np.int64], items: Sequence[int], *, n: int = 3, max_length: int = 4
    ) -> list[list[Explanation]]:
        """For each of some items the n most telling paths from a user's history to it, most telling first.

        Paths through the graph of up to two edges come first; longer ones are sought where there is none. Where the
        graph knows no path, the item that most users have met along with this one stands in.

        Args:
            user_id: names the user in the first hop.
            history: numbers of the items the user interacted with; an item never explains itself.
            items: the items to explain.
            n: most paths to each.
            max_length: most edges between history item and item.
        """
        found: dict[int, list[GraphPath]] = {}
        for length in sorted({min(2, max_length), max_length}):
            rest = [item for item in items if not found.get(item)]
            # Many at once: the walks from the history are the same for every item. Not all: those to an item add up.
            for first in range(0, len(rest) if len(history) else 0, TOGETHER):
                targets = np.array(rest[first : first + TOGETHER])
                paths = find_paths(
                    self.graph.adjacency,
                    history,
                    targets,
                    max_length=length,
                    max_degree=MAX_DEGREE,
                    limit=LOOKED_AT,
                )
                for row, item in enumerate(targets.tolist()):
                    found[item] = [p for p in paths.of(row) if len(p.steps) <= 2 or not self._meets_hub(p)]
        return [self._best(user_id, history[history != item], item, found.get(item, []), n) for item in items]

    def _best(
        self, user_id: str, history: npt.NDArray[np.int64], item: int, paths: list[GraphPath], n: int
    ) -> list[Explanation]:
        if len(history) == 0:
            return []
        if not paths:
            return self._co_interactions(user_id, history, item, n)
        affinity = dict(zip(history.tolist(), self.affinity(history, item).tolist(), strict=True))
        return self._most_telling(user_id, paths, affinity, n)

    def _meets_hub(self, path: GraphPath) -> bool:
        """Whether a node between the ends is a hub: the search walks on from none, but lets its two halves meet there."""
        return bool((self.graph.adjacency.degree(np.array(path.nodes[1:-1])) > MAX_DEGREE).any())

    def _most_telling(
        self, user_id: str, paths: list[GraphPath], affinity: dict[int, float], n: int
    ) -> list[Explanation]:
        """The best path through each middle, best middles first: three ways of saying "same director" are one."""
        degree = np.diff(self.graph.adjacency.start)
        scored = []
        for path in paths:
            rarity = np.prod([1 / np.log2(2 + degree[node]) for node in path.nodes[1:-1]])
            scored.append((float(rarity) * (0.05 + affinity[path.source]), path))
        scored.sort(key=lambda pair: (-pair[0], pair[1].nodes))
        chosen: list[Explanation] = []
        told: set[tuple[int, ...]] = set()
        for score, path in scored:
            if (middle := path.nodes[1:-1]) not in told:
                told.add(middle)
                chosen.append(self._worded(user_id, path, score))
            if len(chosen) == n:
                break
        return chosen

    def _worded(self, user_id: str, path: GraphPath, score: float) -> Explanation:
        hops = [self._first_hop(user_id, path.source)]
        text = f"{user_id} ─{INTERACTED}→ {self._label(path.source)}"
        here = path.source
        for step in path.steps:
            head, tail = (step.node, here) if step.inverse else (here, step.node)
            relation = self.graph.relations[step.relation]
            ids = self.graph.node_id(head), relation, self.graph.node_id(tail)
            hops.append(Hop(*ids, self._label(head), self._label(tail), step.inverse))
            arrow = self._arrow(step)
            text += f" {arrow} {self._label(step.node)}"
            here = step.node
        cypher = None if self.neo4j is None else self.neo4j.through_graph(user_id, path)
        return Explanation("graph", score, tuple(hops), 0, text, cypher)

    def _co_interactions(self, user_id: str, history: npt.NDArray[np.int64], item: int, n: int) -> list[Explanation]:
        fans = self._by_item.indices[self._by_item.indptr[item] : self._by_item.indptr[item + 1]]
        shared = np.asarray(self.seen[fans].sum(axis=0)).ravel()[history]
        total = np.diff(self._by_item.indptr)[history]
        # Cosine of the two items' user sets: what is popular anyway is shared by chance.
        cosine = shared / np.sqrt(np.maximum(total * max(len(fans), 1), 1))
        order = np.lexsort((history, -cosine))[:n]
        found = []
        for at in order[shared[order] > 0]:
            source, users = int(history[at]), int(shared[at])
            text = (
                f"{user_id} ─{INTERACTED}→ {self._label(source)} ←{INTERACTED}─ "
                f"{users} {'user' if users == 1 else 'users'} ─{INTERACTED}→ {self._label(item)}"
            )
            hops = (self._first_hop(user_id, source),)
            cypher = None if self.neo4j is None else self.neo4j.through_users(user_id, source, item)
            found.append(Explanation("co-interaction", float(cosine[at]), hops, users, text, cypher))
        return found

    @cached_property
    def _by_item(self) -> sp.csc_array:
        """Who met each item, by item."""
        return sp.csc_array(self.seen)

    def _arrow(self, step: Step) -> str:
        """An edge as it is walked: a relation walked back has its arrow turned round, unless it has a name for that."""
        name = self._names[step.relation]
        if not step.inverse:
            return f"─{name}→"
        other = self.graph.inverse_names.get(self.graph.relations[step.relation])
        return f"←{name}─" if other is None else f"─{local_name(other)}→"

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Short names of the relations."""
        return short_names(self.graph.relations)

    def _first_hop(self, user_id: str, item: int) -> Hop:
        return Hop(user_id, INTERACTED, self.graph.items.id(item), user_id, self._label(item), False)

    def _label(self, node: int) -> str:
        return self.title(node) if node < self.graph.n_items else self.graph.node_label(node)
