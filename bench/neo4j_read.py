"""A graph out of a real Neo4j into `KnowledgeGraph`: plait against the plain driver with one record a relationship.

    PLAIT_NEO4J_HOME=... python bench/neo4j_read.py [NODES] [RELATIONSHIPS] [--growth]

With --growth 100,000 nodes and 500,000 relationships are measured first, and the growth from there is told: say a million
nodes and five million relationships (NEO4J_HEAP=2g).

The server is started in a new folder and filled with nodes of two properties and relationships of three types. Every
figure is of a process of its own: seconds from connecting to what the reader gives, and the process's peak memory,
that of the server not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROUNDS = 3
BATCH = 10_000
PASSWORD = "plait-local"
BASE = 100_000, 500_000

Figures = tuple[float, float]
"""Seconds and peak MiB."""


def fill(uri: str, nodes: int, relationships: int, seed: int = 0) -> None:
    """Write the graph."""
    import neo4j

    rng = np.random.default_rng(seed)
    head, tail = rng.integers(nodes, size=(2, relationships))
    kind = rng.integers(3, size=relationships)
    with (
        neo4j.GraphDatabase.driver(uri, auth=("neo4j", PASSWORD), notifications_min_severity="OFF") as driver,
        driver.session() as session,
    ):
        session.run("CREATE CONSTRAINT FOR (n:Product) REQUIRE n.sku IS UNIQUE").consume()
        for start in range(0, nodes, BATCH):
            rows = list(range(start, min(start + BATCH, nodes)))
            query = "UNWIND $rows AS i CREATE (:Product {sku: 'product-' + i, price: i * 0.25})"
            session.run(query, rows=rows).consume()
        ids = session.run("MATCH (n:Product) RETURN collect(id(n)) AS ids").single(strict=True)["ids"]
        place = np.array(ids)
        for n, name in enumerate(("LIKE", "PART_OF", "MADE_BY")):
            pairs = np.stack([place[head[kind == n]], place[tail[kind == n]]], axis=1)
            query = (
                f"UNWIND $rows AS r MATCH (a) WHERE id(a) = r[0] MATCH (b) WHERE id(b) = r[1] CREATE (a)-[:{name}]->(b)"
            )
            for start in range(0, len(pairs), BATCH):
                session.run(query, rows=pairs[start : start + BATCH].tolist()).consume()


def plait(uri: str) -> int:
    """Read it into a `KnowledgeGraph`; triples and literals."""
    from plait.loaders.neo4j.read import Neo4jGraph, read_neo4j

    graph = read_neo4j(Neo4jGraph(source="neo4j", uri=uri))
    return graph.n_triples + graph.duplicates + len(graph.literals)


def records(uri: str) -> int:
    """Receive one record a node and one a relationship by the driver, and keep nothing."""
    import neo4j

    with (
        neo4j.GraphDatabase.driver(uri, auth=("neo4j", PASSWORD)) as driver,
        driver.session() as session,
    ):
        nodes = sum(1 for _ in session.run("MATCH (n:Product) RETURN n.sku, n.price"))
        edges = session.run("MATCH (a)-[r]->(b) RETURN a.sku, type(r), b.sku")
        return 2 * nodes + sum(1 for _ in edges)


READERS = {reader.__name__: reader for reader in (plait, records)}
MEASURE = """
import resource, sys, time
sys.path.insert(0, sys.argv[3])
from neo4j_read import READERS
if sys.argv[1] == "plait":
    # What is imported is not what is measured.
    import neo4j, numpy, plait.loaders.neo4j.read, pyarrow
    pyarrow.array(numpy.zeros(1))
start = time.perf_counter()
count = READERS[sys.argv[1]](sys.argv[2])
print(count, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measured(reader: str, uri: str) -> tuple[int, float, float]:
    """What came, seconds and peak MiB: the best of some rounds, since other work only ever slows one down."""
    found = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-c", MEASURE, reader, uri, str(Path(__file__).parent)]
        environment = {**os.environ, "NEO4J_USERNAME": "neo4j", "NEO4J_PASSWORD": PASSWORD}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        count, seconds, memory = done.stdout.split()
        found.append((int(count), float(seconds), float(memory)))
    return min(found, key=lambda f: f[1])


def main() -> None:
    """Print the comparison."""
    home = os.environ.get("PLAIT_NEO4J_HOME")
    if not home:
        sys.exit("PLAIT_NEO4J_HOME names no folder with a Neo4j server")
    numbers = [int(word.replace("_", "")) for word in sys.argv[1:] if not word.startswith("-")]
    nodes, relationships = (*numbers, *BASE[len(numbers) :])
    base = on_a_server(home, *BASE) if "--growth" in sys.argv else None
    large = on_a_server(home, nodes, relationships)
    if base is not None:
        Console().print(growth(base, large, (nodes + relationships) / sum(BASE)))


def growth(base: Figures, large: Figures, size: float) -> str:
    """How seconds and memory grow, in words."""
    (seconds, memory), (more_seconds, more_memory) = base, large
    return (
        f"{size:.1f} times the nodes and relationships: {more_seconds / seconds:.1f} times the seconds, "
        f"{more_memory / memory:.1f} times the peak memory ({more_memory - memory:+.0f} MiB)"
    )


def on_a_server(home: str, nodes: int, relationships: int) -> Figures:
    """What plait takes on a fresh server."""
    with tempfile.TemporaryDirectory() as folder:
        server = [str(Path(home) / "neo4j")]
        environment = {**os.environ, "NEO4J_PASSWORD": PASSWORD}
        started = subprocess.run(
            [*server, "start", folder], check=True, stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            return compare(started.stdout.strip(), nodes, relationships)
        finally:
            subprocess.run([*server, "kill", folder], check=True)


def compare(uri: str, nodes: int, relationships: int) -> Figures:
    """Fill the server, and read it in each way; what plait takes."""
    fill(uri, nodes, relationships)
    table = Table(title=f"{nodes:,} nodes with two properties, {relationships:,} relationships; load {load()}")
    for column in ("", "seconds", "against plait", "peak MiB"):
        table.add_column(column, justify="left" if not column else "right")
    whole, base, peak = measured("plait", uri)
    table.add_row("plait, to KnowledgeGraph", f"{base:.2f}", "1.0", f"{peak:.0f}")
    count, seconds, memory = measured("records", uri)
    if count != whole:
        sys.exit(f"the readers disagree: {whole:,} and {count:,}")
    table.add_row(
        "driver, a record a relationship, kept nowhere", f"{seconds:.2f}", f"{seconds / base:.1f}", f"{memory:.0f}"
    )
    Console().print(table)
    return base, peak


def load() -> str:
    """The machine's load of the last minute."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
