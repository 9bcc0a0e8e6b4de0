"""Paths of relations as one relation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, IdMap, KnowledgeGraph
from plait.kg.collapse import Collapse, collapsed

LIMIT = 1000
Triple = tuple[str, str, str]
Named = set[Triple]


def triples(graph: KnowledgeGraph) -> Named:
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return {(names[h], graph.relations[r], names[t]) for h, r, t in rows}


FILMS = [
    ("f1", "http://v/director", "d1"), ("f2", "http://v/director", "d1"), ("f2", "http://v/director", "d2"),
    ("f3", "http://v/director", "d3"),
    ("d1", "http://v/nationality", "uk"), ("d2", "http://v/nationality", "uk"), ("d2", "http://v/nationality", "fr"),
    ("d4", "http://v/nationality", "it"),
]  # fmt: skip


def test_two_hops_by_hand(graph_of: Any) -> None:
    graph = graph_of(FILMS)
    config = Collapse(name="director_nationality", path=("director", "http://v/nationality"))
    joined, step = collapsed(graph, config, max_triples=LIMIT)
    new = {("f1", "uk"), ("f2", "uk"), ("f2", "fr")}
    assert triples(joined) == set(FILMS) | {(h, "director_nationality", t) for h, t in new}
    assert step.text == "director / http://v/nationality became 3 triples of director_nationality"
    assert (step.dropped, step.example) == (0, None)


def test_without_keep_only_the_triples_walked_to_the_end_leave(graph_of: Any) -> None:
    config = Collapse(name="n", path=("director", "nationality"), keep=False)
    joined, step = collapsed(graph_of(FILMS), config, max_triples=LIMIT)
    # d3 has no nationality, d4 no film: those two triples were on no path.
    assert triples(joined) == {
        ("f1", "n", "uk"), ("f2", "n", "uk"), ("f2", "n", "fr"),
        ("f3", "http://v/director", "d3"), ("d4", "http://v/nationality", "it"),
    }  # fmt: skip
    assert step.dropped == 6


def test_a_relation_without_triples_is_told_of(graph_of: Any) -> None:
    graph = graph_of([("a", "r", "b"), ("b", "s", "c"), ("c", "other", "a")])
    joined, _ = collapsed(graph, Collapse(name="rs", path=("r", "s"), keep=False), max_triples=LIMIT)
    assert triples(joined) == {("c", "other", "a"), ("a", "rs", "c")}
    again, step = collapsed(joined, Collapse(name="n", path=("other", "^s")), max_triples=LIMIT)
    assert step.text == "other / ^s became 0 triples of n; ^s has no triple, or none any more"
    assert triples(again) == triples(joined)


def test_backwards_steps_and_pairs_with_itself(graph_of: Any) -> None:
    config = Collapse(name="same_director", path=("director", "^director"))
    joined, step = collapsed(graph_of(FILMS), config, max_triples=LIMIT)
    assert triples(joined) - set(FILMS) == {("f1", "same_director", "f2"), ("f2", "same_director", "f1")}
    assert "; 3 pairs of an entity with itself left out" in step.text
    assert step.dropped == 3


def test_hubs_are_not_walked_through_and_named(graph_of: Any) -> None:
    rows = [(f"f{i}", "country", "usa") for i in range(5)] + [("f0", "country", "mali"), ("f1", "country", "mali")]
    config = Collapse(name="compatriot", path=("country", "^country"), max_fanout=2, keep=False)
    joined, step = collapsed(graph_of(rows), config, max_triples=LIMIT)
    assert triples(joined) == {("f0", "compatriot", "f1"), ("f1", "compatriot", "f0")} | set(rows[:5])
    assert step.example == "usa"
    assert "1 hubs not walked through" in step.text


def test_blank_nodes_on_the_way(graph_of: Any) -> None:
    rows = [("shop", "address", "_:0:b1"), ("_:0:b1", "town", "Ulm")]
    joined, _ = collapsed(graph_of(rows), Collapse(name="in", path=("address", "town")), max_triples=LIMIT)
    assert ("shop", "in", "Ulm") in triples(joined)


def test_an_explosion_is_refused_with_its_size(graph_of: Any) -> None:
    graph = graph_of([(f"f{i}", "country", "usa") for i in range(40)])
    config = Collapse(name="compatriot", path=("country", "^country"))
    with pytest.raises(
        ConfigError, match=r"may give up to 1,600 pairs, more than max_triples, 1,000; set a max_fanout"
    ):
        collapsed(graph, config, max_triples=LIMIT)
    assert collapsed(graph, config, max_triples=1600)[0].n_triples == 40 + 40 * 39


def test_triples_that_have_a_weight_keep_it(graph_of: Any) -> None:
    graph = graph_of([("a", "r", "b"), ("a", "s", "c"), ("b", "s", "c")])
    graph = replace(graph, weight=np.array([1, 2, 3], np.float32), time=np.array([np.nan, 5.0, np.nan]))
    joined, _ = collapsed(graph, Collapse(name="s", path=("r", "s")), max_triples=LIMIT)
    # a -s-> c was there with a weight: that it is also found as a path takes nothing from it.
    assert joined.weight is not None and joined.weight.tolist() == [1, 2, 3]
    joined, _ = collapsed(graph, Collapse(name="rs", path=("r", "s")), max_triples=LIMIT)
    np.testing.assert_array_equal(joined.weight, np.array([1, 2, 3, np.nan], np.float32))


N = 6
rows_ = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 2), st.integers(0, N - 1)), max_size=20)
steps_ = st.lists(st.sampled_from(["r0", "^r0", "r1", "^r1", "r2", "^r2"]), min_size=2, max_size=4)


def build(rows: list[tuple[int, int, int]], order: list[int] | None = None) -> KnowledgeGraph:
    order = order or list(range(N))
    ids = IdMap([f"e{order.index(i)}" for i in range(N)])
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    place = np.array(order)
    return KnowledgeGraph.build(ids, ["r0", "r1", "r2"], place[columns[:, 0]], columns[:, 1], place[columns[:, 2]])


def walks(graph: KnowledgeGraph, path: list[str], fanout: int | None) -> list[tuple[str, str, list[Triple]]]:
    """Start, end and triples of every walk along the path, by walking dictionaries."""
    leaving: dict[tuple[str, str], list[Triple]] = defaultdict(list)
    for h, r, t in triples(graph):
        leaving[r, h].append((h, r, t))
        leaving["^" + r, t].append((h, r, t))
    walked: list[tuple[str, str, list[Triple]]] = [(entity, entity, []) for entity in graph.entities]
    for i, step in enumerate(path):
        walked = [
            (start, row[0] if step[0] == "^" else row[2], [*found, row])
            for start, here, found in walked
            if not i or fanout is None or len(leaving[step, here]) <= fanout
            for row in leaving[step, here]
        ]
    return walked


@given(rows_, steps_, st.sampled_from([None, 1, 2]), st.booleans())
def test_it_is_what_walking_finds(
    rows: list[tuple[int, int, int]], path: list[str], fanout: int | None, keep: bool
) -> None:
    graph = build(rows)
    config = Collapse(name="new", path=tuple(path), max_fanout=fanout, keep=keep)
    joined, _ = collapsed(graph, config, max_triples=LIMIT)
    walked = walks(graph, path, fanout)
    used = set() if keep else {row for _, _, found in walked for row in found}
    new = {(start, "new", end) for start, end, _ in walked if start != end}
    assert triples(joined) == triples(graph) - used | new


@given(rows_, st.permutations(range(N)), st.randoms())
def test_the_order_of_rows_and_entities_does_not_matter(
    rows: list[tuple[int, int, int]], order: list[int], random: Any
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    config = Collapse(name="new", path=("r0", "^r1"), keep=False, max_fanout=3)
    one, first = collapsed(build(rows), config, max_triples=LIMIT)
    two, second = collapsed(build(shuffled, order), config, max_triples=LIMIT)
    assert triples(one) == triples(two)
    assert first == second


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("directr", "nationality"), "no relation 'directr'; did you mean 'director'?"),
        (("director", "^nation"), "no relation 'nation'; did you mean 'nationality'?"),
        (("director", "zzz"), "no relation 'zzz'; known are: director, nationality"),
    ],
)
def test_an_unknown_relation_is_refused(graph_of: Any, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        collapsed(graph_of(FILMS), Collapse(name="n", path=path), max_triples=LIMIT)


def test_a_short_name_of_two_relations_is_refused_with_both(graph_of: Any) -> None:
    graph = graph_of([("a", "http://v/in", "b"), ("b", "http://w/in", "c")])
    with pytest.raises(ConfigError, match="the relation 'in' may be http://v/in or http://w/in; write the full name"):
        collapsed(graph, Collapse(name="n", path=("in", "in")), max_triples=LIMIT)
    joined, _ = collapsed(graph, Collapse(name="n", path=("http://v/in", "http://w/in")), max_triples=LIMIT)
    assert ("a", "n", "c") in triples(joined)


@pytest.mark.parametrize("wrong", [{"path": ["r"]}, {"name": ""}, {"max_fanout": 0}, {"fanout": 3}])
def test_what_makes_no_path_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Collapse(**{"name": "n", "path": ["r", "s"], **wrong})


def test_triples_that_were_there_already_are_counted(graph_of: Any) -> None:
    graph = graph_of([*FILMS, ("f2", "n", "uk"), ("f9", "n", "uk")])
    joined, step = collapsed(graph, Collapse(name="n", path=("director", "nationality")), max_triples=LIMIT)
    assert step.text == "director / nationality became 3 triples of n, 1 of them there already"
    assert (step.dropped, step.example) == (1, "f2 n uk")
    assert joined.n_triples == graph.n_triples + 3 - 1


def test_a_triple_that_is_walked_away_is_not_there_already(graph_of: Any) -> None:
    # a n b, b n c becomes a n c; a n c itself is no part of a path, and stays.
    rows = [("a", "n", "b"), ("b", "n", "c"), ("a", "n", "c")]
    joined, step = collapsed(graph_of(rows), Collapse(name="n", path=("n", "n"), keep=False), max_triples=LIMIT)
    assert triples(joined) == {("a", "n", "c")}
    assert step.text == "n / n became 1 triples of n, 1 of them there already; 2 triples walked taken out"
    assert step.dropped == 3
    rows = [("a", "n", "b"), ("b", "n", "c"), ("a", "n", "c"), ("c", "n", "d")]
    # Now a n c lies on the path to d, and leaves before a n c is made anew.
    _, step = collapsed(graph_of(rows), Collapse(name="n", path=("n", "n"), keep=False), max_triples=LIMIT)
    assert "there already" not in step.text
