"""Files of the cache that are damaged, foreign, or none at all: named, with the remedy, and never read wrongly."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plait.kg import DataError
from plait.text.cache_store import stores_in

from .numbered_cache import D, filled, keys


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 5)


def cut_in_the_head(file: Path) -> None:
    os.truncate(file, 40)


def lengthen(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"\0" * 28)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def zeros_at_the_end(file: Path) -> None:
    """As a disk may leave them when the power fails."""
    whole = file.read_bytes()
    file.write_bytes(whole[:-90] + b"\0" * 90)


def one_bit(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[-3] ^= 4
    file.write_bytes(bytes(whole))


def keys_in_disorder(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[128:136], whole[136:144] = whole[136:144], whole[128:136]
    file.write_bytes(bytes(whole))


def pickled(file: Path) -> None:
    with file.open("wb") as out:
        np.save(out, np.array([{"run": "me"}], dtype=object), allow_pickle=True)


def another_program(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + b"no vectors at all " * 300)


def another_array(file: Path) -> None:
    with file.open("wb") as out:
        np.save(out, np.ones((4, 6)))


DAMAGES = [
    cut,
    cut_in_the_head,
    lengthen,
    empty,
    zeros_at_the_end,
    one_bit,
    keys_in_disorder,
    pickled,
    another_program,
    another_array,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    store = filled(tmp_path, 40, 20)
    files = {path.stat().st_size: path for path in store.files()}
    file = files[max(files)]
    damage(file)
    out = np.zeros((60, D), dtype=np.float32)
    with pytest.raises(DataError, match=r"damaged.*remove this file") as caught:
        store.look_up(keys(60), out)
    assert caught.value.path == file
    file.unlink()
    assert sorted(store.look_up(keys(60), out)) == list(range(40))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "[" * 100_000, '{"format": "other"}', '{"format": "plait text vectors 1"}'],
    ids=lambda text: text[:30],
)
def test_a_description_that_is_none(tmp_path: Path, text: str) -> None:
    store = filled(tmp_path, 3)
    (store.folder / "model.json").write_text(text)
    with pytest.raises(DataError, match=r"model\.json: this does not describe a text cache"):
        store.about()


def test_a_folder_under_another_ones_name(tmp_path: Path) -> None:
    store = filled(tmp_path, 3)
    file = store.folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "fingerprint": "other"}))
    for look in (store.about, lambda: stores_in(tmp_path)):
        with pytest.raises(DataError, match="of another model than its name says"):
            look()
