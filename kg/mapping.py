"""A graph shaped after it was read and before it is cut around the items, as the user states it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .collapse import Collapse, collapsed
from .graph import KnowledgeGraph
from .hierarchy import Hierarchy, find_hierarchies
from .inverses import StatedInverses, with_inverses
from .mapping_step import MappingStep
from .nary import EdgesFromNodes, nodes_as_edges
from .progress import Update
from .relation_filter import with_min_degree, with_relations, without_types, without_vocabulary
from .same_as import merged
from .triple_columns import without_emptied

__all__ = ["Mapped", "MappingConfig", "apply_mapping"]


class MappingConfig(BaseModel):
    """What is to become of a graph. The steps are taken in the order of these fields; by default nothing changes.

    Relations, predicates and node types are named in full or by their last part.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    same_as: Literal["keep", "merge"] = "keep"
    """Whether entities joined by owl:sameAs become one."""

    same_as_relations: tuple[str, ...] = ()
    """Further relations that say two entities are the same, such as skos:exactMatch."""

    same_as_prefer: str | None = None
    """How ids begin that stay where entities are merged: the prefix of the ids that items are linked to."""

    same_as_large: int = Field(default=20, ge=2)
    """Groups of more entities than this are merged too, and named in the report: one wrong link joins two worlds."""

    inverse: dict[str, str] = {}
    """By relation, the relation that says the same in the other direction, or a mere name for that direction."""

    stated_inverses: StatedInverses = "name"
    """What owl:inverseOf triples do: name the other direction, merge the two relations into one, or nothing (ignore)."""

    edges_from_nodes: tuple[EdgesFromNodes, ...] = ()
    """Node types whose nodes become edges with a weight and a time, in this order."""

    collapse: tuple[Collapse, ...] = ()
    """Paths of relations that become one relation, in this order: a path may use the relation made before it."""

    include_relations: tuple[str, ...] | None = None
    """Relations to keep, those made above among them; None keeps all."""

    exclude_relations: tuple[str, ...] = ()
    """Relations to leave out."""

    drop_types: tuple[str, ...] = ()
    """Node types whose entities leave; "untyped" are those without a type."""

    drop_vocabulary: bool = False
    """Whether properties, ontologies, unused classes and triples such as rdfs:domain leave."""

    min_entity_degree: int = Field(default=0, ge=0)
    """Entities with fewer triples leave, again and again until none is left. Items count as entities: see `keep_types`."""

    keep_types: tuple[str, ...] = ()
    """Node types that `min_entity_degree` spares: that of the items, above all."""

    hierarchies: tuple[str, ...] = ()
    """Relations from child to parent, besides rdfs:subClassOf, skos:broader, narrower and Wikidata's P279."""

    max_triples: int = Field(default=20_000_000, ge=1)
    """The most triples one step may add, and the most pairs it may hold on its way."""

    @model_validator(mode="after")
    def _no_idle_field(self) -> Self:
        if self.same_as == "keep" and (self.same_as_relations or self.same_as_prefer):
            raise ValueError("same_as_relations and same_as_prefer do something only with same_as: merge")
        if self.keep_types and not self.min_entity_degree:
            raise ValueError("keep_types does something only with min_entity_degree")
        return self


@dataclass(frozen=True, eq=False)
class Mapped:
    """A graph as mapped, and what was done to it.

    Attributes:
        graph: the graph; the very one that came in where no step was wanted.
        steps: what each step did, in their order.
        hierarchies: the trees found in the graph as mapped.
        inverse_names: by full name of a relation, what its other direction is called.
        renamed: ids that were merged away (`id`) and what each became (`into`), for links that still use them.
        stored: what the reader knows of where the graph is kept, if it tells; nothing here looks at it.
    """

    graph: KnowledgeGraph
    steps: tuple[MappingStep, ...]
    hierarchies: tuple[Hierarchy, ...]
    inverse_names: dict[str, str]
    renamed: pa.Table
    stored: object | None = None


def apply_mapping(graph: KnowledgeGraph, config: MappingConfig, *, on_progress: Update | None = None) -> Mapped:
    """Shape a graph.

    Args:
        graph: the graph as read.
        config: the steps; each sees what those before it made.
        on_progress: told the number of steps done, and the name of the one that begins.

    Raises:
        ConfigError: if a name is not in the graph or may mean two things, or a step would add too many triples.
    """
    original = graph
    steps: list[MappingStep] = []
    renamed = pa.table({"id": pa.array([], pa.large_string()), "into": pa.array([], pa.large_string())})

    def tell(name: str) -> None:
        if on_progress is not None:
            on_progress(len(steps), None, name)

    if config.same_as == "merge":
        tell("same_as")
        graph, step, renamed = merged(
            graph, relations=config.same_as_relations, prefer=config.same_as_prefer, large=config.same_as_large
        )
        steps.append(step)
    graph, done, inverse_names = with_inverses(graph, config.inverse, stated=config.stated_inverses)
    steps += done
    for nodes in config.edges_from_nodes:
        tell(f"edges_from_nodes {nodes.name}")
        graph, step = nodes_as_edges(graph, nodes, max_triples=config.max_triples)
        steps.append(step)
    for path in config.collapse:
        tell(f"collapse {path.name}")
        graph, step = collapsed(graph, path, max_triples=config.max_triples)
        steps.append(step)
    for name, function in _filters(config):
        tell(name)
        graph, step = function(graph)
        steps.append(step)
    hierarchies = find_hierarchies(graph, config.hierarchies)
    # Until here a relation whose triples were all taken keeps its name, so that later steps may still speak of it.
    graph = graph if graph is original else without_emptied(graph, original)
    steps += [hierarchy.step() for hierarchy in hierarchies]
    return Mapped(graph, tuple(steps), hierarchies, inverse_names, renamed)


def _filters(
    config: MappingConfig,
) -> list[tuple[str, Callable[[KnowledgeGraph], tuple[KnowledgeGraph, MappingStep]]]]:
    """The filters that are wanted, in their order."""
    filters: list[tuple[str, bool, Callable[[KnowledgeGraph], tuple[KnowledgeGraph, MappingStep]]]] = [
        (
            "relations",
            config.include_relations is not None or bool(config.exclude_relations),
            lambda g: with_relations(g, config.include_relations, config.exclude_relations),
        ),
        ("drop_types", bool(config.drop_types), lambda g: without_types(g, config.drop_types)),
        ("drop_vocabulary", config.drop_vocabulary, without_vocabulary),
        (
            "min_entity_degree",
            config.min_entity_degree > 0,
            lambda g: with_min_degree(g, config.min_entity_degree, config.keep_types),
        ),
    ]
    return [(name, function) for name, wanted, function in filters if wanted]
