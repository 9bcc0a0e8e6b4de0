"""The embedded graph database on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plait.commands.graph import app
from plait.kg import DataError, PlaitError
from plait.loaders import load_store

Run = Callable[..., Any]

TEXT = """\
<http://e/pan> <http://e/by> <http://e/acme> .
<http://e/pot> <http://e/by> <http://e/acme> .
<http://e/pan> <http://e/name> "a [bold]pan[/], :smile: \\"x\\"" .
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("graph")
    (place / "a.nt").write_text(TEXT)
    load_store([place / "a.nt"], place / "store")
    return place


@pytest.fixture
def plait(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Gives commands in that folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *words, given=None: CliRunner().invoke(app, words, input=given)


def test_a_process_loads_and_refuses_in_a_sentence(folder: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from plait.cli import main; main()", *words],
            cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )  # fmt: skip

    done = run("graph", "load", "*.nt", "--store", "another")
    assert done.returncode == 0, done.stderr
    assert "3 triples in the store" in done.stderr
    done = run("graph", "load", "a.nt", "--store", "another")
    assert done.returncode == 1
    assert "another: the store exists: --replace replaces it, --add adds to it" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_the_next_command_that_load_shows_works(plait: Run) -> None:
    again = plait("load", "a.nt", "--store", "store", "--replace")
    command = again.stdout.split("plait graph query store '")[1].split("'\n")[0]
    shown = plait("query", "store", command)
    assert shown.exit_code == 0
    assert "http://e/by" in shown.stdout
    assert " 2 " in shown.stdout


def test_every_form_of_answer(plait: Run) -> None:
    select = "SELECT ?s ?name { ?s <http://e/name> ?name }"
    rows = list(csv.reader(io.StringIO(plait("query", "store", select, "--format", "csv").stdout)))
    assert rows == [["s", "name"], ["http://e/pan", 'a [bold]pan[/], :smile: "x"']]
    answer = json.loads(plait("query", "store", select, "--format", "json").stdout)
    assert answer["results"]["bindings"][0]["s"]["value"] == "http://e/pan"
    assert "[bold]pan[/], :smile:" in plait("query", "store", select).stdout
    assert plait("query", "store", "ASK { ?s <http://e/by> ?o }").stdout == "yes\n"
    no = plait("query", "store", "ASK { ?s <http://e/at> ?o }", "--format", "csv")
    assert no.stdout == "false\n"
    made = plait("query", "store", "CONSTRUCT { ?o <http://e/makes> ?s } WHERE { ?s <http://e/by> ?o }")
    assert sorted(made.stdout.splitlines()) == [
        "<http://e/acme> <http://e/makes> <http://e/pan> .", "<http://e/acme> <http://e/makes> <http://e/pot> .",
    ]  # fmt: skip


def test_a_query_comes_from_a_file_or_from_standard_input(plait: Run, folder: Path) -> None:
    query = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    (folder / "count.rq").write_text(query)
    from_file = plait("query", "store", "@count.rq", "--format", "tsv").stdout
    assert from_file == plait("query", "store", "-", "--format", "tsv", given=query).stdout
    assert from_file.splitlines()[1] == "3"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["load", "a.nt", "--store", "store"], "store: the store exists: --replace replaces it, --add adds to it"),
        (["load", "a.nt", "--store", "store", "--add", "--replace"], "exclude each other"),
        (["load", "none.nt", "--store", "new"], "none.nt: no such file"),
        (["query", "none", "ASK {}"], "no such store"),
        (["query", "store", "SELECT ?s {"], "the query is no SPARQL"),
        (["query", "store", "DELETE WHERE { ?s ?p ?o }"], "the query is no SPARQL"),
        (["query", "store", "@none.rq"], "none.rq: no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(plait: Run, words: list[str], message: str) -> None:
    done = plait(*words)
    assert done.exit_code == 1
    # The command line prints what is of this class, and nothing else of it.
    assert isinstance(done.exception, PlaitError)
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_damaged_store_is_told_in_a_sentence(plait: Run, tmp_path: Path, form: str) -> None:
    lines = (b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i + 1) for i in range(20_000))
    (tmp_path / "b.nt").write_bytes(b"".join(lines))
    load_store([tmp_path / "b.nt"], tmp_path / "store")
    # All but the ends, which are read when it is opened.
    for path in (tmp_path / "store").glob("*.sst"):
        data = path.read_bytes()
        if len(data) > 100_000:
            path.write_bytes(data[:100] + bytes(len(data) // 2) + data[100 + len(data) // 2 :])
    done = plait("query", str(tmp_path / "store"), "SELECT * { ?s ?p ?o }", "--format", form)
    assert isinstance(done.exception, DataError)
    assert "store: the store cannot answer this: " in str(done.exception)


def test_a_question_that_a_store_cannot_answer(plait: Run) -> None:
    done = plait("query", "store", "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }")
    assert isinstance(done.exception, DataError)
    assert "store: the store cannot answer this: " in str(done.exception)
