"""Paths between nodes: walks from both ends, joined where they meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .neighbours import Adjacency, IntArray
from .walks import Walks

__all__ = ["GraphPath", "Paths", "Step", "find_paths"]


@dataclass(frozen=True)
class Step:
    """One edge of a path: `relation` walked to `node`, against its direction if `inverse`."""

    relation: int
    inverse: bool
    node: int


@dataclass(frozen=True)
class GraphPath:
    """A path: the node it starts from and the steps taken."""

    source: int
    steps: tuple[Step, ...]

    @property
    def nodes(self) -> tuple[int, ...]:
        """All nodes in order, source and target included."""
        return (self.source, *(step.node for step in self.steps))


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths to several targets, as columns; iterating gives them one by one as `GraphPath`.

    Sorted by target, then length. Among equally long paths to a target come first those whose middle node (of two the one
    nearer the source) has the fewest edges: what is rare tells more than what is common.

    Attributes:
        row: which of the asked targets (its position in the question) a path leads to, shape (p,).
        length: number of edges, shape (p,).
        nodes: nodes in order from source to target, then -1, shape (p, most edges + 1).
        relations: relation number of each edge, then -1, shape (p, most edges).
        inverse: whether each edge is walked from tail to head, shape (p, most edges).
    """

    row: npt.NDArray[np.int32]
    length: npt.NDArray[np.int32]
    nodes: npt.NDArray[np.int32]
    relations: npt.NDArray[np.int32]
    inverse: npt.NDArray[np.bool_]

    def of(self, row: int) -> Paths:
        """The paths to one of the targets, named by its position in the question."""
        first, last = np.searchsorted(self.row, [row, row + 1])
        return _taken(self, np.arange(first, last))

    def __len__(self) -> int:
        return len(self.row)

    def __iter__(self) -> Iterator[GraphPath]:
        columns = (self.length, self.nodes, self.relations, self.inverse)
        for n, nodes, relations, inverse in zip(*(column.tolist() for column in columns), strict=True):
            yield GraphPath(nodes[0], tuple(map(Step, relations[:n], inverse[:n], nodes[1 : n + 1])))


def find_paths(
    adjacency: Adjacency,
    sources: IntArray,
    targets: IntArray,
    *,
    max_length: int = 2,
    max_degree: int = 2000,
    limit: int | None = None,
) -> Paths:
    """Simple paths of 1 to `max_length` edges from any of the sources to each of the targets.

    No path passes through another source; it may pass through another target. Half of each length is walked from either
    end, so that a path of four edges costs two expansions a side. Each target is answered as if asked alone.

    Args:
        adjacency: the graph.
        sources: node numbers, shape (s,).
        targets: node numbers, shape (n,); a target among the sources is no source of its own.
        max_length: most edges in a path.
        max_degree: nodes with more edges are not walked through on the way to a meeting point.
        limit: most paths to each target, the first in the order of `Paths`; all by default. Without a limit, a hub that k
            sources and one target share gives k paths.
    """
    starts = np.unique(np.asarray(sources, dtype=np.int64))
    blocked = np.zeros(adjacency.n_nodes, dtype=bool)
    blocked[starts] = True
    ahead, back = Walks.standing(starts), Walks.standing(np.asarray(targets, dtype=np.int64))
    missing = np.full(len(back), np.iinfo(np.int64).max if limit is None else limit)
    found = []
    for length in range(1, max_length + 1):
        if length % 2:
            back = back.extend(adjacency, max_degree)
        else:
            ahead = ahead.extend(adjacency, max_degree).outside(blocked)
        found.append(_joined(ahead, back, missing, adjacency))
        missing -= np.bincount(found[-1].row, minlength=len(missing))
        # A walk from a target may end on a source, where a path of one edge begins, but not lead on from there.
        back = back.outside(blocked)
        back = back.take(np.flatnonzero(missing[back.row] > 0))
    return _stacked(found)


def _joined(ahead: Walks, back: Walks, missing: npt.NDArray[np.int64], adjacency: Adjacency) -> Paths:
    """Paths made of a walk from a source and one from a target that end on the same node, `missing` a target at most."""
    ahead = ahead.take(np.argsort(ahead.end, kind="stable"))
    back = back.take(np.lexsort((back.end, adjacency.degree(back.end), back.row)))
    first = np.searchsorted(ahead.end, back.end, "left")
    # Pairs of walks are numbered through, target by target; those of one walk back end before `last`.
    counts = np.searchsorted(ahead.end, back.end, "right") - first
    last = np.cumsum(counts)
    upto = np.concatenate([[0], last])[np.searchsorted(back.row, np.arange(len(missing) + 1))]
    begin, end, want = upto[:-1], upto[1:], missing
    parts, lacking = [], missing
    while True:
        # Not every pair is a path: more are looked at, twice as many each time, only where some are still lacking.
        n = np.where(lacking > 0, np.minimum(want, end - begin), 0)
        pair = _ranges(begin, n)
        right = np.searchsorted(last, pair, "right")
        left = first[right] + pair - (last - counts)[right]
        parts.append(_paths(ahead.take(left), back.take(right)))
        lacking = lacking - np.bincount(parts[-1].row, minlength=len(missing))
        begin, want = begin + n, np.minimum(2 * n, end - begin - n)
        if not ((lacking > 0) & (want > 0)).any():
            return _first_of_each(_stacked(parts), missing)


def _paths(ahead: Walks, back: Walks) -> Paths:
    """The simple ones among the paths that pairs of walks make, which end on the same node."""
    simple = np.ones(len(ahead), dtype=bool)
    for one in ahead.nodes[:-1]:
        for other in back.nodes[:-1]:
            simple &= one != other
    # The target's walk is read backwards, so each of its edges is walked the other way round.
    relations = (*ahead.relations, *back.relations[::-1])
    inverse = (*ahead.inverse, *(~column for column in back.inverse[::-1]))
    nodes = (*ahead.nodes, *back.nodes[-2::-1])
    length = np.full(len(ahead), len(relations), dtype=np.int32)
    columns = (np.column_stack(table)[simple] for table in (nodes, relations, inverse))
    return Paths(back.row[simple], length[simple], *columns)


def _first_of_each(paths: Paths, most: npt.NDArray[np.int64]) -> Paths:
    """So many of the first paths to each target; `paths` are sorted by target."""
    begin = np.searchsorted(paths.row, np.arange(len(most)))
    return _taken(paths, np.flatnonzero(np.arange(len(paths)) - begin[paths.row] < most[paths.row]))


def _stacked(parts: list[Paths]) -> Paths:
    """The paths of all parts by target, those to one target in the order of the parts."""
    most = max((part.relations.shape[1] for part in parts), default=0)
    none = np.empty(0, dtype=np.int32)
    empty = none[:, None].repeat(most + 1, axis=1), none[:, None].repeat(most, axis=1)
    parts = [Paths(none, none, *empty, empty[1].astype(bool)), *parts]
    columns = [
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([_padded(part.nodes, most + 1, -1) for part in parts]),
        np.concatenate([_padded(part.relations, most, -1) for part in parts]),
        np.concatenate([_padded(part.inverse, most, 0) for part in parts]),
    ]
    whole = Paths(*columns)
    return _taken(whole, np.argsort(whole.row, kind="stable"))


def _padded(table: npt.NDArray[Any], width: int, filler: int) -> npt.NDArray[Any]:
    return np.pad(table, ((0, 0), (0, width - table.shape[1])), constant_values=filler)


def _taken(paths: Paths, at: npt.NDArray[np.int64]) -> Paths:
    return Paths(paths.row[at], paths.length[at], paths.nodes[at], paths.relations[at], paths.inverse[at])


def _ranges(begin: npt.NDArray[np.int64], n: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers of each range, begin[i] to begin[i] + n[i], one range after another."""
    return np.repeat(begin - (np.cumsum(n) - n), n) + np.arange(n.sum())
