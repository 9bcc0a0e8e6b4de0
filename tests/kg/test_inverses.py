"""Relations that say the same in the other direction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plait.kg import ConfigError, KnowledgeGraph
from plait.kg.inverses import OWL_INVERSE_OF, with_inverses

STARRING, STARS_IN = "http://v/starring", "http://v/starsIn"
ROWS = [
    ("f1", STARRING, "ann"),
    ("f2", STARRING, "ann"),
    ("ann", STARS_IN, "f1"),
    ("bob", STARS_IN, "f2"),
    ("f1", "r", "f2"),
]
MERGED = {("f1", STARRING, "ann"), ("f2", STARRING, "ann"), ("f2", STARRING, "bob"), ("f1", "r", "f2")}


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return {(names[h], graph.relations[r], names[t]) for h, r, t in rows}


def test_the_second_is_turned_round_into_the_first_and_no_edge_doubled(graph_of: Any) -> None:
    one, steps, names = with_inverses(graph_of(ROWS), {"starring": "starsIn"})
    assert triples(one) == MERGED
    assert one.n_triples == 4
    assert names == {STARRING: STARS_IN}
    assert [s.text for s in steps] == [f"2 triples of {STARS_IN} turned round into {STARRING}, 1 of them there already"]


def test_a_mere_name_changes_no_triple(graph_of: Any) -> None:
    graph = graph_of(ROWS)
    one, steps, names = with_inverses(graph, {"r": "is r of"})
    assert one is graph
    assert (steps, names) == ([], {"r": "is r of"})


def test_a_relation_that_is_its_own_inverse_stays(graph_of: Any) -> None:
    graph = graph_of([("a", "spouse", "b"), ("b", "spouse", "a")])
    one, _, names = with_inverses(graph, {"spouse": "spouse"})
    assert one is graph
    assert names == {"spouse": "spouse"}


@pytest.mark.parametrize(
    "statement", [[(STARRING, STARS_IN)], [(STARS_IN, STARRING)], [(STARRING, STARS_IN), (STARS_IN, STARRING)]]
)
def test_what_the_graph_says_of_inverses(graph_of: Any, statement: list[tuple[str, str]]) -> None:
    graph = graph_of([*ROWS, ("f3", STARRING, "bob"), *((a, OWL_INVERSE_OF, b) for a, b in statement)])
    same, steps, names = with_inverses(graph, {})
    assert same is graph
    assert (steps, names) == ([], {STARRING: STARS_IN, STARS_IN: STARRING})
    assert with_inverses(graph, {}, stated="ignore") == (graph, [], {})
    one, _, names = with_inverses(graph, {}, stated="merge")
    # starring has more triples, and so stays, whichever way the statement is.
    assert {t for t in triples(one) if t[1] != OWL_INVERSE_OF} == MERGED | {("f3", STARRING, "bob")}
    assert names == {STARRING: STARS_IN}


def test_the_user_goes_before_the_graph(graph_of: Any) -> None:
    graph = graph_of([*ROWS, ("f3", STARRING, "bob"), (STARRING, OWL_INVERSE_OF, STARS_IN), ("u", OWL_INVERSE_OF, "v")])
    one, _, names = with_inverses(graph, {"starsIn": "starring"}, stated="merge")
    assert names == {STARS_IN: STARRING}
    assert not {t for t in triples(one) if t[1] == STARRING}


def test_an_inverse_that_has_no_triples_is_named(graph_of: Any) -> None:
    graph = graph_of([*ROWS[:2], ("http://v/stars", OWL_INVERSE_OF, STARRING)])
    assert with_inverses(graph, {}, stated="merge")[2] == {STARRING: "http://v/stars"}


def test_a_relation_with_itself_as_stated_inverse_and_self_loops(graph_of: Any) -> None:
    graph = graph_of([("a", "r", "a"), ("r", OWL_INVERSE_OF, "r"), ("a", "s", "a")])
    assert with_inverses(graph, {}, stated="merge")[0] is graph
    one, _, _ = with_inverses(graph, {"r": "s"})
    assert ("a", "r", "a") in triples(one) and ("a", "s", "a") not in triples(one)


def test_weights_and_times_go_along_and_a_known_one_beats_an_unknown(graph_of: Any) -> None:
    graph = graph_of([("a", "r", "b"), ("b", "s", "a"), ("c", "s", "a")])
    graph = replace(graph, weight=np.array([np.nan, 2, 3], np.float32), time=np.array([np.nan, np.nan, 8]))
    one, _, _ = with_inverses(graph, {"r": "s"})
    assert triples(one) == {("a", "r", "b"), ("a", "r", "c")}
    assert one.weight is not None and one.time is not None
    assert one.weight.tolist() == [2, 3]
    np.testing.assert_array_equal(one.time, [np.nan, 8])


@pytest.mark.parametrize(
    ("inverse", "message"),
    [
        ({"starring": "in"}, "the relation 'in' may be http://v/in or http://w/in; write the full name"),
        ({"starring": "starsIn", "starsIn": "x"}, f"the relation '{STARS_IN}' is given two inverses; keep one"),
        ({"staring": "x"}, "no relation 'staring'; did you mean 'starring'?"),
        ({"starring": "starsIn", "starsIn": "r"}, f"the relation '{STARS_IN}' is given two inverses; keep one"),
    ],
)
def test_what_cannot_be_is_refused(graph_of: Any, inverse: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_inverses(graph_of([*ROWS, ("a", "http://v/in", "b"), ("a", "http://w/in", "b")]), inverse)
    assert message in str(caught.value)


def test_a_mere_name_may_hold_any_words(graph_of: Any) -> None:
    assert with_inverses(graph_of(ROWS), {"r": "may be r of"})[2] == {"r": "may be r of"}


def test_a_pair_told_from_both_sides_is_one_pair(graph_of: Any) -> None:
    graph = graph_of(ROWS)
    both, steps, names = with_inverses(graph, {"starring": "starsIn", "starsIn": STARRING})
    assert triples(both) == MERGED
    assert names == {STARRING: STARS_IN}
    assert len(steps) == 1


@pytest.mark.parametrize("stated", ["name", "merge"])
@pytest.mark.parametrize("pair", [("_:0:x", STARRING), (STARRING, "_:0:x")])
def test_an_inverse_without_a_name_names_nothing(graph_of: Any, stated: Any, pair: tuple[str, str]) -> None:
    graph = graph_of([*ROWS, (pair[0], OWL_INVERSE_OF, pair[1])])
    assert with_inverses(graph, {}, stated=stated) == (graph, [], {})
