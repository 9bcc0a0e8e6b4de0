"""What is read of a database: its labels in the order in which they give types, keys, properties, relationship types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ...kg import ConfigError
from .connection import Connection
from .faults import RefusedQuery
from .names import cypher
from .own import NOTHING, Own, own_writings
from .schema import Keys, guessed_key, label_counts, label_order, type_counts, unique_keys

__all__ = ["LabelPlan", "ReadPlan", "identity_function", "key_of_label", "plan_of"]

SHOWN = 8


@dataclass(frozen=True)
class LabelPlan:
    """How the nodes of a label are read; the label None are those without any.

    Attributes:
        label: the label.
        count: how many nodes have it.
        key: the properties whose values are the id; empty for the server's own id.
        guessed: whether the key is a guess from a property's name.
        properties: the properties that are read.
    """

    label: str | None
    count: int
    key: tuple[str, ...]
    guessed: bool
    properties: tuple[str, ...]


@dataclass(frozen=True)
class ReadPlan:
    """What is read: labels in their order, relationship types with their counts, and the server's id function.

    What plait itself wrote, `own`, is no part of it; `own_types` counts its relationships among the types wanted.
    """

    labels: tuple[LabelPlan, ...]
    types: dict[str, int]
    identity: str
    own: Own = NOTHING
    own_types: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Nodes and relationships, about: a node with two labels is counted twice."""
        return sum(label.count for label in self.labels) + sum(self.types.values())


def plan_of(
    connection: Connection,
    *,
    labels: Collection[str] | None,
    relationships: Collection[str] | None,
    without: Collection[str],
    keys: Mapping[str, tuple[str, ...]],
    exclude: Collection[str],
) -> ReadPlan:
    """Check what is asked for against the database.

    Args:
        connection: to the database.
        labels: labels to read; None for all, and nodes without a label too.
        relationships: types to read; None for all.
        without: types not to read.
        keys: stated keys; no property for the server's own id.
        exclude: properties not to read.

    Raises:
        ConfigError: if a label, type or key is not there.
    """
    own = own_writings(connection)
    counts, unique = label_counts(connection, own), unique_keys(connection)
    types = type_counts(connection, own)
    everything = type_counts(connection) if own.types else types
    _all_known(connection, "label", [*(labels or ()), *keys], counts)
    _all_known(connection, "relationship type", relationships or (), everything)
    chosen = [*labels] if labels is not None else label_order(counts, keys, unique)
    plans = [
        _label_plan(connection, label, counts[label], keys, unique, exclude, own) for label in dict.fromkeys(chosen)
    ]
    if labels is None and (bare := _bare_count(connection)):
        names = _property_counts(connection, BARE, NOTHING)
        plans.append(LabelPlan(None, bare, (), False, tuple(name for name in names if name not in exclude)))
    wanted = [k for k in everything if (relationships is None or k in relationships) and k not in without]
    read = {kind: n for kind, n in types.items() if kind in wanted}
    ours = {kind: n for kind in wanted if (n := everything[kind] - types.get(kind, 0)) and kind in own.types}
    return ReadPlan(tuple(plans), read, identity_function(connection), own, ours)


BARE = "MATCH (n) WHERE size(labels(n)) = 0"


def _bare_count(connection: Connection) -> int:
    return int(connection.read_all(cypher(BARE, "RETURN count(n) AS n"))[0]["n"])


def _label_plan(
    connection: Connection,
    label: str,
    count: int,
    stated: Mapping[str, tuple[str, ...]],
    unique: Keys,
    exclude: Collection[str],
    own: Own,
) -> LabelPlan:
    found = _property_counts(connection, own.match(label), own)
    properties = tuple(name for name in found if name not in exclude)
    if label not in stated:
        complete = [name for name, n in found.items() if n == count]
        return LabelPlan(label, count, guessed_key(label, unique, complete), label not in unique, properties)
    for name in stated[label]:
        if name not in found:
            raise ConfigError(
                f"{connection.where} has no node :{label} with the property {name!r}, which is stated as its key; "
                f"it has {_listed(found)}"
            )
    return LabelPlan(label, count, stated[label], False, properties)


def key_of_label(connection: Connection, label: str, stated: Sequence[str] = ()) -> tuple[str, ...]:
    """The key of a label, checked if it is stated, else guessed as for the reading of a graph.

    Raises:
        ConfigError: if there is no such label or property, or no key can be guessed.
    """
    own = own_writings(connection)
    counts = label_counts(connection, own)
    _all_known(connection, "label", [label], counts)
    keys = {label: tuple(stated)} if stated else {}
    key = _label_plan(connection, label, counts[label], keys, unique_keys(connection), (), own).key
    if not key:
        raise ConfigError(f"{connection.where} does not tell which property of :{label} is its key; state it")
    return key


def _property_counts(connection: Connection, match: str, own: Own) -> dict[str, int]:
    query = cypher(match, f"UNWIND {own.keys()} AS name RETURN name, count(*) AS n ORDER BY name")
    return {record["name"]: record["n"] for record in connection.read_all(query, **own.parameters)}


def identity_function(connection: Connection) -> str:
    """The function that numbers nodes within a reading: id, which gives numbers, else elementId, which is slower."""
    try:
        connection.read_all("MATCH (n) RETURN id(n) LIMIT 1")
    except RefusedQuery:
        return "elementId"
    return "id"


def _all_known(connection: Connection, what: str, wanted: Iterable[str], known: Mapping[str, int]) -> None:
    for name in wanted:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"perhaps {close[0]!r} is meant" if close else f"it has {_listed(known)}"
            raise ConfigError(f"{connection.where} has nothing with the {what} {name!r}; {hint}")


def _listed(names: Collection[str]) -> str:
    shown = ", ".join([*names][:SHOWN]) or "none"
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
