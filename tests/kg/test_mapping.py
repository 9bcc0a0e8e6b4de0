"""The mapping as a whole: the order of its steps, its page, and what holds whatever is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, IdMap, KnowledgeGraph
from plait.kg.inverses import OWL_INVERSE_OF
from plait.kg.mapping import MappingConfig, apply_mapping
from plait.kg.same_as import OWL_SAME_AS
from plait.loaders import read_rdf

PAGE = Path(__file__).parent.parent.parent / "docs" / "mapping.md"
SUBCLASS = "http://www.w3.org/2000/01/rdf-schema#subClassOf"
SHOP = "http://shop.example/"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def on_page(field: str) -> MappingConfig:
    """The configuration of the page's block that begins with a field."""
    (found,) = (block for block in blocks("yaml") if block.startswith(f"mapping:\n  {field}:"))
    return MappingConfig(**yaml.safe_load(found)["mapping"])


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = graph.entities.to_arrow().to_pylist()
    rows = zip(graph.head.tolist(), graph.relation.tolist(), graph.tail.tolist(), strict=True)
    return {(names[h], graph.relations[r], names[t]) for h, r, t in rows}


def test_every_block_of_the_page_is_a_configuration() -> None:
    configs = [MappingConfig(**yaml.safe_load(block)["mapping"]) for block in blocks("yaml")]
    assert len(configs) == 6
    told = {field for config in configs for field in config.model_fields_set}
    assert told == set(MappingConfig.model_fields) - {"max_triples"}  # which the text tells of


@pytest.fixture
def reviews(tmp_path: Path) -> KnowledgeGraph:
    (turtle,) = blocks("turtle")
    (tmp_path / "shop.ttl").write_text(turtle)
    return read_rdf([tmp_path / "shop.ttl"])


def test_the_reviews_of_the_page_become_what_it_says(reviews: KnowledgeGraph) -> None:
    # r1 has two types, of which Review is the commoner.
    mapped = apply_mapping(reviews, on_page("edges_from_nodes"))
    graph = mapped.graph
    number = graph.relations.index("reviewed")
    rows = slice(*graph.offsets[number : number + 2])
    assert graph.weight is not None and graph.time is not None
    names = [[name.removeprefix(SHOP) for name in graph.entities.ids(c[rows])] for c in (graph.head, graph.tail)]
    found = zip(*names, graph.weight[rows].tolist(), graph.time[rows].tolist(), strict=True)
    may = float(np.datetime64("2024-05-01", "s").astype(np.int64))
    by_head = {head: rest for head, *rest in found}
    assert by_head.pop("ann") == ["pan", 4.5, may]
    tail, weight, time = by_head.pop("bob")
    assert (tail, weight, by_head) == ("pan", 2, {})
    assert np.isnan(time)
    assert {f"{SHOP}r1", f"{SHOP}r2"}.isdisjoint(graph.entities)
    assert {f"{SHOP}r3", f"{SHOP}r4"} <= set(graph.entities)
    assert sorted(graph.literals.value.to_pylist()) == ["good"]
    assert (mapped.steps[0].dropped, mapped.steps[0].example) == (2, f"{SHOP}r3")


def test_the_path_of_the_page_leads_through_a_blank_node(reviews: KnowledgeGraph) -> None:
    mapped = apply_mapping(reviews, on_page("collapse"))
    assert triples(mapped.graph) - triples(reviews) == {(f"{SHOP}pan", "made_in", f"{SHOP}France")}
    assert len(mapped.steps) == 2


def test_by_default_the_graph_is_the_same_one(graph_of: Any) -> None:
    rows = [("a", OWL_SAME_AS, "b"), ("b", SUBCLASS, "c"), ("r", OWL_INVERSE_OF, "s"), ("a", "r", "b"), ("c", "s", "c")]
    graph = graph_of(rows)
    mapped = apply_mapping(graph, MappingConfig())
    assert mapped.graph is graph
    assert [h.relation for h in mapped.hierarchies] == [SUBCLASS]
    assert mapped.inverse_names == {"r": "s", "s": "r"}
    assert [step.name for step in mapped.steps] == ["hierarchies"]
    assert mapped.renamed.num_rows == 0
    empty = graph_of()
    mapped = apply_mapping(empty, MappingConfig())
    assert mapped.graph is empty
    assert (mapped.steps, mapped.hierarchies, mapped.inverse_names) == ((), (), {})


ALL = MappingConfig(
    same_as="merge",
    inverse={"made": "by"},
    edges_from_nodes=[{"name": "rated", "type": "Review", "head": "who", "tail": "what", "weight": "stars"}],
    collapse=[{"name": "fan_of", "path": ["rated", "^made"]}, {"name": "fellow", "path": ["fan_of", "^fan_of"]}],
    exclude_relations=["see", "who"],
    drop_types=["Ad"],
    drop_vocabulary=True,
    min_entity_degree=2,
    keep_types=["Film"],
    hierarchies=["under"],
)
ROWS = [
    ("f1", OWL_SAME_AS, "F1"), ("F1", "by", "d"), ("d", "made", "f1"), ("d", "made", "f2"), ("r1", "who", "u"), ("r1", "what", "F1"),
    ("r2", "who", "v"), ("r2", "what", "f2"), ("f1", "see", "f3"), ("ad", "shows", "f1"), ("g", "under", "h"), ("f1", "genre", "g"),
    ("made", OWL_INVERSE_OF, "by"),
]  # fmt: skip
TYPES = {"f1": "Film", "f2": "Film", "f3": "Film", "r1": "Review", "r2": "Review", "ad": "Ad",
         "made": "http://www.w3.org/2002/07/owl#ObjectProperty"}  # fmt: skip
STARS = [("r1", "stars", "5"), ("r2", "stars", "3")]
EXPECTED = {
    ("d", "made", "f1"), ("d", "made", "f2"), ("u", "rated", "f1"), ("v", "rated", "f2"), ("u", "fan_of", "d"), ("v", "fan_of", "d"),
    ("u", "fellow", "v"), ("v", "fellow", "u"),
}  # fmt: skip


def test_each_step_sees_what_those_before_it_made(graph_of: Any) -> None:
    told: list[str] = []
    mapped = apply_mapping(
        graph_of(ROWS, types=TYPES, literals=STARS), ALL, on_progress=lambda done, total, note: told.append(note)
    )
    # h has one triple and leaves, then g has one and leaves; f3 has none, but films stay.
    assert triples(mapped.graph) == EXPECTED
    assert sorted(mapped.graph.relations) == [
        "fan_of",
        "fellow",
        "made",
        "rated",
    ]  # those that lost all triples are gone
    assert set(mapped.graph.entities) == {"f1", "f2", "f3", "d", "u", "v"}
    assert [step.name for step in mapped.steps] == [
        "same_as", "inverse", "edges_from_nodes", "collapse", "collapse", "relations", "drop_types", "drop_vocabulary",
        "min_entity_degree",
    ]  # fmt: skip
    assert mapped.inverse_names == {"made": "by"}
    assert mapped.renamed.to_pylist() == [{"id": "F1", "into": "f1"}]
    assert told[0] == "same_as" and told[-1] == "min_entity_degree"
    assert str(mapped.steps[0]) == "same_as: 2 entities became 1 (for example F1 became f1)"


@given(st.permutations(ROWS), st.permutations(list(TYPES.items())), st.permutations(STARS))
def test_the_order_in_which_a_source_tells_does_not_matter(
    graph_of: Any, rows: list[Any], types: list[Any], stars: list[Any]
) -> None:
    one = apply_mapping(graph_of(ROWS, types=TYPES, literals=STARS), ALL)
    two = apply_mapping(graph_of(rows, types=dict(types), literals=stars), ALL)
    assert triples(one.graph) == triples(two.graph)
    assert set(one.graph.entities) == set(two.graph.entities)
    assert one.steps == two.steps
    assert one.renamed.equals(two.renamed)


def test_an_item_that_is_its_own_brand_and_category_breaks_no_step(graph_of: Any) -> None:
    rows = [
        ("p", "brand", "p"),
        ("p", "category", "p"),
        ("p", OWL_SAME_AS, "p"),
        ("p", SUBCLASS, "p"),
        ("q", "brand", "p"),
    ]
    config = MappingConfig(
        same_as="merge",
        inverse={"brand": "category"},
        edges_from_nodes=[{"name": "n", "head": "brand", "tail": "^brand"}],
        collapse=[{"name": "c", "path": ["brand", "^brand", SUBCLASS], "keep": False}],
        min_entity_degree=1,
        drop_vocabulary=True,
    )
    mapped = apply_mapping(graph_of(rows), config)
    # p is the one node with both ends, and no end of itself: it stays. q comes by its brand to p, and p to itself.
    assert triples(mapped.graph) == {("q", "c", "p")}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"collapse": [{"name": "n", "path": ["r", "x"]}]}, "no relation 'x'"),
        ({"hierarchies": ["rr"]}, "no relation 'rr'; did you mean 'r'?"),
        ({"same_as": "merge", "same_as_relations": ["match"]}, "no relation 'match'"),
        ({"exclude_relations": ["x"]}, "no relation 'x'"),
        ({"drop_types": ["Flim"]}, "no node type 'Flim'; did you mean 'Film'?"),
    ],
)
def test_a_name_the_graph_has_not_is_refused(graph_of: Any, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        apply_mapping(graph_of([("a", "r", "b")], types={"a": "Film"}), MappingConfig(**config))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"same": "merge"}, "same"),
        ({"same_as": "drop"}, "'keep' or 'merge'"),
        ({"min_entity_degree": -1}, "greater than or equal to 0"),
        ({"max_triples": 0}, "max_triples"),
        ({"same_as_prefer": "http://"}, "only with same_as: merge"),
        ({"keep_types": ["Film"]}, "only with min_entity_degree"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MappingConfig(**wrong)


@pytest.mark.timeout(60)
def test_a_chain_of_100_000_goes_through_every_step() -> None:
    n = 100_000
    number = np.arange(n)
    ids = IdMap([f"e{i}" for i in range(n)])
    graph = KnowledgeGraph.build(
        ids,
        [SUBCLASS, OWL_SAME_AS],
        np.concatenate([number[1:], number[1:]]),
        np.repeat([0, 1], n - 1),
        np.concatenate([number[:-1], number[:-1]]),
    )
    keep = apply_mapping(graph, MappingConfig(collapse=[{"name": "up2", "path": [SUBCLASS, SUBCLASS]}]))
    assert keep.graph.n_triples == 3 * n - 4
    assert keep.hierarchies[0].max_depth == n - 1
    one = apply_mapping(graph, MappingConfig(same_as="merge", min_entity_degree=1))
    assert (one.graph.n_entities, one.renamed.num_rows) == (0, n - 1)
