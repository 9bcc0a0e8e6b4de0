"""Keys of texts: their order and the search, also where digests begin alike, against dictionaries."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.text.cache_keys import Keys, find, in_order, keys_of


def keys(pairs: list[tuple[int, int]]) -> Keys:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2).T.copy()


def test_a_key_is_of_prompt_and_text_and_nothing_else() -> None:
    texts = ["wool", "", "w", "ool", "wool", "\ud83d", "\U0001f600", "query: wool", "\0wool"]
    plain, asked = keys_of(texts, ""), keys_of(texts, "query: ")
    every = [tuple(column) for column in np.hstack([plain, asked]).T.tolist()]
    assert every[0] == every[4]
    assert len(set(every)) == 2 * 8
    np.testing.assert_array_equal(keys_of(texts[3:4], ""), plain[:, 3:4])


def test_portions_do_not_show() -> None:
    texts = [str(number) for number in range(65_536 + 3)]
    whole = keys_of(texts, "p")
    np.testing.assert_array_equal(keys_of(texts[65_530:], "p"), whole[:, 65_530:])
    assert len({*map(tuple, whole.T.tolist())}) == len(texts)


# Few different values, so that first and second columns coincide often.
small = st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 2, 2**64 - 1])), max_size=40)


@settings(max_examples=200, deadline=None)
@given(known=small, asked=small)
def test_search_is_that_of_a_dictionary(known: list[tuple[int, int]], asked: list[tuple[int, int]]) -> None:
    known = sorted(set(known))
    place = {key: row for row, key in enumerate(known)}
    columns = keys(asked)
    order = in_order(columns)
    assert [asked[row] for row in order] == sorted(asked)
    assert find(keys(known), columns[:, order]).tolist() == [place.get(key, -1) for key in sorted(asked)]


@settings(max_examples=100, deadline=None)
@given(asked=small)
def test_the_first_of_equal_keys_comes_first(asked: list[tuple[int, int]]) -> None:
    order = in_order(keys(asked)).tolist()
    assert order == sorted(range(len(asked)), key=lambda row: (asked[row], row))
