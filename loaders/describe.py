"""What the data is like before anything is trained on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..kg import Interactions, LiteralType, NodeType, RelationType
from .interactions import InteractionsReport
from .source import Catalogue

__all__ = ["DataReport", "describe"]

EXAMPLES = 5
RATING_NAMES = frozenset({"rating", "score", "overall", "stars"})


@dataclass(frozen=True)
class DataReport:
    """Counts, coverage and warnings.

    Attributes:
        interactions: rows, users, items, positives, repeated pairs dropped.
        columns: the column of the log that each thing is read from.
        density: share of user-item pairs that occur.
        time_range: first and last time, ISO 8601 in UTC, or None.
        node_types, relations, literals: the schema with counts.
        item_type: node type of the items.
        items: size of the catalogue.
        linked: items that have an entity in the graph.
        unlinked_examples: titles or ids of some that have none.
        around: entities and triples kept around the items.
        warnings: what looks wrong, each with its remedy.
    """

    interactions: dict[str, int]
    columns: dict[str, str | None]
    density: float
    time_range: tuple[str, str] | None
    node_types: tuple[NodeType, ...]
    relations: tuple[RelationType, ...]
    literals: tuple[LiteralType, ...]
    item_type: str | None
    items: int
    linked: int
    unlinked_examples: tuple[str, ...]
    around: dict[str, int]
    warnings: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)


def describe(
    log: Interactions, report: InteractionsReport, catalogue: Catalogue, min_weight: float | None
) -> DataReport:
    """Describe what was read."""
    schema, graph = catalogue.schema, catalogue.graph
    linked = catalogue.item_entity >= 0
    positives = len(log.at_least(min_weight))
    unlinked = np.flatnonzero(~linked)[:EXAMPLES]
    names = [catalogue.titles[int(i)].as_py() or catalogue.items.id(int(i)) for i in unlinked]
    counts = {"rows": len(log), "users": len(log.users), "items": len(log.items), "positives": positives}
    return DataReport(
        counts | {"duplicates": report.duplicates},
        report.columns,
        log.density,
        None if log.time is None else (_iso(log.time[0]), _iso(log.time[-1])),
        schema.node_types if schema else (),
        schema.relations if schema else (),
        schema.literals if schema else (),
        schema.item_type if schema else None,
        len(catalogue.items),
        int(linked.sum()),
        tuple(names) if schema else (),
        {"entities": len(graph.entities), "triples": len(graph.head)},
        tuple(_warnings(log, report, catalogue, min_weight)),
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).isoformat(timespec="seconds")


def _warnings(
    log: Interactions, report: InteractionsReport, catalogue: Catalogue, min_weight: float | None
) -> list[str]:
    found = []
    if log.time is None:
        found.append("no time column: temporal splits are not possible, and order is the file's")
    if report.duplicates:
        found.append(f"{report.duplicates:,} repeated user-item pairs were made one row each")
    rated = (report.columns.get("weight") or "").lower() in RATING_NAMES
    if min_weight is None and rated and len(np.unique(log.weight)) > 1:
        low = float(np.quantile(log.weight, 0.25))
        found.append(
            "ratings of all heights count as liked; set data.interactions.min_weight to say what does "
            f"(a quarter of them is {low:g} or less)"
        )
    return found + (
        _graph_warnings(catalogue) if catalogue.knowledge is not None else ["no graph: nothing is explained"]
    )


def _graph_warnings(catalogue: Catalogue) -> list[str]:
    graph, knowledge = catalogue.graph, catalogue.knowledge
    assert knowledge is not None
    found = []
    entity = catalogue.item_entity
    linked = entity[entity >= 0]
    if len(linked) < 0.5 * len(entity):
        share = len(linked) / max(len(entity), 1)
        found.append(f"only {share:.0%} of the items have an entity: check that data.links holds the graph's own ids")
    _, shared = np.unique(linked, return_counts=True)
    if (shared > 1).any():
        found.append(
            f"{int((shared > 1).sum()):,} entities stand for more than one item each, who then share all edges"
        )
    isolated = int((graph.adjacency.degree(np.arange(graph.n_items))[entity >= 0] == 0).sum())
    if isolated:
        found.append(f"{isolated:,} linked items have no edge that leads anywhere (see data.graph.around)")
    untyped = int((knowledge.type_of < 0).sum())
    if untyped:
        found.append(f"{untyped:,} of {knowledge.n_entities:,} entities have no type")
    if knowledge.duplicates:
        found.append(f"{knowledge.duplicates:,} repeated triples were dropped")
    return found
