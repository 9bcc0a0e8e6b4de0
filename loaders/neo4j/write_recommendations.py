"""Recommendations into a Neo4j database: relationships from users to items, replaced user by user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import ConfigError, DataError, Numbers, Update
from .batches import CONNECTIONS, Preview, send, slices
from .connection import Connection, Neo4jServer, Written, connected
from .ledger import CREATED_BY, Entry, note
from .names import cypher, quoted
from .node_ids import NodeIds, checked_names, examples

__all__ = ["RecommendationReport", "write_recommendations"]

BATCH = 5000
COLUMNS = ("user_id", "item_id", "score", "rank")


@dataclass(frozen=True)
class RecommendationReport:
    """What a write-back of recommendations did.

    Attributes:
        users: users whose recommendations were replaced.
        created, deleted: relationships.
        users_created: nodes made for users that had none.
        unknown_users, unknown_items: ids that no node has: how many, and some.
        preview: what would be written, if nothing was; `created` is then 0.
    """

    users: int
    created: int
    deleted: int
    users_created: int
    unknown_users: tuple[int, list[str]]
    unknown_items: tuple[int, list[str]]
    preview: Preview | None = None


def write_recommendations(
    server: Neo4jServer,
    table: pa.Table,
    *,
    user_label: str,
    item_label: str,
    user_key: str | Sequence[str],
    item_key: str | Sequence[str],
    model_id: str,
    created: datetime,
    name: str = "RECOMMENDED",
    separator: str = "|",
    user_id_prefix: bool = False,
    item_id_prefix: bool = False,
    create_users: bool = False,
    batch: int = BATCH,
    dry_run: bool = False,
    must_match: bool = False,
    on_progress: Update | None = None,
) -> RecommendationReport:
    """Write relationships (:User)-[:RECOMMENDED {score, rank, model, at}]->(:Item).

    Those that a user has of this model are deleted in the same transaction, so that nobody sees a list by half; those of
    other models, and of other people, stay. Users the table does not name keep theirs.

    Args:
        server: where to.
        table: columns `user_id`, `item_id` (strings), `score` and `rank`; of each pair one row.
        user_label, item_label: labels of the nodes.
        user_key, item_key: property, or properties, that make their ids.
        model_id: the model's id.
        created: the model's time, with a time zone.
        name: the relationships' type.
        separator: between the parts of a composite key.
        user_id_prefix, item_id_prefix: whether the ids begin with the label, as LABEL/ID.
        create_users: make nodes for unknown users, marked with the model's id as `plait_created_by`.
        batch: about how many relationships a transaction has; a user is never in two.
        dry_run: write nothing, and report what would be.
        must_match: take it for an error if no user, or no item, has a node.
        on_progress: told how many recommendations are done.

    Raises:
        DataError: if the table or a key cannot be used.
        ConfigError: if users are to be made of a composite key, or of ids that begin with a label.
    """
    keys = [[key] if isinstance(key, str) else [*key] for key in (user_key, item_key)]
    checked_names(user_label=user_label, item_label=item_label, name=name)
    for part in (*keys[0], *keys[1]):
        checked_names(key=part)
    if create_users and len(keys[0]) != 1:
        raise ConfigError(f"users cannot be created of a key of {len(keys[0])} properties; create them yourself")
    if create_users and user_id_prefix:
        raise ConfigError(f"users cannot be created of ids that begin with {user_label}/; create them yourself")
    table = _checked(table)
    with connected(server) as connection:
        writing = _Writing(connection, table, user_label, keys[0][0], name, model_id, created.astimezone(UTC))
        writing.find(
            NodeIds.read(connection, user_label, keys[0], separator=separator, prefix=user_id_prefix),
            NodeIds.read(connection, item_label, keys[1], separator=separator, prefix=item_id_prefix),
            create_users=create_users,
        )
        if must_match and len(table):
            writing.check_match(item_label, keys)
        if dry_run:
            return writing.report(preview=writing.preview(create_users))
        note(connection, Entry(model_id, "recommendations", user_label, name), writing.at)
        made = writing.make_users() if create_users else 0
        users, deleted, new = writing.replace(batch, on_progress)
        return writing.report(users, new, deleted, made)


def _checked(table: pa.Table) -> pa.Table:
    """The columns wanted, users together, best rank first."""
    lacking = [column for column in COLUMNS if column not in table.column_names]
    if lacking:
        raise DataError(
            f"the table of recommendations has no column {lacking[0]!r}; it is to have {', '.join(COLUMNS)}"
        )
    types = (pa.large_string(), pa.large_string(), pa.float64(), pa.int64())
    table = pa.table({c: table.column(c).cast(kind).combine_chunks() for c, kind in zip(COLUMNS, types, strict=True)})
    for column in COLUMNS:
        if table.column(column).null_count:
            raise DataError(f"a recommendation has no {column}")
    if not pc.all(pc.is_finite(table.column("score"))).as_py() and len(table):
        raise DataError("a recommendation has a score that is not finite")
    user = pc.dictionary_encode(table.column("user_id").combine_chunks()).indices
    order = np.lexsort((np.asarray(table.column("rank")), np.asarray(user)))
    table = table.take(pa.array(order))
    pairs = table.group_by(["user_id", "item_id"]).aggregate([([], "count_all")])
    if len(pairs) != len(table):
        twice = pairs.filter(pc.greater(pairs.column("count_all"), 1)).slice(0, 1).to_pylist()[0]
        raise DataError(f"the item {twice['item_id']!r} is recommended to the user {twice['user_id']!r} twice")
    return table


class _Writing:
    """One write-back under way."""

    def __init__(
        self, connection: Connection, table: pa.Table, label: str, key: str, name: str, model: str, at: datetime
    ) -> None:
        self.connection, self.table, self.label, self.key, self.name = connection, table, label, key, name
        self.model, self.at = model, at
        self.removal = cypher(
            "UNWIND $users AS id MATCH (u) WHERE elementId(u) = id",
            f"MATCH (u)-[r:{quoted(name)}]->() WHERE r.model = $model DELETE r",
        )
        self.creation = cypher(
            "UNWIND range(0, size($user) - 1) AS i",
            "MATCH (u) WHERE elementId(u) = $user[i] MATCH (v) WHERE elementId(v) = $item[i]",
            f"CREATE (u)-[:{quoted(name)} {{score: $score[i], rank: $rank[i], model: $model, at: $at}}]->(v)",
        )
        self.user_creation = cypher(
            f"UNWIND $ids AS id CREATE (u:{quoted(label)} {{{quoted(key)}: id, {CREATED_BY}: $model}})",
            "RETURN collect(elementId(u)) AS made",
        )

    def find(self, users: NodeIds, items: NodeIds, *, create_users: bool) -> None:
        """Find the nodes of users and items."""
        coded = pc.dictionary_encode(self.table.column("user_id").combine_chunks())
        self.ids, self.user = coded.dictionary, np.asarray(coded.indices, dtype=np.int64)
        self.node = users.node.take(users.find(self.ids))
        item_ids = pc.dictionary_encode(self.table.column("item_id").combine_chunks())
        rows = items.find(item_ids.dictionary)
        self.sides = (users, self.ids), (items, item_ids.dictionary)
        self.unknown_items = examples(item_ids.dictionary, rows.is_null())
        self.item = items.node.take(rows).take(item_ids.indices)
        self.missing = np.flatnonzero(np.asarray(self.node.is_null(), dtype=bool))
        count, some = examples(self.ids, self.node.is_null())
        self.creating = create_users
        self.unknown_users = (0, []) if create_users else (count, some)
        self.whole = users.whole

    def check_match(self, item_label: str, keys: list[list[str]]) -> None:
        """See that some users, and some items, have nodes."""
        (users, user_ids), (items, item_ids) = self.sides
        if not self.creating:
            users.must_have(users.find(user_ids), user_ids, self.label, keys[0])
        items.must_have(items.find(item_ids), item_ids, item_label, keys[1])

    def make_users(self) -> int:
        """Make nodes for the users that have none; how many."""
        found: list[str | None] = self.node.to_pylist()
        for part in slices(len(self.missing), BATCH):
            ids = self.ids.take(pa.array(self.missing[part])).to_pylist()
            made = self.connection.write(self.user_creation, ids=[self._key(i) for i in ids], model=self.model)
            for place, node in zip(self.missing[part].tolist(), made.records[0]["made"], strict=True):
                found[place] = node
        self.node = pa.array(found, pa.large_string())
        return len(self.missing)

    def _key(self, user: str) -> str | int:
        # Where the keys are numbers, a text would be a key that nobody finds; "007" is no number's id.
        return int(user) if self.whole and user.isdecimal() and str(int(user)) == user and len(user) < 19 else user

    def replace(self, batch: int, on_progress: Update | None) -> tuple[int, int, int]:
        """Replace the lists of all users that have nodes: how many users, relationships deleted, and created."""
        counts: list[tuple[int, int, int]] = []
        known = np.asarray(self.item.is_valid(), dtype=bool)

        def work(part: tuple[Numbers, npt.NDArray[np.int64]]) -> int:
            users, rows = part
            nodes = self.node.take(pa.array(users)).to_pylist()
            columns = self._rows(rows[known[rows]])

            def together(run: Callable[..., Written]) -> tuple[int, int, int]:
                gone = run(self.removal, users=nodes, model=self.model).counters.get("relationships_deleted", 0)
                made = run(self.creation, model=self.model, at=self.at, **columns).counters
                return len(nodes), gone, made.get("relationships_created", 0)

            counts.append(self.connection.write_together(together))
            return len(rows)

        sessions = CONNECTIONS if self.connection.about.is_neo4j else 1
        send(work, self._batches(batch), len(self.table), "recommendations", on_progress, connections=sessions)
        users, deleted, new = np.sum(counts, axis=0).tolist() if counts else (0, 0, 0)
        return users, deleted, new

    def _batches(self, batch: int) -> Iterator[tuple[Numbers, npt.NDArray[np.int64]]]:
        """Whole users that have nodes, and their rows."""
        there = np.asarray(self.node.is_valid(), dtype=bool)
        rows = np.flatnonzero(there[self.user])
        owner = self.user[rows]
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        first = 0
        while first < len(rows):
            after = starts[starts >= min(first + batch, len(rows))]
            end = int(after[0]) if len(after) else len(rows)
            yield np.unique(owner[first:end]), rows[first:end]
            first = end

    def _rows(self, rows: npt.NDArray[np.int64]) -> dict[str, list[Any]]:
        part = self.table.take(pa.array(rows))
        return {
            "user": self.node.take(pa.array(self.user[rows])).to_pylist(),
            "item": self.item.take(pa.array(rows)).to_pylist(),
            "score": part.column("score").to_pylist(),
            "rank": part.column("rank").to_pylist(),
        }

    def preview(self, create_users: bool) -> Preview:
        """What would be written."""
        there = np.asarray(self.node.is_valid(), dtype=bool) | create_users
        rows = np.flatnonzero(there[self.user] & np.asarray(self.item.is_valid(), dtype=bool))
        counts = {
            "users": int(there.sum()),
            "relationships": len(rows),
            "users created": len(self.missing) if create_users else 0,
        }
        queries = [*([self.user_creation] if create_users else []), self.removal, self.creation]
        return Preview(counts, self.table.take(pa.array(rows[:3])).to_pylist(), queries)

    def report(
        self, users: int = 0, created: int = 0, deleted: int = 0, made: int = 0, preview: Preview | None = None
    ) -> RecommendationReport:
        """What was written."""
        return RecommendationReport(users, created, deleted, made, self.unknown_users, self.unknown_items, preview)
