"""Aspects: which phrases they are, what is thought of them item by item, and where they stand in the graph."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from plait.kg import IdMap, KnowledgeGraph, Literals, Schema, labels
from plait.text.aspect_graph import with_aspects
from plait.text.aspect_groups import grouped
from plait.text.aspect_phrases import phrases_of
from plait.text.aspects import Aspects, AspectsConfig, aspects_of
from plait.text.sentiment import opinions_of

from .opinion_encoder import OpinionEncoder


def said(*clauses: str) -> list[set[str]]:
    found = phrases_of(pa.array(clauses, pa.large_string()))
    names = found.names.to_pylist()
    return [{names[p] for p in found.phrase[found.clause == row]} for row in range(len(clauses))]


def test_phrases_where_nouns_stand() -> None:
    assert said(
        "The battery life is great", "great battery life for the price", "Perfect", "It works well", "a flimsy zipper, shame",
        "the Don't-know is 5", "",
    ) == [{"battery life"}, {"battery life", "price"}, set(), set(), {"zipper"}, {"dont-know"}, set()]  # fmt: skip


def test_a_phrase_once_known_is_found_anywhere() -> None:
    assert said("the fabric is soft", "honestly fabric yes")[1] == {"fabric"}
    # Two in ten is too seldom to be taken for a noun.
    assert said(*["honestly fabric yes"] * 8, *["the fabric is soft"] * 2)[0] == set()


def test_no_phrase_reaches_over_clauses_or_commas() -> None:
    assert said("the sound", "quality is good", "the sound, quality is good") == [
        {"sound"}, {"quality"}, {"sound", "quality"},
    ]  # fmt: skip


REVIEWS = [
    (0, "The sound is excellent. Great zipper"),
    (0, "The audio is good but the zipper is terrible"),
    (1, "The sound is awful"),
    (1, "I hate the sound. The sound is bad"),
    (2, "The zipper is good. The sound is good"),
    (2, "The hinge is bad"),
    (0, ""),
]


def found(
    config: AspectsConfig, kinds: list[int] | None = None
) -> tuple[Aspects, dict[tuple[int, str], tuple[int, float]]]:
    encoder = OpinionEncoder()
    opinions = opinions_of(pa.array([text for _, text in REVIEWS]), encoder)
    items = np.array([item for item, _ in REVIEWS])
    aspects = aspects_of(opinions, items, encoder, config, None if kinds is None else np.array(kinds))
    names = aspects.names.take(pa.array(aspects.aspect)).to_pylist()
    rows = zip(aspects.item.tolist(), names, aspects.count.tolist(), aspects.polarity.tolist(), strict=True)
    return aspects, {(item, name): (count, polarity) for item, name, count, polarity in rows}


def test_opinions_item_by_item() -> None:
    aspects, rows = found(AspectsConfig(min_reviews=2, min_items=2))
    assert aspects.names.to_pylist() == ["sound", "zipper"]  # the hinge is of one item; audio is said once
    assert {pair: count for pair, (count, _) in rows.items()} == {
        (0, "sound"): 1, (0, "zipper"): 2, (1, "sound"): 2, (2, "sound"): 1, (2, "zipper"): 1,
    }  # fmt: skip
    assert rows[0, "sound"][1] > 0.3
    assert rows[1, "sound"][1] < -0.3
    assert abs(rows[0, "zipper"][1]) < 0.2  # one praises, one blames
    at = int(np.flatnonzero(aspects.item == 1)[0])
    assert aspects.weight[at] == pytest.approx(rows[1, "sound"][1] * np.log(3))


def test_phrases_of_one_meaning_are_one() -> None:
    aspects, rows = found(AspectsConfig(min_reviews=1, min_items=1))
    assert ("sound", "audio") in {tuple(sorted(p, reverse=True)) for p in aspects.phrases}
    assert rows[0, "sound"][0] == 2
    assert (2, "hinge") in rows


def test_kept_by_type_of_item() -> None:
    # With item 2 a type of its own, no aspect is said of two of its items; that of items 0 and 1 has the sound alone.
    aspects, _ = found(AspectsConfig(min_reviews=2, min_items=2), [0, 0, 1])
    assert aspects.names.to_pylist() == ["sound"]
    assert found(AspectsConfig(min_reviews=1, min_items=1, most=1))[0].names.to_pylist() in (["sound"], ["zipper"])


def test_nothing_said() -> None:
    encoder = OpinionEncoder()
    for texts in (["", None], ["Perfect", "5"]):
        aspects = aspects_of(opinions_of(pa.array(texts, pa.large_string()), encoder), np.array([0, 1]), encoder)
        assert (len(aspects), len(aspects.names), len(aspects.weight)) == (0, 0, 0)


def test_groups_go_by_the_most_said() -> None:
    names = pa.array(["audio", "hinge", "sound", "never kept"], pa.large_string())
    group, leader = grouped(names, np.array([0, 1, 2]), np.array([3, 4, 9, 99]), OpinionEncoder())
    assert names.take(pa.array(leader)).to_pylist() == ["sound", "hinge"]
    assert group.tolist() == [0, 1, 0, -1]


def graph() -> KnowledgeGraph:
    return KnowledgeGraph.build(
        IdMap(["p0", "brand", "p1"]), ["made_by"], np.array([0, 2]), np.array([0, 0]), np.array([1, 1]),
        types=["Thing"], type_of=np.array([0, -1, 0]), literals=Literals.empty(),
    )  # fmt: skip


def opinions() -> Aspects:
    return Aspects(
        names=pa.array(["fit", "battery life", "unsaid", "hood"], pa.large_string()),
        item=np.array([0, 0, 1, 2, 3]),
        aspect=np.array([0, 1, 1, 0, 3]),
        polarity=np.array([0.5, -0.9, 0.1, 0.8, 0.9], dtype=np.float32),
        count=np.array([3, 1, 9, 4, 2]),
        phrases=(("fit",), ("battery life", "battery"), ("unsaid",), ("hood",)),
    )


def test_aspects_in_the_graph() -> None:
    before = graph()
    # Item 0 is p1, item 1 p0 (divided on battery life: no triple), item 2 brand, item 3 nothing of the graph.
    after = with_aspects(before, opinions(), np.array([2, 0, 1, -1]))
    ids = after.entities.to_arrow().to_pylist()
    assert ids == ["p0", "brand", "p1", "aspect/fit", "aspect/battery life"]
    assert [after.type_name(e) for e in range(5)] == ["Thing", "untyped", "Thing", "Aspect", "Aspect"]
    assert after.weight is not None
    triples = {
        (ids[h], after.relations[r], ids[t]): w
        for h, r, t, w in zip(after.head, after.relation, after.tail, after.weight.tolist(), strict=True)
    }
    assert triples.pop(("p0", "made_by", "brand")) != triples.pop(("p1", "made_by", "brand"))  # both NaN: no weight
    assert triples == {
        ("p1", "praised_for", "aspect/fit"): pytest.approx(0.5 * np.log(4)),
        ("p1", "criticised_for", "aspect/battery life"): pytest.approx(0.9 * np.log(2)),
        ("brand", "praised_for", "aspect/fit"): pytest.approx(0.8 * np.log(5)),
    }
    assert labels(after, Schema.infer(after)).to_pylist()[3:] == ["fit", "battery life"]
    assert (before.n_entities, before.n_triples) == (3, 2)


def test_without_a_linked_item_the_graph_is_the_same() -> None:
    before = graph()
    assert with_aspects(before, opinions(), np.full(4, -1)) is before


def test_an_entity_of_that_id_is_taken() -> None:
    once = with_aspects(graph(), opinions(), np.array([2, 0, 1, -1]))
    twice = with_aspects(once, opinions(), np.array([2, 0, 1, -1]))
    assert twice.n_entities == once.n_entities
    assert twice.n_triples == once.n_triples
