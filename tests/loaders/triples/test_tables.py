"""Tables of triples: with a header or without, in every kind of file."""

from __future__ import annotations

import bz2
import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import ConfigError, DataError, IdMap, KnowledgeGraph
from plait.loaders.links import LinksConfig, read_links
from plait.loaders.triples.tables import TripleGraph, read_triples

ROWS = [("007", "made by", '"Acme'), ("7", "made by", "Ünïcode Ltd"), ("7", "part_of", "007")]


def graph_of(path: Path, **options: Any) -> KnowledgeGraph:
    return read_triples(TripleGraph.model_validate({"source": "triples", "files": [path]} | options))


def triples(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    names = (graph.relations[r] for r in graph.relation)
    return set(zip(graph.entities.ids(graph.head), names, graph.entities.ids(graph.tail), strict=True))


def types(graph: KnowledgeGraph) -> dict[str, str]:
    return {name: graph.type_name(number) for number, name in enumerate(graph.entities)}


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("t.tsv", "head\trelation\ttail"), ("t.tsv", "Subject\tPredicate\tObject"), ("t.txt", ""), ("t.tsv", ""),
        ("t.kg", "head_id:token\trelation_id:token\ttail_id:token"), ("t.kg", "a:token\tb:token\tc:token"),
        ("t.tsv.gz", "head\trelation\ttail"), ("t.txt.bz2", ""),
    ],
)  # fmt: skip
def test_tab_separated_files(tmp_path: Path, name: str, header: str) -> None:
    text = "".join(f"{line}\n" for line in [*([header] if header else []), *("\t".join(row) for row in ROWS)]).encode()
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(text))
    graph = graph_of(tmp_path / name)
    # Quotation marks are characters there, and 007 is not 7.
    assert triples(graph) == set(ROWS)
    assert list(graph.entities) == ["007", "7", '"Acme', "Ünïcode Ltd"]


def test_csv_quotes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('\ufeffhead,relation,tail\na,"likes, a lot","b ""x"""\n\nb,r,c\n')
    assert triples(graph_of(tmp_path / "t.csv")) == {("a", "likes, a lot", 'b "x"'), ("b", "r", "c")}
    (tmp_path / "t.csv").write_text('a,r,b\nc,r,"d\ne,r,f\ng,r,h"\n')
    with pytest.raises(DataError, match=r"t\.csv: a tail spans several lines; is a quotation mark never closed"):
        graph_of(tmp_path / "t.csv")


def test_parquet_with_numbers_as_ids(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tail": [1, 2], "head": [10, 10], "relation": ["r", "s"]}), tmp_path / "t.parquet")
    assert triples(graph_of(tmp_path / "t.parquet")) == {("10", "r", "1"), ("10", "s", "2")}


def test_columns_by_name_and_by_number(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n,to,why,who,at\n1.5,b,r,a,1970-01-01T00:00:07\n,c,r,a,\n")
    named = {"head": "who", "relation": "why", "tail": "to", "weight": "n", "time": "at"}
    numbered = {"head": 4, "relation": 3, "tail": 2, "weight": 1, "time": 5, "header": True}
    for options in (named, numbered):
        graph = graph_of(tmp_path / "t.csv", **options)
        assert triples(graph) == {("a", "r", "b"), ("a", "r", "c")}
        assert graph.weight is not None and graph.time is not None
        assert graph.weight[0] == 1.5 and graph.time[0] == 7 and np.isnan(graph.weight[1]) and np.isnan(graph.time[1])
    # The same without a header.
    (tmp_path / "t.csv").write_text("1.5,b,r,a,7000000000000\n,c,r,a,7000000001000\n")
    graph = graph_of(tmp_path / "t.csv", **(numbered | {"header": "auto"}))
    assert triples(graph) == {("a", "r", "b"), ("a", "r", "c")}
    assert graph.time is not None and graph.time.tolist() == [7e9, 7e9 + 1]  # milliseconds, by their size


def test_header_can_be_stated(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("x\ty\tz\na\tr\tb\n")
    assert triples(graph_of(tmp_path / "t.tsv")) == {("x", "y", "z"), ("a", "r", "b")}
    assert triples(graph_of(tmp_path / "t.tsv", header=True)) == {("a", "r", "b")}
    (tmp_path / "t.tsv").write_text("head\trelation\ttail\na\tr\tb\n")
    assert triples(graph_of(tmp_path / "t.tsv", header=False)) == {("head", "relation", "tail"), ("a", "r", "b")}


def test_several_files_share_their_entities_and_repeats_count_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a r b\nb r c\n")
    (tmp_path / "b.txt").write_text("c s a\na r b\n")
    told: list[tuple[int, int | None]] = []
    config = TripleGraph(source="triples", files=(tmp_path / "a.txt", tmp_path / "b.txt"), separator=" ")
    graph = read_triples(config, on_progress=lambda done, total, note: told.append((done, total)))
    assert triples(graph) == {("a", "r", "b"), ("b", "r", "c"), ("c", "s", "a")}
    assert (graph.n_entities, graph.duplicates, config.paths()) == (3, 1, list(config.files))
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_types_by_relation_and_labels(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("p1\tmade_by\tb1\np2\tmade_by\tb1\np1\tlike\tp2\nq\tlike\tp1\n")
    (tmp_path / "l.csv").write_text("id,label,type\np1,Pan,\nb1,,Firm\nz,Alone,Thing\n")
    options = {
        "types": {"made_by": ["Product", None], "like": [None, "Product"]},
        "labels": {"path": tmp_path / "l.csv"},
    }
    graph = graph_of(tmp_path / "t.tsv", **options)
    assert types(graph) == {"p1": "Product", "p2": "Product", "b1": "Firm", "q": "untyped", "z": "Thing"}
    literals = graph.literals
    assert literals.predicates == ("label",)
    assert dict(zip(graph.entities.ids(literals.entity), literals.value.to_pylist(), strict=True)) == {
        "p1": "Pan", "z": "Alone",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="the relation 'made-by', which no triple has; did you mean 'made_by'"):
        graph_of(tmp_path / "t.tsv", types={"made-by": ["Product", "Firm"]})


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a\tr\tb\n\na\tr\n", {}, "t.tsv:3: the row has 2 cells, the first line 3"),
        ("head\trelation\ttail\na\tr\tb\n\na\tr\n", {}, "t.tsv:4: the row has 2 cells, the first line 3"),
        ("a\tr\tb\na\t\tb\n", {}, "t.tsv:2: the relation is empty"),
        ("\tr\tb\na\tr\tb\n", {}, "t.tsv:1: the head is empty"),
        ("head\trelation\ttail\na\tr\t\n", {}, "t.tsv:2: the tail is empty"),
        ("a\tr\tb\t1\na\tr\tc\tmuch\n", {"weight": 4}, "t.tsv:2: the weight is 'much', not a finite number"),
        ("head\trelation\ttail\tw\na\tr\tb\t1\na\tr\tc\t1e39\n", {"weight": "w"}, "t.tsv:3: the weight 1e+39 is too large"),
        ("a\tr\tb\tnow\n", {"time": 4}, "t.tsv:1: the time 'now' is neither"),
        ("a\tr\tb\n", {"weight": 4}, "t.tsv: there is no column 4 for the weight; there are 3"),
        ("a\tr\tb\n", {"weight": "w"}, "t.tsv: no column 'w' for the weight: the first line was not taken for a header"),
        ("x\ty\tz\na\tr\tb\n", {"weight": "w", "header": True}, "t.tsv: no column 'w' for the weight; there are x, y, z"),
        ("a r b\n", {}, "t.tsv:1: 3 columns or more are wanted, the first line has 1"),
        ("a\tr\tb\n", {"head": 2, "relation": 1, "tail": 2}, ""),
        ("\n", {}, "t.tsv: the file is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    (tmp_path / "t.tsv").write_text(text)
    if not message:
        assert triples(graph_of(tmp_path / "t.tsv", **options)) == {("r", "a", "r")}
        return
    with pytest.raises(DataError) as caught:
        graph_of(tmp_path / "t.tsv", **options)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


@pytest.mark.parametrize("text", ["head\trelation\ttail\n", "head\trelation\ttail"])
def test_a_file_without_triples_is_no_harm_beside_one_with_some(tmp_path: Path, text: str) -> None:
    (tmp_path / "none.tsv").write_text(text)
    with pytest.raises(DataError, match=r"none\.tsv: the graph is empty: no triple in this file"):
        graph_of(tmp_path / "none.tsv")
    (tmp_path / "one.tsv").write_text("a\tr\tb\n")
    both = TripleGraph(source="triples", files=(tmp_path / "none.tsv", tmp_path / "one.tsv"))
    assert triples(read_triples(both)) == {("a", "r", "b")}


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name, data, message in (
        ("absent.tsv", None, "no such file"), ("t.xlsx", b"x", "unknown kind of table"),
        ("t.tsv", b"a\tr\t\xff\n", "not UTF-8"), ("t.tsv.gz", b"a\tr\tb\n", "cannot be read"),
    ):  # fmt: skip
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=message):
            graph_of(tmp_path / name)


WORDS = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=("Cs", "Cc")), min_size=1).filter(
    str.strip
)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=8), st.booleans())
def test_whatever_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[Any], header: bool) -> None:
    path = tmp_path_factory.mktemp("triples") / "t.tsv"
    lines = ["\t".join(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in [*(["head\trelation\ttail"] if header else []), *lines]))
    graph = graph_of(path, header=header)
    assert triples(graph) == set(rows)
    assert graph.duplicates == len(rows) - len(set(rows))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "n_triples", "n_relations", "n_entities"),
    [
        ("ml-100k/ml-100k.kg", 91_631, 24, 34_628),
        ("lightkg-lastfm/lastfm.kg", 15_518, 60, 9_366),
        ("amazon-beauty/kg.tsv.gz", 1_115_330, 5, 128_378),
    ],
)
def test_published_graphs(name: str, n_triples: int, n_relations: int, n_entities: int) -> None:
    graph = graph_of(Path(os.environ["PLAIT_DATA"]) / name)
    # None of the three repeats a triple.
    found = (graph.n_triples, len(graph.relations), graph.n_entities, graph.duplicates)
    assert found == (n_triples, n_relations, n_entities, 0)


@pytest.mark.data
def test_a_published_graph_agrees_with_a_plain_reading_and_its_links() -> None:
    folder = Path(os.environ["PLAIT_DATA"]) / "lightkg-lastfm"
    graph = graph_of(folder / "lastfm.kg")
    lines = (folder / "lastfm.kg").read_text(encoding="utf-8").splitlines()[1:]
    assert triples(graph) == {tuple(line.split("\t")) for line in lines}
    pairs = [line.split("\t") for line in (folder / "lastfm.link").read_text(encoding="utf-8").splitlines()[1:]]
    items, linked = read_links(LinksConfig(path=folder / "lastfm.link"), IdMap([]), graph)
    known = {item: entity for item, entity in pairs if entity in set(graph.entities)}
    assert dict(zip(items, graph.entities.ids(linked), strict=True)) == known
    assert len(known) > 3_000


@pytest.mark.parametrize("blank", ["\n", "\r\n\r\n", "\ufeff\n\n"])
def test_blank_lines_above_the_header_are_nothing(tmp_path: Path, blank: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(blank + "head,relation,tail\nA,knows,B\n", newline="")
    assert triples(graph_of(path)) == {("A", "knows", "B")}
    lines = blank.count("\n")
    for row, message in (("C,knows", "the row has 2 cells"), ("C,knows,", "the tail is empty")):
        path.write_text(blank + f"head,relation,tail\nA,knows,B\n\n{row}\n", newline="")
        with pytest.raises(DataError, match=rf"t\.csv:{lines + 4}: {message}"):
            graph_of(path)
    path.write_text(blank + "A,B\n", newline="")
    with pytest.raises(DataError, match=rf"t\.csv:{lines + 1}: 3 columns or more are wanted, the first line has 2"):
        graph_of(path)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('"Smith, John",knows,Mary\nA,knows,B\n', {}),
        ('"a, b",head,relation,tail\n1,"Smith, John",knows,Mary\n2,A,knows,B\n', {}),
        ('"a, ""b""",from,how,to\n1,"Smith, John",knows,Mary\n2,A,knows,B\n', {"head": 2, "relation": 3, "tail": 4, "header": True}),
    ],
)  # fmt: skip
def test_a_first_line_may_quote_a_comma(tmp_path: Path, text: str, options: dict[str, Any]) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert triples(graph_of(tmp_path / "t.csv", **options)) == {("Smith, John", "knows", "Mary"), ("A", "knows", "B")}


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "t.kg"])
@pytest.mark.parametrize(("row", "message"), [("g\tr\t", "the tail is empty"), ("g\tr", "the row has 2 cells")])
def test_a_quotation_mark_that_is_a_character_moves_no_line(tmp_path: Path, name: str, row: str, message: str) -> None:
    (tmp_path / name).write_text(f'head\trelation\ttail\n"A\tr\tb\nC\tr\td\nE"\tr\tf\n{row}\n' + "x\tr\ty\n" * 6)
    with pytest.raises(DataError, match=rf"{name}:5: {message}"):
        graph_of(tmp_path / name)


def test_a_bad_row_of_a_large_file_is_named_by_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.loaders.triples.columns.LARGE", 0)
    (tmp_path / "t.tsv").write_text("a\tr\tb\n" * 7 + "c\tr\n")
    with pytest.raises(DataError, match=r"t\.tsv:8: the row has 2 cells, the first line 3"):
        graph_of(tmp_path / "t.tsv")
    (tmp_path / "t.tsv").write_text("a\tr\tb\n" * 7)
    assert triples(graph_of(tmp_path / "t.tsv")) == {("a", "r", "b")}
