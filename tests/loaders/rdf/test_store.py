"""The embedded store: whole or absent whatever happens, and the same graph as the files it came from."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from plait.kg import DataError
from plait.loaders import read_graph, read_rdf
from plait.loaders.rdf.store import StoreGraph, load_store, open_store, read_store
from plait.loaders.rdf.store_folder import owner

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


# Loads what argv names, and stops for good while it reads the file second.nt.
STUCK = """
import sys, time
from plait.loaders.rdf.store import load_store

def told(done, total, note):
    if "second" in note:
        print("half way", flush=True)
        time.sleep(600)

load_store(sys.argv[2:], sys.argv[1], existing="add", on_progress=told)
"""


@pytest.fixture
def stuck(tmp_path: Path, file: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a process that adds two files to tmp_path / "store": the first is in, the second is being read."""
    lines = (b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i + 1) for i in range(200_000))
    (tmp_path / "second.nt").write_bytes(b"".join(lines))
    command = [sys.executable, "-c", STUCK, str(tmp_path / "store"), str(file), str(tmp_path / "second.nt")]

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"half way\n"
        return process

    running: list[subprocess.Popen[bytes]] = []
    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("before", [False, True])
def test_kill_in_the_middle_leaves_the_store_whole_or_absent(
    tmp_path: Path, file: Path, before: bool, stuck: Callable[[], subprocess.Popen[bytes]]
) -> None:
    store = tmp_path / "store"
    if before:
        load_store([file], store)
    process = stuck()
    assert list(tmp_path.glob(".store-*/store/*.sst")), "the first file is in"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (held(store) == 4) if before else not store.exists()
    assert list(tmp_path.glob(".store-*"))
    # The next load finds the rubbish, and nobody at work on it.
    load_store([file], store, existing="replace")
    assert held(store) == 4
    assert not list(tmp_path.glob(".store*"))


def test_two_loads_at_once_do_not_undo_each_other(
    tmp_path: Path, file: Path, stuck: Callable[[], subprocess.Popen[bytes]]
) -> None:
    store = tmp_path / "store"
    load_store([file], store)
    process = stuck()
    for existing in ("add", "replace", "refuse"):
        with pytest.raises(DataError, match="store: another process loads into this store"):
            load_store([file], store, existing=existing)  # type: ignore[arg-type]
    assert held(store) == 4
    # Another store beside is free.
    assert load_store([file], tmp_path / "other") == 4
    process.kill()
    process.wait()
    assert load_store([file], store, existing="add") == 4


def test_a_load_within_a_load_is_refused_and_the_outer_one_goes_on(tmp_path: Path) -> None:
    lines = (b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i + 1) for i in range(50_000))
    (tmp_path / "a.nt").write_bytes(b"".join(lines))
    refused = []

    def told(*_: Any) -> None:
        with pytest.raises(DataError, match="another process loads"):
            load_store([tmp_path / "a.nt"], tmp_path / "store")
        refused.append(True)

    assert load_store([tmp_path / "a.nt"], tmp_path / "store", on_progress=told) == 50_000
    assert refused
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nt", "store"]


HOST = owner().split("-", 1)[1].rsplit("-", 1)[0]
# No process has it: Linux gives numbers up to 4,194,304.
DEAD = 999_999_999


@pytest.mark.parametrize(
    ("marks", "stays"),
    [
        ([f"loading-{HOST}-{DEAD}"], False),
        ([f"loading-{HOST}-{os.getpid()}"], True),
        ([f"loading-{HOST}-{DEAD}", f"loading-{HOST}-{os.getpid()}"], True),
        ([f"loading-not{HOST}-{DEAD}"], True),
        ([f"loading-{DEAD}"], True),
        (["loading-old"], True),
        ([f"loading-{HOST}-{DEAD}", "loading-old"], True),
        ([f"loading-{HOST}-{10**30}"], True),
        ([f"loading-{HOST}-"], True),
        ([], True),
    ],
)
def test_only_what_a_dead_process_of_this_machine_left_is_removed(
    tmp_path: Path, file: Path, marks: list[str], stays: bool
) -> None:
    theirs = tmp_path / ".store-abc"
    theirs.mkdir()
    for mark in marks:
        (theirs / mark).touch()
    load_store([file], tmp_path / "store")
    assert theirs.is_dir() == stays


def test_a_name_like_a_pattern_matches_itself_alone(tmp_path: Path, file: Path) -> None:
    for name in (".[ab]-x", ".a-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"loading-{HOST}-{DEAD}").touch()
    load_store([file], tmp_path / "[ab]")
    assert not (tmp_path / ".[ab]-x").exists()
    assert (tmp_path / ".a-x").exists()


@pytest.mark.parametrize("existing", ["replace", "add"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_users_file_within_a_store_is_never_lost(tmp_path: Path, file: Path, existing: str, kind: str) -> None:
    store = tmp_path / "store"
    load_store([file], store)
    if kind == "folder":
        (store / "LOG.old").mkdir()
    else:
        (store / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds '(notes\.txt|LOG\.old)', which is no part of the store"):
        load_store([file], store, existing=existing)  # type: ignore[arg-type]
    assert (store / "LOG.old").is_dir() or (store / "notes.txt").read_text() == "mine"
    # It does no harm to who only reads.
    assert held(store) == 4


def test_a_store_that_was_opened_to_write_is_one_still(tmp_path: Path, file: Path) -> None:
    """Oxigraph leaves further files behind, such as LOG.old.1234."""
    load_store([file], tmp_path / "store")
    for i in range(3):
        written = ox.Store(str(tmp_path / "store"))
        written.add(ox.Quad(ox.NamedNode(f"{E}{i}"), ox.NamedNode(f"{E}p"), ox.Literal("v")))
        written.flush()
        written.optimize()
        del written
    assert len(list((tmp_path / "store").iterdir())) > 10
    assert load_store([file], tmp_path / "store", existing="add") == 7


@pytest.mark.parametrize("existing", ["refuse", "replace", "add"])
def test_another_programs_folder_that_looks_like_a_store_is_kept(tmp_path: Path, file: Path, existing: str) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("CURRENT", "IDENTITY", "000001.sst"):
        (theirs / name).write_text("MANIFEST-000001\n")
    with pytest.raises(DataError, match="cannot be opened.*remove the folder"):
        load_store([file], theirs, existing=existing)  # type: ignore[arg-type]
    assert sorted(p.name for p in theirs.iterdir()) == ["000001.sst", "CURRENT", "IDENTITY"]


def damage(store: Path) -> None:
    """Spoil what the tables of triples and names hold, and leave their ends, which are read first."""
    spoilt = [path for path in store.glob("*.sst") if path.stat().st_size > 100_000]
    assert spoilt
    for path in spoilt:
        data = bytearray(path.read_bytes())
        data[100 : len(data) // 2] = bytes(len(data) // 2 - 100)
        path.write_bytes(data)


def test_a_store_with_spoilt_tables_is_told_in_a_sentence(tmp_path: Path) -> None:
    lines = (b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i + 1) for i in range(20_000))
    (tmp_path / "a.nt").write_bytes(b"".join(lines))
    load_store([tmp_path / "a.nt"], tmp_path / "store")
    damage(tmp_path / "store")
    with pytest.raises(DataError, match="store: the store cannot be (opened|read): .*remove the folder"):
        read_store(tmp_path / "store")


FULL = """
import resource, signal, sys
from plait.kg import DataError
from plait.loaders.rdf.store import load_store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    load_store([sys.argv[1]], sys.argv[2])
except DataError as error:
    print(error)
"""


@pytest.mark.parametrize("packed", [False, True])
def test_a_full_disk_is_not_told_as_a_damaged_file(tmp_path: Path, packed: bool) -> None:
    """A limit on the size of files stands for the disk: to write beyond fails as a full disk does."""
    text = b"".join(b"<http://e/%d> <http://e/p> <http://e/%d> .\n" % (i, i + 1) for i in range(20_000))
    path = tmp_path / ("a.nt.gz" if packed else "a.nt")
    path.write_bytes(gzip.compress(text) if packed else text)
    command = [sys.executable, "-c", FULL, str(path), str(tmp_path / "store")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.match(r".*store: the store cannot be written: .*File too large; all is as it was before", said)
    assert sorted(tmp_path.iterdir()) == [path]
