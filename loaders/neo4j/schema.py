"""What a database holds: its labels, relationship types, properties and keys, with counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from ...kg import ConfigError
from .connection import Connection
from .faults import RefusedQuery
from .ledger import Entry, count_of
from .names import cypher, quoted
from .own import NOTHING, OWN_LABELS, Own, own_writings

__all__ = [
    "GraphSchema",
    "LabelFacts",
    "PropertyFacts",
    "RelationshipFacts",
    "guessed_key",
    "label_counts",
    "notes_count",
    "read_schema",
    "type_counts",
    "unique_keys",
]

UNIQUE = frozenset({"UNIQUENESS", "NODE_PROPERTY_UNIQUENESS", "NODE_KEY"})
ID_LIKE = ("id", "key", "uri", "iri", "uuid", "sku", "asin", "isbn", "code", "name_id", "identifier")
FEW = 100
Keys = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class PropertyFacts:
    """A property: its name, the kinds of its first values, and how many of the looked-at have it."""

    name: str
    kinds: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class LabelFacts:
    """A label: how many nodes have it, their properties in the first `looked_at` of them, and its guessed key.

    An empty key is the server's own id of a node.
    """

    label: str
    count: int
    looked_at: int
    properties: tuple[PropertyFacts, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class RelationshipFacts:
    """Relationships of a type between two labels (the first of each node's, None where it has none).

    Where the type has more than were looked at, the count is scaled up from them, and `exact` is False.
    """

    source: str | None
    type: str
    target: str | None
    count: int
    exact: bool
    properties: tuple[PropertyFacts, ...]


@dataclass(frozen=True)
class GraphSchema:
    """Labels and relationships of a database, commonest first, and apart from them what plait wrote, with counts."""

    labels: tuple[LabelFacts, ...]
    relationships: tuple[RelationshipFacts, ...]
    written: tuple[tuple[Entry, int], ...] = ()

    def lines(self) -> list[str]:
        """The schema as text, a line a label, a relationship and a property."""
        text = []
        for label in self.labels:
            key = " + ".join(label.key) if label.key else "the server's own id (state one in `keys`)"
            text.append(f"(:{label.label})  {label.count:,} nodes, key {key}")
            text += _property_lines(label.properties, label.looked_at)
        for r in self.relationships:
            about = "" if r.exact else "about "
            text.append(f"(:{r.source or ''})-[:{r.type}]->(:{r.target or ''})  {about}{r.count:,}")
            text += _property_lines(r.properties, None)
        for entry, count in self.written:
            text.append(f"{entry.kind} {entry.name} of :{entry.label}, written by the model {entry.model}: {count:,}")
        return text


def _property_lines(properties: Iterable[PropertyFacts], of: int | None) -> list[str]:
    share = "" if of is None else f" of {of:,}"
    return [f"    {p.name}: {' or '.join(p.kinds)}, on {p.count:,}{share}" for p in properties]


def read_schema(connection: Connection, *, sample: int = 100_000) -> GraphSchema:
    """The schema as the data shows it.

    Args:
        connection: to the database.
        sample: how many nodes of a label, and relationships of a type, are looked at for their properties and ends.
    """
    own = own_writings(connection)
    labels, unique = label_counts(connection, own), unique_keys(connection)
    facts = []
    for label, count in labels.items():
        properties = _properties(connection, own.match(label), own.keys(), sample, own.parameters)
        looked_at = min(count, sample)
        complete = [p.name for p in properties if p.count >= looked_at]
        facts.append(LabelFacts(label, count, looked_at, properties, guessed_key(label, unique, complete)))
    order = label_order(labels, {}, unique)
    found = [
        fact
        for kind, count in type_counts(connection, own).items()
        for fact in _relationships(connection, kind, count, order, own, sample)
    ]
    written = tuple((entry, count_of(connection, entry)) for entry in own.entries)
    return GraphSchema(tuple(facts), tuple(sorted(found, key=lambda r: -r.count)), written)


def label_counts(connection: Connection, own: Own = NOTHING) -> dict[str, int]:
    """Labels that some node has, commonest first, and how many have each; without what is plait's own."""
    names = [record["label"] for record in connection.read_all("CALL db.labels() YIELD label RETURN label")]
    queries = {name: cypher(own.match(name), "RETURN count(n) AS n") for name in names if name not in OWN_LABELS}
    return _counted(connection, queries, own)


def notes_count(connection: Connection) -> int:
    """How many nodes are plait's notes."""
    queries = [f"MATCH (n:{quoted(label)}) RETURN count(n) AS n" for label in sorted(OWN_LABELS)]
    return sum(int(connection.read_all(query)[0]["n"]) for query in queries)


def type_counts(connection: Connection, own: Own = NOTHING) -> dict[str, int]:
    """Relationship types that occur, commonest first, and how often each; without what is plait's own."""
    query = "CALL db.relationshipTypes() YIELD relationshipType RETURN relationshipType"
    names = [record["relationshipType"] for record in connection.read_all(query)]
    queries = {
        name: cypher(f"MATCH ()-[r:{quoted(name)}]->()", own.edges("r", name), "RETURN count(r) AS n") for name in names
    }
    return _counted(connection, queries, own)


def _counted(connection: Connection, queries: Mapping[str, str], own: Own) -> dict[str, int]:
    # Where nothing is plait's, Neo4j answers these from its counts, without a look at the graph.
    counts = {name: connection.read_all(query, **own.parameters)[0]["n"] for name, query in queries.items()}
    return {name: n for name, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if n}


def unique_keys(connection: Connection) -> Keys:
    """For each label with a uniqueness constraint its properties; of several the one with fewest, then by name."""
    query = "SHOW CONSTRAINTS YIELD type, entityType, labelsOrTypes, properties"
    try:
        rows = connection.read_all(cypher(query, "RETURN type, entityType, labelsOrTypes, properties"))
    except (RefusedQuery, ConfigError):
        # Another server than Neo4j, or a user who may not list constraints: keys are guessed by their names.
        return {}
    found = [r for r in rows if r["type"] in UNIQUE and r["entityType"] == "NODE" and len(r["labelsOrTypes"]) == 1]
    keys: Keys = {}
    for row in sorted(found, key=lambda r: (len(r["properties"]), not _id_like(*r["properties"]), r["properties"])):
        keys.setdefault(row["labelsOrTypes"][0], tuple(row["properties"]))
    return keys


def guessed_key(label: str, unique: Keys, complete: Sequence[str]) -> tuple[str, ...]:
    """The business key of a label: its unique properties, else one named like an id that all nodes have, else none."""
    if label in unique:
        return unique[label]
    named = (*ID_LIKE, *(label.lower() + end for end in ("_id", "id")))
    fitting = sorted((name for name in complete if name.lower() in named), key=lambda name: named.index(name.lower()))
    return tuple(fitting[:1])


def label_order(counts: Mapping[str, int], stated: Iterable[str], unique: Iterable[str]) -> list[str]:
    """Labels in the order in which they give a node its type: those with a stated key, with a unique one, others."""
    first, with_key = [label for label in stated if label in counts], {*unique}
    rest = [label for label in counts if label not in first]
    # The sort is stable: of equals the commoner label is first.
    return [*first, *sorted(rest, key=lambda label: label not in with_key)]


def _id_like(*names: str) -> bool:
    return any(name.lower() in ID_LIKE or name.lower().endswith("id") for name in names)


def _properties(
    connection: Connection, match: str, names: LiteralString, sample: int, parameters: Mapping[str, Any]
) -> tuple[PropertyFacts, ...]:
    query = cypher(match, f"WITH n LIMIT $sample UNWIND {names} AS name RETURN name, count(*) AS n")
    counts = connection.read_all(query, sample=sample, **parameters)
    kinds: dict[str, Counter[str]] = {record["name"]: Counter() for record in counts}
    query = cypher(match, f"RETURN properties(n) AS properties, {names} AS names LIMIT $few")
    for record in connection.read_all(query, few=FEW, **parameters):
        for name in record["names"]:
            kinds.setdefault(name, Counter())[_kind(record["properties"][name])] += 1
    return tuple(
        PropertyFacts(r["name"], tuple(kind for kind, _ in kinds[r["name"]].most_common()) or ("?",), r["n"])
        for r in sorted(counts, key=lambda r: (-r["n"], r["name"]))
    )


def _kind(value: object) -> str:
    if isinstance(value, list):
        return f"list of {_kind(value[0])}" if value else "list"
    return {"str": "string", "int": "integer", "float": "float", "bool": "boolean"}.get(
        type(value).__name__, type(value).__name__
    )


def _relationships(
    connection: Connection, kind: str, count: int, order: list[str], own: Own, sample: int
) -> list[RelationshipFacts]:
    match = cypher(f"MATCH (a)-[n:{quoted(kind)}]->(b)", own.edges("n", kind))
    properties = _properties(connection, match, "keys(n)", sample, own.parameters)
    query = cypher(match, "WITH a, b LIMIT $sample RETURN labels(a) AS a, labels(b) AS b, count(*) AS n")
    ends: Counter[tuple[str | None, str | None]] = Counter()
    for record in connection.read_all(query, sample=sample, **own.parameters):
        ends[_first(record["a"], order), _first(record["b"], order)] += record["n"]
    exact, looked_at = count <= sample, max(ends.total(), 1)
    return [
        RelationshipFacts(a, kind, b, n if exact else round(n * count / looked_at), exact, properties)
        for (a, b), n in ends.items()
    ]


def _first(labels: list[str], order: list[str]) -> str | None:
    return min(labels, key=lambda label: order.index(label) if label in order else len(order), default=None)
