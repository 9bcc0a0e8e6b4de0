"""A graph that knows its users tells nothing of what is held out from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kg import IdMap, Interactions, KnowledgeGraph
from plait.loaders.collector import TripleCollector
from plait.loaders.graph_sources import read_graph
from plait.loaders.held_out import without_held_out
from plait.loaders.logs.splits import Split, SplitConfig
from plait.loaders.source import DataConfig, before_mapping, read_catalogue, read_split

Named = tuple[str, str, str]
USERS, ITEMS = IdMap(["ann", "bob", "cid", "dan", "eve"]), IdMap(["pan", "pot", "mug", "lid"])
TRIPLES: list[Named] = [
    ("ann", "bought", "pan"),
    ("ann", "bought", "pot"),
    ("mug", "boughtBy", "bob"),
    ("r1", "by", "ann"),
    ("r1", "about", "pot"),
    ("r1", "about", "mug"),
    ("bob", "wrote", "r2"),
    ("r2", "about", "mug"),
    ("pot", "brand", "acme"),
    ("mug", "brand", "acme"),
    ("ann", "likes", "acme"),
    ("bob", "likes", "acme"),
    ("ann", "knows", "bob"),
    ("pan", "with", "pot"),
]


def graph_of(triples: list[Named]) -> KnowledgeGraph:
    collector = TripleCollector()
    columns = zip(*triples, strict=True)
    head, relation, tail = (pa.array(column, pa.large_string()) for column in columns)
    collector.add_edges(head, relation, tail)
    return collector.graph()


def named(graph: KnowledgeGraph) -> set[Named]:
    ids = list(graph.entities)
    rows = zip(graph.head, graph.relation, graph.tail, strict=True)
    return {(ids[h], graph.relations[r], ids[t]) for h, r, t in rows}


def part(*pairs: tuple[str, str]) -> Interactions:
    user, item = (
        np.array(list(side), dtype=np.int64)
        for side in ([USERS.numbers([u])[0] for u, _ in pairs], [ITEMS.numbers([i])[0] for _, i in pairs])
    )
    return Interactions.sorted(USERS, ITEMS, user, item)


SPLIT = Split(part(("ann", "pan"), ("bob", "pan")), part(("ann", "pot")), part(("bob", "mug"), ("cid", "lid")))


def cleaned(triples: list[Named], links: dict[str, str] | None = None, **options: Any) -> set[Named]:
    graph = graph_of(triples)
    entity = graph.entities.numbers([(links or {}).get(i, i) for i in ITEMS], missing="negative")
    left, gone = without_held_out(graph, SPLIT, ITEMS, entity, **options)
    assert gone == graph.n_triples - left.n_triples
    return set(triples) - named(left)


def test_edges_of_held_out_pairs_go_and_no_other() -> None:
    assert cleaned(TRIPLES) == {
        ("ann", "bought", "pot"),
        ("mug", "boughtBy", "bob"),
        # Of the items of this review ann has met one of two; what acme makes, bob has met half of, and likes it.
        ("r1", "about", "pot"),
        ("r2", "about", "mug"),
        ("mug", "brand", "acme"),
        ("pot", "brand", "acme"),
    }


@pytest.mark.parametrize(
    ("triples", "gone"),
    [
        # The line of an order, two nodes away from who placed it.
        ([("ann", "placed", "o1"), ("o1", "line", "l1"), ("l1", "product", "pot"), ("l1", "unit", "piece")], {2}),
        # A review that a second user found helpful.
        ([("r1", "by", "ann"), ("r1", "about", "pot"), ("bob", "found_helpful", "r1")], {1}),
        # A country that a user lives in has many things that the user never met.
        ([("ann", "livesIn", "is"), ("pot", "madeIn", "is"), ("mug", "madeIn", "is"), ("lid", "madeIn", "is")], set()),
        # What two users away is joined to an item is no event of the first.
        ([("ann", "knows", "bob"), ("bob", "wrote", "r1"), ("r1", "about", "pot")], set()),
        # A node that many are joined to leads on to nothing that is one user's; a household of three does.
        ([*((u, "in", "club") for u in list(USERS)[:4]), ("x", "of", "club"), ("x", "about", "pot")], set()),
        ([*((u, "in", "home") for u in list(USERS)[:3]), ("x", "of", "home"), ("x", "about", "pot")], {4}),
    ],
)
def test_events(triples: list[Named], gone: set[int]) -> None:
    assert cleaned(triples) == {triples[at] for at in gone}


def test_users_may_have_a_prefix_or_have_been_merged_away() -> None:
    triples = [("http://u/ann", "bought", "pot"), ("http://u/ann", "bought", "pan")]
    assert cleaned(triples) == set()
    assert cleaned(triples, user_prefix="http://u/") == {triples[0]}
    renamed = pa.table({"id": ["ann"], "into": ["http://u/ann"]}).cast(
        pa.schema([("id", pa.large_string()), ("into", pa.large_string())])
    )
    assert cleaned(triples, renamed=renamed) == {triples[0]}


def test_the_graph_is_the_very_same_where_nothing_has_to_go() -> None:
    graph = graph_of([t for t in TRIPLES if "ann" not in t and "bob" not in t])
    entity = graph.entities.numbers(ITEMS.to_arrow(), missing="negative")
    assert without_held_out(graph, SPLIT, ITEMS, entity) == (graph, 0)


def test_links_say_which_entity_an_item_is() -> None:
    triples = [("ann", "bought", "http://e/1"), ("ann", "bought", "pot")]
    assert cleaned(triples, {"pot": "http://e/1"}) == {("ann", "bought", "http://e/1")}


def test_an_item_that_is_called_as_a_user_is_no_user() -> None:
    # Many logs number users and items alike: item "ann" bought along with the pot is no interaction of user "ann".
    assert cleaned([("ann", "bought_with", "pot")], {"mug": "ann"}) == set()


names = st.sampled_from(["ann", "bob", "cid", "pan", "pot", "mug", "lid", "r1", "r2", "o1", "acme"])


@settings(max_examples=300)
@given(st.lists(st.tuples(names, st.sampled_from(["p", "q"]), names), min_size=1, max_size=25))
def test_against_the_rule_read_word_by_word(triples: list[Named]) -> None:
    held = {("ann", "pot"), ("bob", "mug"), ("cid", "lid")}
    met = held | {("ann", "pan"), ("bob", "pan")}
    users, items = set(USERS), set(ITEMS)
    near: dict[str, set[str]] = {}
    for h, _, t in triples:
        near.setdefault(h, set()).add(t)
        near.setdefault(t, set()).add(h)

    def users_of(node: str) -> set[str]:
        own = near[node] & users
        between = {other for other in near[node] - users - items if 0 < len(near[other] & users) <= 3}
        return own or {user for other in between for user in near[other] & users}

    def tells(node: str, item: str) -> bool:
        if node in users:
            return (node, item) in held
        about = near[node] & items
        return node not in items and any(
            (user, item) in held and 2 * sum((user, i) in met for i in about) >= len(about) for user in users_of(node)
        )

    wanted = {(h, r, t) for h, r, t in triples if (t in items and tells(h, t)) or (h in items and tells(t, h))}
    assert cleaned(triples) == wanted


def test_from_the_configuration_to_the_item_graph(tmp_path: Path) -> None:
    rows = [(user, item, 10 * u + i) for u, user in enumerate(USERS) for i, item in enumerate(ITEMS)]
    (tmp_path / "log.csv").write_text("user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    told = [
        ("head", "relation", "tail"),
        *((user, "bought", item) for user, item, _ in rows),
        ("pan", "by", "acme"),
        ("lid", "by", "acme"),
    ]
    (tmp_path / "kg.csv").write_text("".join(",".join(triple) + "\n" for triple in told))
    data = DataConfig.model_validate(
        {"interactions": {"path": tmp_path / "log.csv"}, "graph": {"source": "triples", "files": [tmp_path / "kg.csv"]}}
    )
    split, _ = read_split(data, SplitConfig(strategy="leave_last_out"), np.random.default_rng(0))
    assert data.graph is not None
    mapped = read_graph(data.graph, before=before_mapping(data, split))
    assert [(step.name, step.dropped) for step in mapped.steps] == [("held out", 10)]
    catalogue = read_catalogue(data, split.items, mapped, split)
    assert catalogue.held_out_triples == 0
    # Without that, the catalogue still leaves them out.
    assert read_catalogue(data, split.items, read_graph(data.graph), split).held_out_triples == 10
    graph = catalogue.graph
    edges = {frozenset((graph.node_id(h), graph.node_id(t))) for h, t in zip(graph.head, graph.tail, strict=True)}
    held = {
        (u, i) for p in (split.valid, split.test) for u, i in zip(p.users.ids(p.user), p.items.ids(p.item), strict=True)
    }
    assert len(held) == 10
    assert not {frozenset(pair) for pair in held} & edges
    assert frozenset(("ann", "pan")) in edges


def test_what_a_mapping_makes_is_made_without_them(tmp_path: Path) -> None:
    rows = [
        ("ann", "pan", 1),
        ("ann", "pot", 2),
        ("ann", "mug", 3),
        ("bob", "pan", 1),
        ("bob", "lid", 2),
        ("bob", "pot", 3),
    ]
    (tmp_path / "log.csv").write_text("user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    told = [
        "head,relation,tail",
        *(f"{user},bought,{item}" for user, item, _ in rows),
        "ann,sameAs,a_ann",
        "a_ann,bought,mug",
    ]
    (tmp_path / "kg.csv").write_text("\n".join(told) + "\n")
    mapping = {
        "same_as": "merge", "same_as_relations": ["sameAs"], "collapse": [{"name": "with", "path": ["^bought", "bought"]}],
    }  # fmt: skip
    graph = {"source": "triples", "files": [tmp_path / "kg.csv"], "mapping": mapping, "around": {"min_degree": 1}}
    data = DataConfig.model_validate({"interactions": {"path": tmp_path / "log.csv"}, "graph": graph})
    split, _ = read_split(data, SplitConfig(strategy="leave_last_out"), np.random.default_rng(0))
    assert data.graph is not None
    mapped = read_graph(data.graph, before=before_mapping(data, split))
    catalogue = read_catalogue(data, split.items, mapped, split)
    made = catalogue.graph
    edges = {frozenset((made.node_id(h), made.node_id(t))) for h, t in zip(made.head, made.tail, strict=True)}
    # Only the pan is known of either user: nothing is bought along with it, but by the merged node, before it was ann.
    assert frozenset(("pan", "pot")) not in edges
    assert frozenset(("pan", "lid")) not in edges
    assert not {frozenset((user, item)) for user, item, time in rows if time > 1} & edges
