"""Ids that stand for others, and entities found by a prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.kg import ConfigError, DataError, IdMap
from plait.loaders.links import LinksConfig, read_links
from plait.loaders.triples.tables import TripleGraph, read_triples

TRIPLES = "head\trelation\ttail\np_1\tbought_with\tr_9\np_2\tbought_with\tr_8\nr_9\tmade_by\tb\np_1\tmade_by\tb\n"


def triples(folder: Path, table: str, **options: Any) -> set[tuple[str, str, str]]:
    (folder / "kg.tsv").write_text(TRIPLES)
    name = options.pop("name", "map.tsv")
    (folder / name).write_text(table)
    renames = {"path": folder / name, **options}
    graph = read_triples(
        TripleGraph.model_validate({"source": "triples", "files": [folder / "kg.tsv"], "renames": renames})
    )
    names = (graph.relations[r] for r in graph.relation)
    return set(zip(graph.entities.ids(graph.head), names, graph.entities.ids(graph.tail), strict=True))


def test_prefixes_columns_and_empty_cells(tmp_path: Path) -> None:
    """A headless table with a column between; 8 has no other id, so it stays; p_2 and r_9 become one."""
    table = "9\tasin\t2\n8\tasin\t\n"
    found = triples(tmp_path, table, header=False, id=1, into=3, id_prefix="r_", into_prefix="p_")
    assert found == {
        ("p_1", "bought_with", "p_2"),
        ("p_2", "bought_with", "r_8"),
        ("p_2", "made_by", "b"),
        ("p_1", "made_by", "b"),
    }


def test_triples_that_become_the_same_count_once(tmp_path: Path) -> None:
    found = triples(tmp_path, "from\tto\nr_9\tp_1\n", id="from", into="to")
    assert ("p_1", "made_by", "b") in found
    assert len(found) == 3


def test_nobody_is_renamed_twice(tmp_path: Path) -> None:
    """r_9 becomes r_8 and stays that, though r_8 becomes p_1."""
    found = triples(tmp_path, "a\tb\nr_9\tr_8\nr_8\tp_1\n")
    assert ("p_1", "bought_with", "r_8") in found


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("a\tb\nr_9\tx\nr_9\ty\n", {}, "'r_9' stands for two others"),
        ("a\tb\nr_9\tx\n", {"into": 3}, "column 3 is asked for, and the table has 2"),
        ("a\tb\nr_9\tx\n", {"into": "c"}, "no column 'c'"),
        ("9\tx\n", {"header": False, "into": 3}, "3 columns or more are wanted, the first line has 2"),
        ("9\tx\n", {"header": False, "into": "b"}, "number the columns"),
        ("a\tb\n9\tx\n", {}, "no id of it stands in the triples"),
    ],
)
def test_faults_are_told(tmp_path: Path, table: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        triples(tmp_path, table, **options)
    assert error.value.path == tmp_path / "map.tsv"


def test_a_prefix_leads_from_item_to_entity(tmp_path: Path) -> None:
    (tmp_path / "kg.tsv").write_text(TRIPLES)
    graph = read_triples(TripleGraph(source="triples", files=(tmp_path / "kg.tsv",)))
    items, entity = read_links(LinksConfig(prefix="p_"), IdMap(["2", "1", "9"]), graph)
    assert list(items) == ["2", "1", "9"]
    assert graph.entities.ids(entity[:2]) == ["p_2", "p_1"]
    np.testing.assert_array_equal(entity[2:], [-1])


def test_a_prefix_and_a_map_are_not_both_taken() -> None:
    with pytest.raises((ValueError, ConfigError), match="one of three"):
        LinksConfig(prefix="p_", path=Path("map.csv"))
