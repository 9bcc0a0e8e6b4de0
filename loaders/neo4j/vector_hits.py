"""What a vector index, or a list of nodes, answers to vectors: ids with exact cosines, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .connection import Connection
from .key_ids import ids_of_keys
from .names import cypher, quoted

__all__ = ["Hits", "Target"]

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Hits:
    """Nodes found for vectors, in any order.

    Attributes:
        query: row of the vector each was found for, int64, shape (n,).
        ids: their ids, large_string, n long.
        score: cosine of the vector and the node's stored one, float32, shape (n,).
    """

    query: npt.NDArray[np.int64]
    ids: pa.Array
    score: npt.NDArray[np.float32]

    def where(self, mask: npt.NDArray[np.bool_]) -> Hits:
        """Those under a mask."""
        return Hits(self.query[mask], self.ids.filter(pa.array(mask)), self.score[mask])

    def best(self, k: int | None = None) -> Hits:
        """By query, then by score from high to low, then by id; each id once a query, k at most."""
        # Of the dictionary of the ids the rank is needed alone, so that equal scores are in the order of the ids.
        rank = np.asarray(pc.rank(self.ids, tiebreaker="dense")).astype(np.int64)
        order = np.lexsort((rank, -self.score, self.query))
        pairs = np.stack([self.query[order], rank[order]], axis=1)
        order = order[np.sort(np.unique(pairs, axis=0, return_index=True)[1])]
        if k is not None:
            query = self.query[order]
            order = order[np.arange(len(order)) - np.searchsorted(query, query) < k]
        return Hits(self.query[order], self.ids.take(pa.array(order)), self.score[order])

    @classmethod
    def together(cls, parts: Sequence[Hits]) -> Hits:
        """Several, one after the other."""
        ids = pa.chunked_array([part.ids for part in parts], pa.large_string()).combine_chunks()
        query = np.concatenate([np.zeros(0, np.int64), *(part.query for part in parts)])
        return cls(query, ids, np.concatenate([np.zeros(0, np.float32), *(part.score for part in parts)]))


@dataclass(frozen=True)
class Target:
    """Vectors of nodes: of which label, under which property, and what makes the ids.

    Attributes:
        label: of the nodes.
        key: properties that make the id.
        name: of the property that holds the vector.
        separator: between the parts of a composite key.
        prefix: whether ids begin with the label.
    """

    label: str
    key: tuple[str, ...]
    name: str
    separator: str = "|"
    prefix: bool = False

    def by_index(self, connection: Connection, index: str, vectors: Vectors, m: int) -> Hits:
        """The m nodes that the index finds for each vector, with exact scores."""
        query = cypher(
            "UNWIND range(0, size($vectors) - 1) AS q",
            "CALL (q) { CALL db.index.vector.queryNodes($index, $m, $vectors[q]) YIELD node AS n",
            self._told("collect"),
            "RETURN q, rows",
        )
        return self._hits(connection.read_all(query, index=index, m=m, vectors=vectors.tolist()))

    def by_nodes(self, connection: Connection, nodes: list[str], vectors: Vectors, k: int) -> Hits:
        """The k best of some nodes for each vector, each of them compared."""
        query = cypher(
            "UNWIND $nodes AS e MATCH (n) WHERE elementId(n) = e WITH collect(n) AS ns",
            "UNWIND range(0, size($vectors) - 1) AS q CALL (q, ns) { UNWIND ns AS n",
            f"WITH q, n WHERE n.{quoted(self.name)} IS NOT NULL",
            f"WITH q, n ORDER BY {self._score} DESC LIMIT $k",
            self._told("collect"),
            "RETURN q, rows",
        )
        return self._hits(connection.read_all(query, nodes=nodes, k=k, vectors=vectors.tolist()))

    @property
    def _score(self) -> LiteralString:
        # The server reads the vector as it is stored, 32 bits a number; sent here it would take most of the time.
        return f"vector.similarity.cosine(n.{quoted(self.name)}, $vectors[q])"

    def _told(self, collect: LiteralString) -> LiteralString:
        keys = ", ".join(f"n.{quoted(part)}" for part in self.key)
        return f"RETURN {collect}([{self._score}, {keys}]) AS rows }}"

    def _hits(self, records: list[Any]) -> Hits:
        query = np.repeat([r["q"] for r in records], [len(r["rows"]) for r in records]).astype(np.int64)
        rows = [row for record in records for row in record["rows"]]
        scores, *parts = ([*column] for column in zip(*rows, strict=True)) if rows else ([], *([] for _ in self.key))
        ids = ids_of_keys(
            dict(zip(self.key, parts, strict=True)), label=self.label, separator=self.separator, prefix=self.prefix,
            remedy="state another",
        )  # fmt: skip
        # The server's similarity is (1 + cosine) / 2; null where a vector went away since.
        score = (2 * np.array(scores, dtype=np.float64) - 1).astype(np.float32)
        return Hits(query, ids, score).where(np.asarray(ids.is_valid()) & ~np.isnan(score))
