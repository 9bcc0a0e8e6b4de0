"""Being let into a server, and what is said where one is not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from plait.kg import ConfigError
from plait.loaders.neo4j.connection import Neo4jServer, connected
from plait.loaders.neo4j.faults import LostConnection, RefusedQuery

SECRET = "top-secret-word"


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:7474",
        "localhost:7687",
        "bolt://",
        "bolt://host/database",
        "bolt://host:port",
        f"bolt://neo4j:{SECRET}@host",
        f"neo4j+s://{SECRET}@host",
    ],
)
def test_a_uri_that_is_none_is_refused_without_being_repeated(uri):
    with pytest.raises(ValidationError) as caught:
        Neo4jServer(uri=uri)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("scheme", ["neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"])
def test_all_schemes_are_taken(scheme):
    assert Neo4jServer(uri=f"{scheme}://example.org:7687").address() == f"{scheme}://example.org:7687"


def test_the_address_is_taken_from_the_environment(monkeypatch):
    monkeypatch.delenv("NEO4J_URI", raising=False)
    with pytest.raises(ConfigError, match="NEO4J_URI"):
        Neo4jServer().address()
    monkeypatch.setenv("NEO4J_URI", "bolt://there:1")
    assert Neo4jServer().address() == "bolt://there:1"
    monkeypatch.setenv("NEO4J_URI", f"bolt://me:{SECRET}@there")
    with pytest.raises(ConfigError, match="NEO4J_URI") as caught:
        Neo4jServer().address()
    assert SECRET not in str(caught.value)


def test_credentials(monkeypatch, tmp_path):
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    monkeypatch.delenv("NEO4J_USERNAME", raising=False)
    assert Neo4jServer().credentials() is None
    monkeypatch.setenv("NEO4J_PASSWORD", SECRET)
    assert Neo4jServer().credentials() == ("neo4j", SECRET)
    monkeypatch.setenv("NEO4J_USERNAME", "ada")
    file = tmp_path / "password"
    file.write_text(" with blanks \nsecond line\n")
    assert Neo4jServer(password_file=file).credentials() == ("ada", " with blanks ")


@pytest.mark.parametrize("text", [None, "", "\nlate\n"])
def test_a_password_file_without_a_password(tmp_path, text):
    file = tmp_path / "password"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match="password"):
        Neo4jServer(password_file=file).credentials()


def test_one_place_for_the_password(tmp_path):
    with pytest.raises(ValidationError, match="not both"):
        Neo4jServer(password_env="X", password_file=tmp_path)


def test_a_server_that_is_down_is_told_at_once():
    with (
        pytest.raises(LostConnection, match="bolt://127.0.0.1:1 cannot be reached"),
        connected(Neo4jServer(uri="bolt://127.0.0.1:1")),
    ):
        pass


def test_an_address_that_speaks_something_else(tmp_path):
    import socket
    from threading import Thread

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            other, _ = listener.accept()
            other.recv(20)
            other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            other.close()

        Thread(target=answer, daemon=True).start()
        uri = f"bolt://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Exception, match=uri) as caught, connected(Neo4jServer(uri=uri)):
            pass
    assert caught.type.__name__ in ("DataError", "LostConnection", "ConfigError")


def test_without_the_driver_the_package_to_install_is_named():
    code = """
import sys
sys.modules["neo4j"] = None
from plait.loaders.neo4j.connection import Neo4jServer, connected
from plait.kg import ConfigError
try:
    with connected(Neo4jServer(uri="bolt://localhost")):
        pass
except ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'plait[neo4j]'" in done.stdout


def test_a_wrong_password_is_not_repeated(fresh, monkeypatch, caplog):
    monkeypatch.setenv("PLAIT_WRONG", SECRET)
    server = fresh.server.model_copy(update={"password_file": None, "password_env": "PLAIT_WRONG"})
    with pytest.raises(ConfigError, match="password_env") as caught, connected(server):
        pass
    assert SECRET not in str(caught.value) + caplog.text + repr(caught.value.__cause__)


def test_a_database_that_does_not_exist(fresh):
    server = fresh.server.model_copy(update={"database": "nowhere"})
    with pytest.raises(ConfigError, match="nowhere"), connected(server):
        pass


@pytest.mark.neo4j
@pytest.mark.parametrize("scheme", ["bolt+s", "bolt+ssc", "neo4j+ssc"])
def test_tls_where_there_is_none(fresh_neo4j, scheme):
    uri = fresh_neo4j.server.address().replace("bolt", scheme)
    with pytest.raises(ConfigError, match="TLS"), connected(fresh_neo4j.server.model_copy(update={"uri": uri})):
        pass


def test_what_the_server_is(fresh):
    with fresh.connect() as connection:
        about = connection.about
    assert about.is_neo4j == about.vector_index == (fresh.kind == "neo4j")
    assert ("ArcadeDB" in about.name) == (fresh.kind == "arcade")
    assert about.version.startswith("5.") and about.edition == "community"


def test_a_refused_query_says_why(fresh):
    with fresh.connect() as connection:
        with pytest.raises(RefusedQuery, match="refuses a query"):
            connection.read_all("RETRN 1")
        with pytest.raises(RefusedQuery):
            list(connection.read("RETRN 1"))
        # The connection is as good as before.
        assert [record["x"] for record in connection.read("UNWIND range(1, 3) AS x RETURN x")] == [1, 2, 3]


def test_a_failed_transaction_leaves_nothing(fresh):
    with fresh.connect() as connection:
        with pytest.raises(RefusedQuery):
            connection.write_together(lambda run: (run("CREATE (:Half)"), run("RETRN 1")))
        assert connection.read_all("MATCH (n:Half) RETURN count(n) AS n")[0]["n"] == 0
        written = connection.write_together(lambda run: run("CREATE (:Whole {a: 1})"))
        assert connection.read_all("MATCH (n:Whole) RETURN count(n) AS n")[0]["n"] == 1
        assert written.counters["nodes_created"] == 1


def test_parameters_are_never_cypher(fresh):
    text = "x'}) MATCH (n) DETACH DELETE n // `\\u0060"
    with fresh.connect() as connection:
        connection.write("CREATE (:A {name: $query, other: $parameters})", query=text, parameters=[text, "é"])
        found = connection.read_all("MATCH (n:A) RETURN n.name AS name, n.other AS other")
        assert [record.values() for record in found] == [[text, [text, "é"]]]


def test_patience_ends(fresh):
    server = fresh.server.model_copy(update={"retry_seconds": 0.7})
    calls = []

    def work():
        calls.append(1)
        if len(calls) != 5:
            raise LostConnection("gone")
        return "back"

    with connected(server) as connection:
        with pytest.raises(LostConnection, match="gone"):
            connection.patiently(work)
        assert 2 <= len(calls) < 5
        calls[:] = [1, 1]
        assert connection.patiently(work) == "back"
