"""A graph from a real endpoint against the same data from a file, page by page of any size."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, DataError, KnowledgeGraph
from plait.loaders.rdf.reader import read_rdf
from plait.loaders.sparql.endpoint import SparqlGraph, read_sparql

from .conftest import Reply

E = "http://e/"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SHOP = """\
@prefix e: <http://e/> .
e:pan a e:Pan ; e:by e:acme , e:bolt ; e:name "Pan"@en , "Pfanne"@de-AT , "Pan" ; e:price "3"^^e:crown .
e:acme a e:Maker ; e:name "tab\\there \\"quoted\\" back\\\\slash\\nline {?s} \\U0001F3AC" .
e:bolt a e:Maker , e:Rare ; e:name "x"^^<http://www.w3.org/2001/XMLSchema#string> , "" .
<http://e/李> e:name "李安 Žižek" ; e:by e:acme .
<http://e/x/../y> e:by <http://e/caf%C3%A9> .
<http://e/%27$(a);b='c'> e:by e:acme .
"""


def config(url: str, **options: object) -> SparqlGraph:
    return SparqlGraph.model_validate({"source": "sparql", "endpoint": url, "backoff": 0.01, **options})


def facts(graph: KnowledgeGraph) -> tuple[set, Counter, dict]:
    """Triples, literals and node types, by name."""
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head, graph.relation, graph.tail, strict=True)
    lit = graph.literals
    columns = (lit.value.to_pylist(), lit.language.to_pylist(), lit.datatype.to_pylist())
    told = zip((names[e] for e in lit.entity), (lit.predicates[p] for p in lit.predicate), *columns, strict=True)
    types = {name: graph.type_name(number) for number, name in enumerate(names)}
    return {(names[h], graph.relations[r], names[t]) for h, r, t in rows}, Counter(told), types


def by_file(tmp_path: Path, data: str, suffix: str = "ttl") -> KnowledgeGraph:
    path = tmp_path / f"data.{suffix}"
    path.write_text(data, encoding="utf-8")
    return read_rdf([path])


# The largest subject has 7 triples, all together 17; there are 6 subjects.
@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 6, 7, 8, 16, 17, 18, 1000])
def test_reads_what_the_file_says(endpoint, tmp_path, page_size):
    endpoint.load(SHOP)
    graph = read_sparql(config(endpoint.url, page_size=page_size))
    assert facts(graph) == facts(by_file(tmp_path, SHOP))
    assert graph.duplicates == 0


IRIS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=4)
NODES = st.one_of(st.sampled_from([E + "a", E + "ab", E + "b", "urn:x:1"]), IRIS.map(lambda text: E + text))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)


def is_iri(text: str) -> bool:
    try:
        ox.NamedNode(text)
    except ValueError:
        return False
    return True


NODE = NODES.filter(is_iri).map(ox.NamedNode)
LITERAL = st.one_of(
    TEXTS.map(ox.Literal),
    st.builds(lambda text, tag: ox.Literal(text, language=tag), TEXTS, st.sampled_from(["en", "zh-Hant"])),
    TEXTS.map(lambda text: ox.Literal(text, datatype=ox.NamedNode(E + "unit"))),
)
PREDICATE = st.sampled_from([ox.NamedNode(TYPE), ox.NamedNode(E + "p"), ox.NamedNode(E + "q")])
TRIPLE = st.one_of(
    st.builds(ox.Triple, NODE, PREDICATE, NODE), st.builds(ox.Triple, NODE, st.just(ox.NamedNode(E + "p")), LITERAL)
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(triples=st.lists(TRIPLE, min_size=1, max_size=12, unique_by=str), page_size=st.integers(1, 14))
def test_any_graph_is_the_same_by_file_and_by_endpoint(served, tmp_path, triples, page_size):
    served.update("CLEAR ALL")
    data = "".join(f"{triple} .\n" for triple in triples)
    served.load(data, kind="application/n-triples")
    graph = read_sparql(config(served.url, page_size=page_size))
    assert facts(graph) == facts(by_file(tmp_path, data, "nt"))


def test_subject_larger_than_a_page_is_read_whole(endpoint):
    endpoint.load("".join(f"<{E}hub> <{E}p> <{E}t{i}> .\n" for i in range(50)) + f"<{E}a> <{E}p> <{E}b> .")
    graph = read_sparql(config(endpoint.url, page_size=8))
    assert graph.n_triples == 51
    assert graph.n_entities == 53


@pytest.mark.parametrize("page_size", [1, 100])
@pytest.mark.parametrize("relabels", [False, True])
def test_blank_nodes_stay_joined_to_what_names_them(endpoint, proxy, page_size, relabels):
    """Many endpoints name blank nodes anew, from b0, in every answer."""

    def relabelled(question):
        answer, known = question.answer(), {}
        body = re.sub(rb"_:\w+", lambda found: b"_:b%d" % known.setdefault(found[0], len(known)), answer.body)
        return replace(answer, body=body)

    if relabels:
        proxy.rule = relabelled
    endpoint.load(f'@prefix e: <{E}> . e:a e:p [ e:name "one" ; e:q [ e:name "two" ] ] . e:b e:p _:x . e:c e:p _:x .')
    triples, literals, _ = facts(read_sparql(config(proxy.url, page_size=page_size)))
    named = {value: entity for entity, _, value, _, _ in literals}
    shared = {tail for head, _, tail in triples if head in (E + "b", E + "c")}
    assert len(shared) == 1
    assert triples == {
        (E + "a", E + "p", named["one"]),
        (named["one"], E + "q", named["two"]),
        (E + "b", E + "p", *shared),
        (E + "c", E + "p", *shared),
    }
    assert len({*named.values(), *shared}) == 3
    assert all(name.startswith("_:") for name in (*named.values(), *shared))


def test_only_blank_nodes(endpoint):
    endpoint.load(f'[] <{E}p> "x" .')
    graph = read_sparql(config(endpoint.url))
    assert graph.n_entities == len(graph.literals) == 1


def test_named_graph_alone_or_default_graph_alone(endpoint):
    endpoint.load(f"<{E}a> <{E}p> <{E}b> .")
    endpoint.load(f"<{E}c> <{E}p> <{E}d> . <{E}e> <{E}p> <{E}d> , _:x .", graph=E + "g")
    assert read_sparql(config(endpoint.url)).n_triples == 1
    graph = read_sparql(config(endpoint.url, named_graph=E + "g", page_size=1))
    assert graph.n_triples == 3
    assert E + "a" not in graph.entities


def test_restriction_by_class_relation_and_exclusion(endpoint):
    endpoint.load(SHOP)
    triples, literals, types = facts(read_sparql(config(endpoint.url, classes=[E + "Pan"])))
    assert {head for head, _, _ in triples} == {E + "pan"}
    assert (len(triples), literals.total()) == (2, 4)
    # bolt is of both classes and must not come, or count, twice.
    both = read_sparql(config(endpoint.url, classes=[E + "Maker", E + "Rare"]))
    assert (both.n_triples, len(both.literals), both.n_entities) == (0, 3, 2)
    triples, literals, types = facts(read_sparql(config(endpoint.url, relations=[E + "by"])))
    assert {relation for _, relation, _ in triples} == {E + "by"}
    assert not literals
    assert types[E + "pan"] == E + "Pan"
    triples, literals, types = facts(read_sparql(config(endpoint.url, exclude=[E + "by", TYPE])))
    assert not triples
    assert set(types.values()) == {"untyped"}


def test_default_graph_that_repeats_triples_of_several_graphs(start):
    endpoint = start("--union-default-graph")
    for graph, more in (("g", ""), ("h", f" <{E}a> <{E}p> <{E}c> .")):
        endpoint.load(f'<{E}a> <{E}p> <{E}b> , _:x . <{E}z> <{E}p> "v" .{more}', graph=E + graph)
    graph = read_sparql(config(endpoint.url, page_size=2))
    # The blank node of each graph is another one.
    assert (graph.n_triples, len(graph.literals)) == (4, 1)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({}, "state the right `named_graph`"),
        ({"named_graph": E + "g"}, "<http://e/g>"),
        ({"classes": [E + "T"]}, "`classes`"),
    ],
)
def test_no_triple_is_a_clear_error(endpoint, options, remedy):
    with pytest.raises(DataError, match="has no triple to read") as caught:
        read_sparql(config(endpoint.url, **options))
    assert remedy in str(caught.value)


def test_progress_is_told_and_ends_at_the_total(endpoint):
    endpoint.load(SHOP)
    told = []
    read_sparql(config(endpoint.url, page_size=3), on_progress=lambda *update: told.append(update))
    assert told[0] == (0, 17, "")
    assert told[-1] == (17, 17, "")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://e/x",
        "/query",
        "http://",
        "file:///etc/passwd",
        "http://e:port/",
        "http://e/x#f",
        "http://e/a b",
        "http://e/\n",
    ],
)
def test_endpoint_that_is_no_web_address(url):
    with pytest.raises(ValidationError, match="URL"):
        config(url)


@pytest.mark.parametrize("url", ["http://me:hunter2@e/q", "http://hunter2@e/q"])
def test_secret_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ValidationError, match="user_env") as caught:
        config(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://e/q?key=hunter2", "https://e/q?", "https://e/?a=b&c=hunter2"])
def test_query_string_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(ValidationError, match="params_env") as caught:
        config(url)
    assert "hunter2" not in str(caught.value)


KEY = "hunter2/+ä"


def test_parameters_come_from_the_environment_and_are_shown_nowhere(proxy, endpoint, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    endpoint.load(SHOP)
    monkeypatch.setenv("SHOP_KEY", KEY)
    by_key = config(proxy.url, params_env={"key": "SHOP_KEY", "k&y": "SHOP_KEY"})
    assert read_sparql(by_key).n_triples > 0
    assert {tuple(sorted(parse_qsl(urlsplit(q.path).query))) for q in proxy.questions} == {(("k&y", KEY), ("key", KEY))}
    assert "hunter2" not in by_key.model_dump_json() + repr(by_key)
    assert "HTTP Request: POST" in caplog.text
    assert "hunter2" not in caplog.text
    # Nor where the server repeats it, in any form.
    said = f"no {KEY} at /query?key={quote(KEY, '')}&k={quote_plus(KEY)}"
    told = []
    for status, headers in ((403, {}), (302, {"Location": f"/q?key={quote(KEY)}"}), (503, {})):
        proxy.rule = lambda _, status=status, headers=headers: Reply(
            said.encode(), "text/plain; charset=utf-8", status, headers
        )
        with pytest.raises(DataError) as caught:
            read_sparql(by_key.model_copy(update={"retries": 1}), on_progress=lambda *update: told.append(update))
        shown = "".join(map(str, traceback.format_exception(caught.value))) + str(told)
        assert "hunter2" not in shown
        assert proxy.url in str(caught.value)


def test_parameter_of_the_protocol_itself_is_refused():
    with pytest.raises(ValidationError, match="'query', which the protocol itself uses"):
        config("https://e/q", params_env={"query": "Q"})


SECRETS = [{"token_env": "T"}, {"user_env": "U", "password_env": "P"}, {"params_env": {"key": "K"}}]


@pytest.mark.parametrize("options", SECRETS)
def test_secret_goes_unencrypted_to_this_machine_alone(options):
    for host in ("e", "192.168.0.1", "localhost.e", "127.0.0.1.e"):
        with pytest.raises(ValidationError, match="use https, or state `insecure: true`"):
            config(f"http://{host}/q", **options)
        config(f"http://{host}/q", **options, insecure=True)
        config(f"https://{host}/q", **options)
        config(f"http://{host}/q")
    for host in ("localhost", "127.0.0.1", "127.1.2.3:80", "[::1]:7878", "a.localhost"):
        config(f"http://{host}/q", **options)


@pytest.mark.parametrize("field", ["named_graph", "classes", "relations", "exclude"])
@pytest.mark.parametrize(
    "iri", ["e:a b", "x", "http://e/>}; DROP ALL #", 'http://e/"', "http://e/\\u003e", "http://e/{", ""]
)
def test_hostile_iri_in_the_configuration(field, iri):
    with pytest.raises(ValidationError, match="no absolute IRI"):
        config("http://e/q", **{field: iri if field == "named_graph" else [E + "good", iri]})


@pytest.mark.parametrize(
    "options", [{"user_env": "U"}, {"password_env": "P"}, {"user_env": "U", "password_env": "P", "token_env": "T"}]
)
def test_half_or_double_credentials(options):
    with pytest.raises(ValidationError, match="state"):
        config("http://e/q", **options)


def test_credentials_come_from_the_environment(proxy, endpoint, monkeypatch):
    endpoint.load(SHOP)
    monkeypatch.setenv("SHOP_USER", "me")
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    monkeypatch.setenv("SHOP_TOKEN", "abc.def")
    by_password = config(proxy.url, user_env="SHOP_USER", password_env="SHOP_PASSWORD")
    read_sparql(by_password)
    # base64 of me:hunter2
    assert {q.headers["Authorization"] for q in proxy.questions} == {"Basic bWU6aHVudGVyMg=="}
    assert "hunter2" not in repr(by_password)
    proxy.questions.clear()
    read_sparql(config(proxy.url, token_env="SHOP_TOKEN"))
    assert {q.headers["Authorization"] for q in proxy.questions} == {"Bearer abc.def"}


@pytest.mark.parametrize(
    ("value", "message"),
    [(None, "is not set"), ("  ", "is not set"), ("a\x01bc", "control character"), ("schlüssel", "ASCII")],
)
def test_unusable_credentials(monkeypatch, value, message):
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_TOKEN", value)
    with pytest.raises(ConfigError, match=message) as caught:
        read_sparql(config("http://127.0.0.1:9/q", token_env="SHOP_TOKEN"))
    assert "SHOP_TOKEN" in str(caught.value)
    assert value is None or not value.strip() or value not in str(caught.value)
