"""What a cache holds is told, and pruning takes what it says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plait.kg import ConfigError, DataError
from plait.text import cache_store, cache_upkeep
from plait.text.cache_keys import keys_of
from plait.text.cache_store import VectorStore
from plait.text.cache_upkeep import Pruned, cache_contents, prune_cache

TODAY = 20_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Model a1 (3 dimensions): texts 0-9 of today, 10-14 of 100 days ago. Model a2 (5): 0-3 of 50 days ago."""
    monkeypatch.setattr(cache_upkeep, "today", lambda: TODAY)
    for name, dimension, numbers, age in (
        ("a1", 3, range(10), 0),
        ("a1", 3, range(10, 15), 100),
        ("a2", 5, range(4), 50),
    ):
        monkeypatch.setattr(cache_store, "today", lambda age=age: TODAY - age)
        rows = np.repeat(np.array(numbers, dtype=np.float32)[:, None], dimension, 1)
        VectorStore(tmp_path, name).add(keys_of([str(n) for n in numbers], ""), rows)
    return tmp_path


def left(cache: Path, name: str, dimension: int) -> list[int]:
    """Texts 0 to 14 that the cache still knows, each with its right vector."""
    out = np.full((15, dimension), -1, dtype=np.float32)
    missing = set(VectorStore(cache, name).look_up(keys_of([str(n) for n in range(15)], ""), out).tolist())
    known = [n for n in range(15) if n not in missing]
    np.testing.assert_array_equal(out[known], np.repeat(np.array(known, dtype=np.float32)[:, None], dimension, 1))
    return known


def test_contents_are_told(cache: Path) -> None:
    (cache / "vectors.sqlite").write_bytes(b"old")
    contents = cache_contents(cache)
    assert contents.old_file == cache / "vectors.sqlite"
    first, second = contents.models
    assert (first.fingerprint, first.dimension, first.texts, first.files) == ("a1", 3, 15, 2)
    assert (first.first_use, first.last_use) == (TODAY - 100, TODAY)
    assert (second.fingerprint, second.dimension, second.texts, second.last_use) == ("a2", 5, 4, TODAY - 50)
    on_disk = sum(path.stat().st_size for path in cache.glob("*/*.vectors"))
    assert contents.size == on_disk


def test_no_cache_is_an_empty_one(tmp_path: Path) -> None:
    assert cache_contents(tmp_path / "none").models == ()
    assert prune_cache(tmp_path / "none", larger_than=0) == Pruned(0, 0, 0)


@pytest.mark.parametrize(
    ("options", "first", "second"),
    [
        ({"older_than_days": 100}, range(15), range(4)),  # used 100 days ago is not more than 100 days ago
        ({"older_than_days": 99}, range(10), range(4)),
        ({"older_than_days": 49}, range(10), ()),
        ({"older_than_days": 49, "models": ["a1"]}, range(10), range(4)),
        ({"older_than_days": 49, "exceptions": ["a1"]}, range(15), ()),
        ({"models": ["a2"]}, range(15), ()),
        ({"exceptions": ["a2"]}, (), range(4)),
        ({"larger_than": 10**9}, range(15), range(4)),
        ({"larger_than": 0}, (), ()),
    ],
)
def test_what_is_pruned(cache: Path, options: dict[str, object], first: range, second: range) -> None:
    before = cache_contents(cache).size
    told = prune_cache(cache, dry_run=True, **options)
    assert cache_contents(cache).size == before
    assert prune_cache(cache, **options) == told
    assert left(cache, "a1", 3) == list(first)
    assert left(cache, "a2", 5) == list(second)
    assert told.texts == 19 - len(first) - len(second)
    assert told.models == (not first) + (not second)
    assert len([*cache.iterdir()]) == 2 - told.models


@pytest.mark.parametrize("most", range(0, 2400, 150))
def test_the_least_recently_used_goes_first(cache: Path, most: int) -> None:
    prune_cache(cache, larger_than=most)
    first, second = left(cache, "a1", 3), left(cache, "a2", 5)
    if any(number >= 10 for number in first):
        assert len(second) == 4
    if second:
        assert first[:10] == list(range(10))
    # Headers are shared by fewer vectors afterwards: some 400 bytes a file.
    assert cache_contents(cache).size <= most + 3 * 400


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "state an age, a size or models"),
        ({"models": ["a1"], "exceptions": ["a2"]}, "exclude each other"),
        ({"models": ["a"]}, "'a' fits several models"),
        ({"exceptions": ["b"]}, "'b' fits no model"),
        ({"models": [""]}, "fits no model"),
    ],
)
def test_what_cannot_be_meant(cache: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        prune_cache(cache, **options)
    assert (left(cache, "a1", 3), left(cache, "a2", 5)) == (list(range(15)), list(range(4)))


def test_a_cache_being_merged_is_waited_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_upkeep, "_PATIENCE", 0.1)
    with VectorStore(cache, "a1").locked(0), pytest.raises(DataError, match="another process has been at work"):
        prune_cache(cache, larger_than=0)
    assert left(cache, "a1", 3) == list(range(15))
