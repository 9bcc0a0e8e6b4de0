"""The embedded store: whole or absent whatever happens, and the same graph as the files it came from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plait.kg import DataError
from plait.loaders import read_graph, read_rdf
from plait.loaders.rdf.store import StoreGraph, load_store, open_store, read_store

Say = Callable[[Any], Any]
E = "http://e/"
TEXT = b"""<http://e/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://e/T> .
<http://e/a> <http://e/p> <http://e/b> .
<http://e/a> <http://e/name> "a \\"b\\" \\u674E"@en .
<http://e/b> <http://e/price> "12.5"^^<http://www.w3.org/2001/XMLSchema#decimal> .
"""
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.nt").write_bytes(TEXT)
    return tmp_path / "a.nt"


def held(folder: Path) -> int:
    (row,) = open_store(folder).query(COUNT)
    return int(row[0].value)


def test_a_store_gives_the_graph_of_its_files(tmp_path: Path, file: Path, facts: Say) -> None:
    (tmp_path / "b.trig").write_text("<http://e/g> { <http://e/c> <http://e/p> <http://e/a> }")
    told: list[tuple[int, int | None, str]] = []
    assert load_store([tmp_path], tmp_path / "store", on_progress=lambda *a: told.append(a)) == 4 + 1
    graph = read_store(tmp_path / "store", on_progress=lambda *a: told.append(a))
    assert facts(graph) == facts(read_rdf([file, tmp_path / "b.trig"]))
    assert told[-1] == (5, 5, "triples")
    config = StoreGraph(source="store", folder=tmp_path / "store")
    assert facts(read_graph(config).graph) == facts(graph)
    assert config.paths()
    assert StoreGraph(source="store", folder=tmp_path / "none").paths() == []


def test_a_store_keeps_numbers_by_value(tmp_path: Path) -> None:
    path = tmp_path / "a.nt"
    path.write_bytes(b'<http://e/b> <http://e/price> "012.50"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n')
    load_store([path], tmp_path / "store")
    assert read_rdf([path]).literals.value.to_pylist() == ["012.50"]
    assert read_store(tmp_path / "store").literals.value.to_pylist() == ["12.5"]


def test_readers_share_a_store_and_cannot_change_it(tmp_path: Path, file: Path) -> None:
    load_store([file], tmp_path / "store")
    one, two = open_store(tmp_path / "store"), open_store(tmp_path / "store")
    assert len(one) == len(two) == 4
    with pytest.raises(RuntimeError):
        one.add(next(iter(two)))
    with pytest.raises(SyntaxError):
        one.query("DELETE WHERE { ?s ?p ?o }")


def test_what_is_there_is_kept_replaced_or_added_to_as_asked(tmp_path: Path, file: Path) -> None:
    store, more = tmp_path / "store", tmp_path / "b.nt"
    more.write_bytes(b"<http://e/c> <http://e/p> <http://e/a> .\n")
    load_store([file], store)
    with pytest.raises(DataError, match="the store exists"):
        load_store([more], store)
    assert held(store) == 4
    assert load_store([more], store, existing="add") == 5
    assert load_store([more], store, existing="add") == 5  # a triple is there or not
    assert load_store([more], store, existing="replace") == 1
    assert load_store([more], tmp_path / "new", existing="add") == 1


@pytest.mark.parametrize("existing", ["replace", "add"])
def test_a_load_that_fails_leaves_what_was_there(tmp_path: Path, file: Path, existing: str) -> None:
    bad = tmp_path / "bad.nt"
    bad.write_bytes(TEXT + b"oops\n")
    store = tmp_path / "store"
    with pytest.raises(DataError, match=r"bad\.nt:5: malformed RDF"):
        load_store([bad], store)
    assert not store.exists()
    load_store([file], store)
    with pytest.raises(DataError, match=r"bad\.nt:5: malformed RDF"):
        load_store([bad], store, existing=existing)  # type: ignore[arg-type]
    assert held(store) == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nt", "bad.nt", "store"]


def test_a_users_own_folder_is_never_touched(tmp_path: Path, file: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="no Oxigraph store"):
        load_store([file], mine, existing="replace")
    assert (mine / "thesis.txt").read_text() == "years of work"
    with pytest.raises(DataError, match="no such store"):
        read_store(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_damaged_store_and_an_empty_load_are_told(tmp_path: Path, file: Path) -> None:
    (tmp_path / "empty.ttl").write_text("# nothing\n")
    with pytest.raises(DataError, match="no triple in"):
        load_store([tmp_path / "empty.ttl"], tmp_path / "store")
    load_store([file], tmp_path / "store")
    (tmp_path / "store" / "CURRENT").write_text("MANIFEST-999999\n")
    with pytest.raises(DataError, match="cannot be opened"):
        read_store(tmp_path / "store")


LOAD = "import sys; from plait.loaders.rdf.store import load_store; load_store([sys.argv[1]], sys.argv[2], existing=sys.argv[3])"


@pytest.mark.parametrize("before", [False, True])
def test_kill_in_the_middle_leaves_the_store_whole_or_absent(tmp_path: Path, file: Path, before: bool) -> None:
    store, pipe = tmp_path / "store", tmp_path / "endless.nt"
    if before:
        load_store([file], store)
    # A file large enough for the load to be under way when it is killed.
    pipe.write_bytes(b"".join(b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i + 1) for i in range(1_500_000)))
    process = subprocess.Popen([sys.executable, "-c", LOAD, str(pipe), str(store), "add"])
    while not (begun := list(tmp_path.glob(".store-*/store/*.sst"))) and process.poll() is None:
        time.sleep(0.01)
    assert begun, "the load ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (held(store) == 4) if before else not store.exists()
    assert list(tmp_path.glob(".store-*"))
    # The next load finds the rubbish, and nobody at work on it.
    load_store([file], store, existing="replace")
    assert held(store) == 4
    assert not list(tmp_path.glob(".store-*"))


def test_a_load_under_way_elsewhere_is_left_alone(tmp_path: Path, file: Path) -> None:
    theirs = tmp_path / ".store-abc"
    theirs.mkdir()
    (theirs / f"loading-{os.getpid()}").touch()
    load_store([file], tmp_path / "store")
    assert theirs.is_dir()
