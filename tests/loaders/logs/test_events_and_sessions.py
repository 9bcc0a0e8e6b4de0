"""Logs of events and sessions: what they weigh, where a session ends, and who its user is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import DataError, Interactions
from plait.loaders import InteractionsConfig, read_interactions
from plait.loaders.logs.dropped import Dropped
from plait.loaders.logs.sessions import session_numbers

EVENTS = """user,item,event,count,at
u1,i9,view,2,10
u1,,search,,20
u2,i8,buy,1,30
u2,i9,hover,many,40
u3,i8,cart,0.5,50
u1,i7,view,1,60
u1,i7,,1,70
"""
WEIGHTS = {"view": 1, "cart": 3, "buy": 5}


def written(folder: Path, text: str, name: str = "log.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def read(path: Path, **options: Any) -> tuple[Interactions, tuple[Dropped, ...]]:
    (log,), report = read_interactions(InteractionsConfig(path=path, **options))
    return log, report.dropped


def listed(log: Interactions) -> list[tuple[str, str, float]]:
    return list(zip(log.users.ids(log.user), log.items.ids(log.item), log.weight.tolist(), strict=True))


@pytest.mark.parametrize("event", [None, "event"])
def test_events_weigh_what_they_are_said_to(tmp_path: Path, event: str | None) -> None:
    log, dropped = read(written(tmp_path, EVENTS), event=event, events=WEIGHTS)
    # Event's weight times count. The search without an item and the hover without a number are no errors.
    assert listed(log) == [("u1", "i9", 1 * 2), ("u2", "i8", 5 * 1), ("u3", "i8", 3 * 0.5), ("u1", "i7", 1 * 1)]
    assert dropped == (Dropped("event not in data.interactions.events", 3, example="search"),)


def test_the_report_counts_all_rows_and_the_event_column(tmp_path: Path) -> None:
    _, report = read_interactions(InteractionsConfig(path=written(tmp_path, EVENTS), events={"view": 2}))
    assert (report.rows, report.duplicates) == (7, 0)
    assert report.columns == {"user": "user", "item": "item", "weight": "count", "time": "at", "event": "event"}
    assert report.dropped[0].rows == 5
    more = report.with_dropped([Dropped("another", 1)])
    assert [entry.rows for entry in more.dropped] == [5, 1]


@pytest.mark.parametrize("rule", ["last", "max", "sum"])
def test_events_of_one_pair_become_one_row(tmp_path: Path, rule: str) -> None:
    path = written(tmp_path, "user,item,event\nu,i,view\nu,i,buy\nu,i,cart\nu,i,cart\n")
    log, dropped = read(path, events=WEIGHTS, duplicates=rule)
    assert listed(log) == [("u", "i", {"last": 3, "max": 5, "sum": 1 + 5 + 3 + 3}[rule])]
    assert (dropped[0].rows, dropped[0].example) == (3, "user u, item i")
    assert {"last": "last", "max": "heaviest", "sum": "sum"}[rule] in dropped[0].rule


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",i,view,1,80", "log.csv:9: the user's id is empty"),
        ("u,,buy,1,80", "log.csv:9: the item's id is empty"),
        ("u,i,view,x,80", "log.csv:9: the weight is 'x'"),
        ("u,i,view,1,late", "log.csv:9: the time is 'late'"),
        ("u,i,view,1,", "log.csv:9: the time is empty"),
        ("u,i,buy,1e38,80", "log.csv:9: the weight 5e+38 is too large"),
    ],
)
def test_a_bad_row_is_named_by_its_line_though_rows_before_it_are_dropped(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(written(tmp_path, EVENTS + row + "\nu,i,view,1,90\n"), events=WEIGHTS)
    assert message in str(caught.value)


def test_a_log_without_a_listed_event_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no row is of an event in data.interactions.events; the file has 'view', 'se"):
        read(written(tmp_path, EVENTS), events={"purchase": 1})
    with pytest.raises(DataError, match="event's type among user, item; name it under data.interactions.event$"):
        read(written(tmp_path, "user,item\nu,i\n"), events={"buy": 1})


@pytest.mark.parametrize(
    "options",
    [{"event": "event"}, {"events": {}}, {"events": {"buy": float("nan")}}, {"session_gap": 0}, {"session_gap": -1}],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InteractionsConfig(path=Path("log.csv"), **options)


def test_events_of_further_files_are_dropped_and_counted_together(tmp_path: Path) -> None:
    train = written(tmp_path, "user,item,event\nu,i,buy\nu,j,hover\n", "train.csv")
    test = written(tmp_path, "user,item,event\nv,j,search\nv,i,buy\nv,j,hover\n", "test.csv")
    logs, report = read_interactions(InteractionsConfig(path=train, events=WEIGHTS), more=[test])
    assert [listed(log) for log in logs] == [[("u", "i", 5)], [("v", "i", 5)]]
    assert report.dropped == (Dropped("event not in data.interactions.events", 3, example="hover"),)
    assert list(logs[0].items) == ["i"]  # j was never met


SESSIONS = """user,item,at,visit
b,i1,3000,s1
a,i1,0,s1
a,i2,600,s1
a,i3,1201,s1
a,i4,1300,s2
b,i2,3600,s1
"""


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        # In order of time: a i1, a i2, a i3, a i4, b i1, b i2.
        ({}, None),
        ({"session": "visit"}, [0, 0, 0, 1, 2, 2]),  # s1 of b is not s1 of a
        ({"session_gap": 10}, [0, 0, 1, 1, 2, 2]),  # 600 s is no longer than 10 minutes, 601 s is
        ({"session": "visit", "session_gap": 10}, [0, 0, 1, 2, 3, 3]),
        ({"session_gap": 9.9}, [0, 1, 2, 2, 3, 4]),
    ],
)
def test_sessions_end_by_name_and_by_idleness(
    tmp_path: Path, options: dict[str, Any], wanted: list[int] | None
) -> None:
    log, _ = read(written(tmp_path, SESSIONS), **options)
    assert log.items.ids(log.item) == ["i1", "i2", "i3", "i4", "i1", "i2"]
    assert (None if log.session is None else log.session.tolist()) == wanted
    assert log.session is None or log.session.dtype == np.int32


def test_without_a_user_a_session_is_one(tmp_path: Path) -> None:
    path = written(tmp_path, "visit,item,at\ns2,i1,50\ns1,i2,10\ns2,i3,9000\n")
    log, _ = read(path, session="visit", session_gap=30)
    assert log.users.ids(log.user) == ["s1", "s2", "s2"]
    assert log.session is not None
    assert log.session.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match=r"user's id among visit, item, at.*or, of a log of anonymous sessions"):
        read(path)


def test_sessions_are_told_over_all_files(tmp_path: Path) -> None:
    train = written(tmp_path, "user,item,at\nu,i,100\nv,i,0\n", "train.csv")
    test = written(tmp_path, "user,item,at\nu,j,160\nv,j,9000\n", "test.csv")
    logs, _ = read_interactions(InteractionsConfig(path=train, session_gap=1), more=[test])
    # u goes on within the minute; v comes back later. In order of time: v, u, u, v.
    assert [log.session.tolist() for log in logs if log.session is not None] == [[0, 1], [1, 2]]


def test_idleness_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data.interactions.session_gap needs times"):
        read(written(tmp_path, "user,item\nu,i\n"), session_gap=30)
    with pytest.raises(DataError, match="no column 'sesion' for the session.*did you mean 'session'"):
        read(written(tmp_path, "user,item,session\nu,i,1\n"), session="sesion")
    with pytest.raises(DataError, match=r"log\.csv:3: the session's id is empty"):
        read(written(tmp_path, "user,item,session\nu,i,1\nu,j,\n"), session="session")


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 12)), max_size=25)


@given(rows, st.sampled_from([None, 1.0, 3.0]), st.booleans(), st.booleans())
def test_sessions_are_those_of_going_row_by_row(
    log: list[tuple[int, int, int]], gap: float | None, named: bool, timed: bool
) -> None:
    user, name, minute = (np.array(column, dtype=np.int32) for column in zip(*log, strict=True)) if log else [np.zeros(0, np.int32)] * 3  # fmt: skip
    time = minute * 60.0
    found = session_numbers(user, name if named else None, time if timed else None, gap)
    order = np.argsort(time, kind="stable") if timed else np.arange(len(log))
    last: dict[tuple[int, int], tuple[float, int]] = {}
    wanted, count = np.zeros(len(log), dtype=np.int64), 0
    for row in order.tolist():
        key = (int(user[row]), int(name[row]) if named else 0)
        before = last.get(key)
        if before is None or (timed and gap is not None and time[row] - before[0] > gap * 60):
            before, count = (0.0, count), count + 1
        last[key] = (float(time[row]), before[1])
        wanted[row] = before[1]
    assert found.tolist() == wanted.tolist()


def test_what_is_held_out_changes_no_session_of_train(tmp_path: Path) -> None:
    train = written(tmp_path, "user,item,at\nu,i,0\nu,j,2400\n", "train.csv")
    test = written(tmp_path, "user,item,at\nu,k,1200\nu,l,3000\nu,m,9000\n", "test.csv")
    logs, _ = read_interactions(InteractionsConfig(path=train, session_gap=30), more=[test])
    (alone,), _ = read_interactions(InteractionsConfig(path=train, session_gap=30))
    # 40 minutes are too many; that a held-out row lies between does not make one session of two.
    assert [log.session.tolist() for log in [alone, *logs] if log.session is not None] == [[0, 1], [0, 1], [0, 1, 2]]


@given(rows, rows, st.sampled_from([1.0, 3.0]), st.booleans())
def test_rows_of_train_are_together_as_they_are_without_the_others(
    train: list[tuple[int, int, int]], other: list[tuple[int, int, int]], gap: float, named: bool
) -> None:
    if not train:
        return
    user, name, minute = (np.array(column, dtype=np.int32) for column in zip(*train, *other, strict=True))
    names = name if named else None
    n, time = len(train), minute * 60.0
    both = session_numbers(user, names, time, gap, n)
    alone = session_numbers(user[:n], None if names is None else names[:n], time[:n], gap)
    assert ((both[:n, None] == both[:n]) == (alone[:, None] == alone)).all()
    # A session has one user and name, and its rows lie close.
    for number in set(both.tolist()):
        of = both == number
        assert len(set(user[of].tolist())) == 1
        assert names is None or len(set(names[of].tolist())) == 1
        assert (np.diff(np.sort(time[of])) <= gap * 60).all()


@pytest.mark.parametrize(
    ("header", "options", "wanted"),
    [
        ("user,item,event", {}, "event"),
        ("user,item,Action", {}, "Action"),
        ("user,item,event", {"events": {"x": 1}}, None),
        ("user,item,note", {}, None),
        ("user,action,event", {"item": "action"}, "event"),
        ("user,action,note", {"item": "action"}, None),
    ],
)
def test_a_column_of_events_that_is_not_read_is_told(
    tmp_path: Path, header: str, options: dict[str, Any], wanted: str | None
) -> None:
    path = written(tmp_path, f"{header}\nu,i,x\n")
    _, report = read_interactions(InteractionsConfig(path=path, **options))
    assert report.unread_event == wanted
