"""Sessions of a log: told by a column, by idleness, or by both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...kg.order import stable_order

__all__ = ["session_numbers"]

Column = npt.NDArray[np.int32]


def session_numbers(
    user: Column,
    named: Column | None,
    time: npt.NDArray[np.float64] | None,
    gap: float | None,
    train: int | None = None,
) -> npt.NDArray[np.int32]:
    """Number of each row's session, in order of their first row (in time where that is known), shape (n,).

    A session belongs to one user: the same name with two users is two sessions.

    Args:
        user: user of each row, shape (n,).
        named: session name's number of each row; without one, all of a user's rows are one session.
        time: seconds, shape (n,).
        gap: minutes of idleness after which a new session begins; needs times.
        train: how many rows from the first are train, by default all. The others join its sessions, but neither part nor
            join any: two rows of train are in one session if they would be without the others.
    """
    group = user.astype(np.int64)
    if named is not None:
        group = group * (int(named.max(initial=0)) + 1) + named
    order = np.arange(len(user)) if time is None else stable_order(time)
    by_group = order[stable_order(group[order])]
    starts = np.ones(len(user), dtype=bool)
    starts[1:] = np.diff(group[by_group]) != 0
    if gap is not None and time is not None:
        of_train = by_group < (len(user) if train is None else train)
        starts |= _idle(time[by_group], of_train, ~starts) > gap * 60
    # Sessions are numbered by where each one's first row stands in the order of all rows.
    place = np.empty(len(user), dtype=np.int64)
    place[order] = np.arange(len(user))
    number = np.empty(int(starts.sum()), dtype=np.int32)
    number[np.argsort(place[by_group[starts]])] = np.arange(len(number), dtype=np.int32)
    session = np.empty(len(user), dtype=np.int32)
    session[by_group] = number[np.cumsum(starts) - 1]
    return session


def _idle(
    time: npt.NDArray[np.float64], train: npt.NDArray[np.bool_], goes_on: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Seconds since the row before of the same group, 0 where there is none; for rows of train, the row before of train.

    Args:
        time: seconds, ascending within each group, shape (n,).
        train: which rows are of train, shape (n,).
        goes_on: which rows are of the group of the row before, shape (n,).
    """
    at = np.arange(len(time))
    first = np.maximum.accumulate(np.where(goes_on, 0, at))
    last_of_train = np.maximum.accumulate(np.where(train, at, -1))
    before = at - 1
    # Before train's first row of a group there may be others: these it joins, or not, as they would each other.
    known = np.append(-1, last_of_train[:-1])
    before = np.where(train & (known >= first), known, before)
    return np.where(goes_on, time - time[before], 0.0)
