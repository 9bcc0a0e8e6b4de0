"""Vectors that were computed elsewhere, looked up by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..kg import ConfigError, DataError
from .config import StoredVectors
from .content import content_hash
from .features import TextFeatures

__all__ = ["PrecomputedVectors", "read_vectors"]


@dataclass(frozen=True)
class PrecomputedVectors:
    """Vectors by id. They belong to nodes, not to texts: nothing here can read a query.

    Attributes:
        ids: strings, each once, shape (ids,).
        vectors: numbers, shape (ids, dimension); of .npy files only the rows asked for are read from disk.
        fingerprint: sha256 over the files.
        path: the file of the vectors, for messages.
    """

    ids: pa.Array[Any]
    vectors: npt.NDArray[Any]
    fingerprint: str
    path: Path

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        return int(self.vectors.shape[1])

    def features(self, ids: Sequence[str]) -> TextFeatures:
        """Vectors of some nodes in their order; a node without one, or with one of nothing but zeros, is missing.

        Raises:
            DataError: if a vector asked for holds NaN or an infinite number.
        """
        asked = pa.array(ids, pa.large_string())
        place = pc.fill_null(pc.index_in(asked, value_set=self.ids), -1).to_numpy(zero_copy_only=False)
        found = np.flatnonzero(place >= 0)
        vectors = np.zeros((len(ids), self.dimension), dtype=np.float32)
        vectors[found] = self.vectors[place[found]]
        wrong = found[~np.isfinite(vectors[found]).all(axis=1)]
        if len(wrong):
            raise DataError(f'the vector of "{ids[wrong[0]]}" is not finite', path=self.path)
        return TextFeatures(vectors, np.asarray(vectors.any(axis=1)))


def read_vectors(config: StoredVectors) -> PrecomputedVectors:
    """The vectors that a configuration names.

    Raises:
        DataError: if a file is missing or is not what it should be, or an id comes twice.
        ConfigError: if the settings do not go with the kind of file.
    """
    path = config.vectors.expanduser()
    if path.suffix == ".npy":
        if config.ids is None:
            raise ConfigError("vectors in a .npy file need ids: a text file with one id a line")
        ids, vectors = _read_ids(config.ids.expanduser()), _read_npy(path)
    else:
        if config.ids is not None:
            raise ConfigError("ids is for .npy files; of a Parquet file, id names the column")
        ids, vectors = _read_parquet(path, config.id, config.vector)
    if len(ids) != len(vectors):
        raise DataError(f"{len(vectors)} vectors, but {len(ids)} ids", path=path)
    _check_ids(ids, config.ids or path)
    files = [path] if config.ids is None else [path, config.ids.expanduser()]
    return PrecomputedVectors(ids, vectors, content_hash("stored 1", files), path)


def _read_npy(path: Path) -> npt.NDArray[Any]:
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"not a NumPy array: {error}", path=path) from error
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise DataError("not an array of numbers of shape (ids, dimension)", path=path)
    return vectors


def _read_ids(path: Path) -> pa.Array[Any]:
    try:
        # Split at line ends alone: an id may hold any other separator that Unicode knows.
        lines = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n").split("\n")
    except (OSError, ValueError) as error:
        raise DataError(f"the ids cannot be read: {error}", path=path) from error
    return pa.array(lines[:-1] if lines[-1] == "" else lines, pa.large_string())


def _read_parquet(path: Path, id_column: str, vector_column: str) -> tuple[pa.Array[Any], npt.NDArray[Any]]:
    try:
        table = pq.read_table(path, columns=[id_column, vector_column])
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"not a Parquet file with the columns {id_column} and {vector_column}: {error}", path=path
        ) from error
    if lacking := [name for name in (id_column, vector_column) if name not in table.column_names]:
        raise DataError(f"the file has no column {lacking[0]}", path=path)
    ids, lists = (_one(table.column(name)) for name in (id_column, vector_column))
    there = pc.and_(pc.is_valid(ids), pc.is_valid(lists))
    # A row without a vector is a missing one, which is what an id that is not there becomes.
    return pc.filter(ids, there).cast(pa.large_string()), _matrix(pc.filter(lists, there), path)


def _matrix(lists: pa.Array[Any], path: Path) -> npt.NDArray[Any]:
    kind: Any = lists.type
    nested = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not nested or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise DataError(f"the vectors are {kind}, not lists of numbers", path=path)
    lengths = pc.unique(pc.list_value_length(lists)).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        raise DataError(
            f"the vectors have different lengths, such as {lengths[:2]}" if lengths else "no vectors", path=path
        )
    values: npt.NDArray[Any] = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    return values.reshape(-1, lengths[0])


def _one(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _check_ids(ids: pa.Array[Any], path: Path) -> None:
    counts = pc.value_counts(ids)
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise DataError(f'the id "{twice[0].as_py()}" comes more than once', path=path)
