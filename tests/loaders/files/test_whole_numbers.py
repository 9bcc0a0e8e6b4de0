"""Whole numbers in columns of floats: every reader spells such an id as a column of integers would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import DataError, IdMap, KnowledgeGraph
from plait.loaders import InteractionsConfig, ItemsConfig, LinksConfig, read_interactions, read_items, read_links
from plait.loaders.files.tables import words_of
from plait.loaders.files.whole_numbers import inexact, whole_numbers
from plait.loaders.property.config import ForeignKey, NodeTable
from plait.loaders.property.tables import read_property_tables
from plait.loaders.triples.tables import TripleGraph, read_triples

LARGE, NEXT = 12345678901, 12345678902
PLACE = Path("table.parquet")


def written(folder: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), folder / "table.parquet")
    return folder / "table.parquet"


@given(st.lists(st.one_of(st.none(), st.integers(-(2**53) + 1, 2**53 - 1)), max_size=9), st.booleans())
def test_integers_with_gaps_are_spelled_as_integers(numbers: list[int | None], nan: bool) -> None:
    gap = float("nan") if nan else None
    floats = pa.chunked_array([pa.array([gap if n is None else float(n) for n in numbers], pa.float64())])
    assert words_of(floats, "id", PLACE).to_pylist() == [None if n is None else str(n) for n in numbers]


def test_fractions_stay_and_nan_is_null() -> None:
    assert words_of(pa.chunked_array([[0.5, 7.0, float("nan")]]), "id", PLACE).to_pylist() == ["0.5", "7", None]
    assert whole_numbers(pa.array(["1.0"])).to_pylist() == ["1.0"]


@pytest.mark.parametrize(("kind", "bits"), [(pa.float16(), 11), (pa.float32(), 24), (pa.float64(), 53)])
def test_numbers_that_a_float_cannot_tell_apart_are_no_ids(kind: pa.DataType, bits: int) -> None:
    below, at = (pa.chunked_array([pa.array(np.array([n], kind.to_pandas_dtype()))]) for n in (2**bits - 1, -(2**bits)))
    assert (inexact(below), inexact(at)) == (False, True)
    assert words_of(below, "id", PLACE).to_pylist() == [str(2**bits - 1)]
    with pytest.raises(DataError, match=f"the id column holds numbers too large to be exact as {kind}; store them as"):
        words_of(at, "id", PLACE)


def test_every_reader_spells_them_alike(tmp_path: Path) -> None:
    (log,), _ = read_interactions(InteractionsConfig(path=written(tmp_path, user=["u", "v"], item=[LARGE + 0.0, NEXT])))
    assert list(log.items) == ["12345678901", "12345678902"]
    none = np.empty(0, dtype=np.int64)
    graph = KnowledgeGraph.build(IdMap(["7", "12345678902"]), [], none, none, none)
    links = LinksConfig(path=written(tmp_path, item_id=[float(LARGE), float(NEXT), None], entity_id=[7.0, NEXT, 7]))
    assert read_links(links, log.items, graph)[1].tolist() == [0, 1]
    items = ItemsConfig(path=written(tmp_path, item_id=[float(LARGE), None], title=[1984.0, 12345678903.0]))
    assert read_items(items, log.items).titles.to_pylist() == ["1984", None]
    path = written(tmp_path, head=[float(LARGE), 1.0], relation=["r", "r"], tail=[float(NEXT), 2.0])
    assert list(read_triples(TripleGraph(source="triples", files=(path,))).entities) == ["12345678901", "1", "12345678902", "2"]  # fmt: skip
    path = written(tmp_path, id=[float(LARGE), 2.0], brand=[float(NEXT), None], cost=[1e20, 0.5])
    table = NodeTable(path=path, id="id", relations={"brand": ForeignKey(name="made_by", create=True)})
    graph = read_property_tables([table])
    assert list(graph.entities) == ["12345678901", "2", "12345678902"]
    assert graph.literals.value.to_pylist() == ["1e+20", "0.5"]  # a property is no id: as large as it likes


def test_nan_is_an_empty_cell(tmp_path: Path) -> None:
    nan = float("nan")
    with pytest.raises(DataError, match=r"table\.parquet:2: the user's id is empty"):
        read_interactions(InteractionsConfig(path=written(tmp_path, user=[196.0, nan], item=["a", "b"])))
    path = written(tmp_path, head=[1.0, 2.0, 3.0], relation=["r"] * 3, tail=[4.0, 5.0, nan])
    with pytest.raises(DataError, match=r"table\.parquet:3: the tail is empty"):
        read_triples(TripleGraph(source="triples", files=(path,)))
