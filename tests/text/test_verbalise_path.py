"""Category paths: root first, bounded, safe on cycles, no ancestor told twice."""

from __future__ import annotations

import numpy as np
import pytest

from plait.kg import ConfigError, IdMap, KnowledgeGraph, Schema, labels
from plait.text.verbalise import NodeText, VerbaliseConfig, Verbaliser

NAMES = ["Drill", "Tools", "Power tools", "Drills", "Cordless drills", "Garden"]


def told(edges: list[tuple[str, str, str]], **config: object) -> dict[str, NodeText]:
    names = list(dict.fromkeys([*NAMES, *(end for edge in edges for end in (edge[0], edge[2]))]))
    relations = list(dict.fromkeys(edge[1] for edge in edges))
    ids = IdMap(names)
    graph = KnowledgeGraph.build(
        ids,
        relations,
        ids.numbers([edge[0] for edge in edges]),
        np.array([relations.index(edge[1]) for edge in edges]),
        ids.numbers([edge[2] for edge in edges]),
    )
    schema = Schema.infer(graph)
    verbaliser = Verbaliser(graph, schema, labels(graph, schema), VerbaliseConfig(inverse_neighbours=0, **config))  # type: ignore[arg-type]
    return dict(zip(names, verbaliser.tell(range(len(names))), strict=True))


UP = [
    ("Power tools", "broader", "Tools"),
    ("Drills", "broader", "Power tools"),
    ("Cordless drills", "broader", "Drills"),
]


def test_a_category_is_told_by_its_path_and_so_is_what_it_lies_in() -> None:
    nodes = told([*UP, ("Drill", "category", "Cordless drills")])
    assert nodes["Drill"].text == "Drill. category: Tools > Power tools > Drills > Cordless drills"
    assert nodes["Cordless drills"].text == "Cordless drills. broader: Tools > Power tools > Drills"
    assert nodes["Power tools"].text == "Power tools. broader: Tools"
    assert nodes["Drill"].triples == (
        ("Drill", "category", "Cordless drills"),
        ("Cordless drills", "broader", "Drills"),
        ("Drills", "broader", "Power tools"),
        ("Power tools", "broader", "Tools"),
    )


def test_ancestors_among_the_categories_are_told_once() -> None:
    nodes = told([*UP, *(("Drill", "category", name) for name in ("Tools", "Drills", "Garden", "Cordless drills"))])
    assert nodes["Drill"].text == ("Drill. category: Tools > Power tools > Drills > Cordless drills. category: Garden")


@pytest.mark.parametrize("relation", ["narrower", "subCategory"])
def test_a_relation_that_leads_down_gives_the_same_path(relation: str) -> None:
    down = [(broad, relation, narrow) for narrow, _, broad in UP]
    nodes = told([*down, ("Drill", "category", "Drills")])
    assert nodes["Drill"].text == "Drill. category: Tools > Power tools > Drills"
    assert ("Tools", relation, "Power tools") in nodes["Drill"].triples


def test_other_relations_are_hierarchies_where_they_are_stated() -> None:
    edges = [("Drills", "within", "Tools"), ("Drill", "category", "Drills")]
    assert told(edges)["Drill"].text == "Drill. category: Drills"
    assert told(edges, hierarchies=("within",))["Drill"].text == "Drill. category: Tools > Drills"
    with pytest.raises(ConfigError, match="no relation 'withn'"):
        told(edges, hierarchies=("withn",))


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_cycle_ends(length: int) -> None:
    names = ["Tools", "Power tools", "Drills", "Cordless drills", "Garden"][:length]
    circle = [(name, "broader", names[(at + 1) % length]) for at, name in enumerate(names)]
    text = told([*circle, ("Drill", "category", "Tools")])["Drill"].text
    expected = {
        1: "Tools", 2: "Power tools > Tools", 3: "Drills > Power tools > Tools",
        5: "Garden > Cordless drills > Drills > Power tools > Tools",
    }  # fmt: skip
    assert text == f"Drill. category: {expected[length]}"


def test_of_a_deep_path_the_root_and_the_nearest_names_are_told() -> None:
    chain = [f"Level {'abcdefghi'[n]}" for n in range(9)]
    edges = [(chain[n + 1], "parent", chain[n]) for n in range(8)]
    text = told([*edges, ("Drill", "category", chain[8])])["Drill"].text
    assert text == "Drill. category: Level a > … > Level e > Level f > Level g > Level h > Level i"


def test_of_several_parents_the_first_by_name_is_followed() -> None:
    edges = [("Drills", "broader", "Tools"), ("Drills", "broader", "Garden"), ("Drill", "category", "Drills")]
    for order in (edges, edges[::-1]):
        assert told(order)["Drill"].text == "Drill. category: Garden > Drills"
