"""Reviews: what users wrote about items, of the train part and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from ..kg import DataError, IdMap, Interactions, Numbers
from .files.tables import find_column, first_rows, listed, read_table, words_of
from .logs.events import weights_of_events
from .logs.histories import is_of_histories
from .logs.id_columns import id_column
from .logs.interactions import InteractionsConfig
from .logs.log_files import USUAL
from .logs.times import seconds_of

__all__ = ["Reviews", "ReviewsConfig", "read_reviews"]

REVIEW_NAMES = ("review", "review_text", "reviewtext", "review_body", "text", "comment", "summary")
HEAD_NAMES = ("summary", "review_title", "review_headline")
"""Columns of a line above the review, which often says the most."""


class ReviewsConfig(BaseModel):
    """What is made of the reviews in a log; their column is `interactions.review`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    polarity: Literal["weight", "none"] = "none"
    """weight: where the log has no ratings, an interaction weighs (1 + polarity) / 2 of what it did, polarity being -1 for
    the worst review and 1 for the best, and one with a negative review is no positive. Ratings that are there stand."""

    aspects: bool = True
    """Whether what reviews speak of ("battery life") becomes entities of the graph, linked to the items praised or
    criticised for it. Needs a graph, and reviews in English."""

    min_reviews: int = Field(default=5, ge=1)
    """An aspect is kept where at least so many reviews speak of it, 1 or more; 3 to 20 is sensible."""

    min_items: int = Field(default=3, ge=1)
    """And reviews of at least so many items, 1 or more; what is said of one item joins it to nothing."""

    most: int = Field(default=200, ge=1)
    """Aspects for each type of item, those first that tell items apart, 1 or more."""


@dataclass(frozen=True, eq=False)
class Reviews:
    """Reviews of the train part, at most one an interaction.

    Attributes:
        row: row of the train part that each review belongs to, ascending, shape (n,).
        user: user numbers, shape (n,).
        item: item numbers, shape (n,).
        text: what was written, never blank, large_string, n long.
        time: seconds since 1970 in UTC, shape (n,), or None where unknown.
        held_out: reviews of the file passed over since no row of the train part is theirs.
        ambiguous: reviews passed over since several, of different text, claim one row of the train part.
        blank: rows of the train part without a word.
        columns: the columns read as text.
    """

    row: Numbers
    user: npt.NDArray[np.int32]
    item: npt.NDArray[np.int32]
    text: pa.Array
    time: npt.NDArray[np.float64] | None
    held_out: int
    ambiguous: int
    blank: int
    columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.row)

    def __repr__(self) -> str:
        return f"Reviews({len(self):,} of the train part, {self.held_out:,} of held-out or dropped rows passed over)"


def read_reviews(config: InteractionsConfig, train: Interactions) -> Reviews:
    """Read the reviews that belong to rows of `train`, as it is after split and duplicates.

    A review belongs to the row of the same user, item and (where the log has times) time: so neither the text of a
    held-out row is kept, nor a later one on an item the user had met in train. Only the log's own file is read, never those
    of a given split's validation or test.

    Args:
        config: the log's.
        train: the rows that may be known.

    Raises:
        DataError: if the log has no column of reviews, or one that is no text.
    """
    path = config.path
    if config.layout == "histories" or (config.layout == "auto" and is_of_histories(path)):
        raise DataError("the file holds histories, which have no reviews; remove data.reviews", path=path)
    head = first_rows(path)
    names = {
        what: find_column(head, getattr(config, what), USUAL[what], what, path) for what in ("user", "item", "time")
    }
    names["user"] = names["user"] or config.session
    texts = _text_columns(head, config, path)
    event = find_column(head, config.event, USUAL["event"], "event", path) if config.events is not None else None
    wanted = [*names.values(), event, *texts]
    table = read_table(path, columns=list(dict.fromkeys(name for name in wanted if name is not None)))
    if event is not None and config.events is not None and len(table):
        weights, _ = weights_of_events(table.column(event), config.events, path)
        table = table.filter(pa.array(~np.isnan(weights)))
    row = _rows_of(table, names, config, train)
    known = np.flatnonzero(row >= 0)
    # Only now is any text looked at, and of these rows alone.
    text = _joined([table.column(name).take(pa.array(known)) for name in texts], path)
    row, text, ambiguous, blank = _one_each(row[known], text)
    time = None if train.time is None else train.time[row]
    held_out = len(table) - len(known)
    return Reviews(row, train.user[row], train.item[row], text, time, held_out, ambiguous, blank, texts)


def _text_columns(head: pa.Table, config: InteractionsConfig, path: Path) -> tuple[str, ...]:
    """The columns of text, a headline first."""
    used = [getattr(config, what) for what in ("user", "item", "weight", "time", "event", "session")]
    usual = [name for name in REVIEW_NAMES if name not in [str(other).lower() for other in used if other is not None]]
    main = find_column(head, config.review, usual, "review", path)
    if main is None:
        raise DataError(
            f"no column looks like a review among {listed(head.column_names)}; name it under data.interactions.review, "
            "or remove data.reviews",
            path=path,
        )
    above = find_column(head, None, HEAD_NAMES, "review", path) if config.review is None else None
    return (main,) if above is None or above == main else (above, main)


def _rows_of(table: pa.Table, names: dict[str, str | None], config: InteractionsConfig, train: Interactions) -> Numbers:
    """Row of the train part that each row of the file is, -1 for none, shape (n,)."""
    user = _numbers(table, names["user"], "user", config.path, train.users)
    item = _numbers(table, names["item"], "item", config.path, train.items)
    time = None
    if train.time is not None and names["time"] is not None:
        time = seconds_of(table.column(names["time"]), config.path, config.time_zone)
    width = len(train.items)
    pair = np.where((user >= 0) & (item >= 0), user * width + item, -1)
    keys = train.user.astype(np.int64) * width + train.item
    order = np.argsort(keys, kind="stable")
    at = np.minimum(np.searchsorted(keys[order], pair), max(len(keys) - 1, 0))
    row = order[at] if len(keys) else np.full(len(pair), -1)
    here = np.zeros(len(pair), dtype=bool) if len(keys) == 0 else (keys[row] == pair)
    if time is not None and train.time is not None:
        here &= train.time[row] == time
    return np.where(here, row, -1).astype(np.int64)


def _numbers(table: pa.Table, name: str | None, what: str, path: Path, ids: IdMap) -> Numbers:
    found = id_column(table.column(name), what, path)
    of_value = np.append(ids.numbers(found.values, missing="negative"), -1)
    return np.asarray(of_value[found.codes], dtype=np.int64)


def _joined(columns: list[pa.ChunkedArray], path: Path) -> pa.Array:
    """Texts in one, a headline and a full stop before the review; "" where there is none."""
    words = [pc.utf8_trim_whitespace(pc.fill_null(words_of(column, "review", path), "")) for column in columns]
    if len(words) == 1:
        return pa.chunked_array(words[0].chunks, pa.large_string()).combine_chunks()
    above, text = words
    both = pc.and_(pc.not_equal(above, ""), pc.not_equal(text, ""))
    # Shops fill an empty headline with the beginning of the text.
    same = pc.equal(above, text)
    between = pc.if_else(both, *(pa.scalar(part, pa.large_string()) for part in (". ", "")))
    joined = pc.binary_join_element_wise(above, between, text, pa.scalar("", pa.large_string()))
    return pa.chunked_array(pc.if_else(same, text, joined).chunks, pa.large_string()).combine_chunks()


def _one_each(row: Numbers, text: pa.Array) -> tuple[Numbers, pa.Array, int, int]:
    """At most one text a row, by row; how many were passed over as ambiguous, and how many rows have only a blank."""
    worded = np.asarray(pc.not_equal(text, ""), dtype=bool)
    blank = len(np.setdiff1d(row[~worded], row[worded]))
    row, text = row[worded], text.filter(pa.array(worded))
    code = np.asarray(text.dictionary_encode().indices, dtype=np.int64)
    order = np.lexsort((code, row))
    first = np.ones(len(row), dtype=bool)
    first[1:] = row[order[1:]] != row[order[:-1]]
    group = np.cumsum(first) - 1
    # Which of them the train part's row came with cannot be known: any could be the held-out one's.
    differ = np.zeros(int(first.sum()), dtype=bool)
    np.logical_or.at(differ, group[1:], ~first[1:] & (code[order[1:]] != code[order[:-1]]))
    chosen = order[first & ~differ[group]]
    return row[chosen], text.take(pa.array(chosen)), int(differ[group].sum()), blank
