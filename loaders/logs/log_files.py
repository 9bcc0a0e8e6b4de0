"""One file of a log into columns: which they are, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as kinds

from ...kg import DataError
from ..files.streams import line_of, suffix_of
from ..files.tables import ENCODED, find_column, first_rows, listed, numbers_of, read_table, row_of
from .dropped import Dropped
from .events import weights_of_events
from .histories import is_of_histories, read_histories
from .id_columns import IdColumn, ids_of
from .times import TIME_NUMBER, seconds_of

if TYPE_CHECKING:
    from .interactions import InteractionsConfig

__all__ = ["LogFile", "read_log_file"]

USUAL: Mapping[str, tuple[str, ...]] = {
    "user": ("user_id", "user", "userid", "customer_id", "customer", "reviewerid"),
    "item": ("item_id", "item", "itemid", "product_id", "product", "asin", "movie_id", "movieid"),
    "weight": ("rating", "weight", "score", "count", "quantity", "overall"),
    "time": ("timestamp", "time", "at", "date", "datetime", "created_at", "unixreviewtime"),
    "event": ("event", "event_type", "eventtype", "event_name", "action", "behavior", "behavior_type", "interaction_type"),
}  # fmt: skip
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LogFile:
    """The columns of one file, of n rows that are not dropped; `rows` counts those too.

    `unread_event` is a column that by its name holds event types, where the config says nothing of events.
    """

    user: IdColumn
    item: IdColumn
    weight: npt.NDArray[np.float32]
    time: npt.NDArray[np.float64] | None
    session: IdColumn | None
    names: dict[str, str | None]
    rows: int
    dropped: list[Dropped]
    unread_event: str | None = None


def read_log_file(path: Path, config: InteractionsConfig) -> LogFile:
    """Read one file of a log.

    Raises:
        DataError: if the file cannot be read, lacks a column, or a cell is not what its column should hold.
    """
    if config.layout == "histories" or (config.layout == "auto" and is_of_histories(path)):
        return _of_histories(path, config)
    head = first_rows(path)
    names = _names(head, path, config)
    columns = list(dict.fromkeys(name for name in names.values() if name is not None))
    table = read_table(path, columns=columns, types=_types(head, names, path))
    event = find_column(head, None, USUAL["event"], "event", path) if config.events is None else None
    unread = None if event in columns else event
    return replace(_of_table(table, names, path, config), unread_event=unread)


def _of_histories(path: Path, config: InteractionsConfig) -> LogFile:
    named = next((what for what in ("user", "item", *_OPTIONS) if getattr(config, what) is not None), None)
    if named is not None:
        raise DataError(
            f"the file holds histories, which have no columns; remove data.interactions.{named}, "
            "or say layout: table if it is one",
            path=path,
        )
    user, item, dropped = read_histories(path)
    names: dict[str, str | None] = dict.fromkeys(("user", "item", "weight", "time"))
    return LogFile(user, item, np.ones(len(user), dtype=np.float32), None, None, names, len(user), dropped)


_OPTIONS = ("weight", "time", "event", "events", "session", "session_gap")


def _names(head: pa.Table, path: Path, config: InteractionsConfig) -> dict[str, str | None]:
    """The column of each kind; event and session stand there only where they are asked for."""
    names = {
        what: find_column(head, getattr(config, what), USUAL[what], what, path)
        for what in ("user", "item", "weight", "time")
    }
    if config.events is not None:
        names["event"] = find_column(head, config.event, USUAL["event"], "event", path)
    if config.session is not None:
        names["session"] = find_column(head, config.session, (), "session", path)
        names["user"] = names["user"] or names["session"]
    for what in ("user", "item", "event"):
        if names.get(what, "") is None:
            more = " (or, of a log of anonymous sessions, data.interactions.session)" if what == "user" else ""
            kind = "event's type" if what == "event" else f"{what}'s id"
            raise DataError(
                f"no column looks like the {kind} among {listed(head.column_names)}; "
                f"name it under data.interactions.{what}{more}",
                path=path,
            )
    if config.session_gap is not None and names["time"] is None:
        raise DataError(
            "data.interactions.session_gap needs times; name their column under data.interactions.time", path=path
        )
    return names


def _types(head: pa.Table, names: Mapping[str, str | None], path: Path) -> dict[str, pa.DataType]:
    """What each column is best parsed as; a time only where the first is a number."""
    # Text is encoded faster as a whole than block by block; Parquet holds ids encoded already.
    encoded = (names.get(what) for what in ("user", "item", "event", "session") if suffix_of(path) == ".parquet")
    types = {name: ENCODED for name in encoded if name is not None}
    numeric = [names["weight"], names["time"]]
    if names["time"] is not None and kinds.is_large_string(head.schema.field(names["time"]).type):
        first = next((cell.as_py() for cell in head.column(names["time"]) if cell.is_valid), "")
        if TIME_NUMBER.fullmatch(first) is None:
            numeric.remove(names["time"])
    return types | {name: pa.float64() for name in numeric if name is not None and name not in types}


def _of_table(table: pa.Table, names: dict[str, str | None], path: Path, config: InteractionsConfig) -> LogFile:
    rows: Rows | None = None
    factor: npt.NDArray[np.float64] | None = None
    dropped: list[Dropped] = []
    n = len(table)
    if config.events is not None and n:
        # First of all: a row of another event (a search, a login) may well have no item.
        factor, unlisted = weights_of_events(table.column(names["event"]), config.events, path)
        if unlisted is not None:
            dropped.append(unlisted)
            kept = ~np.isnan(factor)
            table, factor, rows = table.filter(pa.array(kept)), factor[kept], np.flatnonzero(kept)
    session, time = names.get("session"), names["time"]
    return LogFile(
        ids_of(table.column(names["user"]), "user", path, rows),
        ids_of(table.column(names["item"]), "item", path, rows),
        _weights(table, names["weight"], factor, path, rows),
        None if time is None else seconds_of(table.column(time), path, config.time_zone, rows),
        None if session is None else ids_of(table.column(session), "session", path, rows),
        names,
        n,
        dropped,
    )


def _weights(
    table: pa.Table, name: str | None, factor: npt.NDArray[np.float64] | None, path: Path, rows: Rows | None
) -> npt.NDArray[np.float32]:
    """Weight of each row: its event's times that of the column, 1 where there is neither."""
    if name is None:
        weights = np.ones(len(table)) if factor is None else factor
    else:
        weights = np.asarray(numbers_of(table.column(name), "weight", path, rows))
        weights = weights if factor is None else weights * factor
    limit = np.finfo(np.float32).max
    if len(weights) and max(weights.max(), -weights.min()) > limit:
        at = int((np.abs(weights) > limit).argmax())
        line = line_of(path, row_of(at, rows))
        raise DataError(f"the weight {weights[at]:g} is too large; scale the weights", path=path, line=line)
    return weights.astype(np.float32)
