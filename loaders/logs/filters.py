"""Which interactions take part at all: a subset of the items, and users and items met often enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ...kg import DataError, IdMap, Interactions
from ...kg.order import stable_order
from ..files.tables import first_rows, read_table
from .dropped import Dropped
from .id_columns import ids_of

__all__ = ["FiltersConfig", "filtered", "filtered_parts"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


class FiltersConfig(BaseModel):
    """Which users and items take part; applied to the log before it is split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: Path | None = None
    """A table whose first column is the ids of the items that take part; the others' interactions are dropped. Its
    first line is a header."""

    min_user_interactions: int = Field(default=1, ge=1)
    """Users with fewer different items are dropped; together with the next, again and again until all left have
    enough (the k-core). As the published k-cores do, it counts the whole log, the period held out later too; only
    where validation and test are files of their own is train counted alone."""

    min_item_interactions: int = Field(default=1, ge=1)
    """Items with fewer different users are dropped."""


def filtered(log: Interactions, config: FiltersConfig) -> tuple[Interactions, list[Dropped]]:
    """What the filters leave of a log, over id maps of the users and items that still have an interaction.

    The subset of the items comes first. A pair met more than once counts once.

    Returns:
        The log, unchanged where there is no filter, and what each filter dropped.

    Raises:
        DataError: if the file of items cannot be used, or nothing is left.
    """
    (left,), dropped = filtered_parts([log], config)
    return left, dropped


def filtered_parts(logs: Sequence[Interactions], config: FiltersConfig) -> tuple[list[Interactions], list[Dropped]]:
    """What the filters leave of train and held-out parts over the same id maps, as `filtered` does.

    How often users and items are met is counted in train, the first, alone. Of the others, rows stay whose item is in
    the subset and, where users (items) need a number of interactions, whose user (item) train still holds.
    The id maps become those of all rows left, of any part.

    Returns:
        The parts, and what each filter dropped; rows of held-out parts are counted under a rule of their own.

    Raises:
        DataError: if the file of items cannot be used, or nothing of train is left.
    """
    if config == FiltersConfig():
        return list(logs), []
    train = logs[0]
    part = _Kept.whole(train)
    in_subset = np.ones(len(train.items), dtype=bool)
    dropped = []
    if config.items is not None:
        in_subset, unknown = _subset(config.items, train.items)
        dropped += part.drop(np.ones(len(train.users), dtype=bool), in_subset, "item not in data.filters.items")
        dropped += unknown
    dropped += _core(part, config)
    if not part.pair.any():
        raise DataError(
            f"the filters leave no interaction: {'; '.join(f'{d.rule}: {d.rows:,} rows' for d in dropped if d.rows)}"
        )
    user_stays = part.users() if config.min_user_interactions > 1 else np.ones(len(train.users), dtype=bool)
    item_stays = part.items() if config.min_item_interactions > 1 else in_subset
    held_out = [log.select(user_stays[log.user] & item_stays[log.item]) for log in logs[1:]]
    dropped += _of_held_out(logs[1:], user_stays, item_stays)
    return _over_what_is_left([train.select(part.rows()), *held_out]), dropped


@dataclass(eq=False)
class _Kept:
    """The different pairs of a log, and which are still in it."""

    log: Interactions
    user: Rows
    item: Rows
    count: Rows
    pair: Mask

    @classmethod
    def whole(cls, log: Interactions) -> _Kept:
        width = max(len(log.items), 1)
        pairs, count = np.unique(log.user.astype(np.int64) * width + log.item, return_counts=True)
        user, item = np.divmod(pairs, width)
        return cls(log, user, item, count, np.ones(len(pairs), dtype=bool))

    def users(self) -> Mask:
        """Which users have a pair left."""
        return np.bincount(self.user[self.pair], minlength=len(self.log.users)) > 0

    def items(self) -> Mask:
        """Which items have a pair left."""
        return np.bincount(self.item[self.pair], minlength=len(self.log.items)) > 0

    def rows(self) -> Mask:
        """Which rows of the log are left."""
        width = max(len(self.log.items), 1)
        left = self.user[self.pair] * width + self.item[self.pair]
        key = self.log.user.astype(np.int64) * width + self.log.item
        at = np.searchsorted(left, key)
        return np.asarray(left[np.minimum(at, max(len(left) - 1, 0))] == key) if len(left) else np.zeros(len(key), bool)

    def drop(self, users: Mask, items: Mask, rule: str) -> list[Dropped]:
        """Keep the pairs of these users and items; what went, if anything did."""
        gone = self.pair & ~(users[self.user] & items[self.item])
        if not gone.any():
            return []
        before_users, before_items = self.users(), self.items()
        self.pair &= ~gone
        lost_users, lost_items = before_users & ~self.users(), before_items & ~self.items()
        at = int(gone.argmax())
        of_user = not users[self.user[at]]
        example = (
            f"user {self.log.users.id(int(self.user[at]))}"
            if of_user
            else f"item {self.log.items.id(int(self.item[at]))}"
        )
        return [Dropped(rule, int(self.count[gone].sum()), int(lost_users.sum()), int(lost_items.sum()), example)]


def _core(part: _Kept, config: FiltersConfig) -> list[Dropped]:
    """Drop users and items in turn until all left have enough; what each rule dropped in all its rounds.

    A round looks only at those whom the one before took a pair from, so that long chains take no longer than wide
    logs.
    """
    least_user, least_item = config.min_user_interactions, config.min_item_interactions
    users = _Side.of(part.user, part.pair, part.log.users, least_user)
    items = _Side.of(part.item, part.pair, part.log.items, least_item)
    rules = (
        (f"user with fewer than {least_user} items (data.filters.min_user_interactions)", "user", users, items),
        (f"item with fewer than {least_item} users (data.filters.min_item_interactions)", "item", items, users),
    )
    total: dict[str, Dropped] = {}
    while len(users.poor) or len(items.poor):
        for rule, what, side, other in rules:
            gone = side.pairs_of_poor(part.pair)
            if len(gone) == 0:
                continue
            part.pair[gone] = False
            lost, lost_others = len(side.poor), other.less(gone)
            lost_users, lost_items = (lost, lost_others) if side is users else (lost_others, lost)
            example = f"{what} {side.ids.id(int(side.end[gone.min()]))}"
            side.emptied()
            old = total.get(rule, Dropped(rule, 0, example=example))
            rows = int(part.count[gone].sum())
            total[rule] = replace(old, rows=old.rows + rows, users=old.users + lost_users, items=old.items + lost_items)
    return list(total.values())


@dataclass(eq=False)
class _Side:
    """The users, or the items, of the pairs of a log; how many pairs each has left, and who has some, but too few."""

    ids: IdMap
    end: Rows
    least: int
    order: Rows
    start: Rows
    degree: Rows
    poor: Rows

    @classmethod
    def of(cls, end: Rows, left: Mask, ids: IdMap, least: int) -> _Side:
        start = np.append(0, np.cumsum(np.bincount(end, minlength=len(ids))))
        degree = np.bincount(end[left], minlength=len(ids))
        poor = np.flatnonzero((degree > 0) & (degree < least))
        return cls(ids, end, least, stable_order(end), start, degree, poor)

    def pairs_of_poor(self, left: Mask) -> Rows:
        """The pairs that are left of those with too few."""
        begin, length = self.start[self.poor], self.start[self.poor + 1] - self.start[self.poor]
        within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
        pairs = self.order[np.repeat(begin, length) + within]
        return np.asarray(pairs[left[pairs]])

    def less(self, gone: Rows) -> int:
        """Take note that pairs went; how many have none left now."""
        met, count = np.unique(self.end[gone], return_counts=True)
        self.degree[met] -= count
        none = self.degree[met] == 0
        fallen = met[~none & (self.degree[met] < self.least)]
        known = self.poor[self.degree[self.poor] > 0]
        self.poor = np.union1d(known, fallen)
        return int(none.sum())

    def emptied(self) -> None:
        """Take note that those with too few have no pair left."""
        self.degree[self.poor] = 0
        self.poor = self.poor[:0]


def _subset(path: Path, items: IdMap) -> tuple[Mask, list[Dropped]]:
    """Which items the file names, and how many of those it names the log does not have."""
    name = first_rows(path).column_names[0]
    if items.numbers([name], missing="negative")[0] >= 0:
        raise DataError(f"the first line is {name!r}, an item's id, and a header is wanted; add one", path=path)
    column = read_table(path, columns=[name]).column(name)
    wanted = ids_of(column, "item", path).values
    found = np.asarray(pc.is_in(items.to_arrow(), value_set=wanted))
    if not found.any():
        known = items.id(0) if len(items) else "none"
        raise DataError(f"none of its ids is an item of the log, whose ids look like {known!r}", path=path)
    unheard = pc.unique(wanted.filter(pc.invert(pc.is_in(wanted, value_set=items.to_arrow()))))
    if len(unheard) == 0:
        return found, []
    rule = "id in data.filters.items that no interaction has"
    return found, [Dropped(rule, 0, items=len(unheard), example=f"item {unheard[0]}")]


def _of_held_out(logs: Sequence[Interactions], users: Mask, items: Mask) -> list[Dropped]:
    rows, example = 0, None
    lost_users, lost_items = np.zeros(len(users), dtype=bool), np.zeros(len(items), dtype=bool)
    for log in logs:
        gone = ~(users[log.user] & items[log.item])
        rows += int(gone.sum())
        lost_users[log.user[gone]] |= ~users[log.user[gone]]
        lost_items[log.item[gone]] |= ~items[log.item[gone]]
        if example is None and gone.any():
            at = int(gone.argmax())
            example = f"user {log.users.id(int(log.user[at]))}, item {log.items.id(int(log.item[at]))}"
    if rows == 0:
        return []
    rule = "held-out row of a user or item that the filters leave out"
    return [Dropped(rule, rows, int(lost_users.sum()), int(lost_items.sum()), example)]


def _over_what_is_left(logs: list[Interactions]) -> list[Interactions]:
    """The same rows over id maps without those who have no row in any part."""
    users, user_number = _shrunk(logs[0].users, [log.user for log in logs])
    items, item_number = _shrunk(logs[0].items, [log.item for log in logs])
    return [
        replace(log, users=users, items=items, user=user_number[log.user], item=item_number[log.item]) for log in logs
    ]


def _shrunk(ids: IdMap, used: list[npt.NDArray[np.int32]]) -> tuple[IdMap, npt.NDArray[np.int32]]:
    """The ids in use, in their order, and the new number of each old one."""
    kept = np.zeros(len(ids), dtype=bool)
    for numbers in used:
        kept[numbers] = True
    return IdMap.of_distinct(ids.to_arrow().filter(pa.array(kept))), (np.cumsum(kept) - 1).astype(np.int32)
