"""The queries that read a graph: every value in them is checked and written out as a term by Oxigraph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph as ox

from ..collector import RDF_TYPE

__all__ = ["Selection", "iri_term", "string_term"]

# Each triple is of exactly one kind. The first is read in pages by subject. The second, with a blank node, is read at
# one go, because labels of blank nodes hold within one answer only.
PAGED = "isIRI(?s) && !isBlank(?o)"
UNPAGED = f"!({PAGED})"
COUNT = "SELECT (COUNT(*) AS ?n)"
CONSTRUCT = "CONSTRUCT { ?s ?p ?o }"


def iri_term(iri: str) -> str:
    """An absolute IRI as a SPARQL term.

    Raises:
        ValueError: if it is none; an IRI has no spaces, quotes, angle brackets, braces or backslashes.
    """
    return str(ox.NamedNode(iri))


def string_term(text: str) -> str:
    """A string as a SPARQL literal, quoted and escaped."""
    return str(ox.Literal(text))


@dataclass(frozen=True)
class Selection:
    """Which triples of an endpoint are read, and the queries for them.

    Attributes:
        named_graph: IRI of the graph; the endpoint's default graph if None.
        classes: only subjects of one of these types; all if empty.
        relations: only these predicates, and rdf:type; all if empty.
        exclude: all but these predicates.
        distinct: whether a triple counts once where the endpoint has it several times, as where its default graph is
            the union of others. Costs the endpoint more.
    """

    named_graph: str | None = None
    classes: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    distinct: bool = False

    def count(self) -> str:
        """How many triples there are, as ?n."""
        return f"{COUNT} {self._once(self._where())}"

    def count_unpaged(self) -> str:
        """How many of them have a blank node, as ?n."""
        return f"{COUNT} {self._once(self._where(f'FILTER({UNPAGED})'))}"

    def unpaged(self) -> str:
        """The triples that have a blank node."""
        return f"{CONSTRUCT} {self._where(f'FILTER({UNPAGED})')}"

    def subjects(self, after: str | None, limit: int) -> str:
        """The next subjects ?s in the order of their IRIs as strings, each with its number of paged triples ?n.

        IRIs are compared as strings: standard SPARQL knows no order between IRIs.
        """
        further = "" if after is None else f" && STR(?s) > {string_term(after)}"
        where = self._once(self._where(f"FILTER({PAGED}{further})"))
        return f"SELECT ?s (COUNT(*) AS ?n) {where} GROUP BY ?s ORDER BY STR(?s) LIMIT {limit:d}"

    def triples(self, subjects: Iterable[str]) -> str:
        """The paged triples of some subjects."""
        return f"{CONSTRUCT} {self._of(subjects)}"

    def count_triples(self, subject: str) -> str:
        """How many paged triples a subject has, as ?n."""
        return f"{COUNT} {self._once(self._of([subject]))}"

    def _once(self, where: str) -> str:
        return f"WHERE {{ {{ SELECT DISTINCT ?s ?p ?o {where} }} }}" if self.distinct else where

    def _of(self, subjects: Iterable[str]) -> str:
        return self._group(f"VALUES ?s {{ {_terms(subjects, ' ')} }} ?s ?p ?o FILTER({PAGED}) {self._predicates()}")

    def _where(self, more: str = "") -> str:
        typed = ""
        if self.classes:
            # A subselect with DISTINCT, so that a subject of two of the classes counts once.
            kinds = f"FILTER(?kind IN ({_terms(self.classes, ', ')}))"
            typed = f"{{ SELECT DISTINCT ?s WHERE {{ ?s {iri_term(RDF_TYPE)} ?kind {kinds} }} }} "
        return self._group(f"{typed}?s ?p ?o {more} {self._predicates()}")

    def _group(self, pattern: str) -> str:
        inner = pattern if self.named_graph is None else f"GRAPH {iri_term(self.named_graph)} {{ {pattern} }}"
        return f"WHERE {{ {inner} }}"

    def _predicates(self) -> str:
        kept = f"FILTER(?p IN ({_terms((*self.relations, RDF_TYPE), ', ')}))" if self.relations else ""
        return kept + (f"FILTER(?p NOT IN ({_terms(self.exclude, ', ')}))" if self.exclude else "")


def _terms(iris: Iterable[str], separator: str) -> str:
    return separator.join(map(iri_term, iris))
