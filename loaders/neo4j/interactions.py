"""Interactions kept as relationships of a Neo4j database: (:User)-[:BOUGHT {at, weight}]->(:Product)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field, PositiveInt, field_validator

from ...kg import DataError, Interactions, Update
from ..collector import TripleCollector
from ..logs.dropped import Dropped
from ..logs.duplicates import DuplicateRule, deduplicated
from ..logs.id_columns import IdColumn, numbered
from ..logs.interactions import InteractionsReport
from ..logs.sessions import session_numbers
from .connection import Connection, Neo4jServer, connected
from .edges import read_edges
from .moments import seconds_of_values, weights_of_values
from .nodes import NodeReading
from .places import LogPlaces
from .plans import LabelPlan, ReadPlan, plan_of
from .read import keys_of

__all__ = ["Neo4jInteractions", "read_neo4j_interactions"]

EventWeight = Annotated[float, Field(allow_inf_nan=False)]
Rows = npt.NDArray[np.int32]


class Neo4jInteractions(Neo4jServer):
    """Which relationships of a Neo4j database are the interactions."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: Literal["neo4j"]

    user_label: str
    """Label of the users, at which the relationships begin."""

    item_label: str
    """Label of the items, at which they end."""

    relationships: dict[str, EventWeight] = Field(min_length=1)
    """Their types, and what each weighs: {VIEWED: 1, BOUGHT: 3}; or a list of types that weigh 1. It multiplies the
    property `weight`, if there is one."""

    weight: str | None = None
    """Property of the relationships that is their strength; 1 where a relationship lacks it."""

    time: str | None = None
    """Property of the relationships that is their time; each needs it."""

    keys: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """For users' and items' labels the property, or properties, whose value is the id; guessed as for the graph."""

    separator: str = Field(default="|", min_length=1)
    """Stands between the values of a composite key."""

    session_gap: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Minutes of idleness after which a user's next interaction begins a new session; needs `time`."""

    min_weight: float | None = None
    """What counts as liked: rows below are known to be seen and never recommended, but are no positives."""

    duplicates: DuplicateRule = "last"
    """Which row stays where a user met an item more than once: last, first, sum or max."""

    batch: PositiveInt = 20_000
    """About how many relationships are asked for at once."""

    @field_validator("relationships", mode="before")
    @classmethod
    def _weighed(cls, types: Any) -> Any:
        if isinstance(types, str):
            return {types: 1.0}
        return dict.fromkeys(types, 1.0) if isinstance(types, list | tuple) else types

    @field_validator("keys", mode="before")
    @classmethod
    def _listed(cls, keys: Any) -> Any:
        return keys_of(keys)


@dataclass
class _Columns:
    """The relationships so far: rows of user and item among the nodes read, weights and times."""

    user: list[Rows] = field(default_factory=list)
    item: list[Rows] = field(default_factory=list)
    weight: list[npt.NDArray[np.float64]] = field(default_factory=list)
    time: list[npt.NDArray[np.float64]] = field(default_factory=list)


def read_neo4j_interactions(
    config: Neo4jInteractions, *, deduplicate: bool = True, on_progress: Update | None = None
) -> tuple[list[Interactions], InteractionsReport]:
    """Read the interactions of a database, as `read_interactions` reads those of files.

    Users and items are those that interact, numbered in order of first appearance. What is read here must be left out
    of the graph: `read_neo4j(..., without=config.relationships)`.

    Args:
        config: what and where.
        deduplicate: whether repeated pairs become one row. Not before a split.
        on_progress: told how many nodes and relationships have come, and of how many.

    Returns:
        A list of the one log, and a report.

    Raises:
        ConfigError: if user, password, database, a label, type or key do not fit.
        DataError: if there is no such relationship, a weight is no number, or a time is absent or unreadable.
    """
    if config.session_gap is not None and config.time is None:
        raise DataError("data.interactions.session_gap needs times; name their property under data.interactions.time")
    with connected(config) as connection:
        reading = _LogReading(connection, config, on_progress)
        log = reading.run()
    rows, dropped = len(log) + reading.elsewhere, reading.dropped()
    kept = deduplicated(log, config.duplicates) if deduplicate else log
    if len(kept) < len(log):
        dropped.append(Dropped("pair of user and item met again", len(log) - len(kept)))
    columns: dict[str, str | None] = {
        "user": config.user_label,
        "item": config.item_label,
        "weight": config.weight,
        "time": config.time,
    }
    return [kept], InteractionsReport(rows, len(log) - len(kept), columns, tuple(dropped), stored=reading.places)


class _LogReading:
    """One reading of a log; `elsewhere` are relationships of its types that join other labels, `places` where all is."""

    def __init__(self, connection: Connection, config: Neo4jInteractions, on_progress: Update | None) -> None:
        self.elsewhere = 0
        self.places: LogPlaces | None = None
        self._connection, self._config, self._on_progress = connection, config, on_progress
        self._columns, self._done, self._total = _Columns(), 0, 0

    def run(self) -> Interactions:
        config = self._config
        plan = plan_of(
            self._connection,
            labels=(config.user_label, config.item_label),
            relationships=config.relationships,
            without=(),
            keys=config.keys,
            exclude=(),
        )
        self._total = plan.total
        # Without their properties: here they are but ids.
        users, items = (self._nodes(replace(plan.labels[at], properties=()), plan) for at in (0, -1))
        for kind, count in plan.types.items():
            came, outside = read_edges(
                self._connection,
                users.identities(),
                {kind: count},
                identity=plan.identity,
                properties=[name for name in (config.weight, config.time) if name is not None],
                batch=config.batch,
                tell=self._teller(),
                advance=self._advance,
                ends=items.identities(),
                own=plan.own,
            )
            self.elsewhere += max(count, came[kind]) - came[kind] + outside[kind]
        log = self._log(users, items)
        self.places = LogPlaces(user=users.places()[0], item=items.places()[0], types=tuple(plan.types))
        return log

    def _nodes(self, label: LabelPlan, plan: ReadPlan) -> NodeReading:
        nodes = NodeReading(
            self._connection,
            TripleCollector(),
            identity=plan.identity,
            separator=self._config.separator,
            batch=self._config.batch,
            prefixed=lambda label: False,
            advance=self._advance,
            own=plan.own,
        )
        nodes.read(label)
        nodes.check_distinct()
        return nodes

    def _teller(self) -> Callable[[str, Rows, Rows, list[list[Any]]], None]:
        config, columns = self._config, self._columns

        def tell(kind: str, user: Rows, item: Rows, values: list[list[Any]]) -> None:
            names = [name for name in (config.weight, config.time) if name is not None]
            by_name = dict(zip(names, values, strict=True))
            columns.user.append(user)
            columns.item.append(item)
            columns.weight.append(config.relationships[kind] * self._weights(by_name, kind, len(user)))
            if config.time is not None:
                columns.time.append(self._times(by_name[config.time], kind))

        return tell

    def _weights(self, by_name: Mapping[str, list[Any]], kind: str, n: int) -> npt.NDArray[np.float64]:
        if self._config.weight is None:
            return np.ones(n)
        numbers, bad = weights_of_values(by_name[self._config.weight])
        if bad:
            raise DataError(
                f"{len(bad):,} relationships {kind} have a {self._config.weight} that is no number, such as {str(bad[0])!r}; "
                "correct them, or name another property under data.interactions.weight"
            )
        return np.where(np.isnan(numbers), 1.0, numbers)

    def _times(self, values: list[Any], kind: str) -> npt.NDArray[np.float64]:
        seconds, bad = seconds_of_values(values)
        unknown = int(np.isnan(seconds).sum())
        if unknown:
            example = f", such as {str(bad[0])!r}" if bad else ""
            raise DataError(
                f"{unknown:,} relationships {kind} have no time in {self._config.time}{example}; correct them, or name "
                "another property under data.interactions.time"
            )
        return seconds

    def _log(self, users: NodeReading, items: NodeReading) -> Interactions:
        columns, config = self._columns, self._config
        if not sum(map(len, columns.user)):
            raise DataError(
                f"{self._connection.where} has no relationship {', '.join(config.relationships)} from :{config.user_label} to "
                f":{config.item_label}; check their direction under data.interactions"
            )
        user_ids, (user,) = numbered([IdColumn(np.concatenate(columns.user), users.ids())])
        item_ids, (item,) = numbered([IdColumn(np.concatenate(columns.item), items.ids())])
        weight = np.concatenate(columns.weight).astype(np.float32)
        time = np.concatenate(columns.time) if columns.time else None
        sessions = None if config.session_gap is None else session_numbers(user, None, time, config.session_gap)
        return Interactions.sorted(user_ids, item_ids, user, item, weight, time, sessions)

    def dropped(self) -> list[Dropped]:
        """What the log leaves out."""
        if not self.elsewhere:
            return []
        rule = f"relationship that does not lead from :{self._config.user_label} to :{self._config.item_label}"
        return [Dropped(rule, self.elsewhere)]

    def _advance(self, n: int) -> None:
        self._done += n
        if self._on_progress is not None:
            self._on_progress(self._done, max(self._total, self._done), "interactions")
