"""One YAML file outside, one frozen object inside; what is wrong is told with its line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from plait.fusion import Config, read_config
from plait.kg import ConfigError
from plait.loaders.property.config import TableGraph

GOOD = """\
data:
  interactions:
    path: ${PLAIT_TEST_FOLDER:-logs}/log.csv
  graph:
    source: rdf
    files: [a.nt, sub/b.ttl.gz]
    schema: {language: de}
gnn: {layers: 3}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.nt", "sub/b.ttl.gz"):
        (tmp_path / name).touch()
    config = read_config(write(tmp_path, GOOD))
    assert config.data.interactions.path == tmp_path / "logs" / "log.csv"
    assert config.data.graph is not None
    assert config.data.files() == [tmp_path / "logs/log.csv", tmp_path / "a.nt", tmp_path / "sub/b.ttl.gz"]
    assert config.data.graph.schema_.language == "de"
    assert config.gnn.layers == 3


def test_only_paths_are_made_absolute(tmp_path: Path) -> None:
    text = """\
data:
  interactions: {path: ~/log.csv, user: path}
  graph:
    source: tables
    nodes: [products.csv, {path: brands.csv, id: path/nodes}]
    mapping:
      collapse: [{name: files, path: [nodes, edges]}]
    schema: {literals: {path: text}}
"""
    data = read_config(write(tmp_path, text)).data
    assert data.interactions.path == Path.home() / "log.csv"
    assert data.interactions.user == "path"
    assert isinstance(data.graph, TableGraph)
    assert [(table.path, table.id) for table in data.graph.nodes] == [
        (tmp_path / "products.csv", None), (tmp_path / "brands.csv", "path/nodes"),
    ]  # fmt: skip
    assert data.graph.mapping.collapse[0].path == ("nodes", "edges")
    assert data.graph.schema_.literals == {"path": "text"}


def test_variables_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_TEST_FOLDER", str(tmp_path / "there"))
    assert read_config(write(tmp_path, GOOD)).data.interactions.path == tmp_path / "there" / "log.csv"


def test_a_config_survives_saving(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD))
    assert Config.model_validate(config.model_dump(mode="json", by_alias=True)) == config


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("layers: 3", "layer: 3", r"config.yaml:8: unknown key 'layer' in gnn; did you mean 'layers'\?"),
        ("gnn:", "gnnn:", r"config.yaml:8: unknown key 'gnnn' in the file; did you mean 'gnn'\?"),
        ("files:", "filez:", r"config.yaml:(4|6): .*(filez|files)"),
        ("{language: de}", "{lang: de}", r"config.yaml:7: unknown key 'lang' in data.graph.schema"),
        ("layers: 3", "layers: 0", r"config.yaml:8: gnn.layers: input should be greater than or equal to 1"),
        ("layers: 3", "layers: many", r"config.yaml:8: gnn.layers: input should be a valid integer"),
        (
            "source: rdf",
            "source: spaqrl",
            r"config.yaml:4: data.graph.source: there is no source 'spaqrl'; did you mean 'sparql'\?",
        ),
        (
            "source: rdf",
            "source: excel",
            r"config.yaml:4: data.graph.source: .*'excel'; known are rdf, store, sparql, tables",
        ),
        (
            "{language: de}",
            "{langage: de}",
            r"config.yaml:7: unknown key 'langage' in data.graph.schema; did you mean 'language'\?",
        ),
        (
            "{language: de}",
            "{xyz: de}",
            r"unknown key 'xyz' in data.graph.schema; known are item_type, language, literals",
        ),
        ("{language: de}", "{exclude_relations: [p]}", r"it is data.graph.mapping.exclude_relations now"),
        ("${PLAIT_TEST_FOLDER:-logs}", "${PLAIT_NO_SUCH}", r"config.yaml:3: .*PLAIT_NO_SUCH is not set"),
        (
            "source: rdf",
            "language: en",
            r"config.yaml:4: data.graph.source is missing: one of rdf, store, sparql, tables",
        ),
        (
            "files: [a.nt, sub/b.ttl.gz]",
            "files: [a.nt]\n    nodes: [b.csv]",
            r"unknown key 'nodes' in data.graph; known are .*files",
        ),
        ("gnn: {", "gnn: [", r"config.yaml:\d+: no valid YAML"),
        (
            "    path: ${PLAIT_TEST_FOLDER:-logs}/log.csv",
            "    user: u",
            r"config.yaml:2: data.interactions.path is missing",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=message) as caught:
        read_config(write(tmp_path, GOOD.replace(old, new)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n"])
def test_a_file_without_keys(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="keys and values"):
        read_config(write(tmp_path, text))


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("data: größe".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "latin.yaml")


def test_a_given_split_wants_both_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="strategy: given needs test_path"):
        read_config(write(tmp_path, GOOD + "split: {strategy: given, valid_path: v.csv}\n"))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: &a [x]\n" + "".join(f"{c}: &{c} [*{b}, *{b}, *{b}, *{b}]\n" for b, c in pairwise("abcdefghijklmnop")),
            "config.yaml",
        ),
        ("data: &a {b: *a}\n", "config.yaml"),
        ("data: " + "[" * 5000, "config.yaml"),
        ("data: 2021-99-99\n", "config.yaml"),
        ("data: !!int foo\n", "config.yaml"),
        ("data: !!python/object/apply:os.system [ls]\n", "config.yaml:1"),
        ("data: {}\ndata: {}\n", "config.yaml:2"),
    ],
)
def test_a_hostile_file_is_refused_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(write(tmp_path, text))
