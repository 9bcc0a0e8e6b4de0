"""Filters: the k-core is the k-core, what goes is counted, and held-out parts follow train."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import DataError, IdMap, Interactions
from plait.loaders.logs.filters import FiltersConfig, filtered, filtered_parts

USERS, ITEMS = IdMap(list("uvwxy")), IdMap(["i0", "i1", "i2", "i3", "i4", "i5", "i6"])
Pair = tuple[int, int]


def log(rows: list[Pair]) -> Interactions:
    user, item = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    n = np.arange(len(rows))
    return Interactions.sorted(USERS, ITEMS, user, item, n.astype(np.float32), n.astype(np.float64), n)


def pairs(part: Interactions) -> list[tuple[str, str]]:
    return list(zip(part.users.ids(part.user), part.items.ids(part.item), strict=True))


def core(rows: list[Pair], least_user: int, least_item: int) -> list[Pair]:
    """By definition, one user or item at a time."""
    while True:
        of_user, of_item = Counter(u for u, _ in set(rows)), Counter(i for _, i in set(rows))
        bad = [(u, i) for u, i in rows if of_user[u] < least_user or of_item[i] < least_item]
        if not bad:
            return rows
        u, i = bad[0]
        rows = [row for row in rows if (row[0] != u if of_user[u] < least_user else row[1] != i)]


many = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40)


@given(many, st.integers(1, 4), st.integers(1, 3))
def test_the_core_is_the_core(rows: list[Pair], least_user: int, least_item: int) -> None:
    config = FiltersConfig(min_user_interactions=least_user, min_item_interactions=least_item)
    wanted = core(rows, least_user, least_item)
    if not wanted:
        with pytest.raises(DataError, match="the filters leave no interaction: .*with fewer than"):
            filtered(log(rows), config)
        return
    left, dropped = filtered(log(rows), config)
    assert pairs(left) == [(USERS.id(u), ITEMS.id(i)) for u, i in wanted]
    assert sum(entry.rows for entry in dropped) == len(rows) - len(wanted)
    assert sum(entry.users for entry in dropped) == len({u for u, _ in rows}) - len({u for u, _ in wanted})
    assert sum(entry.items for entry in dropped) == len({i for _, i in rows}) - len({i for _, i in wanted})
    again, more = filtered(left, config)
    assert (pairs(again), more) == (pairs(left), [])
    if least_user > 1 or least_item > 1:  # only those left are known, in their old order
        assert list(left.users) == [id_ for id_ in USERS if id_ in {u for u, _ in pairs(left)}]
        assert list(left.items) == [id_ for id_ in ITEMS if id_ in {i for _, i in pairs(left)}]


CHAIN: list[Pair] = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (0, 0)]


def test_one_that_goes_takes_others_along_and_each_is_counted() -> None:
    # x knows i3 alone and goes; then i3 has w alone and goes; then w knows i2 alone and goes; then i2.
    left, dropped = filtered(log(CHAIN), FiltersConfig(min_user_interactions=2, min_item_interactions=2))
    assert pairs(left) == [("u", "i0"), ("u", "i1"), ("v", "i0"), ("v", "i1"), ("u", "i0")]
    by_user, by_item = dropped
    assert (by_user.rows, by_user.users, by_user.items) == (1 + 1, 2, 0)
    assert (by_item.rows, by_item.users, by_item.items) == (1 + 1, 0, 2)
    assert "2 items (data.filters.min_user_interactions)" in by_user.rule
    assert (by_user.example, by_item.example) == ("user x", "item i3")
    assert left.weight.tolist() == left.session.tolist() == [0, 1, 2, 3, 8]  # type: ignore[union-attr]


def test_a_pair_met_again_counts_once() -> None:
    rows = [(0, 0)] * 5 + [(1, 0), (1, 1)]
    left, _ = filtered(log(rows), FiltersConfig(min_user_interactions=2))
    assert pairs(left) == [("v", "i0"), ("v", "i1")]


def test_without_a_filter_nothing_changes() -> None:
    whole = log(CHAIN)
    left, dropped = filtered(whole, FiltersConfig())
    assert (left is whole, dropped) == (True, [])


@pytest.mark.parametrize("name", ["items.csv", "items.jsonl"])
def test_a_subset_of_the_items(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "items.csv":
        path.write_text("sku,title\ni1,One\nunheard,Of\ni3,Three\n")
    else:
        path.write_text('{"sku": "i1"}\n{"sku": "unheard"}\n{"sku": "i3"}\n')
    left, (entry, unknown) = filtered(log(CHAIN), FiltersConfig(items=path))
    assert pairs(left) == [("u", "i1"), ("v", "i1"), ("w", "i3"), ("x", "i3")]
    assert (list(left.items), list(left.users)) == (["i1", "i3"], ["u", "v", "w", "x"])
    assert (entry.rows, entry.users, entry.items, entry.example) == (5, 0, 2, "item i0")
    assert "no interaction has" in unknown.rule
    assert (unknown.rows, unknown.items, unknown.example) == (0, 1, "item unheard")
    # The subset comes first: i1 and i3 have two users each, who know one item each.
    with pytest.raises(DataError, match=r"leave no interaction: item not in data.filters.items: 5 rows; user with"):
        filtered(log(CHAIN), FiltersConfig(items=path, min_user_interactions=2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("i1\ni3\n", "the first line is 'i1', an item's id, and a header is wanted"),
        ("sku\nI1\nI3\n", "none of its ids is an item of the log, whose ids look like 'i0'"),
        ("sku\n", "none of its ids is an item"),
        ("sku,x\ni1,\n,1\n", r"items\.csv:3: the item's id is empty"),
        ("", "the file is empty"),
    ],
)
def test_a_subset_that_cannot_be_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "items.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        filtered(log(CHAIN), FiltersConfig(items=tmp_path / "items.csv"))


TRAIN: list[Pair] = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)]
HELD_OUT: list[Pair] = [(0, 1), (2, 0), (1, 2), (3, 0), (0, 5), (0, 0)]


@pytest.mark.parametrize(
    ("options", "train", "test"),
    [
        # w knows one item alone in train and goes, though test has more; x is not in train at all.
        ({"min_user_interactions": 2}, TRAIN[:4], [(0, 1), (1, 2), (0, 5), (0, 0)]),
        ({"min_item_interactions": 2}, TRAIN[:4], [(0, 1), (2, 0), (3, 0), (0, 0)]),
        ({"min_user_interactions": 2, "min_item_interactions": 2}, TRAIN[:4], [(0, 1), (0, 0)]),
        ({"items": ["i0", "i2", "i5"]}, [(0, 0), (1, 0), (2, 2)], [(2, 0), (1, 2), (3, 0), (0, 5), (0, 0)]),
    ],
)
def test_held_out_parts_follow_train(
    tmp_path: Path, options: dict[str, Any], train: list[Pair], test: list[Pair]
) -> None:
    if "items" in options:
        (tmp_path / "items.csv").write_text("\n".join(["sku", *options["items"]]) + "\n")
        options = {"items": tmp_path / "items.csv"}
    parts, dropped = filtered_parts([log(TRAIN), log([]), log(HELD_OUT)], FiltersConfig(**options))
    for part, wanted in zip(parts, (train, [], test), strict=True):
        assert pairs(part) == [(USERS.id(u), ITEMS.id(i)) for u, i in wanted]
    assert parts[0].users is parts[1].users is parts[2].users
    held_out = [entry for entry in dropped if "held-out" in entry.rule]
    assert sum(entry.rows for entry in held_out) == len(HELD_OUT) - len(test)
    assert set(parts[0].items) == {ITEMS.id(i) for _, i in train + test}
    # What test holds has no say in what train keeps.
    alone, _ = filtered_parts([log(TRAIN)], FiltersConfig(**options))
    assert pairs(alone[0]) == pairs(parts[0])


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        FiltersConfig(min_user_interactions=0)
    with pytest.raises(ValidationError):
        FiltersConfig(min_items=3)  # type: ignore[call-arg]


def test_a_long_chain_is_no_slower_than_its_length() -> None:
    # Each round ends one user and one item at either end of the chain; looking at all of them each time is quadratic.
    n = 40_000
    users, items = IdMap([f"u{k}" for k in range(n + 2)]), IdMap([f"i{k}" for k in range(n + 2)])
    chain = np.arange(2 * n - 1) // 2
    user, item = np.append((chain + 1)[:-1], [n + 1, n + 1, 0, 0]), np.append(chain[1:] + 1, [n + 1, 0, n + 1, 0])
    begun = perf_counter()
    left, dropped = filtered(
        Interactions.sorted(users, items, user, item), FiltersConfig(min_user_interactions=2, min_item_interactions=2)
    )
    assert perf_counter() - begun < 12
    assert set(pairs(left)) == {(f"u{u}", f"i{i}") for u in (0, n + 1) for i in (0, n + 1)}
    assert sum(entry.rows for entry in dropped) == len(user) - 4
