"""A graph that knows its users tells nothing of what is held out from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import IdMap, Interactions, KnowledgeGraph
from plait.loaders.collector import TripleCollector
from plait.loaders.graph_sources import read_graph
from plait.loaders.held_out import without_held_out
from plait.loaders.logs.splits import Split, SplitConfig
from plait.loaders.source import DataConfig, read_catalogue, read_split

Named = tuple[str, str, str]
USERS, ITEMS = IdMap(["ann", "bob", "cid"]), IdMap(["pan", "pot", "mug", "lid"])
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


def cleaned(triples: list[Named], links: dict[str, str] | None = None) -> set[Named]:
    graph = graph_of(triples)
    entity = graph.entities.numbers([(links or {}).get(i, i) for i in ITEMS], missing="negative")
    left, gone = without_held_out(graph, SPLIT, ITEMS, entity)
    assert gone == graph.n_triples - left.n_triples
    return set(triples) - named(left)


def test_edges_of_held_out_pairs_go_and_no_other() -> None:
    assert cleaned(TRIPLES) == {
        ("ann", "bought", "pot"),
        ("mug", "boughtBy", "bob"),
        # A review that one user alone wrote tells what that user met; a brand that two like tells nothing.
        ("r1", "about", "pot"),
        ("r2", "about", "mug"),
    }


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


names = st.sampled_from(["ann", "bob", "cid", "pan", "pot", "mug", "lid", "r1", "r2", "acme"])


@given(st.lists(st.tuples(names, st.sampled_from(["p", "q"]), names), min_size=1, max_size=25))
def test_against_the_rule_read_word_by_word(triples: list[Named]) -> None:
    held = {("ann", "pot"), ("bob", "mug"), ("cid", "lid")}
    users, items = set(USERS), set(ITEMS)
    near: dict[str, set[str]] = {}
    for h, _, t in triples:
        near.setdefault(h, set()).add(t)
        near.setdefault(t, set()).add(h)

    def tells(node: str, item: str) -> bool:
        if node in users:
            return (node, item) in held
        only = near[node] & users
        return node not in items and len(only) == 1 and (*only, item) in held

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
    catalogue = read_catalogue(data, split.items, read_graph(data.graph), split)
    assert catalogue.held_out_triples == 6
    graph = catalogue.graph
    edges = {frozenset((graph.node_id(h), graph.node_id(t))) for h, t in zip(graph.head, graph.tail, strict=True)}
    held = {
        (u, i) for p in (split.valid, split.test) for u, i in zip(p.users.ids(p.user), p.items.ids(p.item), strict=True)
    }
    assert len(held) == 6
    assert not {frozenset(pair) for pair in held} & edges
    assert frozenset(("ann", "pan")) in edges
