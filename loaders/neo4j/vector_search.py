"""Vector search on a Neo4j server: through its index, filtered by the user's own query, with exact scores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...kg import DataError
from .connection import Connection, Neo4jServer, connected
from .names import cypher, quoted
from .node_ids import NodeIds, checked_names
from .query_file import CypherFilter, FilterOnServer
from .vector_hits import Hits, Target, Vectors
from .vector_index import VectorIndex, find_index

__all__ = ["Neo4jVectors"]

FETCH = 10
"""How many times k the index is asked for: it compares rounded vectors, along a graph that it does not search through."""
ENOUGH = 3
"""How many times k must pass the filter; of fewer the best k are often not the best there are."""
AT_LEAST = 100
GROWTH = 8
FEW = 2000
"""Of so many nodes, each is compared instead."""
ROWS = 20_000
"""Hits in one answer."""
EMPTY = Hits(np.zeros(0, np.int64), pa.array([], pa.large_string()), np.zeros(0, np.float32))


class Neo4jVectors:
    """The nodes of a label that have vectors, to be searched; a context, which holds the connection.

    Args:
        server: where.
        label: of the nodes.
        key: property, or properties, that make the id.
        name: of the property that holds the vector.
        separator: between the parts of a composite key.
        id_prefix: whether ids begin with the label, as LABEL/ID.

    Raises:
        DataError: on entering, if the server has no vector index over the property, it is not ready or not by cosine.
    """

    def __init__(
        self,
        server: Neo4jServer,
        *,
        label: str,
        key: str | Sequence[str],
        name: str = "plait_embedding",
        separator: str = "|",
        id_prefix: bool = False,
    ) -> None:
        keys = (key,) if isinstance(key, str) else tuple(key)
        checked_names(label=label, property=name, **{f"key {part}": part for part in keys})
        self._server, self._target = server, Target(label, keys, name, separator, id_prefix)
        self._stack = ExitStack()
        self._nodes: NodeIds | None = None
        # How far the last search had to reach, so that the next with the same filter begins there.
        self._reached: tuple[CypherFilter | None, int] = (None, 0)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._connection: Connection = stack.enter_context(connected(self._server))
            self._index = _ready_index(self._connection, self._target)
            # Out of the server's own counts; no fewer than there are vectors.
            count = cypher(f"MATCH (n:{quoted(self._target.label)}) RETURN count(n) AS n")
            self._most = max(int(self._connection.read_all(count)[0]["n"]), 1)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def nearest(
        self, vectors: Vectors, k: int, *, where: CypherFilter | None = None, exclude: Collection[str] = ()
    ) -> pa.Table:
        """The k nodes nearest to each vector by cosine, of those that pass a filter.

        The index is asked for more than k, and for more yet until enough pass or there are no more. Of what it finds
        the scores are exact (to 2e-7), and so the order. If the filter tells all that pass at once and they are few, each
        of them is compared, and the index is left aside.

        Args:
            vectors: float32, finite, none zero, shape (queries, d).
            k: nodes a vector, at least 1.
            where: the user's own query.
            exclude: ids to leave out.

        Returns:
            Columns `query` (row of the vector, int32), `id` (large_string), `score` (cosine, float32); by query, then by
            score from high to low, then by id.

        Raises:
            ValueError: if the vectors or k cannot be used.
            DataError: if the index is for vectors of another length, or the filter cannot be used.
        """
        matrix = self._checked(vectors, k)
        filtered = None if where is None else where.on(self._connection)
        whole = None if filtered is None else filtered.whole()
        if whole is not None and len(whole) <= FEW:
            found = self._among_few(matrix, k, set(whole.to_pylist()) - set(exclude))
        else:
            share = 1.0 if whole is None else len(whole) / self._most
            found = self._through_index(matrix, k, _Passing(filtered, exclude), where, share)
        return pa.table({"query": found.query.astype(np.int32), "id": found.ids, "score": found.score})

    def _checked(self, vectors: Vectors, k: int) -> Vectors:
        if k < 1:
            raise ValueError(f"k is {k}, expected at least 1")
        if vectors.ndim != 2:
            raise ValueError(f"vectors have shape {vectors.shape}, expected (queries, d)")
        if self._index.dimension not in (None, vectors.shape[1]):
            raise DataError(
                f"the vector index over :{self._target.label}({self._target.name}) is for {self._index.dimension} dimensions, and "
                f"the vectors have {vectors.shape[1]}; write this model's embeddings by plait neo4j write"
            )
        matrix = np.ascontiguousarray(vectors, dtype=np.float32)
        norms = np.linalg.norm(matrix.astype(np.float64), axis=1)
        if not (np.isfinite(norms) & (norms > 0)).all():
            row = int(np.argmin(np.isfinite(norms) & (norms > 0)))
            raise ValueError(f"the vector of row {row} is zero or not finite, so there is no cosine with it")
        return np.asarray(matrix / norms[:, None], dtype=np.float32)

    def _among_few(self, matrix: Vectors, k: int, ids: set[str]) -> Hits:
        if self._nodes is None:
            target = self._target
            self._nodes = NodeIds.read(
                self._connection, target.label, target.key, separator=target.separator, prefix=target.prefix
            )
        place = self._nodes.find(pa.array(sorted(ids), pa.large_string())).drop_null()
        names = self._nodes.node.take(place).to_pylist()
        if not names:
            return EMPTY
        step = max(1, ROWS // k)
        parts = (range(first, min(first + step, len(matrix))) for first in range(0, len(matrix), step))
        hits = [_of_rows(self._target.by_nodes(self._connection, names, matrix[part], k), part) for part in parts]
        return Hits.together(hits).best(k)

    def _through_index(
        self, matrix: Vectors, k: int, passing: _Passing, where: CypherFilter | None, share: float
    ) -> Hits:
        found: list[Hits] = []
        pending = np.arange(len(matrix))
        before = self._reached[1] if self._reached[0] == where else 0
        m = min(self._most, max(FETCH * k, AT_LEAST, before, int(1.5 * ENOUGH * k / share)) + len(passing.exclude))
        while len(pending):
            lacking: list[npt.NDArray[np.int64]] = []
            hit = passed = 0
            step = max(1, ROWS // m)
            for first in range(0, len(pending), step):
                part = pending[first : first + step]
                hits = _of_rows(self._target.by_index(self._connection, self._index.name, matrix[part], m), part)
                kept = hits.where(passing(hits.ids)).best()
                hit, passed = hit + len(hits.query), passed + len(kept.query)
                done = (np.bincount(kept.query, minlength=len(matrix)) >= ENOUGH * k) | (m >= self._most)
                found.append(kept.where(done[kept.query]))
                lacking.append(part[~done[part]])
            pending = np.concatenate(lacking)
            self._reached = (where, m - len(passing.exclude))
            wanted = 1.5 * ENOUGH * k * hit / passed if passed else GROWTH * m
            m = min(self._most, int(np.clip(wanted, 2 * m, GROWTH * m)))
        return Hits.together(found).best(k)


class _Passing:
    """Which ids pass a filter and are not left out; each is asked about once."""

    def __init__(self, filtered: FilterOnServer | None, exclude: Collection[str]) -> None:
        self._filtered, self.exclude = filtered, set(exclude)
        self._asked, self._passed = set[str](), set[str]()

    def __call__(self, ids: pa.Array) -> npt.NDArray[np.bool_]:
        names = ids.to_pylist()
        if self._filtered is None:
            return np.array([name not in self.exclude for name in names], dtype=bool)
        fresh = sorted(set(names) - self._asked - self.exclude)
        self._passed.update(self._filtered.among(fresh) if fresh else ())
        self._asked.update(fresh)
        return np.array([name in self._passed for name in names], dtype=bool)


def _of_rows(hits: Hits, rows: npt.NDArray[np.int64] | range) -> Hits:
    """Hits of some rows of a matrix, by the number that these have in the whole."""
    return Hits(np.asarray(rows, dtype=np.int64)[hits.query], hits.ids, hits.score)


def _ready_index(connection: Connection, target: Target) -> VectorIndex:
    about = connection.about
    if not about.vector_index:
        raise DataError(
            f"{connection.where} ({about.name} {about.version}) has no vector index; vectors are searched on Neo4j 5.23 or newer"
        )
    index = find_index(connection, target.label, target.name)
    over = f":{target.label}({target.name})"
    if index is None:
        raise DataError(f"there is no vector index over {over}; plait neo4j write makes one with the embeddings")
    if index.state != "ONLINE":
        raise DataError(
            f"the vector index {index.name!r} over {over} is not ready: {index.state.lower()}, {index.percent:.0f} %; wait, or "
            "drop it and write the embeddings again by plait neo4j write if it has failed"
        )
    if index.similarity != "cosine":
        raise DataError(
            f"the vector index {index.name!r} over {over} compares by {index.similarity}, and embeddings are compared by cosine; "
            "write them to another property by plait neo4j write"
        )
    return index
