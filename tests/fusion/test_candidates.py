"""Candidates: the answer is that of filtering the whole catalogue, however little was asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import plait
from plait.fusion import Recommender, top_k
from plait.fusion.candidates import Allowed, Candidates, ThroughEntities
from plait.kg import DataError, IdMap


class Asked:
    """Tells of some ids which may be recommended, and keeps count of what it was asked."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed, self.calls = set(allowed), list[list[str]]()

    def whole(self) -> None:
        return None

    def among(self, ids: Sequence[str]) -> Collection[str]:
        self.calls.append(list(ids))
        return self.allowed & set(ids)


class Told:
    """Tells all ids at once."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = set(allowed)

    def whole(self) -> Iterable[str]:
        return self.allowed

    def among(self, ids: Sequence[str]) -> Collection[str]:
        raise AssertionError("all is known")


def slow(scores: np.ndarray, allowed: set[int], seen: np.ndarray, k: int) -> list[list[int]]:
    """By sorting every row in plain Python: by score, then by number."""
    return [
        sorted((i for i in allowed if not seen[row, i]), key=lambda i: (-scores[row, i], i))[:k]
        for row in range(len(scores))
    ]


@settings(deadline=None)
@given(
    scores=hnp.arrays(
        np.float32, st.tuples(st.integers(1, 4), st.integers(2, 30)), elements=st.integers(-3, 3).map(float)
    ),
    data=st.data(),
    k=st.integers(1, 35),
)
def test_the_best_of_the_allowed_are_those_of_the_slow_way(scores: np.ndarray, data: st.DataObject, k: int) -> None:
    n = scores.shape[1]
    items = IdMap([f"i{j}" for j in range(n)])
    allowed = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    seen = data.draw(hnp.arrays(bool, scores.shape))
    ids = items.ids(sorted(allowed))
    expected = slow(scores, allowed, seen, k)
    exclude = sp.csr_array(seen.astype(np.float32))
    with pytest.MonkeyPatch.context() as patch:
        # So that a small catalogue takes several rounds.
        patch.setattr("plait.fusion.candidates.FETCH", 1)
        patch.setattr("plait.fusion.candidates.AT_LEAST", 1)
        for candidates in (ids, Told(ids), Asked(ids), iter(ids), pa.array(ids), {*ids}):
            ranked = Allowed.of(candidates, items).best(scores, k, exclude)
            found = [[int(i) for i in row if i >= 0] for row in ranked.items]
            assert found == expected
    kept = [[s for _, s in ranked.listed(row)] for row in range(len(scores))]
    assert kept == [[scores[row, i] for i in each] for row, each in enumerate(expected)]


def test_only_the_best_are_asked_about_and_none_twice() -> None:
    n, k = 5000, 10
    items = IdMap([f"i{j}" for j in range(n)])
    scores = np.random.default_rng(1).normal(size=(3, n)).astype(np.float32)
    every_fifth = Asked(f"i{j}" for j in range(0, n, 5))
    known = Allowed.of(every_fifth, items)
    first = known.best(scores, k)
    asked = [name for call in every_fifth.calls for name in call]
    assert len(asked) == len(set(asked)) < 3 * 128
    # What is known is not asked again, and of further users only what is new.
    calls = len(every_fifth.calls)
    np.testing.assert_array_equal(known.best(scores, k).items, first.items)
    assert len(every_fifth.calls) == calls
    other = np.random.default_rng(2).normal(size=(70, n)).astype(np.float32)
    few = known.best(other, k)
    asked = [name for call in every_fifth.calls for name in call]
    assert len(asked) == len(set(asked))
    mask = np.arange(n) % 5 == 0
    np.testing.assert_array_equal(few.items, top_k(np.where(mask, other, -np.inf).astype(np.float32), k).items)


def test_rounds_are_few_even_where_nothing_passes() -> None:
    n = 5000
    items = IdMap([f"i{j}" for j in range(n)])
    scores = np.random.default_rng(1).normal(size=(2, n)).astype(np.float32)
    nothing = Asked([])
    assert (Allowed.of(nothing, items).best(scores, 10).items == -1).all()
    assert len(nothing.calls) <= np.log2(n) + 1
    assert sorted(name for call in nothing.calls for name in call) == sorted(items)


def test_ids_that_are_no_items_count_for_nothing_unless_all_are() -> None:
    items = IdMap(["a", "b", "c"])
    scores = np.array([[1, 3, 2]], dtype=np.float32)
    assert Allowed.of(["c", "x", "c"], items).best(scores, 2).items.tolist() == [[2, -1]]
    assert Allowed.of([], items).best(scores, 2).items.tolist() == [[-1, -1]]
    assert Allowed.of(None, items).best(scores, 2).items.tolist() == [[1, 2]]
    with pytest.raises(DataError, match=r"none of the 2 candidates is an item of the model: 'Product/a' .* as 'a' is"):
        Allowed.of(["Product/a", "Product/b"], items)
    with pytest.raises(TypeError, match=r"candidates=\['abc'\]"):
        Allowed.of("abc", items)
    with pytest.raises(TypeError):
        Allowed.of([1, 2], items)  # type: ignore[list-item]


@pytest.mark.parametrize("kind", [Told, Asked])
def test_items_may_be_told_by_their_entities(kind: Any) -> None:
    items = IdMap(["a", "b", "c", "d"])
    # Two items of one entity, and one without any.
    entity = pa.array(["e:1", None, "e:2", "e:1"], pa.large_string())
    scores = np.array([[1, 9, 3, 2]], dtype=np.float32)
    for allowed, expected in (({"e:1"}, [3, 0]), ({"e:1", "e:2", "e:9"}, [2, 3, 0]), (set(), [])):
        found = Allowed.of(ThroughEntities(kind(allowed), items, entity), items).best(scores, 4).items[0]
        assert [i for i in found.tolist() if i >= 0] == expected


@pytest.fixture(scope="module")
def recommender(shop_model: Path) -> Recommender:
    return plait.load(shop_model)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.0])
@pytest.mark.parametrize("k", [1, 7, 10_000])
def test_recommendations_are_those_of_the_whole_list_that_are_allowed(
    recommender: Recommender, share: float, k: int
) -> None:
    rng = np.random.default_rng(4)
    allowed = {item for item in recommender.items if rng.random() < share}
    users = ["C00001", "C00007", "nobody"]
    whole = recommender.recommend(users, k=10_000)
    for candidates in (allowed, Told(allowed), Asked(allowed)):
        found = recommender.recommend(users, k, candidates=candidates)
        for user in users:
            expected = [f for f in whole if f.user_id == user and f.item_id in allowed][:k]
            mine = [f for f in found if f.user_id == user]
            assert [(f.item_id, f.score) for f in mine] == [(f.item_id, f.score) for f in expected]
            assert [f.rank for f in mine] == list(range(1, len(mine) + 1))


def test_seen_items_never_come_back(recommender: Recommender) -> None:
    number = recommender.users.number("C00007")
    assert number is not None
    seen = set(recommender.items.ids(recommender.seen[[number]].indices))
    fresh = next(item for item in recommender.items if item not in seen)
    for candidates in (seen, Asked(seen)):
        assert recommender.recommend(["C00007"], candidates=candidates) == []
    history = {"C00007": [fresh]}
    assert recommender.recommend(["C00007"], candidates=[fresh], history=history) == []
    assert [f.item_id for f in recommender.recommend(["C00007"], candidates=[fresh])] == [fresh]


def test_explanations_come_along(recommender: Recommender) -> None:
    allowed = list(recommender.items)[::3]
    found = recommender.recommend(["C00007"], 4, candidates=Asked(allowed), explain=True)
    assert {f.item_id for f in found} <= set(allowed)
    assert any(f.paths for f in found)


def test_similar_items_are_those_of_the_whole_list_that_are_allowed(recommender: Recommender) -> None:
    allowed = {*list(recommender.items)[::4], "SKU-0012"}
    expected = [f.item_id for f in recommender.similar_items("SKU-0012", 10_000) if f.item_id in allowed]
    for candidates in (allowed, Told(allowed), Asked(allowed)):
        assert [f.item_id for f in recommender.similar_items("SKU-0012", 6, candidates=candidates)] == expected[:6]
    assert isinstance(Asked([]), Candidates)
    assert not isinstance(["a"], Candidates)
