"""The collector is used up by the graph it makes, and what an answer held back is handed on whole."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from plait.loaders.collector import TripleCollector
from plait.loaders.sparql.triples import HeldTriples


def words(*cells: str) -> pa.Array:
    return pa.array(cells, pa.large_string())


def tell(collector: TripleCollector) -> None:
    """One or more rows by each method, of a different number each."""
    collector.add_edges(words("a", "b", "b"), words("r", "r", "s"), words("b", "c", "a"))
    collector.add_types(words("a"), words("T"))
    collector.add_literals(words("a", "d"), words("name", "name"), words("A", "D"), language=words("en", "de"))
    collector.add_entities(words("e", "f", "g", "a"))


@pytest.mark.parametrize(
    "again",
    [
        lambda c: c.graph(),
        lambda c: c.add_edges(words("a"), words("r"), words("z")),
        lambda c: c.add_types(words("z"), words("T")),
        lambda c: c.add_literals(words("z"), words("name"), words("Z")),
        lambda c: c.add_entities(words("z")),
    ],
)
@pytest.mark.parametrize("told", [False, True])
def test_a_collector_makes_one_graph(told: bool, again: Callable[[TripleCollector], object]) -> None:
    collector = TripleCollector()
    if told:
        tell(collector)
    collector.graph()
    with pytest.raises(RuntimeError, match="made already; collect into a new TripleCollector"):
        again(collector)


def test_what_is_held_back_is_handed_on_whole() -> None:
    straight, held, behind = TripleCollector(), HeldTriples(), TripleCollector()
    tell(straight)
    tell(held)
    held.into(behind)
    assert held.rows == behind.rows == straight.rows == 3 + 1 + 2
    one, other = straight.graph(), behind.graph()
    assert list(other.entities) == list(one.entities) == list("abcdefg")
    assert (other.relations, other.types, other.literals.predicates) == (("r", "s"), ("T",), ("name",))
    assert (other.head.tolist(), other.tail.tolist()) == (one.head.tolist(), one.tail.tolist())
    assert other.type_of.tolist() == one.type_of.tolist() == [0, *[-1] * 6]
    assert other.literals.value.to_pylist() == ["A", "D"]
    assert other.literals.language.to_pylist() == ["en", "de"]
