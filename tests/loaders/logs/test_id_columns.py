"""Columns of ids: spelled as the file spells them, numbered together in order of first appearance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import DataError
from plait.loaders.logs.id_columns import ids_of, numbered

PLACE = Path("log.parquet")
words = st.lists(st.sampled_from(["7", "007", "é", "a b", "x"]), max_size=8)


def chunked(parts: list[list[str]], encoded: bool) -> pa.ChunkedArray:
    arrays = [pa.array(part, pa.string()) for part in parts]
    return pa.chunked_array([a.dictionary_encode() for a in arrays] if encoded else arrays)


@given(st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=3), st.booleans())
def test_numbers_are_those_of_first_appearance(files: list[list[list[str]]], encoded: bool) -> None:
    # Each file in chunks, each chunk perhaps with a dictionary of its own.
    ids, numbers = numbered([ids_of(chunked(parts, encoded), "user", PLACE) for parts in files])
    whole = [[word for part in parts for word in part] for parts in files]
    assert list(ids) == list(dict.fromkeys(word for part in whole for word in part))
    assert [ids.ids(part) for part in numbers] == whole


def test_a_dictionary_may_hold_more_than_is_used_and_hold_it_twice() -> None:
    values = pa.array(["unused", "b", "a", "b", " "])
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([3, 2, 1, 3]), values)] * 2)
    ids, (numbers,) = numbered([ids_of(column, "user", PLACE)])
    assert (list(ids), numbers.tolist()) == (["b", "a"], [0, 1, 0, 0] * 2)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pa.array([10, 9, 10]), ["10", "9", "10"]),
        (pa.array([196.0, 7.0]), ["196", "7"]),
        (pa.array([1.5, 7.0]), ["1.5", "7"]),
        (pa.array([2**63 - 1, -5]), ["9223372036854775807", "-5"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array(["007", "7"], pa.large_string()), ["007", "7"]),
        (pa.array([b"a", b"b"]), ["a", "b"]),
        (pa.array([], pa.int64()), []),
    ],
)
def test_ids_are_spelled_as_they_stand(values: pa.Array, wanted: list[str]) -> None:
    ids, (numbers,) = numbered([ids_of(pa.chunked_array([values]), "item", PLACE)])
    assert ids.ids(numbers) == wanted


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", None], r"log.parquet:2: the item's id is empty"),
        (["a", "b", " \t"], r"log.parquet:3: the item's id is empty"),
        ([1, None], r"log.parquet:2: the item's id is empty"),
        ([1.0, None], r"log.parquet:2: the item's id is empty"),
        ([1.0, 2.0**53], "too large to be exact as double; store the ids as strings"),
        ([b"a", b"\xff"], "no text"),
        ([[1]], "the item column holds list"),
    ],
)
def test_what_is_no_id_is_refused(values: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ids_of(pa.chunked_array([pa.array(values)]), "item", PLACE)
