"""Nodes that become edges."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, IdMap, KnowledgeGraph
from plait.kg.nary import EdgesFromNodes, nodes_as_edges

LIMIT = 1000
DAY = 86400.0
REVIEWED = EdgesFromNodes(
    name="reviewed", type="Review", head="reviewer", tail="itemReviewed",
    weight=("reviewRating", "ratingValue"), time="datePublished",
)  # fmt: skip


def edges(graph: KnowledgeGraph, name: str = "") -> list[tuple[Any, ...]]:
    """Sorted (head, relation, tail, weight, time) with None for an unknown attribute."""
    names = graph.entities.to_arrow().to_pylist()
    none = np.full(graph.n_triples, np.nan)
    weight, time = (none if c is None else c for c in (graph.weight, graph.time))
    rows = [
        (names[h], graph.relations[r], names[t], *(None if np.isnan(v) else float(v) for v in (w, s)))
        for h, r, t, w, s in zip(graph.head, graph.relation, graph.tail, weight, time, strict=True)
    ]
    return sorted((row for row in rows if not name or row[1] == name), key=str)


@pytest.fixture
def graph(graph_of: Any) -> Any:
    """Four reviews: a full one with its rating a node further, one without a rating, one without an item, one rated "good"."""
    return graph_of(
        [
            ("r1", "http://s/reviewer", "ann"), ("r1", "http://s/itemReviewed", "pan"), ("r1", "http://s/reviewRating", "_:0:b1"),
            ("r2", "http://s/reviewer", "bob"), ("r2", "http://s/itemReviewed", "pan"), ("r2", "http://s/language", "en"),
            ("r3", "http://s/reviewer", "ann"),
            ("r4", "http://s/reviewer", "cid"), ("r4", "http://s/itemReviewed", "pot"), ("r4", "http://s/reviewRating", "_:0:b2"),
            ("pan", "http://s/brand", "acme"),
        ],
        types={"r1": "http://s/Review", "r2": "http://s/Review", "r3": "http://s/Review", "r4": "http://s/Review",
               "pan": "http://s/Product", "pot": "http://s/Product", "_:0:b1": "http://s/Rating"},
        literals=[
            ("_:0:b1", "http://s/ratingValue", "4.5"), ("_:0:b2", "http://s/ratingValue", "good"),
            ("r1", "http://s/datePublished", "1970-01-03"), ("r2", "http://s/datePublished", "lately"),
            ("r1", "http://s/body", "sticks"), ("pan", "http://s/name", "Pan"), ("r4", "http://s/body", "fine"),
        ],
    )  # fmt: skip


def test_four_reviews_by_hand(graph: Any) -> None:
    after, step = nodes_as_edges(graph, REVIEWED, max_triples=LIMIT)
    assert edges(after) == [
        ("ann", "reviewed", "pan", 4.5, 2 * DAY),
        ("bob", "reviewed", "pan", None, None),
        ("pan", "http://s/brand", "acme", None, None),
        ("r3", "http://s/reviewer", "ann", None, None),
        ("r4", "http://s/itemReviewed", "pot", None, None),
        ("r4", "http://s/reviewRating", "_:0:b2", None, None),
        ("r4", "http://s/reviewer", "cid", None, None),
    ]
    # The rating leaves with its review; "en" was no way to a value, and stays though nothing is linked to it.
    assert set(after.entities) == {"ann", "bob", "cid", "pan", "pot", "acme", "en", "r3", "r4", "_:0:b2"}
    assert sorted(after.literals.value.to_pylist()) == ["Pan", "fine", "good"]
    assert after.relations == (*graph.relations, "reviewed")
    assert step.text == (
        "2 of 4 Review nodes became 2 edges reviewed, 1 nodes on the way to their values left with them; 1 stay as they are for "
        "want of a head or a tail; 1 stay because the weight is no number, such as 'good'; "
        "1 have a time that cannot be read, such as 'lately'"
    )
    assert (step.dropped, step.example) == (2, "r3")


def test_an_inverse_end_and_every_pair_of_several(graph_of: Any) -> None:
    graph = graph_of(
        [("s1", "offers", "o"), ("s2", "offers", "o"), ("o", "item", "i1"), ("o", "item", "i2"), ("o", "item", "i3")],
        types={"o": "Offer"},
        literals=[
            ("o", "price", "2"),
            ("o", "price", "7"),
            ("o", "price", "?"),
            ("o", "from", "1971"),
            ("o", "from", "1970"),
        ],
    )
    config = EdgesFromNodes(name="sells", type="Offer", head="^offers", tail="item", weight="price", time="from")
    after, step = nodes_as_edges(graph, config, max_triples=6)
    assert edges(after) == [(s, "sells", i, 7.0, 365 * DAY) for s in ("s1", "s2") for i in ("i1", "i2", "i3")]
    assert step.text == "1 of 1 Offer nodes became 6 edges sells"
    with pytest.raises(ConfigError, match=r"sells would have 6 triples, more than max_triples, 5"):
        nodes_as_edges(graph, config, max_triples=5)


def test_without_a_type_every_node_with_both_ends(graph_of: Any) -> None:
    rows = [("_:0:a", "by", "u"), ("_:0:a", "of", "i"), ("x", "by", "u"), ("y", "of", "i")]
    after, step = nodes_as_edges(graph_of(rows), EdgesFromNodes(name="n", head="by", tail="of"), max_triples=LIMIT)
    assert [row[:3] for row in edges(after)] == [("u", "n", "i"), ("x", "by", "u"), ("y", "of", "i")]
    assert (after.weight, after.time, step.dropped) == (None, None, 0)


def test_the_latest_of_repeated_edges_stays_and_of_equals_the_heaviest(graph_of: Any) -> None:
    rows = [row for i in range(5) for row in ((f"r{i}", "by", "u"), (f"r{i}", "of", "a" if i < 3 else "b"))]
    values = [("3", "1999"), ("2", "2001"), ("5", "2000"), ("1", "2000"), ("4", "2000")]
    literals = [row for i, (w, t) in enumerate(values) for row in ((f"r{i}", "w", w), (f"r{i}", "t", t))]
    config = EdgesFromNodes(name="n", head="by", tail="of", weight="w", time="t")
    after, _ = nodes_as_edges(graph_of(rows, literals=literals), config, max_triples=LIMIT)
    assert [row[2:4] for row in edges(after)] == [("a", 2), ("b", 4)]


def test_a_review_of_a_review_stays_a_node_without_it(graph_of: Any) -> None:
    rows = [("r1", "by", "u"), ("r1", "of", "i"), ("r2", "by", "v"), ("r2", "of", "r1")]
    graph = graph_of(rows, types={"r1": "Review", "r2": "Review"})
    after, step = nodes_as_edges(
        graph, EdgesFromNodes(name="n", type="Review", head="by", tail="of"), max_triples=LIMIT
    )
    assert [row[:3] for row in edges(after)] == [("r2", "by", "v"), ("u", "n", "i")]
    assert (step.dropped, step.example) == (1, "r2")


def test_nodes_on_the_way_stay_where_something_else_holds_them(graph_of: Any) -> None:
    rows = [
        ("r1", "by", "u"), ("r1", "of", "i"), ("r1", "rating", "x"), ("r2", "by", "v"), ("r2", "of", "i"), ("r2", "rating", "y"),
        ("x", "scale", "x2"), ("y", "scale", "y2"), ("shop", "shows", "y2"),
    ]  # fmt: skip
    graph = graph_of(rows, literals=[("x2", "value", "1"), ("y2", "value", "2")])
    config = EdgesFromNodes(name="n", head="by", tail="of", weight=("rating", "scale", "value"))
    after, _ = nodes_as_edges(graph, config, max_triples=LIMIT)
    # x and x2 hold only on to each other; y hangs on y2, which the shop shows.
    assert set(after.entities) == {"u", "v", "i", "y", "y2", "shop"}
    assert [row[3] for row in edges(after, "n")] == [1, 2]


def test_an_end_on_the_way_to_a_value_stays(graph_of: Any) -> None:
    rows = [("r", "by", "u"), ("r", "of", "i")]
    graph = graph_of(rows, literals=[("i", "price", "9"), ("u", "since", "1970")])
    config = EdgesFromNodes(name="n", head="by", tail="of", weight=("of", "price"), time=("by", "since"))
    after, _ = nodes_as_edges(graph, config, max_triples=LIMIT)
    assert edges(after) == [("u", "n", "i", 9, 0)]


def test_a_relation_of_that_name_is_joined(graph_of: Any) -> None:
    graph = graph_of([("u", "n", "j"), ("r", "by", "u"), ("r", "of", "i")], literals=[("r", "w", "1e39")])
    after, step = nodes_as_edges(graph, EdgesFromNodes(name="n", head="by", tail="of"), max_triples=LIMIT)
    assert [row[:3] for row in edges(after)] == [("u", "n", "i"), ("u", "n", "j")]
    # 1e39 does not fit a float32.
    kept, step = nodes_as_edges(graph, EdgesFromNodes(name="n", head="by", tail="of", weight="w"), max_triples=LIMIT)
    assert "1 stay because the weight is no number, such as '1e39'" in step.text
    assert "r" in kept.entities


N = 6


def build(rows: list[tuple[int, int, int]], values: list[tuple[int, int]], order: list[int], graph_of: Any) -> Any:
    name = [f"e{i}" for i in range(N)]
    return graph_of(
        [(name[h], ("by", "of", "r")[r], name[t]) for h, r, t in rows],
        entities=[name[i] for i in order] + ["by", "of"],
        literals=[(name[e], "w", str(v)) for e, v in values] + [("by", "w", "0")],
    )


@given(
    st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 2), st.integers(0, N - 1)), max_size=16),
    st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, 9)), max_size=6),
    st.permutations(range(N)),
)
def test_it_is_what_a_loop_over_nodes_gives(
    graph_of: Any, rows: list[tuple[int, int, int]], values: list[tuple[int, int]], order: list[int]
) -> None:
    rows = [*rows, (0, 0, 1), (0, 1, 2)]  # the relations exist, and one node has both ends
    graph = build(rows, values, order, graph_of)
    after, _ = nodes_as_edges(graph, EdgesFromNodes(name="n", head="by", tail="of", weight="w"), max_triples=LIMIT)
    heads, tails, weights = defaultdict(set), defaultdict(set), defaultdict(list)
    for h, r, t in rows:
        (heads, tails, defaultdict(set))[r][h].add(t)
    for e, v in values:
        weights[e].append(v)
    nodes = set(heads) & set(tails)
    expected, gone = {}, set()
    for node in nodes:
        pairs = [(h, t) for h in heads[node] - nodes for t in tails[node] - nodes]
        gone |= {node} if pairs else set()
        for pair in pairs:
            weight = max(weights[node], default=None)
            known = expected.get(pair)
            expected[pair] = weight if known is None else known if weight is None else max(known, weight)
    assert edges(after, "n") == sorted(
        ((f"e{h}", "n", f"e{t}", None if w is None else float(w), None) for (h, t), w in expected.items()), key=str
    )
    assert set(after.entities) == set(graph.entities) - {f"e{i}" for i in gone}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": "Reviews"}, "no node type 'Reviews'; did you mean 'Review'?"),
        ({"head": "revewer"}, "no relation 'revewer'; did you mean 'reviewer'?"),
        ({"weight": "ratingvalue"}, "no literal 'ratingvalue'; did you mean 'ratingValue'?"),
        ({"weight": ("rating", "ratingValue")}, "no relation 'rating'; did you mean 'reviewRating'?"),
    ],
)
def test_an_unknown_name_is_refused(graph: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        nodes_as_edges(graph, REVIEWED.model_copy(update=wrong), max_triples=LIMIT)
    assert message in str(caught.value)


@pytest.mark.parametrize("wrong", [{"head": ()}, {"name": ""}, {"value": "x"}, {"weight": ""}])
def test_what_makes_no_edge_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EdgesFromNodes(**{"name": "n", "head": "h", "tail": "t", **wrong})


def test_a_graph_of_nothing_has_no_such_type() -> None:
    none = np.empty(0, dtype=np.int64)
    with pytest.raises(ConfigError, match="known are: none"):
        nodes_as_edges(KnowledgeGraph.build(IdMap([]), [], none, none, none), REVIEWED, max_triples=LIMIT)


@pytest.mark.parametrize("there", [False, True])
def test_repeated_edges_are_counted_and_the_latest_stays(graph_of: Any, there: bool) -> None:
    rows = [row for i in range(3) for row in ((f"r{i}", "by", "ann"), (f"r{i}", "of", "pan"))]
    rows += [("r3", "by", "bob"), ("r3", "of", "pan")] + [("ann", "rated", "pan")] * there
    literals = [row for i in range(3) for row in ((f"r{i}", "w", "153"[i]), (f"r{i}", "t", f"200{i}-01-01"))]
    config = EdgesFromNodes(name="rated", type="Review", head="by", tail="of", weight="w", time="t")
    types = {f"r{i}": "Review" for i in range(4)}
    after, step = nodes_as_edges(graph_of(rows, types=types, literals=literals), config, max_triples=LIMIT)
    assert [row[:4] for row in edges(after)] == [("ann", "rated", "pan", 3.0), ("bob", "rated", "pan", None)]
    assert step.text == f"4 of 4 Review nodes became 4 edges rated, {2 + there} of them there already"
    assert (step.dropped, step.example) == (2 + there, "ann rated pan")
    assert after.n_triples == 4 + there - step.dropped


def test_times_of_one_unit_are_told_by_all_of_them(graph_of: Any) -> None:
    # 1.5e11 microseconds alone would be the year 1974 in milliseconds.
    stamps = ["1577836800000000", "1577836801000000", "150000000000"]
    rows = [row for i in range(3) for row in ((f"r{i}", "by", f"u{i}"), (f"r{i}", "of", "pan"))]
    literals = [(f"r{i}", "t", stamp) for i, stamp in enumerate(stamps)]
    config = EdgesFromNodes(name="n", head="by", tail="of", time="t")
    after, _ = nodes_as_edges(graph_of(rows, literals=literals), config, max_triples=LIMIT)
    assert [row[4] for row in edges(after)] == [1577836800.0, 1577836801.0, 150000.0]
