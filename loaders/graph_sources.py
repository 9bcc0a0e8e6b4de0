"""Every place a graph may come from: one config each, told apart by `source`, and one call that reads them all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from ..kg import KnowledgeGraph, Mapped, MappingStep, Update, apply_mapping
from .amazon.reader import AmazonGraph, read_amazon
from .neo4j.places import NodePlace, graph_places
from .neo4j.read import Neo4jGraph, read_neo4j
from .property.config import TableGraph
from .property.graphstorm import GraphStormGraph, read_graphstorm
from .property.tables import read_table_graph
from .rdf.reader import RdfGraph, read_rdf
from .rdf.store import StoreGraph, read_store
from .saved_graph import SavedGraph, read_saved_graph
from .sparql.endpoint import SparqlGraph, read_sparql
from .triples.incidence import IncidenceGraph, read_incidence
from .triples.kgat import KgatGraph, read_kgat
from .triples.tables import TripleGraph, read_triples

__all__ = ["GraphConfig", "read_graph"]

GraphConfig = Annotated[
    RdfGraph
    | StoreGraph
    | SparqlGraph
    | TableGraph
    | TripleGraph
    | KgatGraph
    | IncidenceGraph
    | AmazonGraph
    | GraphStormGraph
    | Neo4jGraph
    | SavedGraph,
    Field(discriminator="source"),
]


def read_graph(
    config: GraphConfig,
    *,
    on_progress: Update | None = None,
    before: Callable[[KnowledgeGraph], KnowledgeGraph] | None = None,
    without: Collection[str] = (),
) -> Mapped:
    """Read the graph a config describes, and shape it as its `mapping` says.

    Args:
        config: where it is.
        on_progress: told how far it is.
        before: what is done to the graph before it is shaped.
        without: relationships of a database that are the interactions, and so no part of the graph.

    Returns:
        The graph, and what each step of the mapping did.

    Raises:
        PlaitError: if the source cannot be read, or the mapping names what is not there.
    """
    left_out: list[str] = []
    nodes: list[NodePlace] = []
    graph = _read(config, left_out, on_progress, without, nodes)
    steps = [MappingStep("read", text) for text in left_out]
    if before is not None:
        triples, graph = graph.n_triples, before(graph)
        if told := triples - graph.n_triples:
            steps.append(MappingStep("held out", f"{told:,} triples that tell held-out interactions taken out", told))
    mapped = apply_mapping(graph, config.mapping, on_progress=on_progress)
    stored = graph_places(nodes, graph, mapped) if nodes else None
    return replace(mapped, steps=(*steps, *mapped.steps), stored=stored)


def _read(
    config: GraphConfig,
    left_out: list[str],
    on_progress: Update | None,
    without: Collection[str],
    nodes: list[NodePlace],
) -> KnowledgeGraph:
    """The graph as the source has it; told are what the reader leaves out, and where a database has the nodes."""
    match config:
        case RdfGraph():
            return read_rdf(config.files, base=config.base, on_progress=on_progress)
        case StoreGraph():
            return read_store(config.folder, on_progress=on_progress)
        case SparqlGraph():
            return read_sparql(config, on_progress=on_progress)
        case TableGraph():
            return read_table_graph(config, left_out=left_out, on_progress=on_progress)
        case TripleGraph():
            return read_triples(config, on_progress=on_progress)
        case KgatGraph():
            return read_kgat(config, on_progress=on_progress)
        case IncidenceGraph():
            return read_incidence(config)
        case AmazonGraph():
            return read_amazon(config, left_out=left_out, on_progress=on_progress)
        case GraphStormGraph():
            return read_graphstorm(config, left_out=left_out, on_progress=on_progress)
        case Neo4jGraph():
            return read_neo4j(config, without=without, left_out=left_out, places=nodes, on_progress=on_progress)
        case SavedGraph():
            return read_saved_graph(config.folder)
