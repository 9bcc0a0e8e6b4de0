"""A server that speaks the protocol of embedding endpoints, and can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import numpy as np

from plait.text.endpoint import EndpointConfig, EndpointEncoder

DIMENSION = 6
KEY = "sk-very-secret-123"


def vector_of(text: str, dimension: int = DIMENSION) -> np.ndarray:
    """A vector by the content of the text, not of length 1."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


@dataclass
class Request:
    """What came to the server."""

    number: int
    path: str
    headers: dict[str, str]
    body: dict
    at: float

    @property
    def texts(self) -> list[str]:
        return self.body["input"]


@dataclass
class Reply:
    """What the server sends; `cut` bytes of it only, and then it hangs up."""

    told: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int | None = None

    @property
    def content(self) -> bytes:
        return json.dumps(self.told).encode() if self.raw is None else self.raw


def answer(request: Request) -> Reply:
    """What a server in good health says."""
    dimension = request.body.get("dimensions", DIMENSION)
    data = []
    for index, text in enumerate(request.texts):
        vector = vector_of(text, dimension)
        if request.body["encoding_format"] == "base64":
            told: object = base64.b64encode(vector.astype("<f4").tobytes()).decode()
        else:
            told = [float(number) for number in vector]
        data.append({"object": "embedding", "index": index, "embedding": told})
    tokens = sum(len(text.split()) for text in request.texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Reply({"object": "list", "data": data, "model": request.body["model"], "usage": usage})


class EmbeddingServer:
    """Answers by `rule`; `requests` are those that came, `most_at_once` how many were open together."""

    def __init__(self) -> None:
        self.rule: Callable[[Request], Reply] = answer
        self.requests: list[Request] = []
        self.open = self.most_at_once = 0
        lock, server = Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet: two small ones wait for each other's acknowledgement.
            wbufsize = -1

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    request = Request(len(server.requests), self.path, dict(self.headers), body, time.monotonic())
                    server.requests.append(request)
                    server.open += 1
                    server.most_at_once = max(server.open, server.most_at_once)
                try:
                    self.reply(server.rule(request))
                finally:
                    with lock:
                        server.open -= 1

            def reply(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content[: reply.cut])
                self.close_connection = reply.cut is not None

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def encoder(server: EmbeddingServer, **options: object) -> EndpointEncoder:
    """An encoder that asks the server."""
    given = {"url": server.url, "model": "small", "normalise": False, "retry_seconds": 5, **options}
    return EndpointEncoder(EndpointConfig.model_validate(given), rng=np.random.default_rng(0))


def expected(texts: list[str], dimension: int = DIMENSION) -> np.ndarray:
    """The vectors of texts as they are sent; of empty ones zeros."""
    return np.stack([vector_of(text, dimension) if text else np.zeros(dimension, np.float32) for text in texts])
