"""Seconds to write into a Neo4j server: a graph, embeddings, recommendations; beside one row at a time.

The server is the one at NEO4J_URI, whose database is emptied if `--empty` is said, and must be empty otherwise; or one
started from PLAIT_NEO4J_HOME in a temporary folder. Row by row is measured on a sample in the same run: a transaction a
node, then one a relationship, each by its key.

With --growth 100,000 nodes and 500,000 relationships are pushed first, in a process of their own, and the growth from there
is told: say a million nodes and five million relationships (NEO4J_HEAP=2g). With --push nothing but the push is measured.

Run: python bench/neo4j_write.py [nodes] [relationships] [--empty] [--growth] [--push]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from servers.neo4j_server import running

from plait.kg import IdMap, KnowledgeGraph, Literals
from plait.loaders.neo4j.clean import clean
from plait.loaders.neo4j.connection import Neo4jServer, connected
from plait.loaders.neo4j.push import push_graph
from plait.loaders.neo4j.write_embeddings import write_embeddings
from plait.loaders.neo4j.write_recommendations import write_recommendations

SAMPLE = 400
DIMENSION = 64
BASE = 100_000, 500_000
EMBEDDED = 100_000
XSD = "http://www.w3.org/2001/XMLSchema#"


def made(n: int, m: int, rng: np.random.Generator) -> KnowledgeGraph:
    """A graph of two types and four relations, with a name and a year for each node."""
    names = [f"name {i}" for i in range(n)] + [str(1900 + i % 125) for i in range(n)]
    literals = Literals(
        np.tile(np.arange(n, dtype=np.int32), 2),
        np.repeat(np.arange(2, dtype=np.int32), n),
        pa.array(names, pa.large_string()),
        pa.nulls(2 * n, pa.string()).dictionary_encode(),
        pa.array([None, XSD + "integer"], pa.string()).take(pa.array(np.repeat([0, 1], n))).dictionary_encode(),
        ("name", "year"),
    )
    return KnowledgeGraph.build(
        IdMap([f"e{i:07d}" for i in range(n)]),
        ["by", "about", "near", "like"],
        rng.integers(0, n, m),
        rng.integers(0, 4, m),
        rng.integers(0, n, m),
        types=["Item", "User"],
        type_of=np.arange(n) % 5 // 4,
        literals=literals,
    )


def row_by_row(server: Neo4jServer, graph: KnowledgeGraph) -> float:
    """Seconds that one node or relationship takes on its own, over a sample into the full database."""
    ids = graph.entities.ids(np.arange(SAMPLE))
    with connected(server) as connection:
        start = time.perf_counter()
        for i in ids:
            connection.write("CREATE (:Entity:Item {id: $id, name: $id, year: 1900})", id=f"row {i}")
        nodes = time.perf_counter() - start
        start = time.perf_counter()
        for a, b in zip(ids, ids[1:] + ids[:1], strict=True):
            query = "MATCH (a:Entity {id: $a}) MATCH (b:Entity {id: $b}) CREATE (a)-[:byrow]->(b)"
            connection.write(query, a=f"row {a}", b=f"row {b}")
        edges = time.perf_counter() - start
    return (nodes * graph.n_entities + edges * graph.n_triples) / SAMPLE


def written_back(server: Neo4jServer, graph: KnowledgeGraph, rng: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Seconds of embeddings, their index, recommendations, and taking it all out again."""
    n = min(EMBEDDED, graph.n_entities)
    matrix = rng.normal(size=(n, DIMENSION)).astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), DIMENSION)
    table = pa.table({"id": graph.entities.to_arrow().slice(0, n), "embedding": vectors})
    told: dict[str, Any] = {"model_id": "bench", "created": datetime(2024, 1, 1, tzinfo=UTC)}
    for name, index in ((f"{n:,} x {DIMENSION} embeddings", False), ("vector index, until online", True)):
        start = time.perf_counter()
        write_embeddings(server, table, label="Entity", key="id", index=index, **told)
        yield name, time.perf_counter() - start
    users, items = np.arange(4, n, 5)[:10_000], np.flatnonzero(np.arange(n) % 5 < 4)
    user = np.repeat(users, 10)
    item = (items[rng.integers(0, len(items) // 10, len(users))][:, None] + 5 * np.arange(10)).ravel() % n
    ids = graph.entities.to_arrow()
    rows = {"user_id": ids.take(pa.array(user)), "item_id": ids.take(pa.array(item))}
    table = pa.table({**rows, "score": rng.random(len(user)), "rank": np.tile(np.arange(1, 11), len(users))})
    for name in (f"{len(users):,} users' 10 recommendations", "replaced"):
        start = time.perf_counter()
        keys = {"user_label": "User", "item_label": "Entity", "user_key": "id", "item_key": "id"}
        write_recommendations(server, table, **keys, **told)
        yield name, time.perf_counter() - start
    start = time.perf_counter()
    clean(server, "bench")
    yield "clean", time.perf_counter() - start


def pushed_apart(n: int, m: int, options: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of the push of a graph of that size, in a process of its own."""
    command = [sys.executable, __file__, str(n), str(m), "--push", *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def main(n: int, m: int, empty: bool, only_push: bool, base: tuple[float, float] | None) -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    graph = made(n, m, rng)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = Table("what", "seconds", box=None)
    with running() as server:
        if empty:
            with connected(server) as connection:
                connection.run("MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS")
                connection.run("MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 20000 ROWS")
        ends = {}
        start = time.perf_counter()

        def told(done: int, total: int | None, note: str) -> None:
            ends[note] = time.perf_counter() - start

        push_graph(graph, server, on_progress=told)
        whole = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row(f"push of {n:,} nodes and {graph.n_triples:,} relationships", f"{whole:.1f}")
        table.add_row("  of it nodes, with a name and a year", f"{ends['nodes']:.1f}")
        table.add_row("  of it relationships", f"{ends['relationships'] - ends['nodes']:.1f}")
        if not only_push:
            slow = row_by_row(server, graph)
            table.add_row(f"one by one, from {SAMPLE} of each", f"{slow:.0f}, {slow / whole:.0f} times as many")
            for name, seconds in written_back(server, graph, rng):
                table.add_row(name, f"{seconds:.1f}")
    table.caption = f"Memory at the peak of the push {peak:.0f} MB, with the graph alone {before:.0f} MB."
    Console().print(table)
    if only_push:
        print(f"{whole:.2f} {peak:.0f}")
    if base is not None:
        print(
            f"{(n + m) / sum(BASE):.1f} times the nodes and relationships: {whole / base[0]:.1f} times the seconds of the push, "
            f"{peak / base[1]:.1f} times its peak memory ({peak - base[1]:+.0f} MB)"
        )


if __name__ == "__main__":
    numbers = [int(word.replace("_", "")) for word in sys.argv[1:] if not word.startswith("-")]
    nodes, relationships = (*numbers, *BASE[len(numbers) :])
    emptied, options = "--empty" in sys.argv, [word for word in sys.argv if word == "--empty"]
    first = pushed_apart(*BASE, options) if "--growth" in sys.argv else None
    main(nodes, relationships, emptied, "--push" in sys.argv, first)
