"""RDF into a knowledge graph: plait against Oxigraph's bare parser and rdflib's own, on a made product graph.

    python bench/rdf.py [TRIPLES]

Every figure is of a process of its own: seconds from the open file to what the reader gives, and the process's peak
memory. rdflib reads a tenth of the triples, and its seconds are told times ten: it is linear, and slow.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROUNDS = 3
SCHEMA, SHOP = "http://schema.org/", "http://shop.example/"
ADJECTIVES = [
    "compact",
    "quiet",
    "cordless",
    "stainless",
    "heavy-duty",
    "foldable",
    "rechargeable",
    "waterproof",
    "ergonomic",
    "slim",
]
NOUNS = ["drill", "kettle", "lamp", "backpack", "headset", "grinder", "tripod", "blender", "heater", "keyboard"]


def write_product_graph(path: Path, triples: int, seed: int = 0) -> None:
    """Write about so many triples: type, name, description, brand, category, price, colour, two related products, weight."""
    rng = np.random.default_rng(seed)
    products = max(triples // 10, 1)
    brands, categories = max(products // 50, 1), max(products // 100, 1)
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, products, 10_000):
            n = min(10_000, products - start)
            brand = (rng.pareto(1.2, n) * 3).astype(int) % brands
            category, price = rng.integers(categories, size=n), rng.gamma(2, 20, n)
            related, words = rng.integers(products, size=(n, 2)), rng.integers(10, size=(n, 6))
            file.writelines(
                _product(start + i, brand[i], category[i], price[i], related[i], words[i]) for i in range(n)
            )


def _product(number: int, brand: int, category: int, price: float, related: np.ndarray, words: np.ndarray) -> str:
    s = f"<{SHOP}product/{number}>"
    name = f"{ADJECTIVES[words[0]]} {NOUNS[words[1]]} {number}"
    text = (
        f"A {ADJECTIVES[words[2]]} and {ADJECTIVES[words[3]]} {NOUNS[words[1]]} for home and workshop, model {number}"
    )
    return (
        f"{s} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{SCHEMA}Product> .\n"
        f'{s} <{SCHEMA}name> "{name}"@en .\n'
        f'{s} <{SCHEMA}description> "{text}"@en .\n'
        f"{s} <{SCHEMA}brand> <{SHOP}brand/{brand}> .\n"
        f"{s} <{SCHEMA}category> <{SHOP}category/{category}> .\n"
        f'{s} <{SCHEMA}price> "{price:.2f}"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n'
        f'{s} <{SCHEMA}color> "{ADJECTIVES[words[4]]}" .\n'
        f'{s} <{SCHEMA}weight> "{words[5] + 1}"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        f"{s} <{SCHEMA}isRelatedTo> <{SHOP}product/{related[0]}> .\n"
        f"{s} <{SCHEMA}isSimilarTo> <{SHOP}product/{related[1]}> .\n"
    )


def bare_oxigraph(path: Path) -> int:
    """Iterate over the triples and do nothing else."""
    import pyoxigraph as ox

    return sum(1 for _ in ox.parse(path=str(path)))


def plait(path: Path) -> int:
    """Read the file into a `KnowledgeGraph`."""
    from plait.loaders import read_rdf

    graph = read_rdf([path])
    return graph.n_triples + len(graph.literals) + int((graph.type_of >= 0).sum())


def rdflib(path: Path) -> int:
    """Read the file into an `rdflib.Graph`."""
    from rdflib import Graph

    return len(Graph().parse(path))


READERS = {reader.__name__: reader for reader in (bare_oxigraph, plait, rdflib)}
MEASURE = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from rdf import READERS
if sys.argv[1] == "plait":
    # What is imported is not what is measured: pyarrow imports pandas, where it is installed, at its first array.
    import numpy, plait.loaders, pyarrow
    pyarrow.array(numpy.zeros(1))
start = time.perf_counter()
count = READERS[sys.argv[1]](Path(sys.argv[2]))
seconds = time.perf_counter() - start
print(count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measured(reader: str, path: Path, rounds: int = ROUNDS) -> tuple[int, float, float]:
    """Triples found, seconds, and peak MiB: the best of some rounds, since other work only ever slows one down."""
    found = []
    for _ in range(rounds):
        command = [sys.executable, "-c", MEASURE, reader, str(path), str(Path(__file__).parent)]
        count, seconds, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        found.append((int(count), float(seconds), float(memory)))
    return min(found, key=lambda f: f[1])


def main() -> None:
    """Print the comparison."""
    triples = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        whole, tenth, packed = (Path(folder) / name for name in ("graph.nt", "tenth.nt", "graph.nt.gz"))
        write_product_graph(whole, triples)
        write_product_graph(tenth, triples // 10)
        with whole.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as file:
            shutil.copyfileobj(plain, file, 1 << 24)
        table = Table(title=f"{triples:,} N-Triples, {whole.stat().st_size >> 20} MiB")
        for column in ("", "seconds", "against Oxigraph", "peak MiB"):
            table.add_column(column, justify="left" if not column else "right")
        _, bare, memory = measured("bare_oxigraph", whole)
        table.add_row("Oxigraph's parser, iterated", f"{bare:.2f}", "1.00", f"{memory:.0f}")
        for name, path in (("plait, to KnowledgeGraph", whole), ("the same, from .nt.gz", packed)):
            _, seconds, memory = measured("plait", path)
            table.add_row(name, f"{seconds:.2f}", f"{seconds / bare:.2f}", f"{memory:.0f}")
        _, seconds, memory = measured("rdflib", tenth, rounds=1)
        table.add_row(
            "rdflib, a tenth times ten", f"{seconds * 10:.1f}", f"{seconds * 10 / bare:.1f}", f"{memory:.0f} (tenth)"
        )
        Console().print(table)


if __name__ == "__main__":
    main()
