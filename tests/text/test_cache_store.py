"""The files under the cache: read exactly, merged, damaged, foreign, written by processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.text import cache_segment, cache_store
from plait.text.cache_keys import keys_of
from plait.text.cache_merge import worth_merging
from plait.text.cache_segment import Segment
from plait.text.cache_store import VectorStore

from .numbered_cache import D, filled, keys, vectors


@pytest.mark.parametrize("dimension", [1, 7, 384])
@pytest.mark.parametrize("stretch", [64, 2 << 20])
@settings(max_examples=25, deadline=None)
@given(asked=st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_any_texts_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, dimension: int, stretch: int, asked: list[int]
) -> None:
    """Against plain indexing; texts 300 to 400 are unknown. Small stretches and gaps make many of both."""
    store = filled(tmp_path_factory.mktemp("cache"), 200, 100, dimension=dimension)
    out = np.full((len(asked), dimension), -1, dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache_segment, "STRETCH_BYTES", stretch)
        patch.setattr(cache_segment, "_GAP_BYTES", stretch // 8)
        missing = store.look_up(np.hstack([keys(1, number) for number in asked]), out)
    assert sorted(missing) == [row for row, number in enumerate(asked) if number >= 300]
    known = np.array(asked) < 300
    np.testing.assert_array_equal(out[known], vectors(401, 0, dimension)[np.array(asked)][known])
    assert (out[~known] == -1).all()


def test_merging_changes_no_answer(tmp_path: Path) -> None:
    store = filled(tmp_path, 5, 9, 2, 29, 4, 8, 7)
    store.add(keys(10), vectors(10))  # known already: another process met the same texts
    assert len(store.files()) == 8
    store.merge()
    (file,) = store.files()
    with Segment(file) as segment:
        assert len(segment) == 64
    out = np.zeros((64, D), dtype=np.float32)
    assert not len(store.look_up(keys(64), out))
    np.testing.assert_array_equal(out, vectors(64))


def test_a_reader_goes_on_while_its_files_are_merged_away(tmp_path: Path) -> None:
    store = filled(tmp_path, *[10] * 8)
    out = np.zeros((80, D), dtype=np.float32)
    with store.opened() as segments:
        VectorStore(tmp_path, "model").merge()
        assert len(store.files()) == 1
        for segment in segments:
            asked = keys(80)
            order = np.lexsort((asked[1], asked[0]))
            rows = segment.find(asked[:, order])
            segment.read(rows[rows >= 0], out, order[rows >= 0])
    np.testing.assert_array_equal(out, vectors(80))


def test_one_process_merges_at_a_time(tmp_path: Path) -> None:
    store = filled(tmp_path, *[10] * 8)
    with store.locked(0):
        VectorStore(tmp_path, "model").merge()
        assert len(store.files()) == 8
    store.merge()
    assert len(store.files()) == 1


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([5] * 7, []),
        ([5] * 8, [0, 1, 2, 3, 4, 5, 6, 7]),
        ([900, *[5] * 8], [1, 2, 3, 4, 5, 6, 7, 8]),  # the large one is left alone
        ([31, *[4] * 7], [0, 1, 2, 3, 4, 5, 6, 7]),
        ([32, *[4] * 7], []),
        ([*[4] * 9, *[40] * 8], [0, 1, 2, 3, 4, 5, 6, 7, 8]),  # the small ones first
        ([*[4] * 7, *[40] * 8], [7, 8, 9, 10, 11, 12, 13, 14]),
        ([3 << 30] * 8, []),
    ],
)
def test_which_files_are_merged(sizes: list[int], chosen: list[int]) -> None:
    assert worth_merging(sizes) == chosen


def test_many_portions_leave_few_files(tmp_path: Path) -> None:
    """Each vector is copied a few times at most: 300 portions, as an encoder writes them in an hour."""
    store, copied = VectorStore(tmp_path, "model"), 0
    for number in range(300):
        store.add(keys(2, 2 * number), vectors(2, 2 * number))
        before = {path: path.stat().st_size for path in store.files()}
        store.merge()
        copied += sum(path.stat().st_size for path in store.files() if path not in before)
    out = np.zeros((600, D), dtype=np.float32)
    assert not len(store.look_up(keys(600), out))
    np.testing.assert_array_equal(out, vectors(600))
    files = store.files()
    assert len(files) <= 24
    assert copied <= 4 * sum(path.stat().st_size for path in files)


def test_uses_are_remembered_by_the_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, 20)
    day = cache_segment.today()
    monkeypatch.setattr(cache_segment, "today", lambda: day + 3)
    store.look_up(keys(5), np.zeros((5, D), dtype=np.float32))
    with store.opened() as (segment,):
        used = np.asarray(segment.columns[3])
    assert sorted(used.tolist()) == [day] * 15 + [day + 3] * 5


def test_a_cache_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, 20)
    day = cache_segment.today()
    monkeypatch.setattr(cache_segment, "today", lambda: day + 3)
    real = np.memmap

    def refused(path: object, dtype: object, mode: str, *rest: object) -> object:
        # The tests may run as root, for whom permissions are nothing.
        if mode == "r+":
            raise PermissionError
        return real(path, dtype, mode, *rest)

    monkeypatch.setattr(np, "memmap", refused)
    out = np.zeros((20, D), dtype=np.float32)
    assert not len(store.look_up(keys(20), out))
    np.testing.assert_array_equal(out, vectors(20))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from plait.text.cache_keys import keys_of
from plait.text.cache_store import VectorStore
store, own, start = VectorStore(Path(sys.argv[1]), "model"), int(sys.argv[2]), int(sys.argv[3])
print("begins", flush=True)
while True:
    numbers = np.arange(start, start + 50)
    store.add(keys_of([f"{own} {n}" for n in numbers], ""), np.repeat(numbers[:, None], 7, 1).astype(np.float32) + own)
    store.merge()
    start += 50
    print(start, flush=True)
"""


def test_processes_that_are_killed_leave_only_whole_vectors(tmp_path: Path) -> None:
    """Two at a time write and merge, and are killed at whatever they are doing: what each had told is there."""
    told = {0: 0, 1: 0}
    for attempt in range(4):
        running = {
            own: subprocess.Popen(
                [sys.executable, "-c", WRITER, str(tmp_path), str(own), str(told[own])], stdout=subprocess.PIPE
            )
            for own in told
        }
        for process in running.values():
            assert process.stdout is not None
            assert process.stdout.readline() == b"begins\n"
        time.sleep(0.15 + 0.07 * attempt)
        for own, process in running.items():
            process.send_signal(signal.SIGKILL)
            lines = process.communicate()[0].split(b"\n")
            # The last line is whole only if another follows.
            told[own] = int(lines[-2]) if len(lines) > 1 else told[own]
    store = VectorStore(tmp_path, "model")
    for own, count in told.items():
        assert count > 100
        out = np.zeros((count, D), dtype=np.float32)
        asked = keys_of([f"{own} {number}" for number in range(count)], "")
        assert not len(store.look_up(asked, out))
        np.testing.assert_array_equal(out, np.repeat(np.arange(count)[:, None], D, 1) + own)


def test_what_killed_processes_left_goes_when_it_is_old(tmp_path: Path) -> None:
    store = filled(tmp_path, *[3] * 8)
    name = f".{'0' * 32}-abc.vectors"
    for age, file in ((0, name), (2, name.replace("abc", "xyz")), (2, ".model-qq.json"), (2, "notes.txt")):
        (store.folder / file).write_bytes(b"half a file")
        os.utime(store.folder / file, (time.time() - age * cache_store._LEFTOVER_SECONDS,) * 2)
    store.merge()
    hidden = {path.name for path in store.folder.iterdir()} - {path.name for path in store.files()}
    assert hidden == {name, "notes.txt", "model.json", ".lock"}
