"""What looks wrong in the log of interactions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...kg import Interactions
from ..logs.interactions import InteractionsReport
from .distributions import YEAR_1990, YEAR_2100, gini
from .finding import EXAMPLES, Finding, counted

__all__ = ["log_findings"]

RATING_NAMES = frozenset({"rating", "score", "overall", "stars"})


def log_findings(
    log: Interactions, report: InteractionsReport, min_weight: float | None, strategy: str | None = None
) -> Iterator[Finding]:
    """Judge the interactions as they were read.

    Args:
        log: the interactions.
        report: how they were read.
        min_weight: the weight from which an interaction counts as liked; None for all.
        strategy: how they are to be split, as in `split.strategy`; None where nothing is said.
    """
    yield from _dropped(report)
    yield from _times(log, strategy)
    if report.unread_event is not None:
        yield Finding(
            "unread-events", "warning", f"the column {report.unread_event!r} looks like event types and is not read: every row counts alike",
            len(log), (), "say what each type weighs, data.interactions.events: {view: 1, buy: 5}, unless all are of one type",
        )  # fmt: skip
    rated = (report.columns.get("weight") or "").lower() in RATING_NAMES
    if min_weight is None and rated and len(log) and len(np.unique(log.weight)) > 1:
        low = float(np.quantile(log.weight, 0.25))
        yield Finding(
            "all-ratings-liked", "warning", "ratings of all heights count as liked", len(log),
            (f"a quarter of them is {low:g} or less",), "set data.interactions.min_weight to say what is liked",
        )  # fmt: skip
    yield from _histories(log.at_least(min_weight), min_weight)


def _dropped(report: InteractionsReport) -> Iterator[Finding]:
    """Rows that a rule left out."""
    for row in report.dropped:
        if row.rows or row.users or row.items:
            with_them = [counted(n, what) for n, what in ((row.users, "user"), (row.items, "item")) if n]
            vanished = f", and with them {' and '.join(with_them)}" if with_them else ""
            yield Finding(
                "dropped-rows", "info", f"left out: {counted(row.rows, 'row')}{vanished}: {row.rule}", row.rows,
                (row.example,) if row.example else (), "see that data.interactions and data.filters mean it so",
            )  # fmt: skip


def _times(log: Interactions, strategy: str | None) -> Iterator[Finding]:
    in_time = strategy in (None, "temporal", "temporal_per_user")
    if log.time is None:
        sentence = "no time column: " + ("temporal splits are not possible, and order" if in_time else "order")
        yield Finding(
            "no-time", "warning" if in_time else "info", f"{sentence} is the file's", len(log), (),
            "name the column with data.interactions.time" + (", or choose split.strategy: leave_last_out" if in_time else ""),
        )  # fmt: skip
        return
    odd = np.flatnonzero((log.time < YEAR_1990) | (log.time > YEAR_2100))
    if len(odd):
        examples = [
            f"{log.users.id(int(log.user[at]))} and {log.items.id(int(log.item[at]))} at {log.time[at]:.0f} s since 1970"
            for at in odd[:EXAMPLES]
        ]
        yield Finding(
            "odd-times", "warning", f"{counted(len(odd), 'interaction is', 'interactions are')} dated before 1990 or after 2100",
            len(odd), tuple(examples), "correct them, or name another column with data.interactions.time",
        )  # fmt: skip
    if len(log) > 1 and log.time[0] == log.time[-1]:
        yield Finding(
            "one-time", "warning", "all interactions have the same time: their order means nothing", len(log), (),
            "name another column with data.interactions.time"
            + (", or choose split.strategy: leave_last_out" if in_time else ""),
        )  # fmt: skip


def _histories(liked: Interactions, min_weight: float | None) -> Iterator[Finding]:
    if not len(liked):
        remedy = f"lower data.interactions.min_weight: no weight reaches {min_weight:g}" if min_weight else ""
        yield Finding("no-positives", "error", "no interaction counts as liked", 0, (), remedy)
        return
    lengths = np.bincount(liked.user, minlength=len(liked.users))
    single = np.flatnonzero(lengths == 1)
    if len(single) > 0.5 * (lengths > 0).sum():
        yield Finding(
            "short-histories", "warning", f"{len(single):,} of {counted(int((lengths > 0).sum()), 'user')} like one item only",
            len(single), tuple(liked.users.ids(single[:EXAMPLES])),
            "nothing of theirs can be held out with a history left: take a longer period",
        )  # fmt: skip
    met = np.bincount(liked.item, minlength=len(liked.items))
    met = met[met > 0]
    best = np.sort(met)[::-1]
    head = best[: max(1, len(best) // 10)].sum() / best.sum()
    if gini(met) > 0.8:
        yield Finding(
            "long-tail", "info", f"a tenth of the items has {head:.0%} of what is liked (Gini {gini(met):.2f})",
            len(best), (), "compare with evaluation's coverage: popular items crowd out the others",
        )  # fmt: skip
    rare = int((met < 5).sum())
    if rare > 0.5 * len(met):
        yield Finding(
            "rare-items", "info", f"{rare:,} of {counted(len(met), 'item')} are liked fewer than five times", rare, (),
            "the graph and the texts matter most for these: see that data.links and data.items cover them",
        )  # fmt: skip
