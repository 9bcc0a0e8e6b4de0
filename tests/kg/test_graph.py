"""The columnar graph and its parts: nothing is lost, doubled or swapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import IdMap, KnowledgeGraph

# Five entities, three relations: a swapped axis or end cannot go unnoticed.
N, RELATIONS = 5, ("http://v/made", "http://v/in", "http://w/in")
rows = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, len(RELATIONS) - 1), st.integers(0, N - 1)), max_size=25
)


def build(triples: list[tuple[int, int, int]], **options: Any) -> KnowledgeGraph:
    head, relation, tail = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    return KnowledgeGraph.build(IdMap([f"e{i}" for i in range(N)]), RELATIONS, head, relation, tail, **options)


def triples_of(graph: KnowledgeGraph) -> list[tuple[str, str, str]]:
    names = graph.entities.to_arrow().to_pylist()
    return [
        (names[h], graph.relations[r], names[t]) for h, r, t in zip(graph.head, graph.relation, graph.tail, strict=True)
    ]


def named(triples: set[tuple[int, int, int]]) -> set[tuple[str, str, str]]:
    return {(f"e{h}", RELATIONS[r], f"e{t}") for h, r, t in triples}


@given(rows)
def test_building_sorts_and_drops_repeats(triples: list[tuple[int, int, int]]) -> None:
    graph = build(triples)
    kept = list(zip(graph.relation.tolist(), graph.head.tolist(), graph.tail.tolist(), strict=True))
    assert kept == sorted({(r, h, t) for h, r, t in triples})
    assert graph.duplicates == len(triples) - len(kept)
    assert graph.n_triples == len(kept)
    for number in range(len(RELATIONS)):
        of_relation = slice(*graph.offsets[number : number + 2])
        assert set(graph.relation[of_relation].tolist()) <= {number}
    assert graph.offsets[-1] == len(kept)
    assert (graph.type_of == -1).all()


@given(rows, st.sets(st.sampled_from([*RELATIONS, "http://v/unheard-of"])))
def test_without_relations_drops_those_and_no_other(triples: list[tuple[int, int, int]], names: set[str]) -> None:
    graph = build(triples)
    less = graph.without_relations(frozenset(names))
    assert less.relations == tuple(r for r in RELATIONS if r not in names)
    assert triples_of(less) == [t for t in triples_of(graph) if t[1] not in names]
    assert (less.entities, less.duplicates) == (graph.entities, graph.duplicates)


@given(rows, st.lists(st.integers(0, N - 1), unique=True))
def test_a_subgraph_has_the_triples_among_its_entities(triples: list[tuple[int, int, int]], kept: list[int]) -> None:
    kinds = np.array([0, 1, -1, 1, 0])
    graph = build(triples, types=["Pan", "Pot"], type_of=kinds)
    part = graph.subgraph(np.array(kept, dtype=np.int64))
    assert list(part.entities) == [f"e{i}" for i in kept]
    assert sorted(triples_of(part)) == sorted(named({t for t in triples if t[0] in kept and t[2] in kept}))
    assert part.type_of.tolist() == [kinds[i] for i in kept]


def test_literals_follow_their_entities_into_a_subgraph(graph_of: Any) -> None:
    graph = graph_of(
        [("a", "r", "b")],
        entities=["c"],
        literals=[("a", "name", "A"), ("b", "name", "B"), ("c", "size", "3", "de", "X")],
    )
    part = graph.subgraph(graph.entities.numbers(["b", "c"]))
    literals = part.literals
    found = [
        (part.entities.id(e), literals.predicates[p]) for e, p in zip(literals.entity, literals.predicate, strict=True)
    ]
    assert sorted(zip(found, literals.value.to_pylist(), literals.language.to_pylist(), strict=True)) == [
        (("b", "name"), "B", None),
        (("c", "size"), "3", "de"),
    ]


Attributed = tuple[int, int, int, float | None, float | None]
attributed = st.lists(
    st.tuples(
        st.integers(0, N - 1),
        st.integers(0, 1),
        st.integers(0, N - 1),
        # Few values, so that triples, weights and times often agree.
        st.none() | st.integers(-2, 2).map(lambda n: n / 2),
        st.none() | st.integers(-1, 2).map(float),
    ),
    max_size=25,
)


def known(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def slow(triples: list[Attributed], timed: bool) -> dict[tuple[int, int, int], tuple[float | None, float | None]]:
    """Weight and time by (relation, head, tail): each triple in turn replaces one that is not newer."""
    found: dict[tuple[int, int, int], tuple[float | None, float | None]] = {}
    for h, r, t, weight, time in triples:
        before = found.get((r, h, t))
        if (
            before is None
            or not timed
            or (-np.inf if time is None else time) >= (-np.inf if before[1] is None else before[1])
        ):
            found[r, h, t] = weight, time
    return found


@given(attributed, st.booleans(), st.booleans())
def test_of_repeated_triples_the_latest_stays_with_its_own_weight_and_time(
    triples: list[Attributed], weighted: bool, timed: bool
) -> None:
    weight = known([row[3] for row in triples]) if weighted else None
    time = known([row[4] for row in triples]) if timed else None
    graph = build([row[:3] for row in triples], weight=weight, time=time, repeated=4)
    expected = slow(triples, timed)
    rows = list(zip(graph.relation.tolist(), graph.head.tolist(), graph.tail.tolist(), strict=True))
    assert rows == sorted(expected)
    assert graph.duplicates == 4 + len(triples) - len(rows)
    assert graph.offsets.tolist() == [sum(r < number for r, _, _ in rows) for number in range(len(RELATIONS) + 1)]
    for column, given_, at in ((graph.weight, weighted, 0), (graph.time, timed, 1)):
        if given_:
            assert column is not None
            np.testing.assert_array_equal(column, known([expected[row][at] for row in rows]))
        else:
            assert column is None


def test_an_unknown_time_is_older_than_any_and_equal_ones_leave_the_last() -> None:
    # One triple told four times, another thrice with no time at all, a third twice at the same time.
    first, second, third = (1, 0, 2), (1, 0, 0), (4, 2, 3)
    told = [(first, 1, 5.0), (second, 2, None), (first, 3, -7.0), (third, 4, 0.0), (first, 5, None), (second, 6, None)]
    told += [(third, 7, 0.0), (first, 8, 4.0), (second, 9, None)]
    graph = build(
        [row[0] for row in told], weight=known([row[1] for row in told]), time=known([row[2] for row in told])
    )
    assert triples_of(graph) == [("e1", RELATIONS[0], "e0"), ("e1", RELATIONS[0], "e2"), ("e4", RELATIONS[2], "e3")]
    assert graph.weight is not None and graph.time is not None
    assert graph.weight.tolist() == [9, 1, 7]
    np.testing.assert_array_equal(graph.time, [np.nan, 5, 0])
    assert (graph.weight.dtype, graph.time.dtype, graph.duplicates) == (np.float32, np.float64, 6)


def test_without_times_the_last_told_stays_with_its_weight() -> None:
    graph = build([(3, 1, 0), (3, 1, 0), (2, 1, 4), (3, 1, 0)], weight=np.array([5, 6, 7, 8]) / 4)
    assert graph.weight is not None
    assert (triples_of(graph)[0][0], graph.weight.tolist()) == ("e2", [7 / 4, 8 / 4])


@given(attributed, st.sets(st.sampled_from(RELATIONS)), st.lists(st.integers(0, N - 1), unique=True))
def test_weights_and_times_go_with_their_triples_into_parts(
    triples: list[Attributed], dropped: set[str], kept: list[int]
) -> None:
    columns = {"weight": known([row[3] for row in triples]), "time": known([row[4] for row in triples])}
    graph = build([row[:3] for row in triples], **columns)
    whole = attributes_of(graph)
    without = attributes_of(graph.without_relations(frozenset(dropped)))
    assert without == {triple: values for triple, values in whole.items() if triple[1] not in dropped}
    part = attributes_of(graph.subgraph(np.array(kept, dtype=np.int64)))
    inside = {f"e{number}" for number in kept}
    assert part == {triple: values for triple, values in whole.items() if {triple[0], triple[2]} <= inside}


def attributes_of(graph: KnowledgeGraph) -> dict[tuple[str, str, str], list[str]]:
    """Weight and time of each triple, as text, in which NaN equals NaN."""
    assert graph.weight is not None and graph.time is not None
    pairs = zip(graph.weight.tolist(), graph.time.tolist(), strict=True)
    return {triple: [str(value) for value in pair] for triple, pair in zip(triples_of(graph), pairs, strict=True)}


@pytest.mark.parametrize("weighted", [False, True])
def test_head_and_tail_of_a_large_graph_do_not_run_over(weighted: bool) -> None:
    """70,000 squared is beyond 32 bits, the type that entity numbers come in."""
    n = 70_000
    head = np.array([n - 1, 46_341, n - 1, 0, 46_341], dtype=np.int32)
    tail = np.array([n - 1, 46_341, n - 2, n - 1, 46_341], dtype=np.int32)
    graph = KnowledgeGraph.build(
        IdMap([f"e{i}" for i in range(n)]), ["r"], head, np.zeros(5, dtype=np.int32), tail,
        weight=np.arange(5.0) if weighted else None,
    )  # fmt: skip
    assert graph.head.tolist() == [0, 46_341, n - 1, n - 1]
    assert graph.tail.tolist() == [n - 1, 46_341, n - 2, n - 1]
    assert graph.weight is None or graph.weight.tolist() == [3, 4, 2, 0]


class Billions(IdMap):
    """As many ids as an int32 can number, without the memory for them."""

    def __len__(self) -> int:
        return np.iinfo(np.int32).max


def test_the_largest_entity_numbers_do_not_run_over() -> None:
    last = np.iinfo(np.int32).max - 1
    ends = np.array([last, last - 1], dtype=np.int32)
    none = np.empty(0, dtype=np.int32)
    graph = KnowledgeGraph.build(Billions([]), ["r"], ends, np.zeros(2, dtype=np.int32), ends[::-1], type_of=none)
    assert (graph.head.tolist(), graph.tail.tolist()) == ([last - 1, last], [last, last - 1])


@pytest.mark.parametrize("n_relations", [32_766, 32_767, 40_000])
def test_more_relations_than_sixteen_bits_can_number(n_relations: int) -> None:
    relation = np.array([n_relations - 1, 0, 32_700, n_relations - 1, 1], dtype=np.int32)
    head, tail = np.array([2, 1, 0, 2, 1]), np.array([0, 1, 2, 0, 2])
    graph = KnowledgeGraph.build(IdMap(["a", "b", "c"]), [f"r{i}" for i in range(n_relations)], head, relation, tail)
    assert [(h, int(r[1:]), t) for h, r, t in triples_of(graph)] == [
        ("b", 0, "b"), ("b", 1, "c"), ("a", 32_700, "c"), ("c", n_relations - 1, "a"),
    ]  # fmt: skip
    assert (len(graph.offsets), int(graph.offsets[n_relations - 1]), graph.duplicates) == (n_relations + 1, 3, 1)


@pytest.mark.parametrize("n", [0, 3])
def test_a_graph_without_triples_relations_or_literals_has_all_its_views(n: int) -> None:
    none = np.empty(0, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap([f"e{i}" for i in range(n)]), [], none, none, none)
    assert (graph.n_entities, graph.n_triples, len(graph.literals)) == (n, 0, 0)
    assert graph.to_networkx().number_of_nodes() == n
    assert graph.to_hetero_data().num_edges == 0
    assert graph.adjacency.degree().tolist() == [0] * n
    assert graph.without_relations(frozenset({"x"})).relations == ()
    assert list(graph.subgraph(np.arange(n)).entities) == list(graph.entities)
    assert repr(graph) == f"KnowledgeGraph({n} entities, 0 triples, 0 relations, 0 literals)"


def test_the_views_leave_the_graph_as_it_was(graph_of: Any) -> None:
    graph = graph_of([("a", "r", "b"), ("b", "s", "a")], types={"a": "T"}, literals=[("a", "name", "A")])
    before = (graph.head.copy(), graph.tail.copy(), graph.type_of.copy(), graph.literals.entity.copy())
    graph.to_networkx()
    graph.to_hetero_data()["T"].entity += 7
    graph.subgraph(np.array([1]))
    graph.without_relations(frozenset({"r"}))
    after = (graph.head, graph.tail, graph.type_of, graph.literals.entity)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
