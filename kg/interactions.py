"""Who interacted with what, when and how strongly, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .ids import IdMap

__all__ = ["Interactions"]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Interactions, sorted by time where time is known.

    Attributes:
        users: ids of users; may hold users without a row here.
        items: ids of the catalogue; may hold items without a row here.
        user: user numbers, shape (n,).
        item: item numbers, shape (n,).
        weight: strength (a rating, a count; 1 where none was given), shape (n,).
        time: seconds since 1970 in UTC, shape (n,), or None where unknown.
    """

    users: IdMap
    items: IdMap
    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    time: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.user), len(self.item), len(self.weight), len(self.user if self.time is None else self.time)}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        if self.time is not None and (np.diff(self.time) < 0).any():
            raise ValueError("interactions must be sorted by time: use Interactions.sorted")

    @classmethod
    def sorted(
        cls,
        users: IdMap,
        items: IdMap,
        user: npt.NDArray[np.integer],
        item: npt.NDArray[np.integer],
        weight: npt.NDArray[np.float32] | None = None,
        time: npt.NDArray[np.float64] | None = None,
    ) -> Interactions:
        """Make interactions from columns in any order; rows of equal time keep their order."""
        weight = np.ones(len(user), dtype=np.float32) if weight is None else weight
        order = np.arange(len(user)) if time is None else np.argsort(time, kind="stable")
        times = None if time is None else time[order]
        return cls(users, items, user[order].astype(np.int32), item[order].astype(np.int32), weight[order], times)

    def __len__(self) -> int:
        return len(self.user)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> Interactions:
        """Some rows (a mask, or positions in ascending order), with the same id maps."""
        time = None if self.time is None else self.time[rows]
        return Interactions(self.users, self.items, self.user[rows], self.item[rows], self.weight[rows], time)

    def at_least(self, weight: float | None) -> Interactions:
        """The rows of at least this weight: what counts as a positive. None keeps all."""
        return self if weight is None else self.select(self.weight >= weight)

    def with_items(self, items: IdMap) -> Interactions:
        """The same rows over a catalogue that holds all these items and perhaps more."""
        moved = items.numbers(self.items.to_arrow())
        return Interactions(self.users, items, self.user, moved[self.item].astype(np.int32), self.weight, self.time)

    def joined(self, other: Interactions) -> Interactions:
        """These rows and the other's, over the same id maps."""
        if self.users != other.users or self.items != other.items:
            raise ValueError("interactions over different id maps cannot be joined")
        time = None if self.time is None or other.time is None else np.concatenate([self.time, other.time])
        return Interactions.sorted(
            self.users,
            self.items,
            np.concatenate([self.user, other.user]),
            np.concatenate([self.item, other.item]),
            np.concatenate([self.weight, other.weight]),
            time,
        )

    def matrix(self) -> sp.csr_array:
        """Binary user-item matrix, shape (users, items), float32; repeated pairs count once."""
        shape = (len(self.users), len(self.items))
        ones = np.ones(len(self), dtype=np.float32)
        matrix = sp.csr_array((ones, (self.user.astype(np.int64), self.item.astype(np.int64))), shape=shape)
        matrix.sum_duplicates()
        matrix.data[:] = 1
        return matrix

    def steps(self) -> sp.csr_array:
        """User-item matrix of how long ago, shape (users, items), float32: 1 at each user's last item, 2 before it.

        Steps are counted in items, by the order of the rows; a repeated pair counts where it is last.
        """
        pair = self.user.astype(np.int64) * len(self.items) + self.item
        cells, from_end = np.unique(pair[::-1], return_index=True)
        user, item = np.divmod(cells, max(len(self.items), 1))
        # By user, and within a user from the last row to the first.
        order = np.lexsort((from_end, user))
        start = np.zeros(len(self.users) + 1, dtype=np.int64)
        np.cumsum(np.bincount(user, minlength=len(self.users)), out=start[1:])
        step = np.empty(len(cells), dtype=np.float32)
        step[order] = np.arange(len(cells)) - start[user[order]] + 1
        return sp.csr_array((step, item, start), shape=(len(self.users), len(self.items)))

    @property
    def density(self) -> float:
        """Share of the user-item pairs that occur."""
        cells = len(self.users) * len(self.items)
        return self.matrix().nnz / cells if cells else float("nan")

    def __repr__(self) -> str:
        return f"Interactions({len(self):,} rows, {len(self.users):,} users, {len(self.items):,} items)"
