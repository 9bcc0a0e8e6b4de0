"""Commands as a user types them, in an empty folder, and the environment that names a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plait.cli import app
from plait.kg import PlaitError

Run = Callable[..., Any]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Lets the environment name a server, and its user where that is not the default."""

    def name(fresh: Any) -> None:
        if fresh.server.uri is not None:
            monkeypatch.setenv("NEO4J_URI", fresh.server.uri)
            monkeypatch.setenv("NEO4J_PASSWORD", fresh.server.password_file.read_text().strip())
            monkeypatch.setenv("NEO4J_USERNAME", "root" if fresh.kind == "arcade" else "neo4j")

    return name


@pytest.fixture
def plait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Gives commands in an empty folder; one that fails has a sentence, and no traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words: object, fails: bool = False) -> Any:
        done = CliRunner().invoke(app, [str(word) for word in words])
        if fails:
            assert isinstance(done.exception, PlaitError), done.exception
            message = str(done.exception)
            assert "\n" not in message
            return message
        assert done.exit_code == 0, (done.output, done.exception)
        return done

    return run
