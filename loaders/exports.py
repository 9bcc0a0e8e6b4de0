"""Embeddings out to files, with the users' own ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ..kg import DataError, IdMap, whole_file

__all__ = ["ExportFormat", "export_embeddings"]

ExportFormat = Literal["parquet", "npy"]


def export_embeddings(
    folder: str | Path, parts: Mapping[str, tuple[IdMap, npt.NDArray[np.float32]]], kind: ExportFormat
) -> list[Path]:
    """Write matrices of embeddings, one file a part, each whole or not at all.

    "parquet" gives `NAME.parquet` with the columns `id` (string) and `embedding` (list of d floats); "npy" gives
    `NAME.npy`, shape (n, d), and `NAME.ids.json` with the n ids of its rows in order.

    Args:
        folder: made if it is missing.
        parts: ids and matrix, shape (n, d), by name.
        kind: the format.

    Returns:
        The files written.

    Raises:
        DataError: if the folder is that of a model.
    """
    folder = Path(folder)
    if (folder / "manifest.json").exists():
        raise DataError("is a model's folder, whose files would be overwritten; export to another", path=folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, (ids, matrix) in parts.items():
        if len(ids) != len(matrix):
            raise ValueError(f"{name}: {len(ids)} ids for {len(matrix)} embeddings")
        if kind == "parquet":
            written.append(_write_parquet(folder / f"{name}.parquet", ids, matrix))
        else:
            written.extend(_write_npy(folder, name, ids, matrix))
    return written


def _write_parquet(path: Path, ids: IdMap, matrix: npt.NDArray[np.float32]) -> Path:
    flat = pa.array(np.ascontiguousarray(matrix, dtype=np.float32).ravel())
    embeddings = pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])
    with whole_file(path) as temporary:
        pq.write_table(pa.table({"id": ids.to_arrow(), "embedding": embeddings}), temporary)
    return path


def _write_npy(folder: Path, name: str, ids: IdMap, matrix: npt.NDArray[np.float32]) -> list[Path]:
    rows, names = folder / f"{name}.npy", folder / f"{name}.ids.json"
    with whole_file(rows) as temporary:
        np.save(temporary, np.asarray(matrix, dtype=np.float32), allow_pickle=False)
    with whole_file(names) as temporary:
        temporary.write_text(json.dumps(list(ids), ensure_ascii=False), encoding="utf-8")
    return [rows, names]
