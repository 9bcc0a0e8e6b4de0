"""A graph saved and read again is the same graph, or the folder is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.kg import DataError, KnowledgeGraph
from plait.loaders import SavedGraph, read_graph, read_rdf, read_saved_graph, save_graph
from plait.loaders.collector import TripleCollector

TEXT = """\
<x:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <x:T> .
<x:a> <x:p> <x:b> .
<x:b> <x:q> <x:a> .
<x:a> <x:p> <x:b> .
<x:a> <x:name> "one"@en .
<x:a> <x:name> "eins"@de .
<x:b> <x:price> "2.5"^^<http://www.w3.org/2001/XMLSchema#decimal> .
"""


@pytest.fixture
def graph(tmp_path: Path) -> KnowledgeGraph:
    (tmp_path / "a.nt").write_text(TEXT)
    return read_rdf([tmp_path / "a.nt"])


def test_a_round_trip_loses_nothing(tmp_path: Path, graph: KnowledgeGraph, facts: Callable[[Any], Any]) -> None:
    save_graph(graph, tmp_path / "saved")
    again = read_saved_graph(tmp_path / "saved")
    assert facts(again) == facts(graph)
    assert (again.entities, again.relations, again.types) == (graph.entities, graph.relations, graph.types)
    assert again.type_of.tolist() == graph.type_of.tolist()
    assert again.duplicates == graph.duplicates == 1
    config = SavedGraph(source="saved", folder=tmp_path / "saved")
    assert facts(read_graph(config).graph) == facts(graph)
    assert all(path.is_file() for path in config.paths())


def test_weights_and_times_come_along(tmp_path: Path) -> None:
    collector = TripleCollector()
    words = [pa.array(column, pa.large_string()) for column in (["u", "v", "u"], ["met"] * 3, ["x", "x", "y"])]
    collector.add_edges(*words, weight=np.array([1.5, np.nan, 2]), time=np.array([np.nan, 7e8, 8e8]))
    graph = collector.graph()
    save_graph(graph, tmp_path / "saved")
    again = read_saved_graph(tmp_path / "saved")
    assert again.weight is not None and again.time is not None
    np.testing.assert_array_equal(again.weight, graph.weight)
    np.testing.assert_array_equal(again.time, graph.time)


def test_a_graph_of_networkx_can_be_trained_on(tmp_path: Path) -> None:
    import networkx as nx

    source = nx.DiGraph()
    source.add_edge("pan", 'a "brand", quoted', relation="made by")
    save_graph(KnowledgeGraph.from_networkx(source), tmp_path / "saved")
    graph = read_saved_graph(tmp_path / "saved")
    assert (list(graph.entities), graph.relations) == (["pan", 'a "brand", quoted'], ("made by",))


def test_saving_replaces_a_saved_graph_and_nothing_else(tmp_path: Path, graph: KnowledgeGraph) -> None:
    save_graph(graph, tmp_path / "saved")
    save_graph(graph, tmp_path / "saved")
    (tmp_path / "saved" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        save_graph(graph, tmp_path / "saved")
    with pytest.raises(DataError, match="holds something else"):
        save_graph(graph, tmp_path / "a.nt")
    assert (tmp_path / "saved" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "a.nt").read_text() == TEXT


def _edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "graph.json").unlink(), "there is no saved graph"),
        (lambda f: (f / "graph.json").write_text("{"), "cannot be read"),
        (lambda f: _edit(f / "graph.json", format=99), "another version"),
        (lambda f: _edit(f / "graph.json", relations=["x:p"]), "relation has a number that stands for nothing"),
        (lambda f: _edit(f / "graph.json", predicates=[]), "predicate has a number that stands for nothing"),
        (lambda f: (f / "graph.json").write_text('{"format": 1}'), "was changed"),
        (lambda f: (f / "triples.parquet").unlink(), "triples.parquet: no such file"),
        (lambda f: (f / "triples.parquet").write_bytes(b"PAR1"), "triples.parquet: cannot be read"),
        (lambda f: pq.write_table(pa.table({"id": ["x:a"], "type": [0]}), f / "entities.parquet"), "stands for nothing"),
        (lambda f: pq.write_table(pa.table({"id": ["x:a", "x:a"], "type": [0, 0]}), f / "entities.parquet"), "was changed"),
        (lambda f: pq.write_table(pa.table({"head": [0]}), f / "triples.parquet"), "was changed"),
    ],
)  # fmt: skip
def test_a_folder_that_was_changed_is_refused(
    tmp_path: Path, graph: KnowledgeGraph, spoil: Callable[[Path], Any], message: str
) -> None:
    save_graph(graph, tmp_path / "saved")
    spoil(tmp_path / "saved")
    with pytest.raises(DataError, match=message):
        read_saved_graph(tmp_path / "saved")
