"""The groups that hard wrong answers are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plait.fusion.tune_stage import category_of_items
from plait.kg import ItemGraph

Make = Callable[[int, Sequence[str], Sequence[tuple[int, str, int]]], ItemGraph]


def test_a_group_is_the_commonest_entity_that_is_not_everybodys(item_graph: Make) -> None:
    # Eleven items: "all" joins each of them, "drills" 0 and 1, "acme" 1 alone, "saws" 2; a fifth of eleven is 2.2.
    triples = [(item, "in", 11) for item in range(11)]
    triples += [(0, "in", 12), (1, "in", 12), (1, "by", 13), (2, "in", 14), (3, "by", 15), (1, "by", 15)]
    groups = category_of_items(item_graph(11, ["all", "drills", "acme", "saws", "bolt"], triples))
    # Of two as common the first; "saws" and "acme" join nothing.
    assert groups.tolist() == [12, 12, -1, 15, *[-1] * 7]
