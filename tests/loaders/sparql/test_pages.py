"""Endpoints that leave triples out without saying so, and graphs that change while they are read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from plait.kg import DataError
from plait.loaders.sparql.endpoint import read_sparql

from .conftest import DATA, E, Question, Reply, config, is_whole


# Each subject has 2 triples: a cap of 2 still lets every one through, whole.
@pytest.mark.parametrize("cap", [2, 3, 14, 15, 16, 39, 40, 79])
@pytest.mark.parametrize("page_size", [5, 15, 1000])
def test_endpoint_that_cuts_its_answers_silently(proxy, endpoint, cap, page_size):
    endpoint.load(DATA)
    proxy.rule = lambda question: question.answer().capped(cap)
    assert is_whole(read_sparql(config(proxy.url, page_size=page_size)))


def test_cap_is_learnt(proxy, endpoint):
    endpoint.load(DATA)
    proxy.rule = lambda question: question.answer().capped(20)
    read_sparql(config(proxy.url, page_size=1000))
    # One page comes back cut, at 20 of 40; all after it ask for 20 at most: 80 / 20 further ones.
    assert sum(question.is_page for question in proxy.questions) <= 1 + 5


def test_cap_below_the_triples_of_a_subject(proxy, endpoint):
    endpoint.load(DATA)
    proxy.rule = lambda question: question.answer().capped(1)
    with pytest.raises(DataError, match=r"gives 1 of the 2 triples of <http://e/s\d+> in one answer"):
        read_sparql(config(proxy.url))


def test_cap_below_the_triples_with_blank_nodes(proxy, endpoint):
    endpoint.load(f"<{E}a> <{E}p> [ <{E}q> [] ] .")
    proxy.rule = lambda question: question.answer().capped(1)
    with pytest.raises(DataError, match="gives 1 of its 2 triples with blank nodes"):
        read_sparql(config(proxy.url))


CHANGES = {
    "more at the front": f"INSERT DATA {{ <{E}a> <{E}p> <{E}b> }}",
    "more at the end": f"INSERT DATA {{ <{E}z> <{E}p> <{E}b> }}",
    "another subject": f"DELETE DATA {{ <{E}s9> <{E}p> <{E}o2> }} ; INSERT DATA {{ <{E}s10> <{E}p> <{E}o7> }}",
    "less": f"DELETE WHERE {{ <{E}s9> ?p ?o }}",
    "more of a subject": f'INSERT DATA {{ <{E}s9> <{E}q> "v" }}',
    "a blank node": f"INSERT DATA {{ <{E}s9> <{E}q> [] }}",
    "nothing left": "CLEAR ALL",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", [3, 4, 6])
def test_graph_that_changes_midway(proxy, endpoint, change, when):
    endpoint.load(DATA)

    def rule(question: Question) -> Reply:
        if question.number == when:
            endpoint.update(CHANGES[change])
        return question.answer()

    proxy.rule = rule
    with pytest.raises(DataError, match="changed while it was read"):
        read_sparql(config(proxy.url))


def test_change_between_the_first_two_counts(proxy, endpoint):
    endpoint.load(DATA)

    def rule(question: Question) -> Reply:
        if question.number == 1:
            endpoint.update(CHANGES["less"])
        return question.answer()

    proxy.rule = rule
    with pytest.raises(DataError, match="80 counted before, 78 read, 78 counted after"):
        read_sparql(config(proxy.url))


def test_endpoint_that_lists_the_same_subjects_again_and_again(proxy, endpoint):
    endpoint.load(DATA)
    first = []

    def rule(question: Question) -> Reply:
        if not question.is_listing:
            return question.answer()
        first.append(first[0] if first else question.answer())
        return first[0]

    proxy.rule = rule
    with pytest.raises(DataError, match="lists subjects repeatedly, near <http://e/s0>"):
        read_sparql(config(proxy.url))
    assert len(first) == 2


@pytest.mark.parametrize("n", [0, -1, float("inf")])
def test_endpoint_that_lists_subjects_without_triples(proxy, endpoint, n):
    """By numbers like these the list would never reach what was counted."""
    endpoint.load(DATA)

    def rule(question: Question) -> Reply:
        if not question.is_listing:
            return question.answer()
        assert question.number < 10, "it does not end"
        row = {"s": {"value": f"{E}z{question.number}"}, "n": {"value": n}}
        body = json.dumps({"results": {"bindings": [row]}})
        return Reply(body.encode(), "application/json")

    proxy.rule = rule
    with pytest.raises(DataError, match="an answer that cannot be read: a list "):
        read_sparql(config(proxy.url))


def test_endpoint_that_lists_a_subject_twice_in_one_answer(proxy, endpoint):
    endpoint.load(DATA)

    def rule(question: Question) -> Reply:
        answer = question.answer()
        return replace(answer, body=answer.body.replace(b'e/s1"', b'e/s0"')) if question.is_listing else answer

    proxy.rule = rule
    with pytest.raises(DataError, match="lists subjects repeatedly"):
        read_sparql(config(proxy.url))


def test_subject_that_is_no_iri(proxy, endpoint):
    endpoint.load(DATA)

    def rule(question: Question) -> Reply:
        answer = question.answer()
        hostile = answer.body.replace(b"http://e/s0", b"http://e/s0> } #")
        return replace(answer, body=hostile) if question.is_listing else answer

    proxy.rule = rule
    with pytest.raises(DataError, match="has a subject 'http://e/s0> } #' that is no IRI"):
        read_sparql(config(proxy.url))
