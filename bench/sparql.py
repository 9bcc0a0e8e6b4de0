"""Triples a second out of a SPARQL endpoint: plait against rdflib's SPARQLStore, same server, each in its own process.

Run: python bench/sparql.py [number of triples]

rdflib asks for all triples in one answer and gives terms; plait asks page by page, checks each page, and gives a graph.
"""

from __future__ import annotations

import json
import platform
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_PER_ITEM = 10
_ROUNDS = 3


def made_triples(count: int, rng: np.random.Generator) -> str:
    """A shop in N-Triples, ten triples an item: a type, three literals, six edges."""
    items = max(count // _PER_ITEM, 1)
    tails = rng.zipf(1.5, size=(items, 6)) % items
    lines = []
    for i, row in enumerate(tails.tolist()):
        item = f"<http://example.org/item/{i}>"
        lines.append(f"{item} {_TYPE} <http://example.org/Kind{i % 7}> .")
        lines.append(f'{item} <http://example.org/name> "Größe \\"{i}\\""@de .')
        lines.append(f'{item} <http://example.org/code> "{i:09d}" .')
        lines.append(f'{item} <http://example.org/weight> "{i % 97} g"^^<http://example.org/weight> .')
        lines += [f"{item} <http://example.org/r{k}> <http://example.org/item/{t}> ." for k, t in enumerate(row)]
    return "\n".join(lines) + "\n"


@contextmanager
def served(data: str) -> Iterator[str]:
    """An Oxigraph server with some triples in it: the URL for queries."""
    beside = Path(sys.executable).with_name("oxigraph")
    binary = str(beside) if beside.is_file() else shutil.which("oxigraph")
    if binary is None:
        sys.exit("no oxigraph server: pip install oxigraph")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([binary, "serve", "--bind", f"127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            root = f"http://127.0.0.1:{port}"
            client = httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=300)
            header = {"Content-Type": "application/n-triples"}
            client.post(f"{root}/store?default", content=data.encode(), headers=header).raise_for_status()
            yield f"{root}/query"
        finally:
            server.kill()
            server.wait()


def by_plait() -> Callable[[str], int]:
    """Reads by plait: the number of triples told."""
    from plait.loaders.sparql.endpoint import SparqlGraph, read_sparql

    def read(url: str) -> int:
        told = [0]
        read_sparql(SparqlGraph(source="sparql", endpoint=url), on_progress=lambda done, *_: told.append(done))
        return told[-1]

    return read


def by_rdflib() -> Callable[[str], int]:
    """Reads by rdflib: the number of triples told."""
    from rdflib.plugins.stores.sparqlstore import SPARQLStore

    return lambda url: sum(1 for _ in SPARQLStore(url, returnFormat="json").triples((None, None, None)))


READERS = {"plait": by_plait, "rdflib": by_rdflib}


def measured(reader: str, url: str) -> dict[str, float]:
    """Triples, seconds and MiB of a reader in a process of its own."""
    done = subprocess.run([sys.executable, __file__, reader, url], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def measure(reader: str, url: str) -> None:
    """Print what a reader takes in this process; its imports are not counted."""
    read = READERS[reader]()
    start = time.perf_counter()
    triples = read(url)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"triples": triples, "seconds": seconds, "memory": memory}))


def main() -> None:
    """Print the comparison: rounds turn about, the best of each, since other work only ever slows one down."""
    if len(sys.argv) == 3:
        measure(*sys.argv[1:])
        return
    data = made_triples(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, np.random.default_rng(0))
    with served(data) as url:
        rounds = [{reader: measured(reader, url) for reader in READERS} for _ in range(_ROUNDS)]
    best = {reader: min((one[reader] for one in rounds), key=lambda row: row["seconds"]) for reader in READERS}
    title = (
        f"{data.count(chr(10)):,} triples, best of {_ROUNDS}, {platform.machine()}, Python {platform.python_version()}"
    )
    table = Table("", "triples", "seconds", "triples/s", "peak MiB", "time against plait", title=title)
    for reader, row in best.items():
        ratio = row["seconds"] / best["plait"]["seconds"]
        rate = f"{row['triples'] / row['seconds']:,.0f}"
        table.add_row(
            reader, f"{row['triples']:,}", f"{row['seconds']:.2f}", rate, f"{row['memory']:.0f}", f"{ratio:.1f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
