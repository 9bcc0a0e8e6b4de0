"""Vector search on a Neo4j server: recall and milliseconds of plait, beside the index asked through the plain driver.

Vectors of normal numbers are written by plait, whose index then answers the same queries in both ways, in turn: plain,
`db.index.vector.queryNodes` for the wanted number, or for so many more as the filter lets few pass, filtered in the same
Cypher; plait, `Neo4jVectors.nearest` with the filter in a query file, which is given ids or returns all ids. Normal
numbers are the worst case: trained embeddings lie closer together, and are found more surely.

The server is the one at NEO4J_URI, whose database must be empty, and is emptied at the end; or one started from PLAIT_NEO4J_HOME in a
temporary folder.

Run: python bench/neo4j_search.py [vectors] [dimensions] [queries]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from servers.neo4j_server import running

from plait.loaders.neo4j.clean import clean
from plait.loaders.neo4j.connection import Connection, Neo4jServer, connected
from plait.loaders.neo4j.query_file import CypherFilter
from plait.loaders.neo4j.vector_search import Neo4jVectors
from plait.loaders.neo4j.write_embeddings import write_embeddings

K = 20
SHARES = (100, 10, 1)
"""Percent of the nodes that a filter lets pass."""
WARM = 10
"""Queries that go before the measuring."""
INDEX = "plait_Bench_plait_embedding"
FORMS = {
    "given ids": "UNWIND $ids AS id MATCH (n:Bench {sku: id}) WHERE n.stock < $most RETURN id",
    "all ids": "MATCH (n:Bench) WHERE n.stock < $most RETURN n.sku",
}
PLAIN = (
    "CALL db.index.vector.queryNodes($index, $m, $vector) YIELD node, score WHERE node.stock < $most "
    "RETURN node.sku AS sku, score LIMIT $k"
)
Matrix = npt.NDArray[np.float32]
Search = Callable[[Matrix], list[str]]


def fill(server: Neo4jServer, matrix: Matrix) -> float:
    """Nodes with a stock of 0 to 99, and their vectors; seconds until the index is online."""
    with connected(server) as connection:
        if connection.read_all("MATCH (n) RETURN n LIMIT 1"):
            sys.exit("the database is not empty")
        connection.write("CREATE CONSTRAINT bench IF NOT EXISTS FOR (n:Bench) REQUIRE n.sku IS UNIQUE")
        for first in range(0, len(matrix), 10_000):
            last = min(first + 10_000, len(matrix)) - 1
            query = "UNWIND range($first, $last) AS i CREATE (:Bench {sku: toString(i), stock: i % 100})"
            connection.write(query, first=first, last=last)
    start = time.perf_counter()
    lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    table = pa.table({"id": [str(i) for i in range(len(matrix))], "embedding": lists})
    write_embeddings(
        server, table, label="Bench", key="sku", model_id="bench", created=datetime(2024, 1, 1, tzinfo=UTC)
    )
    return time.perf_counter() - start


def empty(server: Neo4jServer) -> None:
    """Take all of it out again."""
    clean(server, "bench")
    with connected(server) as connection:
        connection.run("MATCH (n:Bench) CALL (n) { DELETE n } IN TRANSACTIONS OF 20000 ROWS")
        connection.run("DROP CONSTRAINT bench IF EXISTS")


def plainly(connection: Connection, share: int) -> Search:
    """One query through the driver alone."""

    def search(query: Matrix) -> list[str]:
        told = {"index": INDEX, "m": K * 100 // share, "most": share, "k": K, "vector": query.tolist()}
        return [row["sku"] for row in connection.read_all(PLAIN, **told)]

    return search


def by_plait(vectors: Neo4jVectors, where: CypherFilter | None) -> Search:
    """One query through plait."""

    def search(query: Matrix) -> list[str]:
        found: list[str] = vectors.nearest(query[None], K, where=where).column("id").to_pylist()
        return found

    return search


def measured(
    searches: dict[str, Search], queries: Matrix, best: list[set[str]]
) -> dict[str, tuple[float, npt.NDArray[np.float64]]]:
    """Recall and milliseconds of each way, query after query in turn."""
    found = {name: [0, []] for name in searches}  # type: dict[str, list]
    for number, query in enumerate(queries):
        for name, search in searches.items():
            start = time.perf_counter()
            ids = search(query)
            took = 1000 * (time.perf_counter() - start)
            if number >= WARM:
                found[name][0] += len(best[number].intersection(ids))
                found[name][1].append(took)
    expected = sum(map(len, best[WARM:]))
    return {name: (hits / expected, np.array(took)) for name, (hits, took) in found.items()}


def exactly(matrix: Matrix, queries: Matrix, share: int) -> list[set[str]]:
    """The best of those that pass, by comparing everything."""
    passing = np.flatnonzero(np.arange(len(matrix)) % 100 < share)
    units = matrix[passing] / np.linalg.norm(matrix[passing], axis=1, keepdims=True)
    return [{str(i) for i in passing[np.argsort(-(units @ query))[:K]]} for query in queries]


def main(n: int, d: int, q: int) -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(n, d)).astype(np.float32)
    queries = rng.normal(size=(q + WARM, d)).astype(np.float32)
    table = Table(
        "passes", "way", "recall", "p50 ms", "p95", "p99", "p50 against plain", "a second, together", box=None
    )
    with running() as server, tempfile.TemporaryDirectory() as folder:
        seconds = fill(server, matrix)
        try:
            with connected(server) as connection, Neo4jVectors(server, label="Bench", key="sku") as vectors:
                for share in SHARES:
                    filters: dict[str, CypherFilter | None] = {"plait": None}
                    if share < 100:
                        filters = {f"plait, file {name}": _filter(folder, name, share) for name in FORMS}
                    searches = {name: by_plait(vectors, where) for name, where in filters.items()}
                    plain = plainly(connection, share)
                    best = exactly(matrix, queries, share)
                    found = measured({"plain driver": plain, **searches}, queries, best)
                    base = float(np.median(found["plain driver"][1]))
                    for name, (recall, took) in found.items():
                        p50, p95, p99 = (f"{np.percentile(took, p):.1f}" for p in (50, 95, 99))
                        start = time.perf_counter()
                        if name in filters:
                            vectors.nearest(queries[WARM:], K, where=filters[name])
                        rate = q / (time.perf_counter() - start) if name in filters else 1000 / float(np.mean(took))
                        ratio = f"{float(np.median(took)) / base:.1f}"
                        table.add_row(f"{share} %", name, f"{recall:.3f}", p50, p95, p99, ratio, f"{rate:.0f}")
        finally:
            empty(server)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    table.title = f"{n:,} x {d} vectors, {q} queries for {K}; written and indexed in {seconds:.1f} s; {load}"
    Console(width=140).print(table)


def _filter(folder: str, name: str, share: int) -> CypherFilter:
    path = Path(folder) / f"{name}.cypher"
    path.write_text(FORMS[name])
    return CypherFilter.read(path, {"most": share})


if __name__ == "__main__":
    numbers = [int(word.replace("_", "")) for word in sys.argv[1:]]
    main(*(numbers + [100_000, 64, 200][len(numbers) :]))  # type: ignore[misc]
