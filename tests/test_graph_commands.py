"""The embedded graph database on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = """\
<http://e/pan> <http://e/by> <http://e/acme> .
<http://e/pot> <http://e/by> <http://e/acme> .
<http://e/pan> <http://e/name> "a [bold]pan[/], :smile: \\"x\\"" .
"""


def plait(*words: str, cwd: Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from plait.cli import main; main()", *words],
        cwd=cwd, input=given, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("graph")
    (place / "a.nt").write_text(TEXT)
    done = plait("graph", "load", "*.nt", "--store", "store", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "3 triples in the store" in done.stderr
    return place


def test_the_next_command_that_load_shows_works(folder: Path) -> None:
    again = plait("graph", "load", "a.nt", "--store", "store", "--replace", cwd=folder)
    command = again.stdout.split("plait graph query store '")[1].split("'\n")[0]
    shown = plait("graph", "query", "store", command, cwd=folder)
    assert shown.returncode == 0
    assert "http://e/by" in shown.stdout
    assert " 2 " in shown.stdout


def test_every_form_of_answer(folder: Path) -> None:
    select = "SELECT ?s ?name { ?s <http://e/name> ?name }"
    rows = list(csv.reader(io.StringIO(plait("graph", "query", "store", select, "--format", "csv", cwd=folder).stdout)))
    assert rows == [["s", "name"], ["http://e/pan", 'a [bold]pan[/], :smile: "x"']]
    answer = json.loads(plait("graph", "query", "store", select, "--format", "json", cwd=folder).stdout)
    assert answer["results"]["bindings"][0]["s"]["value"] == "http://e/pan"
    assert "[bold]pan[/], :smile:" in plait("graph", "query", "store", select, cwd=folder).stdout
    assert plait("graph", "query", "store", "ASK { ?s <http://e/by> ?o }", cwd=folder).stdout == "yes\n"
    no = plait("graph", "query", "store", "ASK { ?s <http://e/at> ?o }", "--format", "csv", cwd=folder)
    assert no.stdout == "false\n"
    made = plait(
        "graph", "query", "store", "CONSTRUCT { ?o <http://e/makes> ?s } WHERE { ?s <http://e/by> ?o }", cwd=folder
    )
    assert sorted(made.stdout.splitlines()) == [
        "<http://e/acme> <http://e/makes> <http://e/pan> .", "<http://e/acme> <http://e/makes> <http://e/pot> .",
    ]  # fmt: skip


def test_a_query_comes_from_a_file_or_from_standard_input(folder: Path) -> None:
    query = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    (folder / "count.rq").write_text(query)
    from_file = plait("graph", "query", "store", "@count.rq", "--format", "tsv", cwd=folder).stdout
    assert from_file == plait("graph", "query", "store", "-", "--format", "tsv", cwd=folder, given=query).stdout
    assert from_file.splitlines()[1] == "3"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["load", "a.nt", "--store", "store"], "store: the store exists; say whether to replace it or to add to it"),
        (["load", "a.nt", "--store", "store", "--add", "--replace"], "exclude each other"),
        (["load", "none.nt", "--store", "new"], "none.nt: no such file"),
        (["query", "none", "ASK {}"], "no such store"),
        (["query", "store", "SELECT ?s {"], "the query is no SPARQL"),
        (["query", "store", "DELETE WHERE { ?s ?p ?o }"], "the query is no SPARQL"),
        (["query", "store", "@none.rq"], "none.rq: no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(folder: Path, words: list[str], message: str) -> None:
    done = plait("graph", *words, cwd=folder)
    assert done.returncode == 1
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
