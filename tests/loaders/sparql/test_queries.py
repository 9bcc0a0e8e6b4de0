"""Values in queries are terms and nothing else, whatever they hold."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.loaders.sparql.queries import Selection, iri_term, string_term

E = "http://e/"
HOSTILE = [
    '"',
    "\\",
    '\\"',
    "}}",
    "' ; DROP ALL #",
    "\n",
    "\r\n",
    "\t",
    "{?s}",
    "\\u0022",
    "李",
    "\U0001f3ac",
    '"""',
    "%s{0}",
]


@pytest.mark.parametrize("text", HOSTILE)
@given(before=st.text(st.characters(codec="utf-8")), after=st.text(st.characters(codec="utf-8")))
def test_string_comes_out_of_a_query_as_it_went_in(text, before, after):
    whole = before + text + after
    store = ox.Store()
    (row,) = store.query(f"SELECT ?x WHERE {{ BIND({string_term(whole)} AS ?x) }}")
    assert row["x"].value == whole


@pytest.mark.parametrize("text", [*HOSTILE[:10], " ", "<", ">", "^", "`", "|", "\x00"])
def test_hostile_iri_makes_no_query(text):
    with pytest.raises(ValueError, match="IRI"):
        iri_term(E + text)
    with pytest.raises(ValueError, match="IRI"):
        Selection().triples([E + "good", E + text])
    with pytest.raises(ValueError, match="IRI"):
        Selection(named_graph=E + text).count()


def test_relative_iri_makes_no_query():
    with pytest.raises(ValueError, match="scheme"):
        iri_term("pan")


def test_hostile_last_key_stays_a_key():
    store = ox.Store()
    for name in "az":
        store.add(ox.Quad(ox.NamedNode(E + name), ox.NamedNode(E + "p"), ox.Literal("v")))
    key = E + 'm") } DELETE { ?s ?p ?o } #\\'
    (row,) = store.query(Selection().subjects(key, 10))
    assert (row["s"].value, row["n"].value) == (E + "z", "1")


def test_each_triple_is_paged_or_unpaged():
    store = ox.Store()
    a, p, blank = ox.NamedNode(E + "a"), ox.NamedNode(E + "p"), ox.BlankNode()
    quads = [(a, a), (a, ox.Literal("v")), (a, blank), (blank, a), (blank, ox.Literal("v")), (blank, blank)]
    store.extend(ox.Quad(subject, p, target) for subject, target in quads)

    def number(query: str) -> int:
        return sum(int(row["n"].value) for row in store.query(query))

    for selection in (Selection(), Selection(distinct=True), Selection(exclude=(E + "other",))):
        assert number(selection.subjects(None, 10)) == number(selection.count_triples(E + "a")) == 2
        assert number(selection.count_unpaged()) == len(list(store.query(selection.unpaged()))) == 4
        assert number(selection.count()) == 6
