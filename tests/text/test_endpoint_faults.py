"""What can go wrong between an embedding endpoint and its encoder, made to go wrong by a real server."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from plait.kg import DataError
from plait.text.cache import CachedEncoder

from .embedding_server import DIMENSION, KEY, EmbeddingServer, Reply, Request, answer, encoder, expected


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = EmbeddingServer()
    yield made
    made.close()


class First:
    """Does something else to the first requests that have texts of ours."""

    def __init__(self, otherwise: Callable[[Request], Reply], times: int = 1) -> None:
        self.otherwise, self.left = otherwise, times

    def __call__(self, request: Request) -> Reply:
        if self.left:
            self.left -= 1
            return self.otherwise(request)
        return answer(request)


def changed(change: Callable[[list], object]) -> Callable[[Request], Reply]:
    """A good answer with its data changed in place, or replaced by what the change gives."""

    def rule(request: Request) -> Reply:
        reply = answer(request)
        reply.told["data"] = change(reply.told["data"]) or reply.told["data"]
        return reply

    return rule


def without_numbers(data: list) -> None:
    data[0]["embedding"][1] = float("nan")


def too_large(data: list) -> None:
    data[0]["embedding"][1] = 1e300


PASSING = {
    "429": lambda _: Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0"}),
    "500": lambda _: Reply({"error": {"message": "oops"}}, 500),
    "503": lambda _: Reply(raw=b"<html>busy</html>", status=503, headers={"Content-Type": "text/html"}),
    "dropped at once": lambda request: Reply(answer(request).told, cut=0),
    "dropped in the middle": lambda request: Reply(answer(request).told, cut=60),
    "half a JSON": lambda request: Reply(raw=answer(request).content[:-30]),
    "short": changed(lambda data: data[:-1]),
    "twice the same": changed(lambda data: [data[0], data[0], *data[2:]]),
    "index beyond": changed(lambda data: data[1].update(index=99)),
    "index is a text": changed(lambda data: data[1].update(index="1")),
    "NaN": changed(without_numbers),
    "beyond float32": changed(too_large),
    "no list": changed(lambda data: data[1].update(embedding={"a": 1})),
    "bad base64": changed(lambda data: data[1].update(embedding="AAA")),
    "empty": changed(lambda data: [entry.update(embedding=[]) for entry in data] and None),
    "ragged": changed(lambda data: data[1].update(embedding=[1.0, 2.0])),
    "truth values": changed(lambda data: data[1].update(embedding=[True] * DIMENSION)),
    "nested": lambda _: Reply(raw=b"[" * 100_000),
    "a list": lambda _: Reply([1, 2]),
}


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_passes(server: EmbeddingServer, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.text.endpoint_client._FIRST_PAUSE", 0.01)
    server.rule = First(PASSING[trouble], 2)
    texts = ["red hat", "blue scarf", "wool"]
    np.testing.assert_allclose(encoder(server, dimensions=DIMENSION).encode(texts), expected(texts), rtol=1e-6)
    assert len(server.requests) == 3


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_stays(server: EmbeddingServer, trouble: str) -> None:
    server.rule = PASSING[trouble]
    with pytest.raises(DataError, match=r"did not answer, asked once in 0 s: ") as caught:
        encoder(server, dimensions=DIMENSION, retry_seconds=0).encode(["red hat", "blue scarf", "wool"])
    assert str(caught.value).startswith(server.url)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


def test_retry_after_holds_all_back(server: EmbeddingServer) -> None:
    def rule(request: Request) -> Reply:
        if request.number == 0:
            return Reply({}, 429, {"Retry-After": "1"})
        if request.number < 4:
            # On their way together with the first: none of them is answered before its word has come, however slow
            # the machine, or a worker that is done could ask again in between.
            time.sleep(0.5)
        return answer(request)

    server.rule = rule
    encoder(server, dimensions=DIMENSION, batch=1).encode([f"hat {number}" for number in range(9)])
    first = server.requests[0].at
    # The three others may have been on their way already.
    assert all(request.at - first >= 1 for request in server.requests[4:])
    assert len(server.requests) == 10


def test_too_long_a_pause_is_not_waited_for(server: EmbeddingServer) -> None:
    server.rule = lambda _: Reply({}, 429, {"Retry-After": "86400"})
    start = time.monotonic()
    with pytest.raises(DataError, match=r"asks to come back in 86,400 s"):
        encoder(server, dimensions=DIMENSION).encode(["hat"])
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "check `model`"),
        (401, "`key_env`"),
        (403, "forbids"),
        (404, "/v1"),
        (413, "`batch`"),
        (418, "check `url`"),
    ],
)
def test_a_refusal_is_final_and_does_not_show_the_key(server: EmbeddingServer, status: int, words: str) -> None:
    server.rule = lambda request: Reply(
        {"error": {"message": f"no:\n {request.headers['Authorization']} is wrong"}}, status
    )
    with pytest.raises(DataError, match=words) as caught:
        encoder(server).encode(["hat"])
    assert "no: Bearer *** is wrong" in str(caught.value)
    assert KEY not in str(caught.value) + repr(caught.value.__context__)
    assert len(server.requests) == 1


def test_a_redirection_is_not_followed(server: EmbeddingServer) -> None:
    server.rule = lambda _: Reply({}, 307, {"Location": "/elsewhere"})
    with pytest.raises(DataError, match="has moved"):
        encoder(server).encode(["hat"])
    assert len(server.requests) == 1


def test_vectors_of_another_length(server: EmbeddingServer) -> None:
    server.rule = changed(lambda data: [entry.update(embedding=[1.0] * 9) for entry in data] and None)
    with pytest.raises(DataError, match="gives vectors of 9 dimensions, 6 were asked for"):
        encoder(server, dimensions=6).encode(["hat"])
    server.rule = lambda request: (
        answer(request) if request.number < 3 else Reply({"data": [{"index": 0, "embedding": [1.0, 2.0]}]})
    )
    with pytest.raises(DataError, match="gives vectors of 2 dimensions, 6 were given before"):
        encoder(server, batch=1).encode(["hat"] * 5)


def test_an_answer_without_end_is_not_read(server: EmbeddingServer) -> None:
    server.rule = lambda _: Reply(raw=b" " * 3_000_000)
    with pytest.raises(DataError, match=r"more than 1,048,768 bytes"):
        encoder(server, dimensions=6).encode(["hat"])


def test_a_server_that_is_silent(server: EmbeddingServer) -> None:
    def silent(request: Request) -> Reply:
        time.sleep(0.5)
        return answer(request)

    server.rule = silent
    with pytest.raises(DataError, match=r"no answer within 0\.2 s; a larger `timeout_seconds`"):
        encoder(server, dimensions=6, timeout_seconds=0.2, retry_seconds=0).encode(["hat"])


def test_nobody_listens(server: EmbeddingServer) -> None:
    server.http.server_close()
    with pytest.raises(DataError, match="did not answer, asked once"):
        encoder(server, retry_seconds=0).encode(["hat"])


INTERRUPTED = """
import sys, logging
from plait.text.cache import CachedEncoder
from plait.text.endpoint import EndpointConfig, EndpointEncoder
config = EndpointConfig(url=sys.argv[1], model="small", dimensions=6, batch=32, key_env=None, normalise=False)
encoder = CachedEncoder(EndpointEncoder(config), sys.argv[2])
encoder.encode([f"hat {n}" for n in range(2000)], on_progress=lambda done, total: print(done, flush=True))
"""


def test_an_interrupt_ends_at_once_and_keeps_what_came(server: EmbeddingServer, tmp_path: Path) -> None:
    """Ctrl-C while four requests hang: after the first portion of 512 texts, in 16 requests."""

    def hangs(request: Request) -> Reply:
        if request.number >= 20:
            time.sleep(20)
        return answer(request)

    server.rule = hangs
    command = [sys.executable, "-c", INTERRUPTED, server.url, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 640:
            pass
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    assert time.monotonic() - start < 5
    assert b"KeyboardInterrupt" in err
    server.rule = answer
    again = CachedEncoder(encoder(server, dimensions=6), tmp_path)
    texts = [f"hat {number}" for number in range(2000)]
    np.testing.assert_allclose(again.encode(texts), expected(texts), rtol=1e-6)
    assert again.reused == 512
