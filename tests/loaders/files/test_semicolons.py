"""CSV files with semicolons, as spreadsheets write them where the comma is the decimal point."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from plait.kg import DataError, IdMap
from plait.loaders import InteractionsConfig, ItemsConfig, read_interactions, read_items, read_table
from plait.loaders.files.streams import delimiter_of, line_of
from plait.loaders.property.tables import read_property_tables
from plait.loaders.triples.tables import TripleGraph, read_triples


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder / name


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.csv", "user;item\nx,y;z\n", ";"),
        ("a.csv.gz", "user;item\n", ";"),
        ("a.csv", "\ufeff\r\n\nuser;item\r\n", ";"),
        ("a.csv", "user,note;or none\n", ","),  # a comma in the header decides
        ("a.csv", "user\na;b\n", ","),  # the rows do not
        ("a.csv", "", ","),
        ("a.tsv", "user;item\n", "\t"),
        ("a.inter", "user;item\n", "\t"),
    ],
)
def test_the_header_tells(tmp_path: Path, name: str, text: str, wanted: str) -> None:
    assert delimiter_of(written(tmp_path, name, text)) == wanted


def test_every_reader_takes_them(tmp_path: Path) -> None:
    (log,), _ = read_interactions(InteractionsConfig(path=written(tmp_path, "l.csv", "user;item;rating\nu;i,1;4\n")))
    assert (list(log.users), list(log.items), log.weight.tolist()) == (["u"], ["i,1"], [4.0])
    items = ItemsConfig(path=written(tmp_path, "i.csv", 'item;title\n"i;2";"A; B"\n'))
    assert read_items(items, IdMap(["i;2"])).titles.to_pylist() == ["A; B"]
    nodes, edges = (
        written(tmp_path, "n.csv", ":ID;name\na;A, B\n"),
        written(tmp_path, "e.csv", ":START_ID;:END_ID\na;a\n"),
    )
    assert read_property_tables([nodes], [edges]).literals.value.to_pylist() == ["A, B"]
    for text in ('head;relation;tail\na;r;"b;c"\n', 'a;r;"b;c"\n'):
        graph = read_triples(TripleGraph(source="triples", files=(written(tmp_path, "t.csv", text),)))
        assert list(graph.entities) == ["a", "b;c"]
    # Stated, it is what is stated.
    assert read_table(tmp_path / "e.csv", separator=",").column_names == [":START_ID;:END_ID"]


def test_rows_are_found_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, "l.csv", 'user;item;rating\nu;"i\n1";4\nv;i2;x\n')
    assert line_of(path, 1) == 4
    with pytest.raises(DataError, match=r"l\.csv:4: the weight is 'x'"):
        read_interactions(InteractionsConfig(path=path))
