"""Groups of users or items: what figures are given apart for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["LENGTHS", "Groups", "by_length", "by_popularity"]

LENGTHS = (1, 2, 3, 6, 11, 21, 51)
"""Where the spans of history lengths begin: 1, 2, 3 to 5, 6 to 10, and so on."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Named groups, in which a member may be in several or none.

    Attributes:
        names: of the groups.
        member: who is in which, binary, shape (members, groups).
    """

    names: tuple[str, ...]
    member: sp.csr_array

    @classmethod
    def of(cls, names: Sequence[str], group: npt.NDArray[np.integer]) -> Groups:
        """Groups of which each member is in one, or none (-1).

        Args:
            names: of the groups.
            group: number of each member's group, shape (members,).
        """
        rows = np.flatnonzero(group >= 0)
        cells = np.ones(len(rows), dtype=np.float32), (rows, group[rows].astype(np.int64))
        return cls(tuple(names), sp.csr_array(cells, shape=(len(group), len(names))))

    def largest(self, n: int) -> Groups:
        """The n groups of most members, the largest first; empty ones are left out."""
        sizes = np.asarray(self.member.sum(axis=0)).ravel()
        order = [int(at) for at in np.argsort(-sizes, kind="stable")[:n] if sizes[at] > 0]
        return Groups(tuple(self.names[at] for at in order), sp.csr_array(self.member[:, order]))

    def rows(self, members: npt.NDArray[np.int64]) -> Groups:
        """The groups among some of the members, in their order."""
        return Groups(self.names, sp.csr_array(self.member[members]))


def by_length(lengths: npt.NDArray[np.integer]) -> Groups:
    """Users by the length of their history.

    Args:
        lengths: items in each history; who has none is in no group, shape (users,).
    """
    ends = [start - 1 for start in LENGTHS[1:]]
    spans = zip(LENGTHS, ends, strict=False)
    names = [str(first) if first == last else f"{first} to {last}" for first, last in spans]
    return Groups.of([*names, f"{LENGTHS[-1]} or more"], np.searchsorted(LENGTHS, lengths, side="right") - 1)


def by_popularity(counts: npt.NDArray[np.integer]) -> Groups:
    """Items as hot, warm and cold: the fewest that have half of all interactions, the others that have any, the rest.

    Args:
        counts: training interactions of each item, shape (items,).
    """
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    group = np.full(len(counts), 1)
    group[order[2 * before < counts.sum()]] = 0
    group[counts == 0] = 2
    return Groups.of(["hot", "warm", "cold"], group)
