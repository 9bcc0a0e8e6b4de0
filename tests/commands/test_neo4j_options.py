"""Which server a command speaks to, what it says when that does not answer, and what `plait doctor` tells of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait.commands.neo4j_options import server_in_words, server_of
from plait.commands.neo4j_targets import SavedModel
from plait.loaders.neo4j.connection import Neo4jServer
from plait.loaders.neo4j.read import Neo4jGraph

Run = Callable[..., Any]


def test_which_server(plait: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shop_model: Path) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    (tmp_path / "a.nt").write_text("<http://a> <http://b> <http://c> .\n")
    write = ("neo4j", "write", shop_model, "--label", "X")
    for command in (("neo4j", "schema"), ("neo4j", "models"), ("neo4j", "clean", "--model", "x"), write,
                    ("graph", "push", "a.nt")):  # fmt: skip
        assert (
            plait(*command, fails=True) == "no Neo4j server is named; give --uri, or set NEO4J_URI in the environment"
        )
        message = plait(*command, "--uri", "bolt://127.0.0.1:1", fails=True)
        assert "the server bolt://127.0.0.1:1 cannot be reached" in message
        message = plait(*command, "--uri", "bolt://ann:secret@h", fails=True)
        assert message.startswith("--uri: a URI with a user or a password") and "secret" not in message
    assert "the password file cannot be read" in plait(
        "neo4j", "schema", "--uri", "bolt://127.0.0.1:1", "--password-file", "none", fails=True
    )
    assert "data.graph nor data.interactions has source: neo4j" in plait(
        "neo4j", "schema", shop_model.parent / "config.yaml", fails=True
    )
    assert "no such model folder" in plait("neo4j", "write", "nowhere", fails=True)


def test_whose_ids_begin_with_their_label(fresh_arcade: Any, shop_model: Path) -> None:
    """The users of a log in a file have their ids alone; entities of a graph read with `id_prefix` have the label too."""
    fresh_arcade.fill("CREATE (:User {id: 'u1'}), (:Product {id: 'p1'}), (:Brand {id: 'b1'})")
    saved = SavedModel(shop_model)
    graph = Neo4jGraph(source="neo4j", id_prefix=True, item_label="Product")
    vars(saved)["data"] = saved.data.model_copy(update={"graph": graph})
    with fresh_arcade.connect() as connection:
        found = [
            saved.target(connection, what, label, ["id"], by_entity=by_entity).id_prefix
            for what, label in (("users", "User"), ("items", "Product"), ("entities", "Brand"))
            for by_entity in (False, True)
        ]
    assert found == [False, True, False, False, True, True]


@pytest.mark.parametrize(("configured", "database"), [(None, "shop"), ("bolt://a", "shop"), ("bolt://b", None)])
def test_a_database_is_that_of_the_configuration_unless_it_names_another_server(
    configured: str | None, database: str | None
) -> None:
    """Else results would go into the default database, and nobody would be told."""
    server = server_of("bolt://a", None, None, Neo4jServer(uri=configured, database="shop"))
    assert (server.uri, server.database) == ("bolt://a", database)
    assert server_of("bolt://a", "mine", None, Neo4jServer(uri=configured, database="shop")).database == "mine"


@pytest.mark.neo4j
def test_a_wrong_password(own_neo4j: Any, plait: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", own_neo4j.uri)
    monkeypatch.setenv("NEO4J_PASSWORD", "not-it-secret")
    message = plait("neo4j", "schema", fails=True)
    assert "refuses this user and password" in message and "not-it-secret" not in message
    assert "refuses this user and password" in server_in_words()
    monkeypatch.delenv("NEO4J_PASSWORD")
    monkeypatch.delenv("NEO4J_USERNAME", raising=False)
    done = plait("neo4j", "schema", "--password-file", own_neo4j.password)
    assert "Neo4j Kernel 5." in done.stdout and "The database has no nodes." in done.stdout
    assert "no such database" in plait(
        "neo4j", "schema", "--password-file", own_neo4j.password, "--database", "other", fails=True
    )


def test_doctor_names_the_server_and_is_not_held_up(
    fresh_arcade: Any, plait: Run, monkeypatch: pytest.MonkeyPatch, named: Any
) -> None:
    named(fresh_arcade)
    monkeypatch.delenv("NEO4J_URI")
    assert "NEO4J_URI is not set" in plait("doctor").stdout
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:1")
    assert "cannot be reached" in plait("doctor").stdout
    # An address that swallows what it is sent.
    monkeypatch.setenv("NEO4J_URI", "bolt://192.0.2.1:7687")
    began = time.monotonic()
    assert server_in_words(0.3)
    assert time.monotonic() - began < 3


@pytest.mark.neo4j
def test_doctor_names_version_and_edition(fresh_neo4j: Any, plait: Run, named: Any) -> None:
    named(fresh_neo4j)
    assert "Neo4j Kernel 5." in server_in_words(20)
    assert "community" in server_in_words(20)


def test_the_compose_file_is_safe_to_start() -> None:
    file = Path(__file__).parents[2] / "examples" / "neo4j" / "compose.yaml"
    (service,) = yaml.safe_load(file.read_text())["services"].values()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["image"].startswith("neo4j:5.") and service["image"].endswith("-community")
    # Compose refuses to start without it, and the image would take NEO4J_PASSWORD for a setting.
    assert service["environment"]["NEO4J_AUTH"].startswith("neo4j/${NEO4J_PASSWORD:?")
    assert "NEO4J_PASSWORD" not in service["environment"]
    assert service["healthcheck"]["test"] and service["volumes"]
