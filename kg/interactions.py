"""Who interacted with what, when and how strongly, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .ids import IdMap
from .order import stable_order

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
        session: session numbers, shape (n,), or None where no sessions are told apart; a number belongs to one user.
    """

    users: IdMap
    items: IdMap
    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    time: npt.NDArray[np.float64] | None = None
    session: npt.NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        columns = (self.user, self.item, self.weight, self.time, self.session)
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        if self.time is not None and (self.time[1:] < self.time[:-1]).any():
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
        session: npt.NDArray[np.integer] | None = None,
    ) -> Interactions:
        """Make interactions from columns in any order; rows of equal time keep their order."""
        weight = np.ones(len(user), dtype=np.float32) if weight is None else weight
        sessions = None if session is None else session.astype(np.int32, copy=False)
        log = (user.astype(np.int32, copy=False), item.astype(np.int32, copy=False), weight)
        if time is None or (time[1:] >= time[:-1]).all():
            return cls(users, items, *log, time, sessions)
        order = stable_order(time)
        sessions = None if sessions is None else sessions[order]
        return cls(users, items, log[0][order], log[1][order], weight[order], time[order], sessions)

    def __len__(self) -> int:
        return len(self.user)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> Interactions:
        """Some rows (a mask, or positions in ascending order), with the same id maps."""
        time = None if self.time is None else self.time[rows]
        session = None if self.session is None else self.session[rows]
        return Interactions(self.users, self.items, self.user[rows], self.item[rows], self.weight[rows], time, session)

    def at_least(self, weight: float | None) -> Interactions:
        """The rows of at least this weight: what counts as a positive. None keeps all."""
        return self if weight is None else self.select(self.weight >= weight)

    def with_items(self, items: IdMap) -> Interactions:
        """The same rows over a catalogue that holds all these items and perhaps more."""
        moved = items.numbers(self.items.to_arrow())
        item = moved[self.item].astype(np.int32)
        return Interactions(self.users, items, self.user, item, self.weight, self.time, self.session)

    def joined(self, other: Interactions) -> Interactions:
        """These rows and the other's, over the same id maps. Times and sessions are known if both know theirs."""
        if self.users != other.users or self.items != other.items:
            raise ValueError("interactions over different id maps cannot be joined")
        time = None if self.time is None or other.time is None else np.concatenate([self.time, other.time])
        session = None
        if self.session is not None and other.session is not None:
            session = np.concatenate([self.session, other.session])
        return Interactions.sorted(
            self.users,
            self.items,
            np.concatenate([self.user, other.user]),
            np.concatenate([self.item, other.item]),
            np.concatenate([self.weight, other.weight]),
            time,
            session,
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
