"""Interaction logs: CSV, TSV, Parquet and RecBole `.inter` into `Interactions`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ..kg import DataError, IdMap, Interactions
from .tables import find_column, line_of, numbers_of, read_table

__all__ = ["InteractionsConfig", "InteractionsReport", "deduplicated", "read_interactions"]

USER_NAMES = ("user_id", "user", "userid", "customer_id", "customer", "reviewerid")
ITEM_NAMES = ("item_id", "item", "itemid", "product_id", "product", "asin", "movie_id", "movieid")
WEIGHT_NAMES = ("rating", "weight", "score", "count", "quantity", "overall")
TIME_NAMES = ("timestamp", "time", "at", "date", "datetime", "created_at", "unixreviewtime")


class InteractionsConfig(BaseModel):
    """Where the interaction log lies and how to read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv, .parquet or .inter file (text also with .gz)."""

    user: str | None = None
    """Column of the user's id. Inferred from the usual names: user_id, user, customer, ..."""

    item: str | None = None
    """Column of the item's id. Inferred from the usual names: item_id, item, product, asin, ..."""

    weight: str | None = None
    """Column of the strength: a rating, a count. Inferred (rating, weight, quantity, ...); 1 where there is none."""

    time: str | None = None
    """Column of the time: seconds (or milli-, micro-, nanoseconds) since 1970, or ISO 8601 (UTC unless it says
    otherwise). Inferred from the usual names: timestamp, time, date, ..."""

    min_weight: float | None = None
    """What counts as liked: rows below are known to be seen and never recommended, but are no positives."""

    duplicates: Literal["last", "first", "sum"] = "last"
    """Which row stays where a user met an item more than once: the last, the first, or the first with summed weight."""


@dataclass(frozen=True)
class InteractionsReport:
    """What was read: rows in the files, rows dropped as repeated pairs, and the columns used."""

    rows: int
    duplicates: int
    columns: dict[str, str | None]


@dataclass(frozen=True, eq=False)
class _Log:
    """The columns of one file."""

    user: pa.ChunkedArray
    item: pa.ChunkedArray
    weight: npt.NDArray[np.float32]
    time: npt.NDArray[np.float64] | None
    names: dict[str, str | None]


def read_interactions(
    config: InteractionsConfig, *, more: Sequence[Path] = (), deduplicate: bool = True
) -> tuple[list[Interactions], InteractionsReport]:
    """Read a log, and further files of the same layout, over id maps that all of them share.

    Users and items are numbered in order of first appearance.

    Args:
        config: where and how.
        more: further files (validation and test of a given split).
        deduplicate: whether repeated pairs within a file become one row. Not before a split: a row of the test
            period must not change what train holds.

    Returns:
        The interactions of each file, the log's first, and a report on all of them.

    Raises:
        DataError: if a file or column is missing, an id is empty, a weight is NaN or a time unreadable, or no row
            is there.
    """
    paths = [config.path, *more]
    logs = [_read(path, config) for path in paths]
    if len(logs[0].weight) == 0:
        raise DataError("there is no interaction in the file, only a header", path=config.path)
    users = IdMap.numbering(*(log.user for log in logs))
    items = IdMap.numbering(*(log.item for log in logs))
    read = [_interactions(log, users, items) for log in logs]
    if deduplicate:
        read = [deduplicated(log, config.duplicates) for log in read]
    rows = sum(len(log.weight) for log in logs)
    return read, InteractionsReport(rows, rows - sum(map(len, read)), logs[0].names)


def _read(path: Path, config: InteractionsConfig) -> _Log:
    table = read_table(path)
    names = {
        "user": find_column(table, config.user, USER_NAMES, "user", path),
        "item": find_column(table, config.item, ITEM_NAMES, "item", path),
        "weight": find_column(table, config.weight, WEIGHT_NAMES, "weight", path),
        "time": find_column(table, config.time, TIME_NAMES, "time", path),
    }
    for what in ("user", "item"):
        if names[what] is None:
            raise DataError(
                f"no column looks like the {what}'s id among {', '.join(table.column_names)}; "
                f"name it under data.interactions.{what}",
                path=path,
            )
    weight, time = names["weight"], names["time"]
    ones = np.ones(len(table), dtype=np.float32)
    return _Log(
        _ids(table.column(names["user"]), "user", path),
        _ids(table.column(names["item"]), "item", path),
        ones if weight is None else _weights(table.column(weight), path),
        None if time is None else _seconds(table.column(time), path),
        names,
    )


def _ids(column: pa.ChunkedArray, what: str, path: Path) -> pa.ChunkedArray:
    if pa.types.is_nested(column.type):
        raise DataError(f"the {what} column holds {column.type}, ids are wanted", path=path)
    column = column.cast(pa.large_string())
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
    at = pc.index(empty, True).as_py()
    if at >= 0:
        raise DataError(f"the {what}'s id is empty; correct or remove the row", path=path, line=line_of(path, at))
    return column


def _weights(column: pa.ChunkedArray, path: Path) -> npt.NDArray[np.float32]:
    weights = np.asarray(numbers_of(column, "weight", path))
    beyond = np.flatnonzero(np.abs(weights) > np.finfo(np.float32).max)
    if len(beyond):
        at = int(beyond[0])
        raise DataError(
            f"the weight {weights[at]:g} is too large; scale the weights", path=path, line=line_of(path, at)
        )
    return weights.astype(np.float32)


def _seconds(column: pa.ChunkedArray, path: Path) -> npt.NDArray[np.float64]:
    """A time column as seconds since 1970 in UTC."""
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        column = pc.utf8_trim_whitespace(column.cast(pa.large_string()))
        first = next((c for c in (column[i].as_py() for i in range(len(column))) if c is not None), "")
        if re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", first) is None:
            column = _timestamps(column, path)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        if column.null_count:
            at = pc.index(pc.is_null(column), True).as_py()
            raise DataError("the time is empty; correct or remove the row", path=path, line=line_of(path, at))
        return np.asarray(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()), dtype=np.float64) / 1e6
    seconds = np.asarray(numbers_of(column, "time", path), dtype=np.float64)
    # 1e11 seconds is the year 5138, 1e11 milliseconds is 1973: no log is of either time by the other reading.
    # The same holds of milli- and microseconds, and of micro- and nanoseconds.
    while len(seconds) and np.median(seconds) > 1e11:
        seconds = seconds / 1000
    return seconds


def _timestamps(column: pa.ChunkedArray, path: Path) -> pa.ChunkedArray:
    """ISO 8601 strings as UTC timestamps; those without a zone are taken as UTC."""
    # Arrow wants a time of day and a zone, and no more digits than the unit has.
    complete = pc.replace_substring_regex(column, r"^(\d{4}-\d\d-\d\d)$", r"\1T00:00")
    complete = pc.replace_substring_regex(complete, r"(\.\d{6})\d+", r"\1")
    complete = pc.replace_substring_regex(complete, r"([T ]\d\d(:\d\d){0,2}(\.\d+)?)$", r"\1Z")
    try:
        return complete.cast(pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid:
        at = next(i for i in range(len(complete)) if not _is_time(complete[i]))
        raise DataError(
            f"the time {str(column[at].as_py())[:40]!r} is neither seconds since 1970 nor ISO 8601",
            path=path,
            line=line_of(path, at),
        ) from None


def _is_time(cell: pa.Scalar) -> bool:
    try:
        cell.cast(pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid:
        return False
    return True


def _interactions(log: _Log, users: IdMap, items: IdMap) -> Interactions:
    return Interactions.sorted(users, items, users.numbers(log.user), items.numbers(log.item), log.weight, log.time)


def deduplicated(log: Interactions, rule: Literal["last", "first", "sum"]) -> Interactions:
    """One row a user-item pair."""
    pair = log.user.astype(np.int64) * len(log.items) + log.item
    rows = np.arange(len(log))
    if rule == "last":
        _, at = np.unique(pair[::-1], return_index=True)
        return log.select(np.sort(rows[::-1][at]))
    _, first, group = np.unique(pair, return_index=True, return_inverse=True)
    if rule == "sum":
        weight = np.zeros(len(log), dtype=np.float32)
        weight[first] = np.bincount(group, weights=log.weight)
        log = Interactions(log.users, log.items, log.user, log.item, weight, log.time)
    return log.select(np.sort(first))
