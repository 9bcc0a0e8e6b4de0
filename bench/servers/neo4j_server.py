"""The Neo4j server that benchmarks measure."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plait.loaders.neo4j.connection import Neo4jServer

__all__ = ["running"]


@contextmanager
def running(**settings: str) -> Iterator[Neo4jServer]:
    """The server at NEO4J_URI, or one started from PLAIT_NEO4J_HOME in a temporary folder, with `settings` in its environment."""
    if os.environ.get("NEO4J_URI"):
        yield Neo4jServer()
        return
    home = Path(os.environ.get("PLAIT_NEO4J_HOME", ""))
    if not (home / "neo4j").is_file():
        sys.exit("NEO4J_URI names no server, and PLAIT_NEO4J_HOME no folder that holds one")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"NEO4J_PASSWORD": "plait-local", **settings}

        def do(verb: str) -> str:
            command = [str(home / "neo4j"), verb, f"{folder}/db"]
            return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

        try:
            yield Neo4jServer(uri=do("start"))
        finally:
            do("kill")
