"""A graph as an item-entity matrix, the distilled form in which some data sets publish their knowledge graph."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pydantic import Field

from ...kg import DataError, IdMap, KnowledgeGraph
from ..files.streams import check_file
from ..graph_options import GraphOptions
from .kgat import NUMBERED_ITEM, numbered_list

__all__ = ["IncidenceGraph", "read_incidence"]


class IncidenceGraph(GraphOptions):
    """A sparse matrix of items and the entities they are linked to."""

    source: Literal["incidence"]

    path: Path
    """A sparse matrix in SciPy's .npz form: a row an item; the first columns are the items again, then the entities. A
    value is how many triples link the two."""

    items: Path
    """item_list.txt of KGAT's folder format: the item of each row, by number."""

    relation: str = Field(default="linked", min_length=1)
    """What the relation is called, since the matrix does not say."""

    def paths(self) -> list[Path]:
        """All files read."""
        return [self.path, self.items]


def read_incidence(config: IncidenceGraph) -> KnowledgeGraph:
    """Read the matrix: a triple for each entry, its value as the weight.

    Items go by their own ids, the entity of column c by `entity/c`. Items have the node type "item".

    Raises:
        DataError: if a file is missing or no sparse matrix, there are other rows than items, or an entry is not finite.
    """
    for path in config.paths():
        check_file(path)
    items = numbered_list(config.items, NUMBERED_ITEM).ids
    matrix = _matrix(config.path)
    n_items, n = len(items), matrix.shape[1]
    if matrix.shape[0] != n_items or n < n_items:
        text = (
            f"the matrix has shape {matrix.shape}, and {config.items.name} {n_items:,} items: a row an item is wanted, "
        )
        raise DataError(text + "and a column an item and entity", path=config.path)
    if not np.isfinite(matrix.data).all():
        raise DataError("the matrix holds a value that is no finite number", path=config.path)
    others = pa.array([f"entity/{column}" for column in range(n_items, n)], pa.large_string())
    return KnowledgeGraph.build(
        IdMap(pa.concat_arrays([items.cast(pa.large_string()), others])),
        [config.relation],
        matrix.row.astype(np.int64),
        np.zeros(matrix.nnz, dtype=np.int64),
        matrix.col.astype(np.int64),
        types=("item",),
        type_of=np.where(np.arange(n) < n_items, 0, -1).astype(np.int32),
        weight=matrix.data.astype(np.float32),
    )


def _matrix(path: Path) -> sp.coo_array:
    try:
        # SciPy reads it with allow_pickle=False.
        matrix = sp.coo_array(sp.load_npz(path))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"is no sparse matrix of scipy.sparse.save_npz: {error}", path=path) from error
    return matrix
