"""Two kinds of id and the map between them."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import IdMap, PlaitError, UnknownIdError

distinct = st.lists(st.text(max_size=5), unique=True, max_size=100)


@given(distinct, st.data())
def test_ids_and_numbers_are_each_others_inverse(ids: list[str], data: st.DataObject) -> None:
    ids_map = IdMap(ids)
    assert list(ids_map) == ids_map.ids(np.arange(len(ids))) == ids
    assert ids_map.numbers(ids).tolist() == list(range(len(ids)))
    # The same answer from a list (short or long) and from Arrow columns, chunked or not.
    asked = data.draw(st.lists(st.sampled_from([*ids, "no such id"]), max_size=130))
    wanted = [ids.index(i) if i in ids else -1 for i in asked]
    column = pa.array(asked, pa.string())
    chunked = pa.chunked_array([column[:3], column[3:]], pa.string())
    for form in (asked, tuple(asked), column, chunked):
        assert ids_map.numbers(form, missing="negative").tolist() == wanted
    assert [ids_map.number(i) for i in asked] == [None if n < 0 else n for n in wanted]
    assert [i in ids_map for i in asked] == [n >= 0 for n in wanted]


@pytest.mark.parametrize("form", [list, tuple, pa.array, lambda ids: pa.chunked_array([pa.array(ids)])])
@pytest.mark.parametrize("before", [1, 100])
def test_an_unknown_id_is_named(form, before: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnknownIdError, match="^unknown id 'it'$") as caught:
        IdMap(["a", "b"]).numbers(form(["b"] * before + ["it", "other"]))
    assert isinstance(caught.value, (PlaitError, KeyError))


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["a", "b", "a", "c"], "'a' occurs more than once"), (["a", None], "null, at position 1")],
)
def test_ids_that_are_no_ids_are_refused(ids: list[str], message: str) -> None:
    for form in (ids, pa.array(ids, pa.string())):
        with pytest.raises(ValueError, match=message):
            IdMap(form)


def test_numbering_follows_first_appearance_over_all_columns() -> None:
    first = pa.chunked_array([pa.array(["c", "a"]), pa.array(["c", "b"])])
    assert list(IdMap.numbering(first, pa.array(["d", "a"], pa.large_string()))) == ["c", "a", "b", "d"]
    assert list(IdMap.numbering(pa.array([30, 4, 30]))) == ["30", "4"]
    assert list(IdMap.numbering(pa.chunked_array([], pa.string()))) == []


def test_maps_are_equal_by_their_ids_in_order() -> None:
    assert IdMap(["a", "b"]) == IdMap(pa.array(["a", "b"], pa.string()))
    assert IdMap(["a", "b"]) != IdMap(["b", "a"])
    assert IdMap(["a"]) != ["a"]
    assert len({IdMap(["a", "b"]), IdMap(["a", "b"]), IdMap(["a", "c"]), IdMap([]), IdMap([])}) == 3
    assert pickle.loads(pickle.dumps(IdMap(["a", "b"]))) == IdMap(["a", "b"])


def test_the_empty_map_knows_nothing() -> None:
    empty = IdMap([])
    assert (len(empty), empty.number("a"), empty.ids([]), empty.numbers([]).tolist()) == (0, None, [], [])
    assert empty.numbers(["a"], missing="negative").tolist() == [-1]
    assert empty.numbers(["a"] * 99, missing="negative").tolist() == [-1] * 99
    with pytest.raises(UnknownIdError):
        empty.numbers(["a"])


def test_look_alike_ids_stay_apart() -> None:
    ids = ["a", "A", "a ", "\u00e9", "e\u0301", "", "0", "00", "nan", "None"]
    assert IdMap(ids).numbers(ids).tolist() == list(range(len(ids)))
