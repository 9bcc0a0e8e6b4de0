"""Items in the place of their entities, and what lies around them, against a slow implementation by sets."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import IdMap, ItemGraph, ItemGraphConfig, KnowledgeGraph, Schema, SchemaConfig, labels

Named = tuple[str, str, str]
WIDE: dict[str, Any] = {"hops": 6, "min_degree": 1, "unlinked_items": "keep"}


def build(
    graph: KnowledgeGraph, links: dict[str, str | None], *, item_type: str | None = None, **config: Any
) -> ItemGraph:
    """The item graph of items linked to entities by name."""
    schema = Schema.infer(graph).override(SchemaConfig(item_type=item_type))
    linked = graph.entities.numbers([e or "" for e in links.values()], missing="negative")
    return ItemGraph.build(
        graph, schema, IdMap(list(links)), linked, labels(graph, schema), ItemGraphConfig(**{**WIDE, **config})
    )


def triples(graph: ItemGraph) -> Counter[Named]:
    """Triples by the users' ids, counted."""
    ends = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return Counter((graph.node_id(h), graph.relations[r], graph.node_id(t)) for h, r, t in ends)


CHAIN = [("P", "by", "B"), ("B", "of", "C"), ("C", "in", "D"), ("E", "in", "D")]


@pytest.mark.parametrize(("hops", "kept"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 4)])
def test_hops_count_edges_from_an_item_in_either_direction(graph_of: Any, hops: int, kept: int) -> None:
    graph = build(graph_of(CHAIN), {"i1": "P"}, hops=hops)
    assert triples(graph) == Counter([("i1", "by", "B"), *CHAIN[1:]][:kept])
    assert list(graph.entities) == ["B", "C", "D", "E"][:kept]


def test_two_items_of_one_entity_both_have_its_triples(graph_of: Any) -> None:
    known = graph_of([("F", "by", "D"), ("G", "remake of", "F"), ("F", "about", "F")])
    graph = build(known, {"dvd": "F", "other": "G", "bluray": "F", "none": None})
    assert triples(graph) == Counter(
        [
            ("dvd", "by", "D"),
            ("bluray", "by", "D"),
            ("other", "remake of", "dvd"),
            ("other", "remake of", "bluray"),
            # What is said of the entity about itself holds between its items, never of one with itself.
            ("dvd", "about", "bluray"),
            ("bluray", "about", "dvd"),
        ]
    )
    assert graph.item_entity.to_pylist() == ["F", "G", "F", None]
    assert (graph.n_items, graph.n_nodes) == (4, 5)


@pytest.mark.parametrize("rule", ["drop", "keep"])
def test_products_outside_the_catalogue_go_or_stay(graph_of: Any, rule: str) -> None:
    known = graph_of(
        [("P", "by", "B"), ("Q", "by", "B"), ("Q", "by", "C")], types={"P": "Pan", "Q": "Pan", "B": "Brand"}
    )
    graph = build(known, {"i1": "P"}, item_type="Pan", unlinked_items=rule)
    more = [("Q", "by", "B"), ("Q", "by", "C")] if rule == "keep" else []
    assert triples(graph) == Counter([("i1", "by", "B"), *more])
    # Untyped entities are no products, whatever the item type is called.
    other = build(known, {"i1": "P"}, item_type="untyped", unlinked_items=rule)
    assert triples(other) == Counter([("i1", "by", "B"), ("Q", "by", "B"), ("Q", "by", "C")])


def test_leaves_fall_until_none_is_left_and_items_never(graph_of: Any) -> None:
    known = graph_of([*CHAIN, ("Q", "by", "B"), ("R", "by", "X")])
    graph = build(known, {"i1": "P", "i2": "Q", "i3": "R"}, min_degree=2)
    # E is a leaf, then D, then C; X is one of an item. B joins two items.
    assert triples(graph) == Counter([("i1", "by", "B"), ("i2", "by", "B")])
    assert list(graph.items) == ["i1", "i2", "i3"]
    assert list(graph.entities) == ["B"]


def test_entities_keep_their_names_and_types(graph_of: Any) -> None:
    known = graph_of(
        [("P", "by", "http://e/B"), ("P", "in", "http://e/C_D")],
        types={"P": "Pan", "http://e/B": "Brand"},
        literals=[("http://e/B", "label", "Acme"), ("P", "label", "the pan")],
    )
    graph = build(known, {"i1": "P"})
    assert list(graph.entities) == ["http://e/B", "http://e/C_D"]
    assert graph.label.to_pylist() == ["Acme", "C D"]
    assert graph.type_name.to_pylist() == ["Brand", "untyped"]
    assert [graph.node_id(n) for n in range(3)] == ["i1", "http://e/B", "http://e/C_D"]
    assert [graph.node_label(n) for n in (1, 2)] == ["Acme", "C D"]
    with pytest.raises(ValueError, match="node 0 is an item"):
        graph.node_label(0)


def slow(
    known: list[Named], links: dict[str, str | None], products: set[str], hops: int, min_degree: int, drop: bool
) -> Counter[Named]:
    """The same by sets of names."""
    linked = {e for e in links.values() if e}
    outside = products - linked if drop else set()
    edges = {t for t in known if not {t[0], t[2]} & outside}
    reached, kept = set(linked), set()
    for _ in range(hops):
        kept |= {t for t in edges if t[0] in reached or t[2] in reached}
        reached |= {e for t in kept for e in (t[0], t[2])}
    as_items = {e: [i for i, entity in links.items() if entity == e] or [e] for t in kept for e in (t[0], t[2])}
    found = {(h, r, t) for a, r, b in kept for h in as_items[a] for t in as_items[b] if h != t}
    while True:
        degree = Counter(e for h, _, t in found for e in (h, t))
        poor = {e for e, n in degree.items() if n < min_degree and e not in links}
        if not poor:
            return Counter(found)
        found = {t for t in found if not {t[0], t[2]} & poor}


NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"]
some_triples = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["r", "s"]), st.sampled_from(NAMES)), max_size=16
)


@given(
    some_triples,
    st.lists(st.sampled_from([*NAMES, None]), max_size=4),
    st.sets(st.sampled_from(NAMES), max_size=5),
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
)
@settings(max_examples=200)
def test_the_graph_around_the_items_is_the_one_by_sets(
    graph_of: Any,
    known: list[Named],
    entities: list[str | None],
    products: set[str],
    hops: int,
    min_degree: int,
    drop: bool,
) -> None:
    links = {f"i{n}": e for n, e in enumerate(entities)}
    source = graph_of(known, entities=NAMES, types=dict.fromkeys(sorted(products), "Pan"))
    graph = build(
        source,
        links,
        item_type="Pan" if products else None,
        hops=hops,
        min_degree=min_degree,
        unlinked_items="drop" if drop else "keep",
    )
    wanted = slow(known, links, products, hops, min_degree, drop)
    assert triples(graph) == wanted
    assert set(graph.entities) == {e for h, _, t in wanted for e in (h, t)} - set(links)
    assert list(graph.items) == list(links)
    assert graph.item_entity.to_pylist() == entities
    kinds = dict(zip(graph.entities, graph.type_name.to_pylist(), strict=True))
    assert kinds == {e: "Pan" if e in products else "untyped" for e in kinds}
    assert graph.adjacency.degree().sum() == 2 * sum(wanted.values())


def test_items_without_any_entity_are_a_catalogue_all_the_same(graph_of: Any) -> None:
    for known in (graph_of(), graph_of(CHAIN)):
        graph = build(known, {"i1": None, "i2": None}, min_degree=2, unlinked_items="drop")
        assert (graph.n_nodes, len(graph.head), graph.item_entity.null_count) == (2, 0, 2)
        assert graph.adjacency.degree().tolist() == [0, 0]
    alone = ItemGraph.without_graph(IdMap(["i1", "i2", "i3"]))
    assert (alone.n_items, alone.n_nodes, alone.relations, len(alone.head)) == (3, 3, (), 0)
    assert alone.item_entity.to_pylist() == [None] * 3
    assert repr(alone) == "ItemGraph(3 items, 0 entities, 0 triples)"


def test_no_items_at_all(graph_of: Any) -> None:
    graph = build(graph_of(CHAIN), {})
    assert (graph.n_nodes, len(graph.head)) == (0, 0)
    assert graph.label.type == graph.type_name.type == graph.item_entity.type == pa.large_string()


def test_config_out_of_range_is_refused() -> None:
    for wrong in ({"hops": 0}, {"hops": 7}, {"min_degree": 0}, {"unlinked_items": "maybe"}, {"hop": 1}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            ItemGraphConfig(**wrong)
