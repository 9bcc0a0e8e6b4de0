"""A real SPARQL endpoint, and a faulty proxy before it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import settings

from plait.kg import KnowledgeGraph
from plait.loaders.sparql.endpoint import SparqlGraph

settings.register_profile("plait", deadline=None)
settings.load_profile("plait")


E = "http://e/"
N = 40
DATA = "".join(f'<{E}s{i}> <{E}p> <{E}o{i % 7}> ; <{E}name> "n{i}" .\n' for i in range(N))


def config(url: str, **options: object) -> SparqlGraph:
    return SparqlGraph.model_validate(
        {"source": "sparql", "endpoint": url, "backoff": 0.01, "page_size": 15, **options}
    )


def is_whole(graph: KnowledgeGraph) -> bool:
    return (graph.n_triples, len(graph.literals), graph.n_entities, graph.duplicates) == (N, N, N + 7, 0)


class Endpoint:
    """A running Oxigraph."""

    def __init__(self, root: str) -> None:
        self.root, self.url = root, f"{root}/query"
        self._client = httpx.Client(trust_env=False)

    def load(self, data: str, graph: str | None = None, kind: str = "text/turtle") -> None:
        where = {"default": ""} if graph is None else {"graph": graph}
        content, headers = data.encode(), {"Content-Type": kind}
        self._client.post(f"{self.root}/store", params=where, content=content, headers=headers).raise_for_status()

    def update(self, update: str) -> None:
        self._client.post(f"{self.root}/update", data={"update": update}).raise_for_status()

    def ask(self, form: dict[str, str], accept: str) -> httpx.Response:
        return self._client.post(self.url, data=form, headers={"Accept": accept})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Endpoint]]:
    """Starts an empty Oxigraph server, with options."""
    beside = Path(sys.executable).with_name("oxigraph")
    binary = str(beside) if beside.is_file() else shutil.which("oxigraph")
    if binary is None:
        pytest.skip("no oxigraph server: pip install oxigraph")
    running: list[subprocess.Popen[bytes]] = []

    def run(*options: str) -> Endpoint:
        port = free_port()
        log = tmp_path_factory.mktemp("oxigraph") / "log"
        with log.open("wb") as out:
            command = [binary, "serve", "--bind", f"127.0.0.1:{port}", *options]
            running.append(subprocess.Popen(command, stdout=out, stderr=out))
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return Endpoint(f"http://127.0.0.1:{port}")
            time.sleep(0.05)
        raise RuntimeError(f"oxigraph does not start: {log.read_text()}")

    yield run
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def served(start: Callable[..., Endpoint]) -> Endpoint:
    return start()


@pytest.fixture
def endpoint(served: Endpoint) -> Endpoint:
    """An endpoint with nothing in it."""
    served.update("CLEAR ALL")
    return served


@dataclass(frozen=True)
class Reply:
    """What the proxy sends."""

    body: bytes
    kind: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Send only so many bytes, and close."""
    sized: bool = True
    """Say how long the body is; without, its end is where the connection closes."""

    def capped(self, rows: int) -> Reply:
        """The first rows of an answer, without a word about the others."""
        if "json" in self.kind:
            tree = json.loads(self.body)
            tree["results"]["bindings"] = tree["results"]["bindings"][:rows]
            return replace(self, body=json.dumps(tree).encode())
        return replace(self, body=b"".join(self.body.splitlines(keepends=True)[:rows]))


@dataclass
class Question:
    """What came to the proxy."""

    number: int
    query: str
    headers: dict[str, str]
    answer: Callable[[], Reply]
    path: str = ""

    @property
    def is_page(self) -> bool:
        return self.query.startswith("CONSTRUCT")

    @property
    def is_listing(self) -> bool:
        return "GROUP BY" in self.query


class Proxy:
    """Passes questions on; `rule` makes the answer to each."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.questions: list[Question] = []
        self.rule: Callable[[Question], Reply] = lambda question: question.answer()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet: two small ones wait for each other's acknowledgement.
            wbufsize = -1

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                query, accept = form["query"][0], self.headers["Accept"]

                def answer() -> Reply:
                    response = endpoint.ask({"query": query}, accept)
                    return Reply(response.content, response.headers["content-type"], response.status_code)

                question = Question(len(proxy.questions), query, dict(self.headers), answer, self.path)
                proxy.questions.append(question)
                self.reply(proxy.rule(question))

            def reply(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.sized:
                    self.send_header("Content-Length", str(len(reply.body)))
                else:
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(reply.body[: reply.cut])
                self.close_connection = reply.cut is not None or not reply.sized

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/query"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def proxy(endpoint: Endpoint) -> Iterator[Proxy]:
    made = Proxy(endpoint)
    yield made
    made.server.shutdown()
    made.server.server_close()
