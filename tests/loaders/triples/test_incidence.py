"""Item-entity matrices: every entry a triple between ids, nothing else read as a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from plait.kg import DataError
from plait.loaders.triples.incidence import IncidenceGraph, read_incidence

MATRIX = np.array([[0, 2, 0, 0, 1], [0, 0, 0, 3, 0], [0, 0, 0, 0, 4]], dtype=np.float32)


@pytest.fixture
def config(tmp_path: Path) -> IncidenceGraph:
    sp.save_npz(tmp_path / "m.npz", sp.csr_array(MATRIX))
    # In another order than by number, and with the ids' zeros.
    (tmp_path / "item_list.txt").write_text("org_id remap_id freebase_id\n007 1 m.1\n7 0 m.0\nx 2 m.2\n")
    return IncidenceGraph(source="incidence", path=tmp_path / "m.npz", items=tmp_path / "item_list.txt", relation="has")


def test_every_entry_is_a_triple(config: IncidenceGraph) -> None:
    graph = read_incidence(config)
    assert list(graph.entities) == ["7", "007", "x", "entity/3", "entity/4"]
    assert list(graph.relations) == ["has"]
    assert graph.weight is not None
    triples = set(zip(graph.entities.ids(graph.head), graph.entities.ids(graph.tail), graph.weight, strict=True))
    assert triples == {("7", "007", 2), ("7", "entity/4", 1), ("007", "entity/3", 3), ("x", "entity/4", 4)}
    assert [graph.type_name(n) for n in range(3)] == ["item"] * 3


def test_rows_that_are_not_the_items_are_refused(config: IncidenceGraph) -> None:
    sp.save_npz(config.path, sp.csr_array(MATRIX[:2]))
    with pytest.raises(DataError, match=r"shape \(2, 5\), and item_list.txt 3 items"):
        read_incidence(config)


def test_values_that_are_no_number_are_refused(config: IncidenceGraph) -> None:
    sp.save_npz(config.path, sp.csr_array(np.where(MATRIX == 3, np.nan, MATRIX)))
    with pytest.raises(DataError, match="no finite number"):
        read_incidence(config)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_what_is_no_matrix_is_refused(config: IncidenceGraph, content: bytes) -> None:
    config.path.write_bytes(content)
    with pytest.raises(DataError, match="no sparse matrix"):
        read_incidence(config)


def test_objects_are_never_unpickled(config: IncidenceGraph) -> None:
    np.savez(config.path, data=np.array([{"a": 1}], dtype=object), format=np.array("csr"), shape=np.array([3, 5]))
    with pytest.raises(DataError, match="no sparse matrix"):
        read_incidence(config)


def test_a_missing_list_is_named(config: IncidenceGraph) -> None:
    config.items.unlink()
    with pytest.raises(DataError, match=r"item_list\.txt"):
        read_incidence(config)
