"""Graphs described for GraphStorm's gconstruct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.kg import ConfigError, DataError, KnowledgeGraph
from plait.loaders.property.graphstorm import GraphStormGraph, read_graphstorm

CSV = {"name": "csv"}
MOVIES = {
    "node_type": "movie", "node_id_col": "id", "format": {"name": "parquet"}, "files": "nodes/movie*.parquet",
    "features": [{"feature_col": "title", "transform": {"name": "bert_hf", "bert_model": "x", "max_seq_length": 8}},
                 {"feature_col": ["year", "vector"], "feature_name": "f"}],
    "labels": [{"label_col": "genre", "task_type": "classification", "split_pct": [0.8, 0.1, 0.1]}],
}  # fmt: skip
USERS = {
    "type": "user", "node_id_col": "uid", "format": {"name": "csv", "separator": ";"}, "files": ["nodes/user.csv"],
    "features": [{"feature_col": "langs", "transform": {"name": "to_categorical", "separator": "|"}}],
}  # fmt: skip
RATES = {
    "relation": ["user", "rates", "movie"], "source_id_col": "u", "dest_id_col": "m", "format": {"name": "JSON"},
    "files": ["rates.json"], "labels": [{"task_type": "link_prediction", "split_pct": [1, 0, 0]}],
}  # fmt: skip
PLAYS = {
    "relation": ["actor", "plays_in", "movie"],
    "source_id_col": "a",
    "dest_id_col": "m",
    "files": "plays.csv",
    "format": CSV,
}


def described(
    folder: Path, nodes: list[Any] | None = None, edges: list[Any] | None = None, **options: Any
) -> GraphStormGraph:
    (folder / "nodes").mkdir(exist_ok=True)
    first = {"id": [1, 2], "title": ["Ran", None], "year": [1985, 1990], "vector": [[0.5], [0.25]], "genre": ["a", "b"]}
    second = {"id": [3], "title": ["Up"], "year": [2009], "vector": [[0.0]], "genre": [None]}
    for n, table in enumerate((first, second)):
        pq.write_table(pa.table(table), folder / f"nodes/movie{n}.parquet")
    (folder / "nodes/user.csv").write_text("uid;langs;age\n007;en|fr;3\n7;;4\n")
    (folder / "rates.json").write_text(
        '{"u": "007", "m": 3, "w": 4.5, "t": 60}\n{"u": "7", "m": 1, "w": null, "t": 0}\n'
    )
    (folder / "plays.csv").write_text("a,m\nx,1\ny,2\nx,3\n")
    description = {
        "version": "gconstruct-v0.1",
        "nodes": [MOVIES, USERS] if nodes is None else nodes,
        "edges": [RATES, PLAYS] if edges is None else edges,
    }
    (folder / "graph.json").write_text(json.dumps(description))
    return GraphStormGraph.model_validate({"source": "graphstorm", "path": folder / "graph.json"} | options)


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = (graph.relations[r] for r in graph.relation)
    return set(zip(graph.entities.ids(graph.head), names, graph.entities.ids(graph.tail), strict=True))


def literals(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    lit = graph.literals
    predicates = (lit.predicates[p] for p in lit.predicate)
    return set(zip(graph.entities.ids(lit.entity), predicates, lit.value.to_pylist(), strict=True))


def types(graph: KnowledgeGraph) -> dict[str, str]:
    return {name: graph.type_name(number) for number, name in enumerate(graph.entities)}


def test_a_graph_of_three_formats(tmp_path: Path) -> None:
    told: list[str] = []
    left_out: list[str] = []
    config = described(tmp_path, item_space="movie", weight={"rates": "w"}, time={"rates": "t"})
    graph = read_graphstorm(config, left_out=left_out, on_progress=lambda done, total, note: told.append(note))
    # The items' type keeps its ids; actors have no table, so that edges say which there are.
    assert types(graph) == {
        "1": "movie", "2": "movie", "3": "movie", "user/007": "user", "user/7": "user", "actor/x": "actor", "actor/y": "actor",
    }  # fmt: skip
    assert triples(graph) == {
        ("user/007", "rates", "3"), ("user/7", "rates", "1"),
        ("actor/x", "plays_in", "1"), ("actor/y", "plays_in", "2"), ("actor/x", "plays_in", "3"),
    }  # fmt: skip
    # Only columns that the description names; vectors are told of instead.
    assert literals(graph) == {
        ("1", "title", "Ran"), ("3", "title", "Up"), ("1", "year", "1985"), ("2", "year", "1990"), ("3", "year", "2009"),
        ("1", "genre", "a"), ("2", "genre", "b"), ("user/007", "langs", "en"), ("user/007", "langs", "fr"),
    }  # fmt: skip
    assert told[-1] == "5 triples"
    assert left_out == [
        f"the column vector ({name}.parquet) holds vectors, which are left out" for name in ("movie0", "movie1")
    ]
    assert graph.weight is not None and graph.time is not None
    rated = graph.relation == graph.relations.index("rates")
    assert sorted(graph.time[rated]) == [0, 60] and np.isnan(graph.time[~rated]).all()
    assert dict(zip(graph.entities.ids(graph.head[rated]), np.nan_to_num(graph.weight[rated], nan=-1).tolist(), strict=True)) == {
        "user/007": 4.5, "user/7": -1,
    }  # fmt: skip


def test_files_are_named_for_fingerprints(tmp_path: Path) -> None:
    names = [path.relative_to(tmp_path).as_posix() for path in described(tmp_path).paths()]
    assert names == [
        "graph.json", "nodes/movie0.parquet", "nodes/movie1.parquet", "nodes/user.csv", "rates.json", "plays.csv",
    ]  # fmt: skip
    # A folder stands for all files in it, and `root` for where paths start.
    movies = MOVIES | {"files": "nodes"}
    (tmp_path / "nodes/user.csv").rename(tmp_path / "user.csv")
    config = described(tmp_path, [movies], [])
    (tmp_path / "nodes/user.csv").unlink()
    assert [path.name for path in config.paths()][1:] == ["movie0.parquet", "movie1.parquet"]
    config = described(
        tmp_path, [MOVIES | {"files": f"{tmp_path.name}/nodes/movie1.parquet"}], [], root=tmp_path.parent
    )
    assert config.paths()[1] == tmp_path.parent / tmp_path.name / "nodes/movie1.parquet"
    assert list(read_graphstorm(config).entities) == ["3"]


def test_tables_without_ids_go_by_row(tmp_path: Path) -> None:
    years = {"node_type": "movie", "files": ["y0.csv", "y1.csv"], "format": CSV, "features": [{"feature_col": "stars"}]}
    config = described(tmp_path, [years, MOVIES | {"features": [], "labels": []}], [])
    (tmp_path / "y0.csv").write_text("stars\n5\n")
    (tmp_path / "y1.csv").write_text("stars,x\n,\n4,\n")
    assert literals(read_graphstorm(config)) == {("1", "stars", "5"), ("3", "stars", "4")}
    # Where no table has ids, rows are numbered.
    graph = read_graphstorm(described(tmp_path, [years], []))
    assert list(graph.entities) == ["0", "1", "2"]
    assert literals(graph) == {("0", "stars", "5"), ("2", "stars", "4")}
    (tmp_path / "y1.csv").write_text("stars,x\n4,\n")
    with pytest.raises(DataError, match=r"graph\.json: nodes\.0: 2 rows for 3 nodes of the type 'movie'"):
        read_graphstorm(config := described(tmp_path, [years, MOVIES], []))
    assert config.folder == tmp_path


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        ([USERS | {"type": ""}], [], "graph.json: nodes.0.type: String should have at least 1 character"),
        ([{"files": "nodes/user.csv"}], [], "graph.json: nodes.0.node_type: Field required"),
        ([MOVIES, {"node_type": "x"}], [], "graph.json: nodes.1.files: Field required"),
        ([MOVIES | {"files": 3}], [], "graph.json: nodes.0.files: "),
        ([MOVIES | {"format": {"name": "hdf5"}}], [], "graph.json: nodes.0.format.name: HDF5 is not read; write the tables"),
        ([MOVIES | {"format": {"name": "orc"}}], [], "graph.json: nodes.0.format.name: Input should be 'parquet', 'csv' or"),
        ([MOVIES | {"format": CSV}], [], "graph.json: nodes.0.format: csv files end in .csv or .tsv or .txt; rename movie0"),
        ([MOVIES | {"files": "none*.parquet"}], [], "graph.json: nodes.0.files: there is no file none*.parquet below"),
        ([MOVIES | {"files": "/etc/passwd"}], [], "graph.json: nodes.0.files: '/etc/passwd' lies outside"),
        ([MOVIES | {"files": ["nodes/../../x.csv"]}], [], "graph.json: nodes.0.files: 'nodes/../../x.csv' lies outside"),
        ([MOVIES | {"files": "../*.csv"}], [], "graph.json: nodes.0.files: '../*.csv' lies outside"),
        ([MOVIES | {"node_id_col": "ids"}], [], "movie0.parquet: no column 'ids' for `nodes.0.node_id_col`; there are id, "),
        ([MOVIES | {"features": [{"feature_col": "tilte"}]}], [], "no column 'tilte' for `nodes.0.features`; there are"),
        ([MOVIES, MOVIES], [], "movie0.parquet:1: the id '1' has a row already"),
        (None, [RATES | {"relation": ["user", "rates"]}], "graph.json: edges.0.relation.2: Field required"),
        (None, [RATES | {"source_id_col": None}], "graph.json: edges.0.source_id_col: the column of the ids is missing"),
        (None, [PLAYS | {"relation": ["user", "plays_in", "movie"]}], "plays.csv:2: a 'user/x' is in no node table"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_key(
    tmp_path: Path, nodes: list[Any] | None, edges: list[Any] | None, message: str
) -> None:
    config = described(tmp_path, nodes, edges)
    with pytest.raises(DataError) as caught:
        read_graphstorm(config)
    assert message in str(caught.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("uid\nx\n")
    (tmp_path / "in").mkdir()
    config = described(tmp_path / "in", [USERS | {"files": "n*.csv", "features": []}], [])
    (tmp_path / "in/n.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(ConfigError, match=r"there is no file n\*\.csv below"):
        read_graphstorm(config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"nodes": [,]}', r"graph\.json:2: no valid JSON: "),
        ("[]", r"graph\.json: the file: Input should be"),
        ("[" * 100_000, r"graph\.json: no valid JSON: it is not UTF-8 text, or nested too deeply"),
        ("{}", "the graph is empty: no node in no file given"),
    ],
)
def test_a_description_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    config = described(tmp_path)
    config.path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_graphstorm(config)
    config.path.unlink()
    with pytest.raises(ConfigError, match=r"graph\.json: no such file"):
        config.paths()


def test_options_that_name_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no relation 'rate'; there are plays_in, rates"):
        read_graphstorm(described(tmp_path, weight={"rate": "w"}))
    with pytest.raises(
        DataError, match="item_space is 'film', which no node table has as its id space; there are actor, "
    ):
        read_graphstorm(described(tmp_path, item_space="film"))


def test_features_of_edges_are_told_of(tmp_path: Path) -> None:
    features = {"features": [{"feature_col": ["w", "t"]}], "labels": [{"label_col": "x"}]}
    left_out: list[str] = []
    config = described(tmp_path, [MOVIES | {"features": []}, USERS], [RATES | features], weight={"rates": "w"})
    read_graphstorm(config, left_out=left_out)
    assert left_out == [
        f"the column {name} (rates.json) is left out: edges have no literals; give it as `weight` or `time`, if it is one"
        for name in ("t", "x")
    ]


def test_a_pattern_may_be_a_whole_path(tmp_path: Path) -> None:
    config = described(tmp_path, [MOVIES | {"files": f"{tmp_path}/nodes/*1.parquet"}], [])
    assert config.paths()[1:] == [tmp_path / "nodes/movie1.parquet"]
    assert list(read_graphstorm(config).entities) == ["3"]


@pytest.mark.parametrize("pattern", ["nodes/a**.parquet", "nodes/**a", "nodes/\0*"])
def test_a_pattern_that_is_none_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"graph\.json: nodes\.0\.files: .*is no pattern of files"):
        read_graphstorm(described(tmp_path, [MOVIES | {"files": pattern}], []))
