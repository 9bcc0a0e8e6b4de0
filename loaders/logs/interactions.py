"""Interaction logs into `Interactions`: tables (CSV, TSV, RecBole, JSON lines, Parquet) and histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ...kg import DataError, Interactions
from .dropped import Dropped
from .duplicates import DuplicateRule, deduplicated
from .histories import Layout
from .id_columns import numbered
from .log_files import LogFile, read_log_file
from .sessions import session_numbers
from .times import checked_zone

if TYPE_CHECKING:
    from ..neo4j.places import LogPlaces

__all__ = ["InteractionsConfig", "InteractionsReport", "read_interactions"]

EventWeight = Annotated[float, Field(allow_inf_nan=False)]
RULES = {
    "last": "the last row stays",
    "first": "the first row stays",
    "sum": "the first row stays with the sum of the weights",
    "max": "the heaviest row stays",
}


class InteractionsConfig(BaseModel):
    """Where the interaction log lies and how to read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """A .csv, .tsv, .parquet, .inter or JSON lines (.jsonl, .ndjson, .json) file, or one of histories (.txt, .json);
    text also packed (.gz, .bz2, .zst)."""

    layout: Layout = "auto"
    """table: a row an interaction. histories: a user and all of their items in order of time, as text with a line a
    user, `user item item ...` (KGAT, LightGCN: the ids of user_list.txt and item_list.txt beside it are taken), or as
    JSON, `{"user": ["item", ...]}`. auto: histories are a .txt file whose first line is whole numbers with blanks
    between, and a .json file whose first value is a list; all else is a table."""

    user: str | None = None
    """Column of the user's id. Inferred from the usual names: user_id, user, customer, ..."""

    item: str | None = None
    """Column of the item's id. Inferred from the usual names: item_id, item, product, asin, ..."""

    weight: str | None = None
    """Column of the strength: a rating, a count. Inferred (rating, weight, quantity, ...); 1 where there is none."""

    time: str | None = None
    """Column of the time: seconds (or milli-, micro-, nanoseconds) since 1970, days as 20210105, or ISO 8601.
    Inferred from the usual names: timestamp, time, date, ..."""

    time_zone: str = "UTC"
    """Zone of times that state none, a name such as Europe/Berlin. An hour that comes twice, when summer time ends, is
    the first of the two; an hour that is left out, when it begins, is the moment of the change."""

    event: str | None = None
    """Column of the event type, where `events` are given. Inferred from the usual names: event, event_type, ..."""

    events: dict[str, EventWeight] | None = Field(default=None, min_length=1)
    """Event types that count, and what each weighs: {view: 1, cart: 3, buy: 5}. It multiplies the weight column, if
    there is one. Rows of other types are dropped, and counted."""

    session: str | None = None
    """Column of the session's id, which needs to be unique within a user only. Where no user column is named or
    found, each session is a user: an anonymous log."""

    session_gap: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Minutes of idleness after which a user's next interaction begins a new session; needs times. Sessions are kept
    with the interactions and described; no model is trained on them yet."""

    review: str | None = None
    """Column of what the user wrote about the item, read where `data.reviews` asks for it, and of the train part alone.
    Inferred from the usual names: review, review_text, text, comment, ..., a `summary` or `review_title` beside it put
    first."""

    min_weight: float | None = None
    """What counts as liked: rows below are known to be seen and never recommended, but are no positives."""

    duplicates: DuplicateRule = "last"
    """Which row stays where a user met an item more than once: the last, the first, the first with summed weight
    (sum), or the heaviest (max; of equally heavy ones the last)."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return checked_zone(name)

    @model_validator(mode="after")
    def _belong_together(self) -> InteractionsConfig:
        if self.event is not None and self.events is None:
            raise ValueError("event names a column: events must say what its types weigh, such as {view: 1, buy: 5}")
        return self


@dataclass(frozen=True)
class InteractionsReport:
    """What was read.

    Attributes:
        rows: rows in the files.
        duplicates: rows dropped as repeated pairs.
        columns: the column used for each kind; None where there is none.
        dropped: all that was dropped, by rule.
        unread_event: a column that by its name holds event types, where no `events` say what these weigh: it is not
            read, and every row counts alike.
        stored: where a database has the interactions, if they come from one.
    """

    rows: int
    duplicates: int
    columns: dict[str, str | None]
    dropped: tuple[Dropped, ...] = ()
    unread_event: str | None = None
    stored: LogPlaces | None = None

    def with_dropped(self, more: Iterable[Dropped]) -> InteractionsReport:
        """The report with what a later step (a filter) dropped."""
        return replace(self, dropped=(*self.dropped, *more))

    def with_repeated(self, before: Interactions, after: Interactions, rule: DuplicateRule) -> InteractionsReport:
        """The report with the rows that a log lost as repeated pairs, when its files were joined."""
        more = _repeated([before], [after], rule)
        dropped = _added_up([*self.dropped, *more])
        return replace(self, duplicates=self.duplicates + len(before) - len(after), dropped=tuple(dropped))


def read_interactions(
    config: InteractionsConfig, *, more: Sequence[Path] = (), deduplicate: bool = True
) -> tuple[list[Interactions], InteractionsReport]:
    """Read a log, and further files of the same layout, over id maps that all of them share.

    Users and items are numbered in order of first appearance, sessions (over all files) in order of time.

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
    files = [read_log_file(path, config) for path in paths]
    if files[0].rows == 0:
        raise DataError("there is no interaction in the file, only a header", path=config.path)
    if len(files[0].user) == 0:
        raise DataError("there is no interaction in the file", path=config.path)
    columns, rows = files[0].names, sum(file.rows for file in files)
    dropped = _added_up([entry for file in files for entry in file.dropped])
    logs = _numbered(files, config.session_gap)
    n = sum(map(len, logs))
    if deduplicate:
        whole, logs = logs, [deduplicated(log, config.duplicates) for log in logs]
        dropped += _repeated(whole, logs, config.duplicates)
    duplicates = n - sum(map(len, logs))
    return logs, InteractionsReport(rows, duplicates, columns, tuple(dropped), files[0].unread_event)


def _numbered(files: list[LogFile], gap: float | None) -> list[Interactions]:
    users, user = numbered([file.user for file in files])
    items, item = numbered([file.item for file in files])
    sessions = _sessions(files, user, gap)
    return [
        Interactions.sorted(users, items, user[n], item[n], file.weight, file.time, sessions[n])
        for n, file in enumerate(files)
    ]


def _sessions(
    files: list[LogFile], user: list[npt.NDArray[np.int32]], gap: float | None
) -> list[npt.NDArray[np.int32]] | list[None]:
    """Session of each row of each file; one of the first, train, may go on in the others, which change none of it."""
    named = [file.session for file in files if file.session is not None]
    if not named and gap is None:
        return [None] * len(files)
    times = [file.time for file in files if file.time is not None]
    found = session_numbers(
        np.concatenate(user),
        np.concatenate(numbered(named)[1]) if named else None,
        np.concatenate(times) if len(times) == len(files) else None,
        gap,
        len(user[0]),
    )
    return np.split(found, np.cumsum([len(part) for part in user])[:-1])


def _added_up(dropped: Sequence[Dropped]) -> list[Dropped]:
    """What was dropped, one entry a rule."""
    found: dict[str, Dropped] = {}
    for entry in dropped:
        before = found.get(entry.rule)
        if before is not None:
            entry = replace(before, rows=before.rows + entry.rows, users=before.users + entry.users)
        found[entry.rule] = entry
    return list(found.values())


def _repeated(before: list[Interactions], after: list[Interactions], rule: DuplicateRule) -> list[Dropped]:
    """The rows dropped as repeated pairs, with a pair as example."""
    rows = sum(map(len, before)) - sum(map(len, after))
    if rows == 0:
        return []
    log, left = next((one, other) for one, other in zip(before, after, strict=True) if len(one) != len(other))
    # Where the two first differ stands a repeated pair: one dropped there, or one that moved up onto its like.
    differ = (log.user[: len(left)] != left.user) | (log.item[: len(left)] != left.item)
    at = int(differ.argmax()) if differ.any() else len(left)
    example = f"user {log.users.id(int(log.user[at]))}, item {log.items.id(int(log.item[at]))}"
    return [Dropped(f"pair of user and item met again ({RULES[rule]})", rows, example=example)]
