"""What is left out of a graph: relations, node types, the words of a vocabulary, entities with few edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .graph import UNTYPED, KnowledgeGraph
from .mapping_step import MappingStep, first_id
from .neighbours import Adjacency
from .terms import find_terms
from .triple_columns import TripleColumns, without_entities

__all__ = ["with_min_degree", "with_relations", "without_types", "without_vocabulary"]

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_OWL = "http://www.w3.org/2002/07/owl#"
# rdfs:subClassOf is not among them: it spans a hierarchy.
_VOCABULARY_RELATIONS = frozenset(
    [f"{_RDFS}{name}" for name in ("domain", "range", "subPropertyOf", "isDefinedBy")]
    + [f"{_OWL}{name}" for name in (
        "inverseOf", "equivalentProperty", "equivalentClass", "disjointWith", "propertyDisjointWith", "complementOf",
        "imports", "versionIRI", "priorVersion", "onProperty", "someValuesFrom", "allValuesFrom", "onClass",
    )]
)  # fmt: skip
_PROPERTY_TYPES = frozenset(
    [f"{_RDF}Property", f"{_RDFS}Datatype"]
    + [f"{_OWL}{name}" for name in (
        "ObjectProperty", "DatatypeProperty", "AnnotationProperty", "OntologyProperty", "FunctionalProperty",
        "InverseFunctionalProperty", "TransitiveProperty", "SymmetricProperty", "AsymmetricProperty",
        "ReflexiveProperty", "IrreflexiveProperty", "Ontology", "Restriction", "Axiom", "AllDifferent",
        "AllDisjointClasses", "AllDisjointProperties",
    )]
)  # fmt: skip
_CLASS_TYPES = frozenset([f"{_RDFS}Class", f"{_OWL}Class"])
Flags = npt.NDArray[np.bool_]


def with_relations(
    graph: KnowledgeGraph,
    include: Sequence[str] | None,
    exclude: Sequence[str],
) -> tuple[KnowledgeGraph, MappingStep]:
    """The graph with the included relations alone (all of them if None), less the excluded ones.

    Args:
        graph: the graph.
        include, exclude: relations, by full or short name.

    Raises:
        ConfigError: if there is no relation of a given name.
    """
    kept = np.full(len(graph.relations), include is None)
    kept[find_terms(include or (), graph.relations, "relation")] = True
    kept[find_terms(exclude, graph.relations, "relation")] = False
    names = sorted(name for name, keep in zip(graph.relations, kept, strict=True) if not keep)
    less = graph.without_relations(frozenset(names))
    triples = graph.n_triples - less.n_triples
    text = f"{len(names):,} relations with {triples:,} triples left out, {len(less.relations):,} stay"
    return less if names else graph, MappingStep("relations", text, triples, names[0] if names else None)


def without_types(graph: KnowledgeGraph, types: Sequence[str]) -> tuple[KnowledgeGraph, MappingStep]:
    """The graph less the entities of some node types, by full or short name, with their triples and literals.

    Raises:
        ConfigError: if the graph has no such type.
    """
    return _without(graph, _of_types(graph, types), "drop_types", f"of type {', '.join(types)}")


def without_vocabulary(graph: KnowledgeGraph) -> tuple[KnowledgeGraph, MappingStep]:
    """The graph less what speaks of its own vocabulary.

    Triples of rdfs:domain, rdfs:range, owl:inverseOf and their like leave, then entities that are a property, an
    ontology or a restriction, then classes without a triple left. A class that something is linked to, or that
    stands in a tree of rdfs:subClassOf, stays.
    """
    schema = np.array([name in _VOCABULARY_RELATIONS for name in graph.relations], dtype=bool)
    columns = TripleColumns.of(graph)
    keep = ~schema[graph.relation]
    less = graph if keep.all() else columns.select(keep).graph(graph)
    gone = _is_one_of(less, _PROPERTY_TYPES)
    lonely = np.ones(graph.n_entities, dtype=bool)
    stays = ~(gone[less.head] | gone[less.tail])
    lonely[less.head[stays]] = False
    lonely[less.tail[stays]] = False
    gone |= _is_one_of(less, _CLASS_TYPES) & lonely
    less, step = _without(less, gone, "drop_vocabulary", "that are properties, ontologies or unused classes")
    text = f"{int((~keep).sum()):,} triples about the vocabulary left out, and {step.text}"
    return less, MappingStep(step.name, text, step.dropped + int((~keep).sum()), step.example)


def with_min_degree(
    graph: KnowledgeGraph, least: int, keep_types: Sequence[str] = ()
) -> tuple[KnowledgeGraph, MappingStep]:
    """The graph less the entities with too few triples, again and again until none is left: its k-core.

    Every triple counts at both of its ends; what is left does not depend on the order. Entities of the kept types
    stay, whatever their degree.

    Raises:
        ConfigError: if the graph has no such type.
    """
    gone = _poor(graph.adjacency, least, _of_types(graph, keep_types))
    return _without(graph, gone, "min_entity_degree", f"left with fewer than {least} triples")


def _poor(adjacency: Adjacency, least: int, kept: Flags) -> Flags:
    """Entities outside the core; each is looked at once, so that long chains take no longer than wide trees."""
    degree = adjacency.degree().copy()
    gone = (degree < least) & ~kept
    mark = np.empty(len(degree), dtype=np.int64)
    front: npt.NDArray[np.int64] = np.flatnonzero(gone)
    while len(front):
        beside = adjacency.neighbours(front).node.astype(np.int64)
        np.subtract.at(degree, beside, 1)
        front = beside[(degree[beside] < least) & ~gone[beside] & ~kept[beside]]
        mark[front] = np.arange(len(front))
        front = front[mark[front] == np.arange(len(front))]
        gone[front] = True
    return gone


def _without(graph: KnowledgeGraph, gone: Flags, name: str, which: str) -> tuple[KnowledgeGraph, MappingStep]:
    less = without_entities(graph, gone)
    entities, triples = int(gone.sum()), graph.n_triples - less.n_triples
    literals = len(graph.literals) - len(less.literals)
    text = f"{entities:,} entities {which} left out, with {triples:,} triples and {literals:,} literals"
    return less, MappingStep(name, text, entities, first_id(graph.entities, np.flatnonzero(gone)))


def _of_types(graph: KnowledgeGraph, types: Sequence[str]) -> Flags:
    known = graph.types if UNTYPED in graph.types else (*graph.types, UNTYPED)
    kind = np.where(graph.type_of < 0, known.index(UNTYPED), graph.type_of)
    return np.isin(kind, find_terms(types, known, "node type"))


def _is_one_of(graph: KnowledgeGraph, types: frozenset[str]) -> Flags:
    numbers = [number for number, name in enumerate(graph.types) if name in types]
    return np.isin(graph.type_of, numbers)
