"""PyG's HeteroData in and out: what comes back is what went out, and edges that do not fit are named."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import HeteroData

from plait.kg import UNTYPED, ConfigError, DataError, IdMap, KnowledgeGraph

# Five entities, three relations of which two share a short name, two types.
N, RELATIONS, TYPES = 5, ("http://v/made", "http://v/in", "http://w/in"), ("Pan", "Pot")
SHORTS = ("made", "http://v/in", "http://w/in")
rows = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, len(RELATIONS) - 1), st.integers(0, N - 1)), max_size=25
)
kinds = st.lists(st.integers(-1, 1), min_size=N, max_size=N)


@pytest.fixture(autouse=True)
def _unwarned() -> Iterator[None]:
    """PyG warns of isolated node types and of names that are no Python identifiers: both are meant here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def build(triples: list[tuple[int, int, int]], kinds: list[int] | None = None, **options: Any) -> KnowledgeGraph:
    head, relation, tail = np.array(triples, dtype=np.int64).reshape(-1, 3).T
    type_of = None if kinds is None else np.array(kinds)
    names = IdMap([f"e{i}" for i in range(N)])
    return KnowledgeGraph.build(names, RELATIONS, head, relation, tail, types=TYPES, type_of=type_of, **options)


def told(graph: KnowledgeGraph) -> Counter[tuple[str, ...]]:
    """Every triple by its names with weight and time as text, in which NaN equals NaN."""
    ids = graph.entities.to_arrow().to_pylist()
    nothing = np.full(graph.n_triples, np.nan)
    weight, time = (nothing if column is None else column for column in (graph.weight, graph.time))
    columns = (graph.head, graph.relation, graph.tail, weight, time)
    return Counter(
        (ids[h], graph.relations[r], ids[t], str(w), str(s))
        for h, r, t, w, s in zip(*(column.tolist() for column in columns), strict=True)
    )


def types_of(graph: KnowledgeGraph) -> dict[str, str]:
    return {name: graph.type_name(number) for number, name in enumerate(graph.entities)}


def triples_of(data: HeteroData) -> Counter[tuple[int, str, int]]:
    """Triples read from the edge types one by one, through the `entity` columns."""
    found: Counter[tuple[int, str, int]] = Counter()
    for source, short, target in data.edge_types:
        ends = data[source, short, target].edge_index
        heads, tails = data[source].entity[ends[0]].tolist(), data[target].entity[ends[1]].tolist()
        found.update((h, short, t) for h, t in zip(heads, tails, strict=True))
    return found


@given(rows, kinds)
def test_edge_types_hold_all_triples_and_node_types_all_entities(
    triples: list[tuple[int, int, int]], kinds: list[int]
) -> None:
    graph = build(triples, kinds)
    data = graph.to_hetero_data()
    assert data.validate()
    # Two relations are called "in": both keep their full names, so that neither overwrites the other.
    assert triples_of(data) == Counter((h, SHORTS[r], t) for h, r, t in set(triples))
    assert data.num_edges == len(set(triples))
    entities = [e for name in data.node_types for e in data[name].entity.tolist()]
    assert sorted(entities) == list(range(N))
    for name in data.node_types:
        assert data[name].num_nodes == len(data[name].entity)
        assert {graph.type_name(e) for e in data[name].entity.tolist()} == {name}
        assert set(data[name].keys()) == {"num_nodes", "entity"}
    for edge_type in data.edge_types:
        assert set(data[edge_type].keys()) == {"edge_index", "relation"}


@given(rows, kinds, st.data(), st.booleans(), st.booleans())
def test_a_round_trip_gives_the_same_graph(
    triples: list[tuple[int, int, int]], kinds: list[int], draw: st.DataObject, reverse: bool, by_argument: bool
) -> None:
    values = st.lists(st.sampled_from([np.nan, -1.5, 0.25, 3.0]), min_size=len(triples), max_size=len(triples))
    weight, time = (draw.draw(st.none() | values.map(np.array)) for _ in range(2))
    graph = build(triples, kinds, weight=weight, time=time)
    data = graph.to_hetero_data(reverse=reverse, entity_ids=not by_argument)
    ids = {name: graph.entities.ids(data[name].entity) for name in data.node_types} if by_argument else None
    back = KnowledgeGraph.from_hetero_data(data, ids=ids)
    assert told(back) == told(graph)
    assert types_of(back) == types_of(graph)
    assert set(back.relations) == {RELATIONS[r] for _, r, _ in triples}
    assert (back.duplicates, len(back.literals)) == (0, 0)


def test_weights_and_times_lie_beside_their_edges_where_any_is_known() -> None:
    # 0 and 1 are pans, 2 and 3 pots: made leads from pan to pot and from pot to pot.
    triples = [(0, 0, 3), (0, 0, 2), (1, 0, 2), (2, 0, 3)]
    weight, time = np.array([0.5, np.nan, 2, np.nan]), np.array([np.nan, np.nan, np.nan, 1e9])
    data = build(triples, [0, 0, 1, 1, -1], weight=weight, time=time).to_hetero_data()
    across, within = data["Pan", "made", "Pot"], data["Pot", "made", "Pot"]
    assert across.edge_index.tolist() == [[0, 0, 1], [0, 1, 0]]
    torch.testing.assert_close(across.edge_weight, torch.tensor([np.nan, 0.5, 2]), equal_nan=True)
    assert within.edge_time.tolist() == [1e9]
    assert within.edge_time.dtype == torch.float64
    assert ("edge_time" in across, "edge_weight" in within) == (False, False)


def test_reverse_edge_types_are_the_others_turned_round() -> None:
    graph = build([(0, 0, 3), (1, 1, 0), (2, 2, 2)], [0, 0, 1, 1, -1], weight=np.array([2.0, 3.0, 5.0]))
    data = graph.to_hetero_data(inverse_names={"made": "maker", "http://w/in": "holds"})
    assert set(data.edge_types) == {
        ("Pan", "made", "Pot"), ("Pot", "maker", "Pan"),
        ("Pan", "http://v/in", "Pan"), ("Pan", "rev_http://v/in", "Pan"),
        ("Pot", "http://w/in", "Pot"), ("Pot", "holds", "Pot"),
    }  # fmt: skip
    assert triples_of(data)[3, "maker", 0] == 1
    assert triples_of(data)[0, "rev_http://v/in", 1] == 1
    assert data["Pot", "maker", "Pan"].edge_weight.tolist() == [2]
    assert data["Pot", "maker", "Pan"].inverse_of == RELATIONS[0]
    assert data.validate()
    # Turned round edge types share no memory with the others.
    data["Pot", "maker", "Pan"].edge_index += 1
    assert data["Pan", "made", "Pot"].edge_index.tolist() == [[0], [1]]
    assert {short for _, short, _ in graph.to_hetero_data(reverse=True).edge_types} == {
        *SHORTS, *(f"rev_{short}" for short in SHORTS),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ({"mad": "x"}, ConfigError, "no relation 'mad'; did you mean 'made'"),
        ({"in": "x"}, ConfigError, "may be http://v/in or http://w/in"),
        ({"made": "http://v/in"}, DataError, "'http://v/made' turned round would be called 'http://v/in'"),
        ({"made": "x", "http://v/in": "x"}, DataError, "would be called 'x', which names another"),
    ],
)
def test_names_of_reverse_edge_types_must_name_one_thing(
    names: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        build([(0, 0, 1)]).to_hetero_data(inverse_names=names)


def test_a_relation_called_like_another_turned_round_is_named() -> None:
    none = np.zeros(1, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap(["a"]), ["made", "rev_made"], none, none, none)
    with pytest.raises(DataError, match="'made' turned round would be called 'rev_made'.*inverse_names"):
        graph.to_hetero_data(reverse=True)


def test_a_type_that_calls_itself_untyped_does_not_swallow_the_untyped() -> None:
    none = np.empty(0, dtype=np.int64)
    graph = KnowledgeGraph.build(
        IdMap(list("abcd")), [], none, none, none, types=[UNTYPED, "Pot"], type_of=np.array([0, -1, 1, -1])
    )
    data = graph.to_hetero_data()
    assert (data[UNTYPED].entity.tolist(), data["Pot"].entity.tolist()) == ([0, 1, 3], [2])


def test_a_relation_called_like_a_type_is_still_a_relation(graph_of: Any) -> None:
    graph = graph_of([("a", "brand", "b"), ("c", "brand", "b")], types={"a": "item", "b": "brand", "c": "brand"})
    data = graph.to_hetero_data(entity_ids=True)
    assert triples_of(data) == Counter([(0, "brand", 1), (2, "brand", 1)])
    assert {row[:3] for row in told(KnowledgeGraph.from_hetero_data(data))} == {
        ("a", "brand", "b"), ("c", "brand", "b"),
    }  # fmt: skip


def movies() -> HeteroData:
    """Three users and two films as another program makes them: features, no ids, one film unseen."""
    data = HeteroData()
    data["user"].x = torch.zeros(3, 4)
    data["film"].num_nodes = 2
    data["user", "rates", "film"].edge_index = torch.tensor([[0, 2, 2], [1, 1, 0]])
    data["user", "rates", "film"].edge_weight = torch.tensor([[1.0], [5.0], [2.5]])
    data["user", "knows", "user"].edge_index = torch.tensor([[0], [1]])
    data["user", "knows", "user"].edge_time = torch.tensor([7])
    return data


def test_data_made_elsewhere_gets_ids_of_type_and_number() -> None:
    graph = KnowledgeGraph.from_hetero_data(movies())
    assert list(graph.entities) == ["user/0", "user/1", "user/2", "film/0", "film/1"]
    assert told(graph) == Counter(
        {
            ("user/0", "rates", "film/1", "1.0", "nan"): 1,
            ("user/2", "rates", "film/1", "5.0", "nan"): 1,
            ("user/2", "rates", "film/0", "2.5", "nan"): 1,
            ("user/0", "knows", "user/1", "nan", "7.0"): 1,
        }
    )
    assert types_of(graph)["film/0"] == "film"


def test_given_ids_go_before_listed_ones_and_those_before_numbers() -> None:
    data = movies()
    data["user"].entity_id = ["u a", "007", "7"]
    assert list(KnowledgeGraph.from_hetero_data(data).entities) == ["u a", "007", "7", "film/0", "film/1"]
    found = KnowledgeGraph.from_hetero_data(data, ids={"user": np.array(["x", "y", "z"])})
    assert list(found.entities) == ["x", "y", "z", "film/0", "film/1"]


def test_nodes_without_features_are_counted_by_their_ids() -> None:
    data = HeteroData()
    data["shop"].entity_id = ["s", "t"]
    data["town"].name = "whatever"
    found = KnowledgeGraph.from_hetero_data(data, ids={"town": ["k"]})
    assert types_of(found) == {"s": "shop", "t": "shop", "k": "town"}


def broken(kind: str) -> HeteroData:
    data = movies()
    if kind == "beyond":
        data["user", "rates", "film"].edge_index[1, 0] = 2
    elif kind == "negative":
        data["user", "rates", "film"].edge_index[0, 1] = -1
    elif kind == "flat":
        data["user", "rates", "film"].edge_index = torch.tensor([1, 2, 3])
    elif kind == "none":
        del data["user", "rates", "film"].edge_index
    elif kind == "no nodes":
        data["user", "buys", "shop"].edge_index = torch.tensor([[0], [0]])
    elif kind == "weights":
        data["user", "rates", "film"].edge_weight = torch.ones(3, 2)
    elif kind == "numbers":
        data["film"].entity_id = ["a", 7]
    elif kind == "uncounted":
        data["actor"].name = "nobody knows how many"
    return data


@pytest.mark.parametrize(
    ("kind", "ids", "message"),
    [
        ("beyond", {}, r"\('user', 'rates', 'film'\) has nodes beyond the 2 of type 'film'"),
        ("negative", {}, r"\('user', 'rates', 'film'\) has nodes beyond the 3 of type 'user'"),
        ("flat", {}, r"\('user', 'rates', 'film'\) has no edge_index of shape \(2, edges\)"),
        ("none", {}, r"\('user', 'rates', 'film'\) has no edge_index of shape \(2, edges\)"),
        ("no nodes", {}, r"\('user', 'buys', 'shop'\) has nodes beyond the 0 of type 'shop'"),
        ("weights", {}, r"\('user', 'rates', 'film'\) has 3 edges, but edge_weight of shape \(3, 2\)"),
        ("numbers", {}, r"'film' has the id 7, which is not a string"),
        ("uncounted", {}, r"'actor' does not say how many nodes it has"),
        ("whole", {"user": ["a", "b"]}, r"'user' has 3 nodes and 2 ids"),
        ("whole", {"users": ["a", "b"]}, r"'users', which is none of the node types \['film', 'user'\]"),
        ("whole", {"user": ["a", "b", "c"], "film": ["d", "a"]}, r"id 'a' is that of a 'user' and a 'film'"),
        ("whole", {"film": ["d", "d"]}, r"id 'd' is that of two nodes of type 'film'"),
    ],
)
def test_what_does_not_fit_is_named(kind: str, ids: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        KnowledgeGraph.from_hetero_data(broken(kind), ids=ids)


def test_no_nodes_at_all() -> None:
    graph = KnowledgeGraph.from_hetero_data(HeteroData())
    assert (graph.n_entities, graph.n_triples, graph.relations, graph.types) == (0, 0, (), ())


def test_names_of_reverse_edge_types_are_short_where_no_other_ends_alike() -> None:
    graph = build([(0, 0, 3), (1, 1, 0), (2, 2, 2)])
    names = {"made": "http://v/maker", "http://v/in": "http://x/in", "http://w/in": "24/7 in"}
    found = {short for _, short, _ in graph.to_hetero_data(inverse_names=names).edge_types}
    assert found == {*SHORTS, "maker", "http://x/in", "24/7 in"}


def test_relations_that_are_each_others_inverse_keep_their_own_edges() -> None:
    none = np.zeros(2, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap(["a", "b"]), ["http://v/stars", "http://v/in"], none, np.array([0, 1]), none + 1)
    data = graph.to_hetero_data(inverse_names={"http://v/stars": "http://v/in", "http://v/in": "http://v/stars"})
    assert {short for _, short, _ in data.edge_types} == {"stars", "in", "http://v/stars", "http://v/in"}
    assert told(KnowledgeGraph.from_hetero_data(data)) == Counter(
        [("untyped/0", r, "untyped/1", "nan", "nan") for r in ("http://v/stars", "http://v/in")]
    )


def test_a_weight_beyond_float32_is_refused() -> None:
    data = build([(0, 0, 3)]).to_hetero_data()
    data[data.edge_types[0]].edge_weight = torch.tensor([1e300], dtype=torch.float64)
    with pytest.raises(DataError, match="edge_weight too large for float32; scale the weights"):
        KnowledgeGraph.from_hetero_data(data)
