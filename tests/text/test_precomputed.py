"""Vectors by id, from .npy and Parquet: which node gets which, which is missing, and files that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import ConfigError, DataError
from plait.text.config import StoredVectors, TextConfig
from plait.text.load import load_encoder
from plait.text.precomputed import PrecomputedVectors, read_vectors

IDS = ["007", "7", 'a "b"', "无线", "two words"]
VECTORS = np.array([[1, 2, 3], [4, 5, 6], [0, 0, 0], [7, 8, 9], [-1, 0, 1]], dtype=np.float32)
ASKED = ["无线", "7", "nobody", "007", "7", 'a "b"']
EXPECTED = [[7, 8, 9], [4, 5, 6], [0, 0, 0], [1, 2, 3], [4, 5, 6], [0, 0, 0]]
PRESENT = [True, True, False, True, True, False]


def as_npy(folder: Path, dtype: str = "float32") -> StoredVectors:
    np.save(folder / "v.npy", VECTORS.astype(dtype))
    (folder / "ids.txt").write_text("\n".join(IDS) + "\n", encoding="utf-8")
    return StoredVectors(vectors=folder / "v.npy", ids=folder / "ids.txt")


def as_parquet(folder: Path, kind: Any = None) -> StoredVectors:
    vectors = pa.array(VECTORS.tolist(), kind or pa.list_(pa.float32()))
    pq.write_table(
        pa.table({"asin": IDS, "embedding": vectors, "more": range(5)}), folder / "v.parquet", row_group_size=2
    )
    return StoredVectors(vectors=folder / "v.parquet", id="asin", vector="embedding")


@pytest.mark.parametrize("make", [as_npy, as_parquet])
def test_each_id_gets_its_own(tmp_path: Path, make: Any) -> None:
    stored = read_vectors(make(tmp_path))
    features = stored.features(ASKED)
    assert (stored.dimension, features.vectors.dtype) == (3, np.float32)
    np.testing.assert_array_equal(features.vectors, EXPECTED)
    assert features.present.tolist() == PRESENT
    assert stored.features([]).vectors.shape == (0, 3)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8"])
def test_other_numbers_in_npy(tmp_path: Path, dtype: str) -> None:
    np.testing.assert_array_equal(read_vectors(as_npy(tmp_path, dtype)).features(ASKED).vectors, EXPECTED)


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3), pa.list_(pa.int16())]
)
def test_other_lists_in_parquet(tmp_path: Path, kind: Any) -> None:
    np.testing.assert_array_equal(read_vectors(as_parquet(tmp_path, kind)).features(ASKED).vectors, EXPECTED)


@given(st.permutations(range(5)), st.lists(st.sampled_from([*IDS, "x"]), max_size=9))
def test_the_order_of_the_file_does_not_matter(order: list[int], asked: list[str]) -> None:
    straight = PrecomputedVectors(pa.array(IDS, pa.large_string()), VECTORS, "f", Path("v"))
    mixed = PrecomputedVectors(pa.array([IDS[row] for row in order], pa.large_string()), VECTORS[order], "f", Path("v"))
    np.testing.assert_array_equal(mixed.features(asked).vectors, straight.features(asked).vectors)


def test_a_row_without_a_vector_is_missing(tmp_path: Path) -> None:
    vectors = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32()))
    pq.write_table(pa.table({"id": ["a", "b", None], "vector": vectors}), tmp_path / "v.parquet")
    features = read_vectors(StoredVectors(vectors=tmp_path / "v.parquet")).features(["b", "a"])
    assert features.present.tolist() == [False, True]
    np.testing.assert_array_equal(features.vectors, [[0, 0], [1, 2]])


def test_numbers_as_ids_are_strings(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [7, 12], "vector": [[1.0], [2.0]]}), tmp_path / "v.parquet")
    stored = read_vectors(StoredVectors(vectors=tmp_path / "v.parquet"))
    assert stored.features(["7", "007"]).present.tolist() == [True, False]


def test_only_a_vector_asked_for_must_be_finite(tmp_path: Path) -> None:
    config = as_npy(tmp_path)
    broken = VECTORS.copy()
    broken[1, 2] = np.nan
    np.save(tmp_path / "v.npy", broken)
    stored = read_vectors(config)
    assert stored.features(["007"]).present.all()
    with pytest.raises(DataError, match='"7" is not finite') as caught:
        stored.features(["007", "7"])
    assert caught.value.path == tmp_path / "v.npy"


def test_the_fingerprint_names_the_content(tmp_path: Path) -> None:
    before = read_vectors(as_npy(tmp_path)).fingerprint
    assert read_vectors(as_npy(tmp_path)).fingerprint == before
    assert read_vectors(as_npy(tmp_path, "float64")).fingerprint != before


def pickled(folder: Path) -> StoredVectors:
    config = as_npy(folder)
    np.save(folder / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return config


def flat(folder: Path) -> StoredVectors:
    config = as_npy(folder)
    np.save(folder / "v.npy", VECTORS.ravel())
    return config


def words(folder: Path) -> StoredVectors:
    config = as_npy(folder)
    np.save(folder / "v.npy", np.array([["a"]]))
    return config


def fewer_ids(folder: Path) -> StoredVectors:
    config = as_npy(folder)
    (folder / "ids.txt").write_text("a\nb\n")
    return config


def twice(folder: Path) -> StoredVectors:
    config = as_npy(folder)
    (folder / "ids.txt").write_text("a\nb\nc\nb\nd\n")
    return config


def not_utf8(folder: Path) -> StoredVectors:
    config = as_npy(folder)
    (folder / "ids.txt").write_bytes(b"\xff\xfe\xff")
    return config


def no_file(folder: Path) -> StoredVectors:
    return StoredVectors(vectors=folder / "v.parquet")


def not_parquet(folder: Path) -> StoredVectors:
    (folder / "v.parquet").write_bytes(b"PAR1 no it is not")
    return no_file(folder)


def no_column(folder: Path) -> StoredVectors:
    return as_parquet(folder).model_copy(update={"vector": "vectors"})


def ragged(folder: Path) -> StoredVectors:
    pq.write_table(pa.table({"id": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}), folder / "v.parquet")
    return no_file(folder)


def scalars(folder: Path) -> StoredVectors:
    pq.write_table(pa.table({"id": ["a", "b"], "vector": [1.0, 2.0]}), folder / "v.parquet")
    return no_file(folder)


def empty(folder: Path) -> StoredVectors:
    table = pa.table({"id": pa.array([], pa.string()), "vector": pa.array([], pa.list_(pa.float32()))})
    pq.write_table(table, folder / "v.parquet")
    return no_file(folder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (pickled, "not a NumPy array"),
        (flat, r"shape \(ids, dimension\)"),
        (words, "array of numbers"),
        (fewer_ids, "5 vectors, but 2 ids"),
        (twice, '"b" comes more than once'),
        (not_utf8, "ids cannot be read"),
        (no_file, "not a Parquet file"),
        (not_parquet, "not a Parquet file"),
        (no_column, "vectors"),
        (ragged, "different lengths"),
        (scalars, "not lists of numbers"),
        (empty, "no vectors"),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_name(tmp_path: Path, make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_vectors(make(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_settings_that_do_not_go_with_the_file_are_refused(tmp_path: Path) -> None:
    as_npy(tmp_path)
    with pytest.raises(ConfigError, match="need ids"):
        read_vectors(StoredVectors(vectors=tmp_path / "v.npy"))
    with pytest.raises(ConfigError, match=r"ids is for \.npy"):
        read_vectors(as_parquet(tmp_path).model_copy(update={"ids": tmp_path / "ids.txt"}))


def test_they_read_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="looked up by id"):
        load_encoder(TextConfig(encoder=as_npy(tmp_path)))
