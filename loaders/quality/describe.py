"""What the data is like before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ...kg import Interactions, LiteralType, NodeType, RelationType
from ..logs.interactions import InteractionsReport
from ..source import Catalogue
from .distributions import Distribution, Timeline, plausible_times
from .finding import EXAMPLES, Finding, by_severity
from .graph_findings import Coverage, coverage, graph_findings, link_findings
from .graph_statistics import Fan, Hub, LanguageCount, degree_distributions, degrees, fans, hubs, literal_languages
from .log_findings import log_findings
from .mismatches import Mismatches, find_mismatches
from .shacl import ShaclReport, shacl_findings

__all__ = ["DataReport", "describe"]


@dataclass(frozen=True)
class DataReport:
    """Counts, coverage and findings.

    Attributes:
        interactions: rows, users, items, positives, sessions where they are told apart, repeated pairs dropped.
        columns: the column of the log that each thing is read from; none has any where the file holds histories.
        density: share of user-item pairs that occur.
        time_range: first and last time, ISO 8601 in UTC, or None. Times before 1990 or after 2100 are left to a finding,
            unless there are no others; so in the timeline.
        timeline: interactions over time, None without times.
        histories, popularity: liked items per user, and likes per item, over those that have any.
        node_types, relations, literals: the schema with counts.
        fans: how relations fan out, nodes of category values included.
        degree: edges per entity, by node type.
        hubs: the entities with most edges.
        languages: language tags of literals.
        item_type: node type of the items.
        items: size of the catalogue.
        linked: items that have an entity in the graph.
        unlinked_examples: titles or ids of some that have none.
        coverage: the links, weighed by what people do.
        mismatches: links that look wrong.
        around: entities and triples kept around the items.
        findings: what looks wrong, the worst first.
        shacl: what a check against shapes found; None where none was asked for.
    """

    interactions: dict[str, int]
    columns: dict[str, str | None]
    density: float
    time_range: tuple[str, str] | None
    timeline: Timeline | None
    histories: Distribution
    popularity: Distribution
    node_types: tuple[NodeType, ...]
    relations: tuple[RelationType, ...]
    literals: tuple[LiteralType, ...]
    fans: tuple[Fan, ...]
    degree: tuple[Distribution, ...]
    hubs: tuple[Hub, ...]
    languages: tuple[LanguageCount, ...]
    item_type: str | None
    items: int
    linked: int
    unlinked_examples: tuple[str, ...]
    coverage: Coverage
    mismatches: Mismatches
    around: dict[str, int]
    findings: tuple[Finding, ...]
    shacl: ShaclReport | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong or probably so, a sentence each with its remedy."""
        grave = (f for f in self.findings if f.severity != "info")
        return tuple(f"{f.sentence}: {f.remedy}" if f.remedy else f.sentence for f in grave)

    @property
    def of_histories(self) -> bool:
        """Whether the log is a file of histories, which has no columns."""
        return bool(self.columns) and all(column is None for column in self.columns.values())

    def with_shacl(self, report: ShaclReport) -> DataReport:
        """The same with the result of a check against shapes."""
        return replace(self, shacl=report, findings=by_severity((*self.findings, *shacl_findings(report))))

    def with_findings(self, findings: Iterable[Finding]) -> DataReport:
        """The same with findings from elsewhere, such as those in the texts of nodes."""
        return replace(self, findings=by_severity((*self.findings, *findings)))

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self) | {"warnings": self.warnings}


def describe(
    log: Interactions,
    report: InteractionsReport,
    catalogue: Catalogue,
    min_weight: float | None,
    *,
    more: Sequence[Finding] = (),
    strategy: str | None = None,
) -> DataReport:
    """Describe what was read.

    Args:
        log: all interactions.
        report: how they were read.
        catalogue: the items and the graph.
        min_weight: the weight from which an interaction counts as liked; None for all.
        more: findings of other checks, to stand among these.
        strategy: how the log is to be split, as in `split.strategy`: without times it may not matter that there are none.
    """
    schema, graph, knowledge = catalogue.schema, catalogue.graph, catalogue.knowledge
    liked = log.at_least(min_weight)
    unlinked = np.flatnonzero(catalogue.item_entity < 0)[:EXAMPLES]
    names = [catalogue.titles[int(i)].as_py() or catalogue.items.id(int(i)) for i in unlinked]
    counts = {"rows": len(log), "users": len(log.users), "items": len(log.items), "positives": len(liked)}
    if log.session is not None:
        counts["sessions"] = len(np.unique(log.session))
    times = plausible_times(np.empty(0) if log.time is None else log.time)
    cover, mismatches = coverage(log, catalogue), find_mismatches(catalogue)
    relations = fans(knowledge) if knowledge is not None else ()
    degree = degrees(knowledge) if knowledge is not None else np.empty(0, dtype=np.int64)
    return DataReport(
        interactions=counts | {"duplicates": report.duplicates},
        columns=report.columns,
        density=log.density,
        time_range=(_iso(times[0]), _iso(times[-1])) if len(times) else None,
        timeline=Timeline.of(times),
        histories=_spread("liked items of a user", liked.user),
        popularity=_spread("users who like an item", liked.item),
        node_types=schema.node_types if schema else (),
        relations=schema.relations if schema else (),
        literals=schema.literals if schema else (),
        fans=relations,
        degree=degree_distributions(knowledge, degree) if knowledge is not None else (),
        hubs=hubs(knowledge, catalogue.labels, degree) if knowledge is not None else (),
        languages=literal_languages(knowledge) if knowledge is not None else (),
        item_type=schema.item_type if schema else None,
        items=len(catalogue.items),
        linked=cover.linked,
        unlinked_examples=tuple(names) if schema else (),
        coverage=cover,
        mismatches=mismatches,
        around={"entities": len(graph.entities), "triples": len(graph.head)},
        findings=by_severity(
            [
                *log_findings(log, report, min_weight, strategy),
                *_without_graph(catalogue),
                *(link_findings(catalogue, cover, mismatches) if knowledge is not None else ()),
                *graph_findings(catalogue, relations),
                *more,
            ]
        ),
    )


def _spread(name: str, numbers: np.ndarray) -> Distribution:
    counts = np.bincount(numbers)
    return Distribution.of(name, counts[counts > 0])


def _without_graph(catalogue: Catalogue) -> list[Finding]:
    if catalogue.knowledge is not None:
        return []
    return [Finding("no-graph", "warning", "no graph: nothing is explained", 0, (), "name one with data.graph")]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).isoformat(timespec="seconds")
