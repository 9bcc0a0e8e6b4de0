"""EndpointEncoder against a real server that speaks the protocol, in health and in trouble."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, DataError
from plait.text.cache import CachedEncoder
from plait.text.encoder import TextEncoder
from plait.text.endpoint import EndpointConfig, Estimate
from plait.text.endpoint_pace import Pace
from plait.text.endpoint_tokens import estimated_tokens, shortened

from .embedding_server import DIMENSION, KEY, EmbeddingServer, Reply, Request, answer, encoder, expected, vector_of

TEXTS = ["red hat", "", "  ", "blue scarf", "red hat", "帽子", "\ud83d half a pair", " wool "]
SENT = ["red hat", "", "", "blue scarf", "red hat", "帽子", "? half a pair", "wool"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = EmbeddingServer()
    yield made
    made.close()


@pytest.mark.parametrize("base64", [False, True])
@pytest.mark.parametrize("dimensions", [None, 4])
def test_each_text_has_its_vector_in_its_place(server: EmbeddingServer, base64: bool, dimensions: int | None) -> None:
    made = encoder(server, base64=base64, dimensions=dimensions, batch=2)
    assert isinstance(made, TextEncoder)
    seen: list[tuple[int, int]] = []
    vectors = made.encode(TEXTS, on_progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_allclose(vectors, expected(SENT, dimensions or DIMENSION), rtol=1e-6)
    assert (vectors.dtype, made.dimension) == (np.float32, dimensions or DIMENSION)
    assert seen == [(4, 8), (6, 8), (8, 8)]
    assert {request.path for request in server.requests} == {"/v1/embeddings"}
    assert {request.headers["Authorization"] for request in server.requests} == {f"Bearer {KEY}"}
    assert all("" not in request.texts for request in server.requests)
    # The server counts words: those of the texts, and of the one word sent to find out the dimension.
    assert made.tokens == 2 + 2 + 2 + 1 + 4 + 1 + (dimensions is None)


def test_vectors_have_length_one_where_asked_for(server: EmbeddingServer) -> None:
    vectors = encoder(server, normalise=True).encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 1, 1, 1, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(vectors[0], vector_of("red hat") / np.linalg.norm(vector_of("red hat")), rtol=1e-5)


def test_prompts_go_before_texts_that_are_there(server: EmbeddingServer) -> None:
    made = encoder(server, dimensions=DIMENSION, passage_prompt="passage: ", query_prompt="query: ")
    made.encode(["hat", ""])
    made.encode(["hat"], role="query")
    assert [request.texts for request in server.requests] == [["passage: hat"], ["query: hat"]]
    assert (made.prompt("passage"), made.prompt("query")) == ("passage: ", "query: ")


def test_four_requests_at_once_and_no_more(server: EmbeddingServer) -> None:
    def slow(request: Request) -> Reply:
        time.sleep(0.05)
        return answer(request)

    server.rule = slow
    texts = [f"hat {number}" for number in range(40)]
    vectors = encoder(server, batch=2, dimensions=DIMENSION).encode(texts)
    np.testing.assert_allclose(vectors, expected(texts), rtol=1e-6)
    assert (server.most_at_once, len(server.requests)) == (4, 20)


def test_batches_keep_both_bounds(server: EmbeddingServer) -> None:
    # Of 1, 3, 2, 9 and 1 tokens; at most 4 a request, and the one of 9 goes alone.
    texts = ["a" * 4, "b" * 12, "c" * 8, "d" * 36, "e" * 4]
    encoder(server, tokens_per_request=4, dimensions=DIMENSION).encode(texts)
    sent = sorted([text[0] for text in request.texts] for request in server.requests)
    assert sent == [["a", "b"], ["c"], ["d"], ["e"]]


def test_shuffled_answers_go_by_their_index(server: EmbeddingServer) -> None:
    def shuffled(request: Request) -> Reply:
        reply = answer(request)
        reply.told["data"] = reply.told["data"][::-1]
        return reply

    server.rule = shuffled
    texts = [f"hat {number}" for number in range(7)]
    np.testing.assert_allclose(encoder(server).encode(texts), expected(texts), rtol=1e-6)


def test_the_key_is_in_no_log(server: EmbeddingServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = encoder(server)
    made.encode(["hat"])
    assert caplog.records
    assert KEY not in caplog.text + repr(vars(made))


def test_pace_is_kept(server: EmbeddingServer) -> None:
    encoder(server, dimensions=6, batch=1, requests_per_minute=600).encode([f"hat {number}" for number in range(5)])
    at = [request.at for request in server.requests]
    assert at[-1] - at[0] >= 0.38  # four gaps of 0.1 s; a request may arrive a little late


def test_pace_by_hand() -> None:
    now = [100.0]
    pace = Pace(60, 600, clock=lambda: now[0])
    # A request takes 1 s, 10 tokens too; 35 tokens 3.5 s.
    assert [pace.reserve(5), pace.reserve(35), pace.reserve(1)] == [0.0, 1.0, 4.5]
    now[0] += 20
    assert pace.reserve(1) == 0
    pace.hold(7)
    assert pace.reserve(1) == 7


def test_the_estimate_is_right_by_hand_and_free(server: EmbeddingServer) -> None:
    made = encoder(
        server, dimensions=6, batch=2, price_per_million_tokens=20, requests_per_minute=6, tokens_per_minute=60
    )
    # "abcdefgh" 2 tokens, "帽子 " stripped 2, "abcde" 2, and two that are not sent: 2 requests, 20 s by their number.
    texts = ["abcdefgh", "", "帽子 ", "   ", "abcde"]
    assert made.estimate(texts) == Estimate(3, 6, 2, 20.0, 6 * 20 / 1e6)
    assert encoder(server, dimensions=6).estimate(texts) == Estimate(3, 6, 1, 0.125, None)
    assert server.requests == []


def test_what_is_too_dear_is_not_begun(server: EmbeddingServer, tmp_path: Path) -> None:
    made = encoder(server, dimensions=6, price_per_million_tokens=1e6, max_cost=1200)
    texts = [f"hat {number:04d}" for number in range(600)]  # 8 letters: 2 tokens and 2 units of money each
    with pytest.raises(
        DataError, match=r"600 texts are about 1,200 tokens .*1,202 .*: more than|.*more than `max_cost`"
    ):
        CachedEncoder(made, tmp_path).encode([*texts, "one more"])
    assert server.requests == []
    CachedEncoder(made, tmp_path).encode(texts)
    assert made.cost == 1200


def test_a_server_that_counts_more_is_stopped(server: EmbeddingServer, tmp_path: Path) -> None:
    def dear(request: Request) -> Reply:
        reply = answer(request)
        reply.told["usage"]["total_tokens"] = 100 * len(request.texts)
        return reply

    server.rule = dear
    made = encoder(server, dimensions=6, price_per_million_tokens=1e4, max_cost=600, batch=8)
    texts = [f"hat {number:04d}" for number in range(2000)]
    with pytest.raises(DataError, match=r"has counted .* tokens, which cost .*more than\s+`max_cost` \(600\)"):
        CachedEncoder(made, tmp_path).encode(texts)
    # 512 texts cost 512 and are kept; those after were stopped soon.
    assert 600 < made.cost < 660
    server.rule = answer
    again = CachedEncoder(encoder(server, dimensions=6), tmp_path)
    again.encode(texts)
    assert again.reused == 512


def test_a_cached_run_needs_neither_server_nor_key(
    server: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = CachedEncoder(encoder(server), tmp_path).encode(TEXTS)
    server.close()
    monkeypatch.delenv("OPENAI_API_KEY")
    np.testing.assert_array_equal(CachedEncoder(encoder(server), tmp_path).encode(TEXTS), before)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set.*`key_env: null`"):
        CachedEncoder(encoder(server), tmp_path).encode(["new"])


@pytest.mark.parametrize("key", ["two words", "naïve", "line\nbreak"])
def test_what_is_no_key(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="holds no key") as caught:
        encoder(server).encode(["hat"])
    assert key not in str(caught.value)


def test_a_server_without_key(server: EmbeddingServer) -> None:
    encoder(server, key_env=None).encode(["hat"])
    assert all("Authorization" not in request.headers for request in server.requests)


def test_long_texts_are_cut_and_counted(server: EmbeddingServer) -> None:
    made = encoder(server, dimensions=6, max_tokens=3)
    made.encode(["abcdefghijklmnop", "abc", "帽子帽子帽子"])
    assert server.requests[0].texts == ["abcdefghijkl", "abc", "帽子帽"]
    assert made.cut == 2


@given(text=st.text(max_size=60), most=st.integers(1, 20))
def test_cutting_by_the_definition(text: str, most: int) -> None:
    fitting = [text[:end] for end in range(len(text) + 1) if estimated_tokens(text[:end]) <= most]
    assert shortened(text, most) == max(fitting, key=len)


OTHERS = [
    {"model": "large"},
    {"dimensions": 3},
    {"max_tokens": 10},
    {"normalise": True},
    {"url": "http://localhost:1/v1"},
]


@pytest.mark.parametrize("change", OTHERS)
def test_what_changes_vectors_changes_the_fingerprint(server: EmbeddingServer, change: dict) -> None:
    plain = encoder(server)
    assert encoder(server, batch=3, base64=True, timeout_seconds=3).fingerprint == plain.fingerprint
    assert encoder(server, **change).fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.example.org/v1", "use https"),
        ("http://127.0.0.1.example.org/v1", "use https"),
        ("https://user:geheim@example.org/v1", "`key_env`"),
        ("https://example.org/v1?key=geheim", "`key_env`"),
        ("ftp://example.org/geheim", "an https URL is wanted"),
        ("example.org", "an https URL is wanted"),
        ("https://[geheim", "this is no URL"),
    ],
)
def test_urls_that_are_refused(url: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        EndpointConfig(url=url, model="m")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "posted"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/embeddings"),
        ("https://api.openai.com/v1/embeddings/", "https://api.openai.com/v1/embeddings"),
        ("http://localhost:8080/", "http://localhost:8080/embeddings"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/embeddings"),
    ],
)
def test_urls_that_are_posted_to(url: str, posted: str) -> None:
    assert EndpointConfig(url=url, model="m").url == posted


def test_a_bound_on_the_cost_needs_a_price() -> None:
    with pytest.raises(ValidationError, match="`max_cost` needs `price_per_million_tokens`"):
        EndpointConfig(url="https://e.org", model="m", max_cost=3)


@pytest.mark.encoder
def test_a_server_with_a_real_model_gives_what_the_model_gives(server: EmbeddingServer, tmp_path: Path) -> None:
    from plait.text import TextConfig, load_encoder

    model = load_encoder(TextConfig(cache=None))

    def real(request: Request) -> Reply:
        data = [{"index": i, "embedding": v.tolist()} for i, v in enumerate(model.encode(request.texts))]
        return Reply(raw=json.dumps({"data": data}).encode())

    server.rule = real
    texts = ["cordless drill, 18 V", "red wool hat", "a power tool to make holes"]
    vectors = encoder(server, normalise=True).encode(texts)
    np.testing.assert_allclose(vectors, model.encode(texts), atol=1e-5)
    similar = vectors @ vectors[2]
    assert similar[0] > similar[1]
