"""What plait has written into a database: a model's results are no knowledge, and are never read back as such.

All of it is in the ledger, so what somebody else wrote under the same names is told apart and read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, LiteralString

from .connection import Connection
from .ledger import CREATED_BY, LEDGER, Entry, entries, untouched
from .names import cypher, quoted
from .push_queries import MARK

__all__ = ["NOTHING", "OWN_LABELS", "Own", "own_writings"]

OWN_LABELS = frozenset({LEDGER, MARK})
"""Labels of nodes that are plait's notes."""


@dataclass(frozen=True)
class Own:
    """What is plait's: as parts of queries, which are empty where nothing is.

    Attributes:
        entries: the ledger.
        masks: for each property that may be plait's, the one on the same node that then holds a model's id.
        types: relationship types that models wrote.
        nodes: element ids of nodes made for users, to which nothing is tied or added but what models wrote.
        parameters: of the queries.
    """

    entries: tuple[Entry, ...] = ()
    masks: dict[str, str] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """Values that the parts of queries refer to."""
        models = sorted({entry.model for entry in self.entries})
        hidden = {f"own_{n}": list(names) for n, names in enumerate(self._hidden.values())}
        return {"own_models": models, "own_types": list(self.types), "own_nodes": list(self.nodes), **hidden}

    @property
    def _hidden(self) -> dict[str, list[str]]:
        """For each property that holds a model's id, those that are then plait's."""
        found: dict[str, list[str]] = {}
        for name, owner in self.masks.items():
            found.setdefault(owner, []).append(name)
        return found

    def match(self, label: str) -> LiteralString:
        """Nodes `n` of a label that are not plait's."""
        where = "WHERE NOT elementId(n) IN $own_nodes" if self.nodes else ""
        return cypher(f"MATCH (n:{quoted(label)})", where)

    def keys(self) -> LiteralString:
        """Names of the properties of a node `n` that are not plait's."""
        if not self.masks:
            return "keys(n)"
        ours: list[LiteralString] = [
            f"CASE WHEN n.{quoted(owner)} IN $own_models THEN $own_{number} ELSE [] END"
            for number, owner in enumerate(self._hidden)
        ]
        return f"[name IN keys(n) WHERE NOT name IN ({' + '.join(ours)})]"

    def value(self, name: str) -> LiteralString:
        """A property of a node `n`, null where it is plait's."""
        if name not in self.masks:
            return f"n.{quoted(name)}"
        return f"CASE WHEN n.{quoted(self.masks[name])} IN $own_models THEN null ELSE n.{quoted(name)} END"

    def edges(self, variable: LiteralString, *types: str) -> LiteralString:
        """Leaves out relationships that are plait's, where any of some types is."""
        if not set(types) & set(self.types):
            return ""
        return f"WHERE NOT (type({variable}) IN $own_types AND coalesce({variable}.model, '') IN $own_models)"


NOTHING = Own()
"""Of a database into which plait never wrote."""


def own_writings(connection: Connection) -> Own:
    """Find what models have written into a database."""
    written = entries(connection)
    if not written:
        return NOTHING
    masks = {CREATED_BY: CREATED_BY}
    for name in {entry.name for entry in written if entry.kind == "embeddings"}:
        masks |= dict.fromkeys((name, f"{name}_model", f"{name}_at"), f"{name}_model")
    recommended = [entry for entry in written if entry.kind == "recommendations"]
    types = tuple(sorted({entry.name for entry in recommended}))
    own = Own(tuple(written), masks, types)
    labels = sorted({entry.label for entry in recommended})
    nodes = {node for label in labels for node in _made_for_users(connection, own, label)}
    return Own(tuple(written), masks, types, tuple(sorted(nodes)))


def _made_for_users(connection: Connection, own: Own, label: str) -> set[str]:
    """Nodes that are there for nothing but a model's recommendations: to which nobody has tied or added anything."""
    made = cypher(f"MATCH (n:{quoted(label)}) WHERE n.{CREATED_BY} IN $own_models AND", untouched(own.entries))
    everything = connection.read_all(cypher(made, "RETURN elementId(n) AS id"), **own.parameters)
    if not everything:
        return set()
    query = cypher(made, "MATCH (n)-[r]-()", own.edges("r", *own.types), "RETURN DISTINCT elementId(n) AS id")
    tied = connection.read_all(query, **own.parameters)
    return {row["id"] for row in everything} - {row["id"] for row in tied}
