"""Reading a graph page by page: subjects in order of their IRIs, then the triples of as many as fill a page.

Each subject is listed with its number of triples, so that every answer is checked: too few triples mean that the
endpoint cuts its answers, and smaller pages are asked. A subject is always read whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import httpx

from ...kg import DataError, Update
from ..collector import TripleCollector
from .queries import Selection, iri_term
from .retries import BrokenAnswer, PatientClient
from .triples import HeldTriples

__all__ = ["PagedReading"]

JSON = "application/sparql-results+json"
N_TRIPLES = "application/n-triples"
# Servers limit the length of a form; Jetty, in which several endpoints live, to 200,000 bytes when encoded.
LONGEST_QUERY = 40_000
Subjects = list[tuple[str, int]]
T = TypeVar("T")


class _RepeatedTriples(Exception):
    """The endpoint counts a triple several times and gives it once."""


class PagedReading:
    """Reads what a selection selects into a collector.

    Args:
        client: asks the endpoint.
        selection: the queries.
        page_size: most triples, and most subjects, asked at once; smaller pages are asked when answers come back cut.
        on_progress: told of the triples read.

    Attributes:
        collector: has the triples.
        total: how many there are; 0 before they are counted.
    """

    def __init__(
        self, client: PatientClient, selection: Selection, page_size: int, on_progress: Update | None = None
    ) -> None:
        self.client, self.selection, self.on_progress = client, selection, on_progress
        self.collector, self.total = TripleCollector(), 0
        self._stated_size = self._page_size = page_size

    def run(self) -> None:
        """Read everything.

        Raises:
            DataError: if answers stay cut, or if the graph changes meanwhile.
        """
        try:
            self._run()
        except _RepeatedTriples:
            self.selection = replace(self.selection, distinct=True)
            self._run()

    def _run(self) -> None:
        self.collector, self._page_size = TripleCollector(), self._stated_size
        self.total = self._count(self.selection.count())
        if self.total == 0:
            return
        unpaged = self._count(self.selection.count_unpaged())
        self._told()
        for subjects in self._listed(self.total - unpaged):
            for page in self._pages(subjects):
                self._read(page)
        if unpaged:
            self._read_unpaged(unpaged)
        after = self._count(self.selection.count())
        if after != self.total or self.collector.rows != self.total:
            raise self._changed(f"{after:,} counted after")

    def _listed(self, expected: int) -> Iterator[Subjects]:
        """All subjects with their numbers of triples, part by part, in the order of their IRIs."""
        after, listed = None, 0
        before: set[str] = set()
        while listed < expected:
            part = self._ask(self.selection.subjects(after, self._page_size), JSON, _subjects)
            if not part:
                return
            # An answer may hold fewer than asked, and more may follow all the same: only an empty one is the end.
            after = part[-1][0]
            before = self._new(part, before)
            listed += sum(n for _, n in part)
            yield part

    def _new(self, part: Subjects, before: set[str]) -> set[str]:
        """The subjects of a part; none may come twice. Not compared by order: endpoints have more than one."""
        found = {subject for subject, _ in part}
        if again := (found & before) or (found if len(found) < len(part) else None):
            raise DataError(
                f"{self.client.url} lists subjects repeatedly, near {iri_term(min(again))}: it does not keep to "
                "`STR(?s) > ...`, by which a list is continued; read a dump by `source: rdf`"
            )
        return found

    def _pages(self, subjects: Subjects) -> Iterator[Subjects]:
        """Successive subjects that together make a page; one that is larger than a page has its own."""
        page: Subjects = []
        triples = length = 0
        for subject, n in subjects:
            # An IRI is escaped in a form: at most three bytes for each of its own.
            size = 3 * len(subject.encode())
            if page and (triples + n > self._page_size or length + size > LONGEST_QUERY):
                yield page
                page, triples, length = [], 0, 0
            page.append((subject, n))
            triples, length = triples + n, length + size
        if page:
            yield page

    def _read(self, page: Subjects) -> None:
        """Read the triples of some subjects, in smaller pages if the answer comes back cut."""
        expected = sum(n for _, n in page)
        found = self._fetch(self.selection.triples(subject for subject, _ in page), expected, again=len(page) == 1)
        if found.rows == expected:
            found.into(self.collector)
            self._told()
        elif found.rows > expected:
            raise self._changed("and a page has more triples than were counted")
        elif len(page) > 1:
            self._page_size = max(1, min(self._page_size, found.rows))
            for part in self._pages(page):
                self._read(part)
        else:
            subject = page[0][0]
            self._check(lambda selection: selection.count_triples(subject), expected, found.rows)
            raise DataError(
                f"{self.client.url} gives {found.rows:,} of the {expected:,} triples of {iri_term(subject)} in one "
                "answer: raise the endpoint's limit on the size of answers, or leave relations out by `exclude`"
            )

    def _read_unpaged(self, expected: int) -> None:
        found = self._fetch(self.selection.unpaged(), expected, again=True)
        if found.rows == expected:
            found.into(self.collector)
            self._told()
            return
        self._check(Selection.count_unpaged, expected, found.rows)
        raise DataError(
            f"{self.client.url} gives {found.rows:,} of its {expected:,} triples with blank nodes; these are read in "
            "one answer, because blank nodes have names within one only: raise the endpoint's limit on the size of "
            "answers, or leave relations to blank nodes out by `exclude`"
        )

    def _fetch(self, query: str, expected: int, *, again: bool) -> HeldTriples:
        """The triples of an answer; where it cannot be made smaller, `again`, a short one is asked for twice.

        A connection may break between two lines of an answer that did not tell its length.
        """
        found = self._ask(query, N_TRIPLES, _triples)
        return self._ask(query, N_TRIPLES, _triples) if again and found.rows < expected else found

    def _check(self, query: Callable[[Selection], str], expected: int, found: int) -> None:
        """Find out why triples are missing; if nothing is raised, the answer was cut."""
        if self._count(query(self.selection)) != expected:
            raise self._changed(f"with {found:,} triples where there were {expected:,}")
        if not self.selection.distinct and self._count(query(replace(self.selection, distinct=True))) == found:
            raise _RepeatedTriples

    def _changed(self, what: str) -> DataError:
        return DataError(
            f"the graph at {self.client.url} changed while it was read, or the endpoint leaves triples out: "
            f"{self.total:,} counted before, {self.collector.rows:,} read, {what}; read it again when nobody writes "
            "to it"
        )

    def _count(self, query: str) -> int:
        return self._ask(query, JSON, _number)

    def _ask(self, query: str, accept: str, read: Callable[[httpx.Response], T]) -> T:
        def checked(response: httpx.Response) -> T:
            kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind not in (accept, "application/json" if accept == JSON else "text/plain"):
                raise DataError(
                    f"{self.client.url} answers {kind or 'something unnamed'} and not {accept}: it is no SPARQL 1.1 "
                    "endpoint; check the URL, which often ends in /sparql or /query"
                )
            return read(response)

        return self.client.post({"query": query}, accept=accept, read=checked)

    def _told(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.collector.rows, self.total, "")


def _bindings(response: httpx.Response) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(response.content)["results"]["bindings"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenAnswer(f"not the JSON of SPARQL results ({error})") from error
    return rows


def _number(response: httpx.Response) -> int:
    try:
        number = int(_bindings(response)[0]["n"]["value"])
    except (IndexError, KeyError, TypeError, OverflowError, ValueError) as error:
        raise BrokenAnswer("a count that holds no number") from error
    if number < 0:
        raise BrokenAnswer("a count below 0")
    return number


def _subjects(response: httpx.Response) -> Subjects:
    try:
        # Some endpoints group nothing into one row without a subject.
        rows = [(row["s"]["value"], int(row["n"]["value"])) for row in _bindings(response) if "s" in row]
    except (KeyError, TypeError, OverflowError, ValueError) as error:
        raise BrokenAnswer("a list of subjects with a row out of shape") from error
    for subject, n in rows:
        _check_iri(subject)
        # Reading ends when all that were counted are listed: each has to bring that nearer.
        if n < 1:
            raise BrokenAnswer(f"a list in which {iri_term(subject)} has {n} triples")
    return rows


def _check_iri(subject: object) -> None:
    try:
        iri_term(str(subject))
    except ValueError as error:
        raise DataError(f"the endpoint has a subject {subject!r} that is no IRI ({error}); correct it there") from error


def _triples(response: httpx.Response) -> HeldTriples:
    return HeldTriples.parsed(response.content)
