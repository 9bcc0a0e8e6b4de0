"""Take out of a Neo4j database exactly what one model wrote into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, LiteralString

from ...kg import Update
from .batches import CONNECTIONS, send
from .connection import Connection, Neo4jServer, connected
from .ledger import CREATED_BY, Entry, entries, forget, untouched
from .names import cypher, quoted
from .vector_index import drop_index

__all__ = ["CleanReport", "clean"]

BATCH = 5000


@dataclass(frozen=True)
class CleanReport:
    """What was taken out, or would be.

    Attributes:
        known: whether the model wrote anything here.
        embeddings: nodes that had its embedding.
        recommendations: its relationships.
        nodes: nodes it made for users.
        kept: nodes it made that have other relationships, properties or labels by now, and so stay.
        indexes: names of the vector indexes dropped.
        dry_run: whether nothing was done.
    """

    known: bool
    embeddings: int
    recommendations: int
    nodes: int
    kept: int
    indexes: list[str] = field(default_factory=list)
    dry_run: bool = False


def clean(
    server: Neo4jServer, model_id: str, *, dry_run: bool = False, on_progress: Update | None = None
) -> CleanReport:
    """Remove a model's embeddings, recommendations, user nodes and indexes; all else stays.

    An index stays as long as another model's embeddings are under the same property. A node made for a user stays if
    anything else is tied to it, or somebody has given it a property or a label, and becomes another model's where that
    recommends to it. The same call again takes up one that was cut.

    Args:
        server: where.
        model_id: the model's id, as it was written.
        dry_run: count, and remove nothing.
        on_progress: told how many things are removed.
    """
    with connected(server) as connection:
        written = entries(connection)
        ours = [entry for entry in written if entry.model == model_id]
        others = [entry for entry in written if entry.model != model_id]
        cleaning = _Cleaning(connection, model_id, written, dry_run, on_progress)
        kept_over = {(entry.label, entry.name) for entry in others if entry.kind == "embeddings"}
        indexes = sorted({e.index for e in ours if e.index and (e.label, e.name) not in kept_over})
        if not dry_run:
            # First, so that it need not follow what goes from under it.
            for name in indexes:
                drop_index(connection, name)
        embeddings = sum(cleaning.embeddings(entry) for entry in ours if entry.kind == "embeddings")
        recommended = [entry for entry in ours if entry.kind == "recommendations"]
        related = sum(cleaning.relationships(entry) for entry in recommended)
        nodes = [cleaning.nodes(entry.label, recommended) for entry in _first_of_label(recommended)]
        if not dry_run:
            forget(connection, model_id)
        return CleanReport(
            bool(ours), embeddings, related, sum(n for n, _ in nodes), sum(n for _, n in nodes), indexes, dry_run
        )


def _first_of_label(found: list[Entry]) -> list[Entry]:
    return [*{entry.label: entry for entry in found}.values()]


class _Cleaning:
    """Finds what is the model's, and removes it in batches."""

    def __init__(
        self, connection: Connection, model: str, written: list[Entry], dry_run: bool, on_progress: Update | None
    ) -> None:
        self.connection, self.model, self.untouched = connection, model, untouched(written)
        self.models = sorted({entry.model for entry in written})
        self.dry_run, self.on_progress = dry_run, on_progress
        self.connections = CONNECTIONS if connection.about.is_neo4j else 1

    def embeddings(self, entry: Entry) -> int:
        """Remove a property, and what tells whose it is, where it is the model's."""
        value, model, at = (f"n.{quoted(entry.name + suffix)}" for suffix in ("", "_model", "_at"))
        found = self._found(f"MATCH (n:{quoted(entry.label)}) WHERE {model} = $model", "n")
        removal = cypher(
            f"UNWIND $ids AS id MATCH (n) WHERE elementId(n) = id AND {model} = $model",
            # Not REMOVE, which ArcadeDB does not do to a name in backticks.
            f"SET {value} = null, {at} = null, {model} = null",
        )
        return self._removed(removal, found, "embeddings")

    def relationships(self, entry: Entry) -> int:
        """Remove the model's relationships."""
        pattern = f"MATCH (:{quoted(entry.label)})-[r:{quoted(entry.name)}]->() WHERE r.model = $model"
        removal = cypher(
            f"UNWIND $ids AS id MATCH ()-[r:{quoted(entry.name)}]->()",
            "WHERE elementId(r) = id AND r.model = $model DELETE r",
        )
        return self._removed(removal, self._found(pattern, "r"), "recommendations")

    def nodes(self, label: str, recommended: list[Entry]) -> tuple[int, int]:
        """Remove nodes made for users to which nothing is tied or added; how many, and how many stay."""
        made = f"MATCH (n:{quoted(label)}) WHERE n.{CREATED_BY} = $model"
        everything = self._found(made, "n")
        if self.dry_run:
            # What hangs on a node beside the relationships that would go.
            names = [entry.name for entry in recommended]
            tied = cypher(made, "MATCH (n)-[r]-() WHERE NOT (type(r) IN $names AND coalesce(r.model, '') = $model)")
            changed = cypher(made, "AND NOT (", self.untouched, ")")
            kept = len({*self._found(tied, "n", names=names), *self._found(changed, "n", own_models=self.models)})
            return len(everything) - kept, kept
        alone = cypher("AND NOT (n)--() AND", self.untouched)
        free = self._found(cypher(made, alone), "n", own_models=self.models)
        removal = cypher(
            f"UNWIND $ids AS id MATCH (n) WHERE elementId(n) = id AND n.{CREATED_BY} = $model", alone, "DELETE n"
        )
        gone = self._removed(removal, free, "nodes", own_models=self.models)
        heirs = cypher(
            f"UNWIND $ids AS id MATCH (n) WHERE elementId(n) = id AND n.{CREATED_BY} = $model",
            "OPTIONAL MATCH (n)-[r]->() WHERE r.model IN $others",
            f"WITH n, collect(r.model) AS models SET n.{CREATED_BY} = CASE WHEN size(models) > 0 THEN models[0] ELSE null END",
        )
        kept_ids = sorted(set(everything) - set(free))
        self._removed(heirs, kept_ids, "nodes", others=[other for other in self.models if other != self.model])
        return gone, len(kept_ids)

    def _found(self, pattern: LiteralString, variable: LiteralString, **parameters: Any) -> list[str]:
        query = cypher(pattern, f"RETURN elementId({variable}) AS id")
        return [row["id"] for row in self.connection.read(query, model=self.model, **parameters)]

    def _removed(self, query: LiteralString, ids: list[str], note: str, **parameters: Any) -> int:
        if self.dry_run or not ids:
            return len(ids)

        def work(part: list[str]) -> int:
            self.connection.write(query, ids=part, model=self.model, **parameters)
            return len(part)

        parts = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
        return send(work, parts, len(ids), note, self.on_progress, connections=self.connections)
