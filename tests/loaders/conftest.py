"""What a graph says, by name, and the same out of rdflib: shared by the tests of every RDF source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import rdflib
from hypothesis import settings
from rdflib.namespace import RDF

from plait.kg import KnowledgeGraph

# Time limits per example fail on a machine that does other work too; pytest-timeout guards against a hang.
settings.register_profile("plait", deadline=None)
settings.load_profile("plait")

XSD = "http://www.w3.org/2001/XMLSchema#"
Facts = tuple[set[tuple[str, str, str]], Counter[tuple[str, str, str, str | None, str | None]], set[str]]


def _facts(graph: KnowledgeGraph) -> Facts:
    """Triples, literals and entities of a graph, by name."""
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head, graph.relation, graph.tail, strict=True)
    triples = {(names[h], graph.relations[r], names[t]) for h, r, t in rows}
    lit = graph.literals
    columns = (lit.value.to_pylist(), lit.language.to_pylist(), lit.datatype.to_pylist())
    told = zip((names[e] for e in lit.entity), (lit.predicates[p] for p in lit.predicate), *columns, strict=True)
    assert graph.n_triples == len(triples)
    return triples, Counter(told), set(names)


def _slow(source: rdflib.Graph) -> Facts:
    """The same, triple by triple out of rdflib."""

    def name(term: object) -> str:
        return f"_:0:{term}" if isinstance(term, rdflib.BNode) else str(term)

    triples, literals, entities = set(), Counter[tuple[str, str, str, str | None, str | None]](), set()
    for s, p, o in source:
        entities.add(name(s))
        if isinstance(o, rdflib.Literal):
            datatype = None if o.datatype in (None, rdflib.URIRef(XSD + "string")) else str(o.datatype)
            # Language tags are equal in any case; Oxigraph writes them small.
            literals[name(s), str(p), str(o), o.language and o.language.lower(), datatype] += 1
        elif p != RDF.type:
            triples.add((name(s), str(p), name(o)))
            entities.add(name(o))
    return triples, literals, entities


def _unnamed(found: Facts) -> Facts:
    """Blank nodes have the names of their parser: what they are is told by what is said of them."""

    def name(entity: str) -> str:
        return "_" if entity.startswith("_:") else entity

    triples, literals, entities = found
    return (
        {(name(h), r, name(t)) for h, r, t in triples},
        Counter({(name(e), *rest): n for (e, *rest), n in literals.items()}),  # type: ignore[misc]
        {name(e) for e in entities},
    )


@pytest.fixture(scope="session")
def facts() -> Callable[[KnowledgeGraph], Facts]:
    """Says what a graph says."""
    return _facts


@pytest.fixture(scope="session")
def slow() -> Callable[[rdflib.Graph], Facts]:
    """Says what an rdflib graph says."""
    return _slow


@pytest.fixture(scope="session")
def unnamed() -> Callable[[Facts], Facts]:
    """Makes facts comparable between parsers that name blank nodes differently."""
    return _unnamed
