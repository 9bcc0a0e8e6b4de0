"""What can go wrong between an endpoint and its reader, made to go wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from plait.kg import DataError
from plait.loaders.sparql.endpoint import read_sparql

from .conftest import DATA, E, Question, Reply, config, is_whole

REFUSAL = Reply(b"no more than this, please", "text/plain", 503)


class Once:
    """Does something to the first answer of a kind, and leaves the others alone."""

    def __init__(self, of, then) -> None:
        self.of, self.then, self.done = of, then, 0

    def __call__(self, question: Question) -> Reply:
        if self.done == 0 and self.of(question):
            self.done += 1
            return self.then(question)
        return question.answer()


KINDS = {
    "count": lambda question: not question.is_page and not question.is_listing,
    "listing": lambda question: question.is_listing and question.number > 3,
    "page": lambda question: question.is_page and question.number > 4,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_answer_cut_after_some_bytes_is_asked_again(proxy, endpoint, kind, cut, sized):
    endpoint.load(DATA)
    proxy.rule = Once(KINDS[kind], lambda question: replace(question.answer(), cut=cut, sized=sized))
    assert is_whole(read_sparql(config(proxy.url)))
    assert proxy.rule.done == 1


def test_page_cut_at_the_end_of_a_line_without_a_trace(proxy, endpoint):
    endpoint.load(DATA)

    def two_lines(question: Question) -> Reply:
        answer = question.answer()
        return replace(answer, cut=answer.body.index(b"\n", answer.body.index(b"\n") + 1) + 1, sized=False)

    proxy.rule = Once(lambda question: question.is_page, two_lines)
    assert is_whole(read_sparql(config(proxy.url)))
    assert proxy.rule.done == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("kind", KINDS)
def test_busy_server_is_asked_again(proxy, endpoint, status, kind):
    endpoint.load(DATA)
    proxy.rule = Once(KINDS[kind], lambda _: replace(REFUSAL, status=status))
    told = []
    assert is_whole(read_sparql(config(proxy.url), on_progress=lambda *update: told.append(update)))
    (note,) = (note for _, _, note in told if note)
    assert f"HTTP {status}: no more than this, please" in note


def test_retry_after_is_kept(proxy, endpoint):
    endpoint.load(DATA)
    at = []

    def rule(question: Question) -> Reply:
        at.append(time.monotonic())
        return replace(REFUSAL, headers={"Retry-After": "1"}) if len(at) == 1 else question.answer()

    proxy.rule = rule
    assert is_whole(read_sparql(config(proxy.url)))
    assert at[1] - at[0] >= 1


def test_server_that_asks_for_too_long_a_pause(proxy):
    proxy.rule = lambda _: replace(REFUSAL, headers={"Retry-After": "86400"})
    with pytest.raises(DataError, match="asks to come back in 86,400 s"):
        read_sparql(config(proxy.url))
    assert len(proxy.questions) == 1


def test_server_that_stays_busy(proxy):
    proxy.rule = lambda _: REFUSAL
    with pytest.raises(DataError, match="did not answer, asked 3 times: HTTP 503"):
        read_sparql(config(proxy.url, retries=2))
    assert len(proxy.questions) == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "refuses the query"),
        (401, "password_env"),
        (403, "forbids"),
        (404, "/sparql"),
        (413, "page_size"),
        (500, "failed"),
    ],
)
def test_refusal_is_final_and_one_sentence(proxy, status, words):
    proxy.rule = lambda _: replace(REFUSAL, status=status)
    with pytest.raises(DataError, match=words) as caught:
        read_sparql(config(proxy.url))
    assert str(caught.value).startswith(proxy.url)
    assert "no more than this, please" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(proxy.questions) == 1


def test_page_that_is_never_answered(proxy, endpoint):
    endpoint.load(DATA)

    def slow(question: Question) -> Reply:
        time.sleep(0.6)
        return question.answer()

    proxy.rule = Once(lambda question: question.is_page, slow)
    assert is_whole(read_sparql(config(proxy.url, timeout=0.3)))
    proxy.rule = slow
    with pytest.raises(DataError, match=r"no answer within 0\.3 s; a larger `timeout`"):
        read_sparql(config(proxy.url, timeout=0.3, retries=1))


def test_nobody_listens(proxy):
    proxy.server.server_close()
    with pytest.raises(DataError, match="did not answer, asked 2 times.*check that the server runs"):
        read_sparql(config(proxy.url, retries=1))


def test_wrong_path(endpoint):
    with pytest.raises(DataError, match="is not there"):
        read_sparql(config(endpoint.root + "/nothing"))


@pytest.mark.parametrize("body", [b"<html><body>Welcome</body></html>", b""])
def test_web_page(proxy, body):
    proxy.rule = lambda _: Reply(body, "text/html; charset=utf-8")
    with pytest.raises(DataError, match=r"answers text/html and not .*no SPARQL 1\.1 endpoint"):
        read_sparql(config(proxy.url))


BODIES = [b"[]", b"{}", b'{"results": {"bindings": []}}', b'{"results": 3}', b"{", b"\xff", b"[" * 100_000]
COUNTS = [b'{"results": {"bindings": [{"n": {"value": %s}}]}}' % n for n in (b"-1", b"Infinity", b'"x"')]


@pytest.mark.parametrize("body", [*BODIES, *COUNTS], ids=lambda body: body[:60].decode(errors="replace"))
def test_json_of_something_else(proxy, body):
    proxy.rule = lambda _: Reply(body, "application/json")
    with pytest.raises(DataError, match="gives an answer that cannot be read"):
        read_sparql(config(proxy.url))


def test_page_that_is_not_n_triples(proxy, endpoint):
    endpoint.load(DATA)
    proxy.rule = Once(lambda question: question.is_page, lambda _: Reply(b"<a> <b>", "application/n-triples"))
    with pytest.raises(DataError, match="cannot be read.*line 1|cannot be read.*malformed"):
        read_sparql(config(proxy.url))


def test_redirection_is_not_followed(proxy):
    proxy.rule = lambda _: Reply(b"", "text/plain", 301, {"Location": "/elsewhere"})
    with pytest.raises(DataError, match="has moved to http://127.0.0.1.*/elsewhere; state that URL"):
        read_sparql(config(proxy.url))


def test_triple_about_a_triple(endpoint):
    endpoint.load(f"<{E}a> <{E}p> <<( <{E}b> <{E}p> <{E}c> )>> .")
    with pytest.raises(DataError, match="a triple about a triple"):
        read_sparql(config(endpoint.url))


def test_interrupt_ends_a_pause(proxy):
    """Ctrl-C while waiting for a busy server."""
    proxy.rule = lambda _: replace(REFUSAL, headers={"Retry-After": "60"})
    code = (
        "from plait.loaders.sparql.endpoint import SparqlGraph, read_sparql\n"
        f"c = SparqlGraph(source='sparql', endpoint={proxy.url!r})\n"
        "read_sparql(c, on_progress=lambda *u: print(u, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"waits 60.0 s" in process.stdout.readline()
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert b"KeyboardInterrupt" in err
    assert time.monotonic() - start < 5
