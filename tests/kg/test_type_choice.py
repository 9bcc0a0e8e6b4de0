"""Which of several node types an entity goes by, in every place that has to choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.kg.same_as import OWL_SAME_AS, merged
from plait.kg.type_choice import UNIVERSAL_TYPES, type_ranks
from plait.loaders.collector import TripleCollector

THING = "http://www.w3.org/2002/07/owl#Thing"


def test_ranks_by_hand() -> None:
    # Thing holds for everything, however common; then the commonest; B and C are equally common.
    assert type_ranks(["C", THING, "A", "B"], np.array([2, 9, 3, 2])).tolist() == [2, 3, 0, 1]
    assert type_ranks([], np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("Film", "Work"), "Film"),  # equally common: the alphabet
        (("Work", "Film"), "Film"),
        (("Film", "Zoo"), "Zoo"),  # Zoo is commoner: d has it
        ((THING, "Film"), "Film"),
        *(((kind, "Work"), "Work") for kind in sorted(UNIVERSAL_TYPES)),
    ],
)
def test_a_reader_and_a_merge_choose_alike(graph_of: Any, kinds: tuple[str, str], expected: str) -> None:
    collector = TripleCollector()
    told = [("a", kinds[0]), ("a", kinds[1]), ("d", "Zoo"), ("e", THING), ("f", THING)]
    collector.add_types(*(pa.array(column) for column in zip(*told, strict=True)))
    read = collector.graph()
    assert read.type_name(int(read.entities.numbers(["a"])[0])) == expected
    # a has no type of its own; those it is the same as have one each.
    types = {"b": kinds[0], "c": kinds[1], "d": "Zoo", "e": THING, "f": THING}
    rows = [("a", OWL_SAME_AS, "b"), ("a", OWL_SAME_AS, "c"), ("a", "r", "d"), ("a", "r", "e")]
    one, _, _ = merged(graph_of(rows, types=types))
    assert one.type_name(int(one.entities.numbers(["a"])[0])) == expected
