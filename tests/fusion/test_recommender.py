"""Answers by the users' own ids."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import plait
from plait.fusion import Recommender
from plait.kg import UnknownIdError


@pytest.fixture(scope="module")
def recommender(shop_model: Path) -> Recommender:
    return plait.load(shop_model)


def _seen(recommender: Recommender, user: str) -> set[str]:
    number = recommender.users.number(user)
    assert number is not None
    row = recommender.seen[[number]]
    return set(recommender.items.ids(row.indices))


def test_lists_are_ranked_and_leave_out_what_was_seen(recommender: Recommender) -> None:
    users = ["C00001", "C00007", "C00042"]
    found = recommender.recommend(users, k=6)
    assert [f.user_id for f in found] == [user for user in users for _ in range(6)]
    for user in users:
        mine = [f for f in found if f.user_id == user]
        assert [f.rank for f in mine] == [1, 2, 3, 4, 5, 6]
        assert all(a.score >= b.score for a, b in pairwise(mine))
        assert not {f.item_id for f in mine} & _seen(recommender, user)


def test_a_user_is_answered_alike_alone_and_among_others(recommender: Recommender) -> None:
    among = [f for f in recommender.recommend(["C00001", "x", "C00007"], k=5) if f.user_id == "C00007"]
    assert [f.item_id for f in recommender.recommend(["C00007"], k=5)] == [f.item_id for f in among]


def test_signals_sum_to_the_score(recommender: Recommender) -> None:
    for found in recommender.recommend(["C00007"], k=8):
        assert sum(found.signals.values()) == pytest.approx(found.score, abs=1e-5)


def test_more_than_the_catalogue_gives_all_unseen(recommender: Recommender) -> None:
    found = recommender.recommend(["C00007"], k=10_000)
    assert len(found) == len(recommender.items) - len(_seen(recommender, "C00007"))


def test_an_unknown_user_is_cold(recommender: Recommender) -> None:
    found = recommender.recommend(["nobody"], k=5)
    assert {f.warmth for f in found} == {"cold"}
    other = recommender.recommend(["nobody else"], k=5)
    assert [f.item_id for f in found] == [f.item_id for f in other]


def test_a_history_makes_a_new_user_warm_and_changes_the_answer(recommender: Recommender) -> None:
    history = sorted(_seen(recommender, "C00007"))[:4]
    found = recommender.recommend(["new"], k=5, history={"new": history}, explain=True)
    assert {f.warmth for f in found} == {"warm"}
    assert not {f.item_id for f in found} & set(history)
    assert [f.item_id for f in found] != [f.item_id for f in recommender.recommend(["new"], k=5)]
    starts = {path.hops[0].tail for f in found for path in f.paths}
    assert starts <= set(history)


def test_news_of_a_known_user_counts(recommender: Recommender) -> None:
    first = recommender.recommend(["C00007"], k=1)[0].item_id
    again = recommender.recommend(["C00007"], k=5, history={"C00007": [first]})
    assert first not in {f.item_id for f in again}
    assert again[0].warmth == "hot"


def test_news_come_after_what_is_known(recommender: Recommender) -> None:
    number = recommender.users.number("C00007")
    assert number is not None
    before = recommender.liked[[number]]
    known = dict(zip(recommender.items.ids(before.indices), before.data.tolist(), strict=True))
    assert sorted(known.values()) == list(range(1, len(known) + 1))
    old = next(item for item, steps in known.items() if steps == 2)
    fresh = sorted(set(recommender.items) - _seen(recommender, "C00007"))[:2]
    # Oldest first, one of them twice, one known already: the last of each counts, and all else moves back by three.
    audience, seen = recommender._audience(["C00007"], {"C00007": [fresh[0], old, fresh[1], fresh[0]]})
    after = dict(zip(recommender.items.ids(audience.steps.indices), audience.steps.data.tolist(), strict=True))
    moved = {item: steps + 3 for item, steps in known.items() if item != old}
    assert after == {**moved, fresh[0]: 1, fresh[1]: 2, old: 3}
    assert set(recommender.items.ids(seen.indices)) == _seen(recommender, "C00007") | set(fresh)


def test_every_edge_of_every_path_is_in_the_graph(recommender: Recommender) -> None:
    graph = recommender.graph
    triples = {
        (graph.node_id(int(h)), graph.relations[r], graph.node_id(int(t)))
        for h, r, t in zip(graph.head, graph.relation, graph.tail, strict=True)
    }
    hops = 0
    for user in ("C00001", "C00007", "C00042"):
        for found in recommender.recommend([user], k=8, explain=True):
            for path in found.paths:
                first, *walked = path.hops
                assert (first.head, first.relation) == (user, "interacted")
                assert first.tail in _seen(recommender, user)
                here = first.tail
                for hop in walked:
                    assert (hop.head, hop.relation, hop.tail) in triples
                    start, end = (hop.tail, hop.head) if hop.reverse else (hop.head, hop.tail)
                    assert start == here
                    here = end
                    hops += 1
                if path.kind == "graph":
                    assert here == found.item_id
    assert hops > 50


def test_similar_items_are_the_nearest_by_cosine(recommender: Recommender) -> None:
    vectors = recommender.embeddings.items.astype(np.float64)
    item = recommender.items.number("SKU-0012")
    assert item is not None
    cosines = vectors @ vectors[item] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[item])
    cosines[item] = -np.inf
    found = recommender.similar_items("SKU-0012", k=7)
    assert [f.item_id for f in found] == recommender.items.ids(np.argsort(-cosines)[:7])
    assert [f.score for f in found] == pytest.approx(np.sort(cosines)[::-1][:7], abs=1e-5)


def test_shared_entities_are_next_to_both(recommender: Recommender) -> None:
    graph = recommender.graph
    for found in recommender.similar_items("SKU-0012", k=5):
        for relation, label in found.shared:
            for item in ("SKU-0012", found.item_id):
                edges = graph.adjacency.neighbours(np.array([recommender.items.number(item)]))
                named = {
                    (graph.relations[r], graph.node_label(int(n)))
                    for r, n in zip(edges.relation, edges.node, strict=True)
                    if n >= graph.n_items
                }
                assert (relation, label) in named


def test_what_cannot_be_asked(recommender: Recommender) -> None:
    with pytest.raises(TypeError, match="list of ids"):
        recommender.recommend("C00007")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"196 is int: recommend\(\[str"):
        recommender.recommend(["C00007", 196])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="k is 0"):
        recommender.recommend(["C00007"], k=0)
    with pytest.raises(UnknownIdError, match="unknown item 'SKU-9999'"):
        recommender.similar_items("SKU-9999")
    with pytest.raises(KeyError, match="SKU-9999"):
        recommender.explain("C00007", "SKU-9999")
    with pytest.raises(KeyError, match="SKU-9999"):
        recommender.recommend(["new"], history={"new": ["SKU-9999"]})
    assert recommender.recommend([], k=3) == []
    assert recommender.explain("nobody", "SKU-0012") == []


def test_export_holds_every_id_with_its_vector(recommender: Recommender, tmp_path: Path) -> None:
    recommender.export(tmp_path / "parquet")
    recommender.export(tmp_path / "npy", kind="npy")
    ids = {"items": recommender.items, "users": recommender.users, "entities": recommender.graph.entities}
    for name, known in ids.items():
        table = pq.read_table(tmp_path / "parquet" / f"{name}.parquet")
        assert table.column("id").to_pylist() == list(known)
        matrix = np.load(tmp_path / "npy" / f"{name}.npy", allow_pickle=False)
        assert json.loads((tmp_path / "npy" / f"{name}.ids.json").read_text()) == list(known)
        np.testing.assert_array_equal(np.array(table.column("embedding").to_pylist(), dtype=np.float32), matrix)
    np.testing.assert_array_equal(np.load(tmp_path / "npy" / "items.npy"), recommender.embeddings.items)


def test_exported_embeddings_give_the_nets_own_scores(recommender: Recommender, tmp_path: Path) -> None:
    """Cosine of a user's and an item's vector, over the temperature, plus the item's bias."""
    recommender.export(tmp_path, kind="npy")
    users, items = np.load(tmp_path / "users.npy"), np.load(tmp_path / "items.npy")
    number = recommender.users.number("C00007")
    assert number is not None
    cosine = items @ users[number] / np.linalg.norm(items, axis=1) / np.linalg.norm(users[number])
    expected = cosine / recommender.embeddings.temperature + recommender.embeddings.bias
    scores = recommender.blend.signal_score("gnn", recommender.audience(np.array([number])))
    np.testing.assert_allclose(scores[0], expected, rtol=1e-4, atol=1e-5)
